"""Claims, declarations and reviews in any order, by anybody: what must hold after every entry.

The log alone is read back and recomputed plainly: who has which place, what is declared, and who decided.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache, partial
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.append import Appended
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.facts import Claim, Fact, Task
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from tests.helpers.village import Village, person
from tests.helpers.workflow import behind, claim, declare, review, reward, task, working_village

RESIDENTS = ("zhang", "li", "wang")
PERSONS = {"helper two": "wang", "reviewer two": "zhang", "oversight": "li"}
"""The resident behind an officer; behind the others the log knows nobody."""
DECLARERS = (None, "helper", "helper two", "reviewer", "zhang/card")
REVIEWERS = (
    ("reviewer",),
    ("reviewer two",),
    ("oversight",),
    ("reviewer", "oversight"),
    ("reviewer two", "reviewer"),
    ("zhang/card",),
)
OUTCOMES = ("approve", "reject", "return")
CAPACITIES = (1, 2, None)
"""Places of the tasks that are claimed first; the last task, of one place, is not."""
OPERATIONS = ("claim", "claim", "release", "declare", "declare", "review", "review", "reward", "pair")
NUMBER = st.integers(0, 11)
STEP = st.tuples(st.sampled_from(OPERATIONS), NUMBER, NUMBER, NUMBER)
STEPS = st.lists(STEP, min_size=1, max_size=12) | st.lists(STEP, min_size=25, max_size=40)


@cache
def _base() -> tuple[Village, tuple[str, ...]]:
    village = working_village()
    for officer, resident in PERSONS.items():
        behind(village, officer, resident)
    jobs = [task(village, "resident" if places else None, capacity=places or 1) for places in CAPACITIES]
    return village, tuple(jobs)


def base() -> tuple[Village, tuple[str, ...]]:
    """A village, and its three tasks; its log and facts may be added to."""
    made, jobs = _base()
    village = Village()
    village.entries, village.facts, village.known = list(made.entries), dict(made.facts), dict(made.known)
    village.head, village.now_ms, village.count = made.head, made.now_ms, made.count
    return village, jobs


class Office:
    """Submits whatever the steps say, one event or two in a group; ``codes`` tells what came of it."""

    def __init__(self) -> None:
        self.village, self.jobs = base()
        self.declared: list[tuple[str, str, str | None]] = []
        self.codes: list[str] = []

    def take(self, step: tuple[str, int, int, int]) -> None:
        name, *numbers = step
        if name == "pair":
            made = [self._claim(numbers[0] + i, numbers[1], numbers[2]) for i in (0, 1)]
        else:
            one = getattr(self, f"_{name}")(*numbers)
            made = [] if one is None else [one]
        for outcome in self.village.submit(*made, verified=True):
            assert isinstance(outcome, Appended | LedgerError)
            self.codes.append(outcome.code or "" if isinstance(outcome, LedgerError) else name)
            if name == "declare" and isinstance(outcome, Appended):
                body: Any = parse_entry(outcome.data).event.body
                subject = next(one for one in RESIDENTS if person(one).party == body.subject)
                self.declared.append((outcome.event_id, subject, body.task or None))

    def _claim(self, a: int, b: int, c: int, action: str = "claim") -> bytes:
        signers = {"signers": ("li/phone",)} if c == 11 else {}
        return claim(self.village, self.jobs[b % 3], RESIDENTS[a % 3], action, **signers)

    def _release(self, a: int, b: int, c: int) -> bytes:
        return self._claim(a, b, c, "release")

    def _declare(self, a: int, b: int, c: int) -> bytes:
        signer = DECLARERS[c % 5]
        job = (*self.jobs, None)[b % 4]
        return declare(self.village, RESIDENTS[a % 3], job, **({"signers": (signer,)} if signer else {}))

    def _review(self, a: int, b: int, c: int) -> bytes | None:
        if not self.declared:
            return None
        claim_id, subject, _ = self.declared[-1 - a % len(self.declared)]
        return review(self.village, claim_id, OUTCOMES[b % 3], subject, signers=REVIEWERS[c % 6])

    def _reward(self, a: int, b: int, c: int) -> bytes | None:
        if not self.declared:
            return None
        claim_id, subject, job = self.declared[-1 - a % len(self.declared)]
        return reward(self.village, claim_id, subject, job)


class Ledger:
    """The plain recomputation from the entries alone."""

    def __init__(self, jobs: tuple[str, ...]) -> None:
        self.jobs = dict(zip(jobs, CAPACITIES, strict=True))
        self.places: dict[str, set[str]] = defaultdict(set)
        self.status: dict[str, str] = {}
        self.declarations: dict[str, Entry] = {}

    def apply(self, data: bytes) -> None:
        entry = parse_entry(data)
        getattr(self, f"_{entry.event.body.kind}", lambda _: None)(entry)
        for job, places in self.places.items():
            assert len(places) <= (self.jobs[job] or 0), "a place is one claimant's"

    def _open(self, job: str | None, subject: str) -> list[str]:
        """Declarations of a subject for a task that are neither rejected nor returned."""
        return [
            identifier
            for identifier, entry in self.declarations.items()
            if (told := body_of(entry)).task == job
            and told.subject == subject
            and self.status[identifier] not in {"rejected", "returned"}
        ]

    def _task_claimed(self, entry: Entry) -> None:
        body, places = body_of(entry), self.places[body_of(entry).task]
        assert people_of(entry) == {body.claimant}, "only the claimant claims and gives back"
        assert (body.claimant in places) == (body.action == "release")
        if body.action == "release":
            assert not self._open(body.task, body.claimant), "a place is kept while an act is declared for it"
            places.remove(body.claimant)
        else:
            places.add(body.claimant)

    def _claim_declared(self, entry: Entry) -> None:
        body = body_of(entry)
        if body.task:
            assert not self._open(body.task, body.subject), "one declaration for each task and subject"
            assert self.jobs[body.task] is None or body.subject in self.places[body.task]
        self.declarations[entry.event.id] = entry
        self.status[entry.event.id] = "declared"

    def _claim_reviewed(self, entry: Entry) -> None:
        body = body_of(entry)
        of = self.declarations[body.claim]
        assert self.status[body.claim] == "declared", "one review for each declaration"
        assert not people_of(entry) & (people_of(of) | {body_of(of).subject}), "nobody reviews the own declaration"
        assert body.outcome == "approve" or entry.event.private
        self.status[body.claim] = {"approve": "approved", "reject": "rejected", "return": "returned"}[body.outcome]

    def _points_awarded(self, entry: Entry) -> None:
        assert self.status[body_of(entry).claim] == "approved", "what is rewarded was approved, and is rewarded once"
        self.status[body_of(entry).claim] = "awarded"

    def check(self, facts: dict[str, Fact]) -> None:
        """What the facts say is what the entries add up to."""
        for job, places in self.places.items():
            fact = facts[f"task:{job}"]
            assert isinstance(fact, Task)
            assert fact.taken == len(places) <= fact.capacity
        told = {key[6:]: fact.status for key, fact in facts.items() if isinstance(fact, Claim)}
        assert told == self.status


def body_of(entry: Entry) -> Any:
    return entry.event.body


NAMES = {person(name).key: name for name in (*PERSONS, "helper", "reviewer", "zhang/card", "li/phone", "wang/card")}


def people_of(entry: Entry) -> set[str]:
    """Who signed: the residents behind the keys, and the parties where none is known."""
    names = [NAMES[signature.key] for signature in entry.signatures]
    return {person(PERSONS.get(name, name)).party for name in names}


def run(steps: list[tuple[str, int, int, int]]) -> Office:
    """Take all steps, and check after each of them; then replay the log."""
    office = Office()
    ledger, done = Ledger(office.jobs), len(office.village.entries)
    for step in steps:
        office.take(step)
        for data in office.village.entries[done:]:
            ledger.apply(data)
        done = len(office.village.entries)
        ledger.check(office.village.facts)
    replay = Replay(office.village.entries.__getitem__, signatures=False)
    for data in office.village.entries:
        replay.apply(data)
    assert dict(replay.facts) == office.village.facts
    return office


FAST = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FAST(max_examples=120)
@given(steps=STEPS)
def test_places_declarations_and_reviews_hold_in_any_order(steps: list[tuple[str, int, int, int]]) -> None:
    run(steps)


def test_the_steps_reach_every_acceptance_and_refusal_of_the_three_kinds() -> None:
    random = Random(3)
    codes: set[str] = set()
    for _ in range(12):
        steps = [(random.choice(OPERATIONS), *(random.randrange(12) for _ in range(3))) for _ in range(40)]
        codes |= set(run(steps).codes)
    assert codes >= {"claim", "release", "declare", "review", "reward", "pair"}
    assert codes >= {"claimed_before", "no_place_left", "not_claimed", "declared_before", "wrong_task"}
    assert codes >= {"reviewed_before", "own_claim", "own_case", "not_authorised"}
