"""Scenario kangbashi: exactly the stated figures, each bill within its share, musts judged by what the log holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import httpx
import pytest

from ledger.client import LedgerClient
from ledger.core.encoding import canonical, parse_json
from ledger.domain.entries import event_bytes, parse_submission
from ledger.scenarios.draw import Draw
from ledger.scenarios.drive import Answered, Driven
from ledger.scenarios.kangbashi import SEED, generate
from ledger.scenarios.kangbashi.plan import NAME, size_at, sources
from ledger.scenarios.kangbashi.year import ONE_SCORE_HAZARDS, ONE_SCORE_HOURS, SPARE_UNITS, Year
from ledger.scenarios.office import points_of, units_for
from ledger.scenarios.reading import Found, read_back
from ledger.scenarios.report import make_report
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.scribe import Scribe, Signed
from tests.unit.scenarios.memory import MemoryLedger
from tests.unit.scenarios.served import Server

SMALL = 0.01
SMALL_DIGEST = "d19b294b11765c43fbc509ad565aed31efdab3d8e23d58bb665913bdce4939ca"
"""SHA-256 of the small scenario, settlements included: a ledger in memory has no entries of a clock."""
BILL, MERIT, GRAB, UPGRADES = (must.says for must in sources().plan.must)


@cache
def small() -> Scenario:
    return generate(scale=SMALL)


@cache
def driven() -> tuple[MemoryLedger, dict[str, Answered]]:
    """The small scenario in a ledger in memory, every answer as meant."""
    (chronicle,) = small().chronicles
    ledger = MemoryLedger(chronicle)
    return ledger, ledger.drive(chronicle)


def events(scenario: Scenario, answers: dict[str, Answered]) -> Iterator[Signed]:
    (chronicle,) = scenario.chronicles
    return (signed for signed in chronicle.tell(answers) if isinstance(signed, Signed))


def digest_of(scenario: Scenario) -> str:
    lines = (canonical(parse_json(signed.data)) for signed in events(scenario, driven()[1]))
    return sha256(b"\n".join(lines)).hexdigest()


def found(client: LedgerClient, **changes: Any) -> Found:
    """The small scenario as read back, with what a test changes."""
    (chronicle,) = small().chronicles
    ledger = read_back(client, chronicle, small().watch(chronicle), driven()[1])
    return Found([ledger._replace(**changes)], client)


def musts(change: Callable[[Found], Found] = lambda same: same, server: Server | None = None) -> dict[str, bool | None]:
    """Each sentence and whether it holds after a change."""
    transport = httpx.MockTransport(server or Server(driven()[0].data))
    with LedgerClient("http://server", transport=transport) as client:
        return make_report(small(), change(found(client)), Driven(0, 0, 15)).musts


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest_of(generate(scale=SMALL)) == digest_of(small()) == SMALL_DIGEST


def test_another_seed_gives_other_people_and_the_root_keys_do_not_depend_on_the_scale() -> None:
    (mine,), (its,) = small().chronicles, generate(SEED + 1, SMALL).chronicles
    assert {root.key_id for root in mine.roots}.isdisjoint(root.key_id for root in its.roots)
    assert mine.roots == generate(scale=0.02).chronicles[0].roots


def test_the_ledger_takes_all_that_it_should_and_the_figures_come_out() -> None:
    ledger, answers = driven()
    server = Server(ledger.data)
    refused = [answered.code for answered in answers.values() if answered.code]
    assert Counter(refused) == {"bill_cap_exceeded": 3, "no_place_left": 12}
    with LedgerClient("http://server", transport=httpx.MockTransport(server)) as client:
        report = make_report(small(), found(client), Driven(0, 0, len(refused)))
    assert report.missed == []
    assert report.musts == {BILL: True, MERIT: True, GRAB: True, UPGRADES: None}
    centre = next(entry.event.body.issuer for entry in ledger.entries() if entry.event.body.kind == "points_awarded")
    assert ledger.spend_never_below_zero(centre)


def test_shops_are_settled_to_nothing_and_what_came_back_is_netted() -> None:
    ledger, _ = driven()
    bodies = [entry.event.body for entry in ledger.entries()]
    settlements: list[Any] = [body for body in bodies if body.kind == "merchant_settled"]
    balances: Counter[str] = Counter()
    for entry in ledger.entries():
        for posting in entry.effects.postings:
            balances[posting.account] += posting.delta
    assert {balances[f"{body.shop}/spend"] for body in settlements} == {0}
    netted = [body.netted_units for body in settlements if body.netted_units]
    assert len(netted) == small().lands["reversals"] == 2


def test_private_details_stand_in_no_event() -> None:
    plain = b"".join(event_bytes(parse_submission(signed.data).event) for signed in events(small(), driven()[1]))
    for text in ("一甲", "KB000001", "家庭聚餐", "井盖缺失"):
        assert text.encode() not in plain


def test_a_story_never_holds_many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    take = Scribe.take

    def taken(scribe: Scribe) -> list[Signed]:
        held.append(len(scribe.written))
        return take(scribe)

    monkeypatch.setattr(Scribe, "take", taken)
    answers = dict.fromkeys((f"till {n}" for n in range(12)), driven()[1]["exactly 0"])
    assert sum(1 for _ in events(generate(scale=0.1), answers)) == sum(held) > 20_000
    assert max(held) < 1_200


# The plan at full size -------------------------------------------------------------------------------------------


@cache
def full_year() -> Year:
    return Year(sources(), size_at(sources().plan, 1.0), Draw(NAME, str(SEED), "year"))


def test_at_full_size_the_bills_add_up_to_the_stated_figure_and_more() -> None:
    plan = sources().plan
    amounts = [bill.amount_units for month in range(1, 13) for bill in full_year().bills(month)]
    assert len(amounts) == plan.split.redemptions >= 100_000
    assert sum(amounts) == plan.split.redeemed_units > plan.stated.redeemed_over_units
    assert generate().lands["redeemed_units"] == plan.split.redeemed_units + 117_600 + 147_000 + 176_400
    assert generate().lands["residents"] == plan.stated.residents_with_merit == 23_399


def test_every_bill_takes_at_most_its_share_and_is_no_fen_larger_than_it_must_be() -> None:
    year = full_year()
    for month in range(1, 13):
        for bill in year.bills(month):
            share = year.shares[bill.shop % 3]
            assert units_for(share, bill.bill_fen - 1) < bill.amount_units <= units_for(share, bill.bill_fen)
            assert bill.amount_units % 100 == 0


def test_nobody_spends_points_that_did_not_come_in_before_and_nobody_earns_over_a_cap() -> None:
    year, rules = full_year(), {rule.id: rule for rule in sources().book.rules}
    held: Counter[int] = Counter()
    for month in range(1, 13):
        for rule, earned in (("survey", year.surveys(month)), ("quiz", year.quizzes(month))):
            for resident, quantity in earned:
                units = quantity * points_of(rules[rule])
                caps: Any = rules[rule].caps
                assert 0 < units <= caps.year_units
                held[resident] += units
        for bill in year.bills(month):
            held[bill.resident] -= bill.amount_units
            assert held[bill.resident] >= 0
    assert len(held) == year.size.residents
    assert held[0] >= SPARE_UNITS - 100_000, "the bills of the musts are paid from it"


def test_everybody_volunteers_and_one_has_exactly_the_stated_score() -> None:
    year, rules = full_year(), {rule.id: rule for rule in sources().book.rules}
    volunteers = [resident for month in range(1, 13) for people in year.volunteers(month) for resident, _ in people]
    assert sorted(volunteers) == list(range(1, year.size.residents))
    hours, hazards = points_of(rules["volunteering"]), points_of(rules["hazard_report"])
    one_score = sum(ONE_SCORE_HOURS) * hours + ONE_SCORE_HAZARDS * hazards
    assert one_score == sources().plan.stated.one_score_units == 21_120


# A sentence that does not hold is not passed over ----------------------------------------------------------------


def answered(mark: str, **changes: Any) -> Callable[[Found], Found]:
    """The answer to a marked event is another one."""

    def change(found: Found) -> Found:
        answers = {**found.only.answers, mark: found.only.answers[mark]._replace(**changes)}
        return found._replace(ledgers=[found.only._replace(answers=answers)])

    return change


def watched(field: str, change: Callable[[dict[str, list[str]]], None]) -> Callable[[Found], Found]:
    """The log says something else about tasks."""

    def changed(found: Found) -> Found:
        change(getattr(found.only.watcher, field))
        return found

    return changed


def swap(claims: dict[str, list[str]]) -> None:
    task = next(iter(claims))
    claims[task] = ["somebody else"]


def both(claims: dict[str, list[str]]) -> None:
    task = next(iter(claims))
    claims[task].append("the second department")


CHANGES: dict[str, tuple[str, Callable[[Found], Found]]] = {
    "a fen too many was refused for another reason": (BILL, answered("over 1", code="insufficient_balance")),
    "a fen too many was not tried": (BILL, lambda found: answered("over 2", signed=exact(found))(found)),
    "another bill was taken": (BILL, lambda found: answered("exactly 0", seq=seq_of(found, "exactly 2"))(found)),
    "the second department had the place": (GRAB, watched("claimed", swap)),
    "both departments had a place": (GRAB, watched("claimed", both)),
    "another department was awarded": (GRAB, watched("awarded", swap)),
    "the first department was refused": (GRAB, answered("grab 3 first", seq=-1, code="no_place_left")),
    "the second department was not refused": (GRAB, answered("grab 3 second", code="")),
    "one department grabbed twice": (GRAB, lambda found: answered("grab 0 second", signed=first(found))(found)),
}


def exact(found: Found) -> Signed:
    return found.only.answers["exactly 2"].signed


def first(found: Found) -> Signed:
    return found.only.answers["grab 0 first"].signed


def seq_of(found: Found, mark: str) -> int:
    return found.only.answers[mark].seq


@pytest.mark.parametrize("name", CHANGES)
def test_a_must_that_does_not_hold_is_told(name: str) -> None:
    says, change = CHANGES[name]
    told = musts(change)
    assert told[says] is False
    assert [other for other, holds in told.items() if holds is False] == [says]


def test_a_score_that_is_off_by_a_hundredth_is_told() -> None:
    party = next(
        parse_submission(signed.data).event.body.party
        for signed in events(small(), driven()[1])
        if signed.phase == "residents"
    )

    def off(balances: dict[str, int]) -> None:
        balances[f"{party}/merit"] -= 1

    assert musts(server=Server(driven()[0].data, off))[MERIT] is False
