"""A correction is a new event: what a reversal takes back, gives back and leaves alone, and what may be named."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.append import Appended
from ledger.domain.entries import parse_entry
from ledger.domain.events import pairs
from ledger.domain.facts import Mark, Tally
from ledger.domain.roles import Requirement
from tests.helpers.village import BOOK, TODAY, Village, person, rule_ref
from tests.helpers.village_rules import RULES

TASK = "00000000-0000-4000-8000-"


@pytest.fixture
def village() -> Village:
    return Village.founded()


def fact(village: Village, key: str) -> Any:
    return village.facts[key]


def tally(village: Village, period: str, rule_id: str = "capped") -> int | None:
    found = village.facts.get(f"tally:cap/points/{rule_id}/{person('zhang').party}/{period}")
    return found.units if isinstance(found, Tally) else None


def test_a_reversal_takes_back_all_that_is_left_and_the_issuer_bears_the_rest(village: Village) -> None:
    award = village.must(village.award("zhang", "volunteer", 2))
    village.must(village.redeem("zhang", 300))
    done = village.must(village.reverse(award))
    zhang, coop = person("zhang").party, person("coop").party
    moved = dict(pairs(parse_entry(done.data).effects.postings))
    assert moved == {f"{zhang}/merit": -400, f"{zhang}/spend": -100, f"{coop}/merit": 400, f"{coop}/spend": 100}
    assert (village.balance("zhang"), village.balance("coop"), village.balance("shop")) == (0, -300, 300)


def test_a_reversal_of_everything_spent_moves_no_spend_at_all(village: Village) -> None:
    award = village.must(village.carry("zhang", 300))
    village.must(village.redeem("zhang", 300))
    done = village.must(village.reverse(award))
    assert parse_entry(done.data).effects.postings == []
    assert village.refusal(village.reverse(award)).code == "reversed_before"


def test_a_reversed_redemption_repays_the_holder_in_full_whatever_the_shop_has_left(village: Village) -> None:
    village.must(village.carry("zhang", 300))
    sold = village.must(village.redeem("zhang", 300))
    village.must(village.reverse(sold))
    assert [village.balance(name) for name in ("zhang", "shop", "coop")] == [300, 0, -300]


def test_merit_may_fall_below_zero(village: Village) -> None:
    carried = village.must(village.carry("zhang", 50, "merit"))
    village.must(village.reverse(carried))
    assert village.balance("zhang", "merit") == 0


def test_a_reversal_names_the_issuer_that_made_the_entry(village: Village) -> None:
    village.must(village.party("register", "rival", type="organisation"))
    award = village.must(village.award("zhang", "volunteer"))
    error = village.refusal(village.reverse(award, body={"issuer": person("rival").party}))
    assert (error.code, error.field) == ("wrong_target", "body.issuer")


def test_one_person_does_not_reverse_alone_nor_outside_the_issuers_scope(village: Village) -> None:
    award = village.must(village.award("zhang", "volunteer"))
    assert village.refusal(village.reverse(award, signers=("issuer",))).code == "not_enough_signers"
    village.must(village.role("small", "issuer", scope=person("shop").party))
    assert village.refusal(village.reverse(award, signers=("small", "oversight"))).code == "not_authorised"


def test_a_mistaken_award_is_reversed_and_replaced_within_the_same_caps(village: Village) -> None:
    award = village.must(village.award("zhang", "capped", 2))
    village.must(village.reverse(award, give_back=True))
    assert [tally(village, period) for period in (TODAY, TODAY[:7], TODAY[:4])] == [0, 0, 0]
    village.must(village.award("zhang", "capped", 2))


def test_what_was_spent_already_stays_counted_in_the_caps(village: Village) -> None:
    award = village.must(village.award("zhang", "capped", 2))
    village.must(village.redeem("zhang", 300))
    village.must(village.reverse(award, give_back=True))
    assert tally(village, TODAY) == 300
    assert village.refusal(village.award("zhang", "capped")).code == "cap_exceeded"


def test_a_reversed_award_frees_its_place_in_the_task(village: Village) -> None:
    task = village.must(village.task(budget_units=200)).event_id
    wrong = village.must(village.award("zhang", "volunteer", body={"task": task}))
    village.must(village.reverse(wrong, give_back=True))
    assert fact(village, f"mark:taken/{task}/{person('zhang').party}") == Mark()
    village.must(village.award("zhang", "volunteer", body={"task": task}))
    assert village.refusal(village.award("li", "volunteer", body={"task": task})).code == "no_place_left"


def test_a_reversal_must_name_the_act_that_its_target_counted(village: Village) -> None:
    task = village.must(village.task()).event_id
    award = village.must(village.award("zhang", "volunteer", body={"task": task}))
    error = village.refusal(village.reverse(award, give_back=False))
    assert (error.code, error.field) == ("wrong_target", "body.act")


def test_a_reversal_cannot_give_back_what_another_act_counted(village: Village) -> None:
    village.must(village.award("zhang", "capped", 2))
    award = village.must(village.award("zhang", "volunteer"))
    act = {"occurred_on": TODAY, "rule": rule_ref("capped")}
    error = village.refusal(village.reverse(award, body={"act": act}))
    assert (error.code, error.field) == ("wrong_target", "body.act")


def test_nothing_refers_to_an_entry_that_comes_later(village: Village) -> None:
    award = village.award("zhang", "volunteer")
    award_id = f"{TASK}{village.count:012x}"
    early = village.reverse(award_id, body={"undo": [{"account": person("zhang").party + "/spend", "delta": -200}] * 2})
    caused = village.award("zhang", "volunteer", causes=[award_id])
    codes = [getattr(one, "code", "ok") for one in village.submit(early, caused, award)]
    assert codes == ["unknown_entry", "unknown_entry", "ok"]
    own = village.award("zhang", "volunteer", causes=[f"{TASK}{village.count + 1:012x}"])
    assert village.refusal(own).code == "unknown_entry"


def test_an_entry_of_the_same_group_can_be_named(village: Village) -> None:
    award = village.award("zhang", "volunteer")
    after = village.award("zhang", "volunteer", causes=[f"{TASK}{village.count:012x}"])
    assert all(isinstance(one, Appended) for one in village.submit(award, after))


@pytest.mark.parametrize("make_target", [lambda v: v.commit(), lambda v: v.must(v.role("x", "clerk"))])
def test_roles_and_commitments_are_never_reversed(village: Village, make_target: Any) -> None:
    assert village.refusal(village.reverse(make_target(village))).code == "not_reversible"


@pytest.mark.parametrize(
    ("postings", "fine"),
    [
        ([("coop/spend", 100), ("zhang/spend", -100)], True),
        ([("coop/spend", 40), ("zhang/spend", -40)], True),
        ([], True),
        ([("coop/spend", 101), ("zhang/spend", -101)], False),
        ([("coop/spend", -5), ("zhang/spend", 5)], False),
        ([("coop/spend", 100), ("zhang/spend", -99)], False),
        ([("coop/spend", 5), ("li/spend", -5)], False),
        ([("coop/spend", 50), ("zhang/spend", -50), ("zhang/spend", -50), ("coop/spend", 50)], False),
        ([("coop/spend", 100), ("zhang/merit", 0), ("zhang/spend", -100)], False),
    ],
)
def test_the_postings_of_a_reversal_stay_within_what_its_body_says(
    village: Village, postings: list[tuple[str, int]], fine: bool
) -> None:
    done = village.must(village.reverse(village.must(village.carry("zhang", 100))))
    body = parse_entry(done.data).event.body
    named = [(f"{person(a.split('/')[0]).party}/{a.split('/')[1]}", delta) for a, delta in postings]
    assert body.check_postings(named) is fine


def test_nothing_is_taken_back_before_it_happened(village: Village) -> None:
    award = village.must(village.award("zhang", "volunteer", day="2021-11-02"))
    error = village.refusal(village.reverse(award, day="2021-11-01"))
    assert (error.code, error.field, error.expected) == ("wrong_order", "occurred_on", "2021-11-02 or later")
    village.must(village.reverse(award, day="2021-11-02"))


def test_a_requirement_is_plain_data() -> None:
    assert Requirement(("clerk",)) == Requirement(("clerk",), 1, "*", None, 8)


def test_an_award_of_an_earlier_version_is_given_back_though_that_version_allowed_less(village: Village) -> None:
    """Versions share a cap's tally, which a later and larger cap may have filled beyond the earlier one."""
    first = village.must(village.award("zhang", "capped", 2, day="2021-11-01"))
    larger = [{**RULES["capped"], "caps": {"month_units": 5000}}]
    village.must(village.adopt({**BOOK, "version": 2, "rules": larger}, "2021-11-15", day="2021-11-10"))
    village.must(village.award("zhang", "capped", 10, version=2))
    assert tally(village, "2021-11") == 2400
    village.must(village.reverse(first, give_back=True))
    assert tally(village, "2021-11") == 2000
