"""One group, one plan: events see the earlier ones, a refusal harms nobody, an id answers the same for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.core.encoding import canonical
from ledger.domain.append import EMPTY, Appended, Candidate, Planner, Replayed
from ledger.domain.entries import event_bytes, parse_entry, parse_submission
from ledger.domain.fields import DAY_MS
from ledger.domain.judge import needs
from ledger.errors import ConflictError, FormatError
from tests.helpers.village import NOON_MS, TODAY, Village, person, sign


@pytest.fixture
def village() -> Village:
    return Village.founded()


def test_a_refused_event_harms_nobody_in_its_group(village: Village) -> None:
    group = [village.award("zhang", "volunteer"), village.redeem("zhang", 300), village.redeem("zhang", 200)]
    outcomes = village.submit(*group)
    assert [type(one).__name__ for one in outcomes] == ["Appended", "RefusalError", "Appended"]
    assert [one.seq for one in outcomes if isinstance(one, Appended)] == [village.head.size - 2, village.head.size - 1]


def test_the_same_event_answers_the_same_for_ever(village: Village) -> None:
    data = village.award("zhang", "volunteer")
    first = village.must(data)
    village.tomorrow()
    again = village.submit(data)[0]
    assert again == Replayed(first.seq, first.leaf, first.at_ms)
    assert village.balance("zhang") == 200


def test_the_same_event_twice_in_a_group_is_appended_once(village: Village) -> None:
    data = village.award("zhang", "volunteer")
    first, again = village.submit(data, data)
    assert isinstance(first, Appended)
    assert again == Replayed(first.seq, first.leaf, first.at_ms)


def test_sameness_is_of_the_event_not_of_its_signatures(village: Village) -> None:
    event = village.event(
        "party_changed", "clerk", {"action": "register", "party": person("wang").party, "type": "resident"}
    )
    village.must(village.role("third", "clerk"))
    first = village.must(sign(event, "clerk", "clerk two"))
    assert village.submit(sign(event, "clerk", "third"))[0] == Replayed(first.seq, first.leaf, first.at_ms)


def test_another_event_under_an_id_conflicts(village: Village) -> None:
    data = json.loads(village.award("zhang", "volunteer"))
    village.must(canonical(data))
    data["event"]["body"]["quantity"] = 2
    error = village.refusal(canonical(data))
    assert isinstance(error, ConflictError)
    assert error.code == "id_conflict"


def test_a_refused_id_may_be_used_again(village: Village) -> None:
    data = village.redeem("zhang", 100)
    assert village.refusal(data).code == "insufficient_balance"
    village.must(village.award("zhang", "volunteer"))
    village.must(data)


def test_the_clock_of_the_ledger_never_goes_back(village: Village) -> None:
    village.tomorrow()
    village.must(village.award("zhang", "volunteer"))
    village.now_ms = NOON_MS - DAY_MS
    late = village.must(village.award("zhang", "volunteer"))
    assert late.at_ms == NOON_MS + DAY_MS
    assert parse_entry(late.data).chain.at == late.at_ms


def test_each_entry_names_the_one_before_that_concerned_the_same_party(village: Village) -> None:
    first = village.must(village.award("zhang", "volunteer"))
    village.must(village.award("li", "volunteer"))
    third = village.must(village.award("zhang", "volunteer"))
    assert dict(zip(third.parties, third.previous, strict=True))[person("zhang").party] == first.seq
    new = village.must(village.party("register", "wang", type="resident"))
    assert new.previous == [-1]


def test_entry_0_brings_its_own_units_and_authority() -> None:
    village = Village()
    village.must(village.found(units=["spend"]))
    ledger: Any = village.facts[f"account:{person('ledger').party}"]
    assert (ledger.balances, ledger.count, ledger.last) == ({"spend": 0}, 1, 0)


def test_a_plan_lists_what_was_appended_in_order(village: Village) -> None:
    read = parse_submission(Village().found())
    candidate = Candidate(read.event, event_bytes(read.event), read.signatures, False)
    named = needs(read.event, [signature.key for signature in read.signatures], TODAY)
    plan = Planner(EMPTY, dict.fromkeys(named), {}, now_ms=NOON_MS).plan([candidate, candidate])
    assert [one.seq for one in plan.appended] == [0]
    assert plan.head.size == 1


def test_an_event_may_follow_entry_0_in_its_own_group() -> None:
    village = Village()
    outcomes = village.submit(village.found(), village.role("clerk", "clerk"))
    assert all(isinstance(one, Appended) for one in outcomes)


def test_the_root_of_the_map_is_given_for_one_commitment_alone(village: Village) -> None:
    event = parse_submission(village.award("zhang", "volunteer"))
    candidate = Candidate(event.event, event_bytes(event.event), event.signatures, True)
    with pytest.raises(AssertionError):
        Planner(EMPTY, {}, {}, now_ms=0).plan([candidate, candidate], map_root=village.map_root())  # type: ignore[arg-type]


@pytest.mark.parametrize("signatures", [b"", b"\x00" * 64, b"\xff" * 64])
def test_signatures_that_do_not_hold_are_refused(village: Village, signatures: bytes) -> None:
    data = json.loads(village.award("zhang", "volunteer"))
    data["signatures"][0]["sig"] = signatures.hex()[:86].ljust(86, "A")[:85] + "A"
    assert village.refusal(canonical(data)).code == "bad_signature"


def test_an_entry_too_large_to_write_is_refused(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.domain.entries.ENTRY_MAX_BYTES", 500)
    error = village.refusal(village.award("zhang", "volunteer"))
    assert isinstance(error, FormatError)
    assert (error.code, error.field) == ("too_large", "entry")
