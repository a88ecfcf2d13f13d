"""Changyang in memory: the stated figures to the point, nothing refused by accident, and sentences that can fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple, cast

import pytest

from ledger.client import LedgerClient
from ledger.core import disclosure
from ledger.core.encoding import canonical, parse_json
from ledger.domain.entries import Submission, event_bytes, parse_submission
from ledger.domain.kinds.corrections import EntryReversed
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.domain.kinds.workflow import ClaimDeclared
from ledger.scenarios.changyang import SEED, generate
from ledger.scenarios.changyang.checks import watch_of
from ledger.scenarios.changyang.deeds import plan_year
from ledger.scenarios.changyang.plan import NAME, Plan, Size, sizes_at, sources
from ledger.scenarios.changyang.stage import ATTEMPTS
from ledger.scenarios.changyang.village import Village, found_village
from ledger.scenarios.draw import Draw
from ledger.scenarios.drive import Answered
from ledger.scenarios.office import points_of
from ledger.scenarios.reading import Found, ReadBack, Reader
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.scribe import Signed
from tests.unit.scenarios.memory import MemoryLedger

TWO = 0.03
TWO_DIGEST = "11503db911cd82badfc215f41b75f506dc69ac26f99fd330997c574d88a4eca3"
"""SHA-256 of two villages: every event, signature and disclosure but the settlements, which name places in the log."""
MUSTS = {
    "68 ledgers anchored in one batch": True,
    "the declarer never reviews the own claim": True,
    "an old act is judged by the old rule": True,
    "the exchange leaves merit unchanged": True,
    "ten stars make a pacesetter": True,
    "an appealed deduction is reversed": None,
}


@cache
def plan() -> Plan:
    return sources().plan


@cache
def full() -> list[Size]:
    return sizes_at(plan(), SEED, 1.0)


@cache
def villages() -> list[Village]:
    return [found_village(sources(), size, SEED) for size in sizes_at(plan(), SEED, TWO)]


def story(seed: int = SEED) -> Iterator[Signed]:
    """What two villages send, as if everything had the place 7 in the log."""
    sent = Signed("", "", "", b"")
    answers = {"last sale": Answered(sent, 7, False)}
    for chronicle in generate(seed, TWO).chronicles:
        yield from (signed for signed in chronicle.tell(answers) if isinstance(signed, Signed))


@cache
def told() -> list[Signed]:
    return list(story())


@cache
def accepted() -> list[Submission]:
    return [parse_submission(signed.data) for signed in told() if signed.refused is None]


def digest_of(events: Iterator[Signed] | list[Signed]) -> str:
    found = (canonical(parse_json(signed.data)) for signed in events if signed.kind != "merchant_settled")
    return sha256(b"\n".join(found)).hexdigest()


# The figures ------------------------------------------------------------------------------------------------------


def test_the_villages_at_full_size_add_up_to_the_stated_points() -> None:
    split = Counter(size.net_units // 100 for size in full())
    assert split == {923: 4, 922: 64}
    assert split == {int(points): number for points, number in plan().split.net_points_per_village.items()}
    assert len(full()) == plan().stated.villages == 68
    assert sum(size.net_units for size in full()) == plan().stated.net_units == 6_270_000


def test_one_village_has_twenty_three_helpers_and_no_other_has_as_many() -> None:
    helpers = sorted(size.helpers for size in full())
    assert helpers[-1] == plan().stated.helpers_in_one_village == 23
    assert 1 <= helpers[0] <= helpers[-2] <= 2


@pytest.mark.parametrize("seed", [0, 1, SEED])
def test_every_village_is_planned_to_the_point_whatever_the_seed(seed: int) -> None:
    found = sources()
    rules = [{rule.id: rule for rule in book.rules} for book in found.books]
    for size in sizes_at(found.plan, seed, 1.0):
        year = plan_year(found, found_village(found, size, seed), size, Draw(NAME, str(seed), "year", str(size.number)))
        after = rules[1 if size.votes_again else 0]
        net = sum(points_of(rules[0][deed.rule]) * deed.quantity for deed in (*year.spring, *year.late))
        net += sum(points_of(after[deed.rule]) * deed.quantity for deed in year.autumn)
        net -= sum(points_of(after[fine.rule]) for fine in year.fines if not fine.appealed)
        assert net == size.net_units, size
        assert bool(year.late) == size.votes_again


def test_both_versions_of_the_book_hold_the_stated_rules_and_differ_in_two_of_ours() -> None:
    first, second = ({rule.id: rule for rule in book.rules} for book in sources().books)
    for rule_id, units in plan().stated.rules_units.items():
        for rule in (first[rule_id], second[rule_id]):
            assert points_of(rule) == abs(units)
            assert rule.type == ("award" if units > 0 else "deduct")
    assert first.keys() == second.keys()
    assert {rule_id for rule_id in first if first[rule_id] != second[rule_id]} == {"tidy_home", "messy_bonsai"}


def test_rules_are_for_persons_and_for_households() -> None:
    rules = sources().books[0].rules
    for kind in ("award", "redeem"):
        assert {rule.target for rule in rules if rule.type == kind} == {"person", "household"}
    earning = [rule for rule in rules if rule.type == "award"]
    assert all(rule.units == ["merit", "spend"] for rule in earning), "merit is compared with what was spent"
    assert [rule.category for rule in rules if rule.type == "honour"].count("star") == 10


def test_the_villages_have_names_of_their_own() -> None:
    names = [plan().names.of_village(size.number).village_zh for size in full()]
    assert len(set(names)) == 68


# The story --------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest_of(story()) == digest_of(told()) == TWO_DIGEST


def test_another_seed_gives_other_ids_and_parties() -> None:
    other = list(story(SEED + 1))
    assert not {signed.id for signed in told()} & {signed.id for signed in other}
    mine = {party for village in villages() for party in parties(village)}
    assert not mine & {
        party for village in [found_village(sources(), full()[0], SEED + 1)] for party in parties(village)
    }


def parties(village: Village) -> set[str]:
    return {resident.actor.party for resident in village.residents}


def test_villages_share_the_township_and_nobody_else() -> None:
    first, second = villages()
    assert first.officers["township"] == second.officers["township"]
    assert not parties(first) & parties(second)
    assert first.officers["clerk"] != second.officers["clerk"]


def test_no_private_detail_stands_in_an_event() -> None:
    plain = b"".join(event_bytes(parse_submission(signed.data).event) for signed in told())
    for village in villages():
        for text in (village.names.village_zh, village.residents[0].number, *village.names.places):
            assert text.encode() not in plain


def test_every_award_has_a_declaration_and_the_details_that_were_declared() -> None:
    declared: dict[str, dict[str, object]] = {}
    awards = 0
    for submission in accepted():
        event = submission.event
        if isinstance(event.body, ClaimDeclared):
            declared[event.id] = details_of(submission)
        elif isinstance(event.body, PointsAwarded):
            awards += 1
            assert isinstance(event.body.claim, str)
            assert details_of(submission) == declared[event.body.claim]
            assert declared[event.body.claim].keys() == {"matter", "photo", "place", "time"}
    assert awards > 80
    assert len(declared) > awards, "some were returned and declared anew"


def details_of(submission: Submission) -> dict[str, object]:
    return {found.name: found.value for found in map(disclosure.parse, submission.disclosures or ())}


def test_helpers_declare_for_the_old_and_everybody_else_alone() -> None:
    village = villages()[0]
    helped: dict[str, str] = {helper.post.actor.key_id: helper.elder.actor.party for helper in village.helpers}
    own: dict[str, str] = {one.actor.key_id: one.actor.party for one in village.householders}
    own |= {home.actor.key_id: home.actor.party for home in village.households}
    seen = set()
    origin = generate(scale=TWO).chronicles[0].origin
    for submission in accepted():
        body = submission.event.body
        if isinstance(body, ClaimDeclared) and submission.event.ledger == origin:
            (signature,) = submission.signatures
            assert {**helped, **own}[signature.key] == body.subject
            seen.add(signature.key)
    assert helped.keys() <= seen
    assert len(helped) == 23


def test_a_deduction_was_told_before_and_one_was_taken_back_on_appeal() -> None:
    fines = {s.event.id: s.event for s in accepted() if isinstance(s.event.body, PointsDeducted)}
    back = [s.event for s in accepted() if isinstance(s.event.body, EntryReversed)]
    assert len(fines) > len(back) == 1
    assert cast("EntryReversed", back[0].body).reason == "appeal"
    assert back[0].reverses in fines
    for event in fines.values():
        assert event.occurred_on < cast("PointsDeducted", event.body).noticed_on


# In a ledger ------------------------------------------------------------------------------------------------------


class Stub:
    """Answers what a server would about ledgers in memory."""

    def __init__(self, anchored: int, batches: int) -> None:
        self.held: dict[str, dict[str, Counter[str]]] = {}
        self._anchored = anchored
        self._batches = batches

    def account(self, ledger: str, party: str, *, limit: int) -> dict[str, Any]:
        return {"balances": self.held[ledger][party]}

    def anchors(self, ledger: str) -> list[dict[str, Any]]:
        place = list(self.held).index(ledger)
        state = "final" if place < self._anchored else "sent"
        return [{"chain_id": 1, "contract": "0x", "batch": place % max(1, self._batches), "state": state}]


class Told(NamedTuple):
    """A scenario in memory, as if it had been read back."""

    scenario: Scenario
    found: Found


def read(*, chain: bool = True, anchored: int = 2, batches: int = 1) -> Told:
    """Two villages, driven in memory and read back. Nothing of it is shared between tests, as they spoil it."""
    scenario = generate(scale=TWO)
    stub, ledgers = Stub(anchored, batches), []
    for chronicle in scenario.chronicles:
        memory, reader, watcher = driven()[chronicle.name], Reader(), scenario.watch(chronicle)
        held = stub.held[chronicle.name] = {}
        for entry in memory.ledger.entries():
            reader.see(entry)
            watcher.see(entry)
            for posting in entry.effects.postings:
                held.setdefault(posting.account[:28], Counter())[posting.account[29:]] += posting.delta
        answers = dict(memory.answers)
        ledgers.append(ReadBack(chronicle, reader.figures(), reader.balances, watcher, answers, True))
    return Told(scenario, Found(ledgers, cast("LedgerClient", stub), chain))


class Driven(NamedTuple):
    ledger: MemoryLedger
    answers: Mapping[str, Answered]


@cache
def driven() -> dict[str, Driven]:
    found = {}
    for chronicle in generate(scale=TWO).chronicles:
        ledger = MemoryLedger(chronicle)
        found[chronicle.name] = Driven(ledger, ledger.drive(chronicle))
    return found


def musts(told: Told) -> dict[str, bool | None]:
    return {must.says: None if must.holds is None else must.holds(told.found) for must in told.scenario.musts}


def test_two_villages_land_on_their_figures_and_keep_every_sentence() -> None:
    told = read()
    figures = {name: told.found.total(name) for name in ("net_units", "residents", "households", "activities")}
    figures |= told.scenario.further(told.found)
    lands = {**told.scenario.lands}
    assert lands.pop("ledgers") == 2
    assert (lands.pop("groups"), lands.pop("participations")) == (
        told.found.total("groups"),
        told.found.total("participations"),
    )
    assert lands == {name: figures[name] for name in lands}
    assert musts(told) == MUSTS
    assert figures["declarations"] == figures["reviews"] + 2 > 100, "one in each of the two was left open"


def test_every_attempt_is_made_in_the_first_village_and_refused_as_meant() -> None:
    answers = driven()[generate(scale=TWO).chronicles[0].name].answers
    refused = {mark: answer.code for mark, answer in answers.items() if answer.code}
    assert len(refused) == len(ATTEMPTS) + 1
    assert refused == {
        "own act reviewed": "own_case",
        "own declaration reviewed": "own_claim",
        "awarded without review": "claim_not_approved",
        "pacesetter with nine stars": "honours_missing",
        "no time to appeal": "bad_days",
        "benefit granted by another": "not_authorised",
        "old act by the new rule": "rule_not_in_force",
    }


def test_no_balance_of_anybody_falls_below_zero() -> None:
    for chronicle, village in zip(generate(scale=TWO).chronicles, villages(), strict=True):
        assert driven()[chronicle.name].ledger.spend_never_below_zero(village.committee.party)


ANCHORS = {
    "all in one batch": ({"anchored": 2}, True),
    "one ledger left out": ({"anchored": 1}, False),
    "two batches": ({"anchored": 2, "batches": 2}, False),
    "none, though a chain was asked for": ({"anchored": 0}, False),
    "none, as no chain was asked for": ({"anchored": 0, "chain": False}, None),
    "somebody else anchored them": ({"anchored": 2, "chain": False}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", ANCHORS)
def test_anchors_are_judged_where_there_are_any_or_a_chain_was_asked_for(name: str) -> None:
    options, expected = ANCHORS[name]
    assert musts(read(**cast("dict[str, Any]", options)))["68 ledgers anchored in one batch"] is expected


def _answer(mark: str, code: str) -> Callable[[Found], None]:
    def spoil(found: Found) -> None:
        ledger = found.ledgers[0]
        answers = cast("dict[str, Answered]", ledger.answers)
        answers[mark] = answers[mark]._replace(code=code)

    return spoil


def _watch(field: str, value: object) -> Callable[[Found], None]:
    return lambda found: setattr(watch_of(found.ledgers[1 if field != "old_acts" else 0]), field, value)


def _spend_merit(found: Found) -> None:
    sales = watch_of(found.ledgers[1]).sales
    seq, sale = next(iter(sales.items()))
    sales[seq] = sale._replace(after=sale.after - Counter(merit=100))


def _other_account(found: Found) -> None:
    for held in cast("Any", found.client).held.values():
        for balances in held.values():
            balances["merit"] += 1


SPOILT: dict[str, tuple[Callable[[Found], None], str]] = {
    "an own review": (_watch("own_reviews", 1), "the declarer never reviews the own claim"),
    "an award without review": (_watch("unreviewed", 1), "the declarer never reviews the own claim"),
    "no review at all": (_watch("reviews", 0), "the declarer never reviews the own claim"),
    "an own review accepted": (_answer("own act reviewed", ""), "the declarer never reviews the own claim"),
    "another's review refused": (_answer("own declaration reviewed", "x"), "the declarer never reviews the own claim"),
    "an old act by the new rule": (_answer("old act by the new rule", ""), "an old act is judged by the old rule"),
    "no old act": (_watch("old_acts", set()), "an old act is judged by the old rule"),
    "merit spent": (_spend_merit, "the exchange leaves merit unchanged"),
    "another account": (_other_account, "the exchange leaves merit unchanged"),
    "nine stars are enough": (_answer("pacesetter with nine stars", ""), "ten stars make a pacesetter"),
    "no pacesetter": (_watch("pacesetters", {}), "ten stars make a pacesetter"),
    "a pacesetter of nine": (_watch("pacesetters", {"p": 9}), "ten stars make a pacesetter"),
    "no benefit": (_watch("granted", set()), "ten stars make a pacesetter"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_sentence_does_not_hold_where_it_is_broken(name: str) -> None:
    spoil, sentence = SPOILT[name]
    told = read()
    spoil(told.found)
    assert musts(told) == {**MUSTS, sentence: False}
