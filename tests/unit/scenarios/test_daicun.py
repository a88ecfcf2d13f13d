"""Composed daicun: the first day adds up exactly, cards are scanned and end as told, and the musts can fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from msgspec import UNSET

from ledger.client import LedgerClient
from ledger.core.encoding import canonical, parse_json
from ledger.domain.entries import Entry, Submission, event_bytes, parse_submission
from ledger.domain.events import Device
from ledger.domain.kinds.civic import CivicPosted
from ledger.domain.kinds.credentials import CredentialChanged
from ledger.domain.kinds.points import PointsAwarded
from ledger.domain.kinds.workflow import ClaimDeclared, ClaimReviewed
from ledger.errors import StateError
from ledger.scenarios.daicun import SEED, Composed, compose, scenario_of
from ledger.scenarios.daicun.attempts import AGAIN, ENDED, NUMBER_TAKEN
from ledger.scenarios.daicun.checks import Watch, ended_cards_are_refused, further, scans_count_once
from ledger.scenarios.daicun.day import BY_MINUTE, MINUTES, earned, plan_day
from ledger.scenarios.daicun.plan import sources
from ledger.scenarios.daicun.scanning import SHANGHAI
from ledger.scenarios.draw import Draw
from ledger.scenarios.reading import Found, ReadBack, Reader
from ledger.scenarios.scenario import Answers, Scenario, Told
from ledger.scenarios.scribe import Scribe, Signed
from tests.unit.scenarios.memory import MemoryLedger

SMALL = 0.02
SMALL_DIGEST = "c3b907c092d376747f845e31764a3f6871fd80b902de0c856e66153a414d189f"
"""SHA-256 of both small villages: every event, signature and disclosure. It moves with the story, never the machine."""
REFUSALS = [
    "captured_before",
    "own_case",
    "not_authorised",
    "not_authorised",
    "not_authorised",
    "card_cap_exceeded",
    "online_only",
]


class Driven(NamedTuple):
    """A village as a ledger in memory took it."""

    made: Composed
    sent: list[Signed]
    ledger: MemoryLedger
    answers: Answers
    entries: list[Entry]

    @property
    def accepted(self) -> list[Submission]:
        """What the ledger took, each once."""
        return [parse_submission(one.data) for one in self.sent if one.refused is None and not one.again]


def drive(made: Composed) -> Driven:
    sent: list[Signed] = []

    def tell(answers: Answers) -> Told:
        for signed in made.tell(answers):
            if isinstance(signed, Signed):
                sent.append(signed)
            yield signed

    chronicle = scenario([made]).chronicles[0]._replace(tell=tell)
    ledger = MemoryLedger(chronicle)
    answers = ledger.drive(chronicle)
    return Driven(made, sent, ledger, answers, list(ledger.entries()))


def scenario(villages: list[Composed]) -> Scenario:
    return scenario_of(villages, SEED, SMALL)


@cache
def small() -> list[Driven]:
    return [drive(made) for made in compose(scale=SMALL)]


@cache
def full() -> list[Composed]:
    return compose()


def read_back(one: Driven) -> ReadBack:
    reader, watch = Reader(), Watch()
    for entry in one.entries:
        reader.see(entry)
        watch.see(entry)
    (chronicle,) = scenario([one.made]).chronicles
    return ReadBack(chronicle, reader.figures(), reader.balances, watch, one.answers, True)


def found(*ledgers: ReadBack) -> Found:
    return Found(list(ledgers), LedgerClient("http://nowhere"))


def digest_of(villages: list[Driven]) -> str:
    lines = (canonical(parse_json(signed.data)) for one in villages for signed in one.sent)
    return sha256(b"\n".join(lines)).hexdigest()


def awards(one: Driven) -> Iterator[tuple[Submission, PointsAwarded]]:
    for submission in one.accepted:
        if isinstance(submission.event.body, PointsAwarded):
            yield submission, submission.event.body


def test_the_same_seed_gives_the_same_bytes_in_every_drive() -> None:
    assert digest_of([drive(made) for made in compose(scale=SMALL)]) == digest_of(small()) == SMALL_DIGEST


def test_another_seed_gives_other_parties_and_ids() -> None:
    other = [drive(made) for made in compose(SEED + 1, SMALL)]
    for mine, its in zip(small(), other, strict=True):
        assert not {signed.id for signed in mine.sent} & {signed.id for signed in its.sent}
        assert not set(people(mine.made)) & set(people(its.made))


def people(made: Composed) -> list[str]:
    return [resident.actor.party for resident in made.village.residents]


def test_the_villages_share_the_township_and_nothing_else() -> None:
    one, other = (driven.made for driven in small())
    assert one.village.officers["township"] == other.village.officers["township"]
    assert not set(people(one)) & set(people(other))
    assert one.village.officers["clerk"] != other.village.officers["clerk"]


def test_the_split_adds_up_to_what_is_stated() -> None:
    plan = sources().plan
    villages = plan.split.villages
    assert [hamlet.name_zh for hamlet in villages] == plan.stated.villages
    assert sum(hamlet.total_units for hamlet in villages) == plan.split.total_units == 15_000_100
    assert plan.split.total_units > plan.stated.points_over_units
    rules = [rule for rule in sources().book.rules if rule.type == "award"]
    assert len({rule.category for rule in rules}) == len(rules) == plan.stated.categories == 9


def test_at_full_size_the_day_gives_exactly_the_points_and_a_tenth_of_them_by_card() -> None:
    planned = [planned_units(made) for made in full()]
    assert sum(sum(units.values()) for units, _ in planned) == 15_000_100
    assert sum(units[True] for units, _ in planned) == 1_500_010
    assert sum(number.total() for _, number in planned) == 10 * sum(number[True] for _, number in planned) == 5_380


def planned_units(made: Composed) -> tuple[Counter[bool], Counter[bool]]:
    """Hundredths and awards of a day's plan, by whether a card was scanned."""
    units, number = Counter[bool](), Counter[bool]()
    for session in made.day.sessions:
        for one in session.attending:
            units[one.scanned] += one.quantity * made.found.points(session.rule)
            number[one.scanned] += 1
    for rule, rewarded in (("safe_family", made.day.safe_families), ("honour_declared", made.day.honours)):
        units[False] += len(rewarded) * made.found.points(rule)
        number[False] += len(rewarded)
    return units, number


@pytest.mark.parametrize("scale", [0.01, 0.04, 0.09, 0.17, 0.25, 0.4, 0.62, 0.85])
def test_the_day_adds_up_at_every_scale(scale: float) -> None:
    for made in compose(scale=scale):
        units, number = planned_units(made)
        assert (units.total(), units[True]) == (made.size.total_units, made.size.card_units)
        assert (number.total(), number[True]) == (made.size.awards, made.size.card_awards)
        assert units.total() == 10 * units[True]


def test_nobody_is_at_two_places_at_a_time_and_no_session_is_crowded() -> None:
    for made in full():
        places: Counter[tuple[int, int]] = Counter()
        for session in made.day.sessions:
            places.update((session.part, one.resident) for one in session.attending)
            assert 0 < len(session.attending) <= made.found.plan.split.places_per_session + 1
            if session.rule == BY_MINUTE:
                assert all(MINUTES[0] <= one.quantity <= MINUTES[1] for one in session.attending)
        assert set(places.values()) == {1}


def test_a_day_whose_points_cannot_add_up_is_refused() -> None:
    made = full()[0]
    size = made.size._replace(total_units=9_000_000)
    with pytest.raises(StateError, match="do not add up"):
        plan_day(made.found, made.hamlet, size, made.village, Draw("test"))
    crowd = made.size._replace(attendances=4000)
    with pytest.raises(StateError, match="too few residents"):
        plan_day(made.found, made.hamlet, crowd, made.village, Draw("test"))


def test_nobody_buys_for_more_than_there_is_and_no_card_for_more_than_its_cap() -> None:
    for made in full():
        held, cap = earned(made.found, made.day), made.found.profile.card_daily_cap_units
        assert len({purchase.resident for purchase in made.purchases}) == len(made.purchases) == made.size.buyers
        for purchase in made.purchases:
            with_card = purchase.resident in made.village.with_card
            assert 0 < purchase.amount_units <= min(held[purchase.resident], 10 * purchase.bill_fen)
            assert purchase.amount_units <= cap or not with_card
        assert held[made.apart[-1]] > cap, "the card is refused for its cap, not for lack of points"


def test_the_ledger_takes_all_that_it_should_and_refuses_the_rest_with_the_expected_code() -> None:
    for one in small():
        assert [signed.refused for signed in one.sent if signed.refused] == REFUSALS
        figures, size = read_back(one).figures, one.made.size
        assert (figures.residents, figures.households) == (size.residents, size.households)
        assert (figures.awarded_units, figures.participations) == (size.total_units, size.attendances)
        assert figures.reversals == size.mistyped
        assert figures.redeemed_units == figures.settled_units > 0
        assert one.ledger.spend_never_below_zero(one.made.village.committee.party)


def test_the_figures_of_its_own_are_those_of_both_villages() -> None:
    figures = further(found(*map(read_back, small())))
    scenario_figures = scenario([one.made for one in small()]).lands
    for name in ("categories", "awards", "paper_card_awards", "paper_card_units", "suggestions", "replies"):
        assert figures[name] == scenario_figures[name], name
    assert figures["by_paper_card_bp"] == 1000
    assert figures["benefits_granted"] == 4


def test_every_scan_is_signed_by_a_social_worker_on_the_day_with_numbers_that_go_up() -> None:
    for one in small():
        workers = {worker.actor.party for worker in one.made.village.workers}
        cards = {one.made.village.party(resident) for resident in one.made.village.with_card}
        numbers: dict[str, list[tuple[int, int]]] = {}
        for submission, body in awards(one):
            device = submission.event.device
            if isinstance(device, Device):
                assert submission.event.actor in workers
                assert body.subject in cards
                moment = datetime.fromtimestamp(device.captured_at / 1000, SHANGHAI)
                assert moment.date().isoformat() == submission.event.occurred_on == "2020-08-09"
                numbers.setdefault(device.id, []).append((device.seq, device.captured_at))
        assert len(numbers) == len(workers)
        for captured in numbers.values():
            assert captured == sorted(captured)
            assert [seq for seq, _ in captured] == list(range(1, len(captured) + 1))


def test_the_number_alone_has_the_second_scan_refused() -> None:
    one = drive(compose(scale=SMALL)[0])
    (signed,) = (signed for signed in one.sent if signed.mark == NUMBER_TAKEN)
    event: Any = json.loads(signed.data)["event"]
    scribe = Scribe(one.made.hamlet.origin, Draw("test"))
    for seq in (event["device"]["seq"], event["device"]["seq"] + 1000):
        scribe.write(
            "points_awarded",
            [one.made.village.workers[0].actor],
            event["body"],
            day=event["occurred_on"],
            private={"matter": "河道清洁", "place": "村口", "time": "傍晚"},
            rule=event["rule"],
            device={**event["device"], "seq": seq},
        )
    assert [one.ledger.send(again) for again in scribe.take()] == ["captured_before", None]


def test_honours_are_declared_by_phone_or_by_a_helper_and_reviewed_by_another() -> None:
    for one in small():
        declared = {s.event.id: s for s in one.accepted if isinstance(s.event.body, ClaimDeclared)}
        outcomes: Counter[str] = Counter()
        for submission in one.accepted:
            if isinstance(body := submission.event.body, ClaimReviewed):
                outcomes[body.outcome] += 1
                assert submission.event.actor != declared[body.claim].event.actor
        assert outcomes == {"approve": one.made.size.honours, "reject": 1}


def test_a_helper_declares_for_whoever_has_no_smartphone() -> None:
    helped = 0
    for one in small():
        cards = {one.made.village.party(resident) for resident in one.made.village.with_card}
        for submission in one.accepted:
            if isinstance(body := submission.event.body, ClaimDeclared):
                assert (submission.event.actor != body.subject) == (body.subject in cards)
                helped += body.subject in cards
    assert helped > 0


def test_everybody_carries_a_card_with_a_cap_or_a_phone_that_two_clerks_issued() -> None:
    for one in small():
        issued: Counter[str] = Counter()
        for submission in one.accepted:
            body = submission.event.body
            if isinstance(body, CredentialChanged) and body.action == "issue":
                issued[body.medium] += 1
                assert len(submission.signatures) == (2 if body.medium == "phone" else 1)
                assert (body.daily_cap_units == 5000) == (body.medium == "card")
        cards, size = len(one.made.village.with_card), one.made.size
        assert issued == {"card": cards + 1, "phone": size.residents - cards + 1}


def test_the_family_number_stands_on_every_card_and_no_private_detail_in_an_event() -> None:
    for one in small():
        plain = b"".join(event_bytes(submission.event) for submission in one.accepted)
        for resident in one.made.village.residents:
            family = resident.number.rsplit("-", 1)[0]
            shown = {other.household.actor.party for other in one.made.village.residents
                     if other.number.rsplit("-", 1)[0] == family}  # fmt: skip
            assert shown == {resident.household.actor.party}
            assert resident.number.encode() not in plain
        for text in (*one.made.hamlet.places, *(voice.text for voice in one.made.found.plan.voices)):
            assert text.encode() not in plain


def test_posts_without_a_name_have_a_party_that_nothing_else_knows() -> None:
    for one in small():
        posts = [s for s in one.accepted if isinstance(s.event.body, CivicPosted)]
        nameless = [s for s in posts if isinstance(s.event.body, CivicPosted) and s.event.body.one_time is not UNSET]
        assert len(nameless) == 2
        for submission in nameless:
            party = submission.event.actor
            concerned = [entry for entry in one.entries if party in entry.effects.parties]
            assert [entry.event.body.kind for entry in concerned] == ["civic_posted", "civic_posted"]
            assert submission.event.device is UNSET


def test_both_musts_hold_and_the_others_wait() -> None:
    told = found(*map(read_back, small()))
    musts = scenario([one.made for one in small()]).musts
    assert [must.holds and must.holds(told) for must in musts] == [True, True, None, None]


def _answer(mark: str, **changes: Any) -> Callable[[ReadBack], ReadBack]:
    def change(one: ReadBack) -> ReadBack:
        return one._replace(answers={**one.answers, mark: one.answers[mark]._replace(**changes)})

    return change


def _watched(change: Callable[[Watch], None]) -> Callable[[ReadBack], ReadBack]:
    def changed(one: ReadBack) -> ReadBack:
        change(one.watcher)
        return one

    return changed


def _no_repeats(one: ReadBack) -> ReadBack:
    return one._replace(answers={mark: found for mark, found in one.answers.items() if not mark.startswith(AGAIN)})


def _one_point_more(one: ReadBack) -> ReadBack:
    account = next(f"{party}/merit" for party in one.watcher.merit)
    return one._replace(balances={**one.balances, account: one.balances[account] + 100})


SCANS_COUNTED_TWICE: dict[str, Callable[[ReadBack], ReadBack]] = {
    "answered as new": _answer(f"{AGAIN} 0", replayed=False),
    "answered with another place": _answer(f"{AGAIN} 3", seq=1),
    "the used number accepted": _answer(NUMBER_TAKEN, code=""),
    "refused for something else": _answer(NUMBER_TAKEN, code="cap_exceeded"),
    "two entries of one number": _watched(lambda watch: watch.captures.update(list(watch.captures)[:1])),
    "a balance with more than the awards": _one_point_more,
    "nothing sent again": _no_repeats,
}
ENDED_CARDS_PAY: dict[str, Callable[[ReadBack], ReadBack]] = {
    **{f"the {mark} accepted": _answer(mark, code="") for mark in ENDED},
    **{f"no {mark}": _answer(mark, seq=-1) for mark in ENDED.values()},
    "refused for lack of points": _answer("revoked card", code="insufficient_balance"),
    "a signature after the end": _watched(lambda watch: setattr(watch, "used_after", 1)),
    "no card that ended": _watched(lambda watch: watch.ended.clear()),
}


@pytest.mark.parametrize("case", SCANS_COUNTED_TWICE)
def test_a_scan_that_counts_twice_is_noticed(case: str) -> None:
    sound, other = map(read_back, small())
    assert not scans_count_once(found(sound, SCANS_COUNTED_TWICE[case](other)))


@pytest.mark.parametrize("case", ENDED_CARDS_PAY)
def test_an_ended_card_that_pays_is_noticed(case: str) -> None:
    sound, other = map(read_back, small())
    assert not ended_cards_are_refused(found(sound, ENDED_CARDS_PAY[case](other)))
