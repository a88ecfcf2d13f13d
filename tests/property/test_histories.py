"""Random histories, valid and invalid events mixed, in groups of any size: what must hold after every one of them.

A history is written one event at a time first; then the same submissions are given again in random groups. Every fact
that a kind reads must be one that it named, or the planner fails with `KeyError`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.core.merkle import leaf_hash
from ledger.core.types import ZERO_DIGEST
from ledger.domain.append import Appended, Outcome, Replayed
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.events import pairs
from ledger.domain.facts import Account, Task
from ledger.domain.kinds import KINDS
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from tests.helpers.village import TODAY, Village, person, sign
from tests.helpers.village_rules import BOOK, RULES, rule

SUBJECTS = ("zhang", "li", "house", "wang", "coop", "nobody")
AWARDS = ("volunteer", "capped", "helping", "capped", "dated", "approved", "merit_only", "exchange")
KEYS = ("zhang/card", "zhang/second", "li/phone", "house/card")
DAYS = ("2021-11-20", "2021-11-19", "2021-10-31", "2021-08-01", "2020-12-31", "2021-11-30")
PARTY_ACTS = ("register", "join", "leave", "move_out", "death", "merge")
NUMBER = st.integers(0, 7)
OPERATIONS = ("award", "award", "redeem", "redeem", "reverse", "reverse", "task", "task_award", "task_award", "carry")
RARE = (
    "party",
    "role",
    "card",
    "book",
    "task",
    "task_award",
    "task_award",
    "captured",
    "tick",
    "commit",
    "false_commit",
)
STEP = st.tuples(st.sampled_from(OPERATIONS) | st.sampled_from(RARE), NUMBER, NUMBER, NUMBER)
STEPS = st.lists(STEP, min_size=1, max_size=12) | st.lists(STEP, min_size=20, max_size=40)
BARRIERS = {"tick", "commit"}


class History:
    """Writes a history, one event at a time; ``script`` is what was done: (what, the submission)."""

    def __init__(self) -> None:
        self.village = Village.founded()
        self.script: list[tuple[str, bytes]] = []
        self.outcomes: list[Outcome] = []
        self.accepted: list[Appended] = []
        self.tasks: list[str] = []
        self.books = 1

    def take(self, step: tuple[str, int, int, int]) -> None:
        """One step; a step that has nothing to work on does nothing."""
        name, *numbers = step
        if name == "tick":
            self.village.tomorrow()
            self.script.append((name, b""))
        elif name == "commit":
            self.accepted.append(self.village.commit())
            self.script.append((name, b""))
        elif (submission := getattr(self, f"_{name}")(*numbers)) is not None:
            self._submit(name, submission)

    def _submit(self, name: str, submission: bytes) -> None:
        village = self.village
        before = (village.head, dict(village.facts))
        outcome = village.submit(submission)[0]
        if isinstance(outcome, Appended):
            self.accepted.append(outcome)
            if name == "task":
                self.tasks.append(outcome.event_id)
            self.books += name == "book"
        else:
            assert (village.head, village.facts) == before, "what is refused or came again leaves no trace"
        self.script.append((name, submission))
        self.outcomes.append(outcome)

    def _award(self, a: int, b: int, c: int) -> bytes:
        body = {"amount_units": 150} if c == 7 else {}
        signers = ("issuer", "reviewer") if c % 2 else ("issuer",)
        target = SUBJECTS[2] if AWARDS[b] == "helping" and c % 4 else SUBJECTS[a % 6]
        day = DAYS[c - 2] if 1 < c < 7 else TODAY
        return self.village.award(target, AWARDS[b], 1 + a % 3, body=body, signers=signers, day=day)

    def _redeem(self, a: int, b: int, c: int) -> bytes:
        key = KEYS[a % 4]
        subject = key.split("/")[0]
        changed = {"bill_fen": 1} if c == 7 else {}
        way = "house_exchange" if subject == "house" else "exchange"
        shop = ("shop", "market", "coop")[c % 3]
        return self.village.redeem(subject, 1 + 97 * b, key=key, shop=shop, rule=way, body=changed)

    def _reverse(self, a: int, b: int, c: int) -> bytes | None:
        if not self.accepted:
            return None
        target = self.accepted[-1 - (a * 8 + b) % min(12, len(self.accepted))]
        changed = {"subject": person("li").party} if c == 7 else {}
        return self.village.reverse(target, give_back=c % 2 == 0, body=changed)

    def _carry(self, a: int, b: int, c: int) -> bytes:
        return self.village.carry(SUBJECTS[a % 6], 1 + 100 * b, ("merit", "spend")[c % 2])

    def _again(self, a: int, b: int, c: int) -> bytes | None:
        done = [submission for _, submission in self.script if submission]
        return done[(a * 8 + b) % len(done)] if done else None

    def _conflict(self, a: int, b: int, c: int) -> bytes | None:
        if not self.accepted:
            return None
        village = self.village
        body = {"action": "register", "party": person(f"new{a}").party, "type": "resident"}
        taken = self.accepted[(a * 8 + b) % len(self.accepted)].event_id
        return sign(village.event("party_changed", "clerk", body, id=taken), "clerk", "clerk two")

    def _party(self, a: int, b: int, c: int) -> bytes:
        action, name = PARTY_ACTS[a % 6], ("wang", "zhang", "li", "barn", "house")[b % 5]
        fields: dict[str, Any] = {"day": DAYS[c % 4]}
        if action == "register":
            fields["type"] = "household" if name in ("barn", "house") else "resident"
        if action in ("join", "leave") or (action == "register" and c > 5):
            fields["household"] = ("house", "barn")[c % 2]
        if action == "merge":
            fields["other"] = ("house", "barn")[c % 2]
        return self.village.party(action, name, **fields)

    def _role(self, a: int, b: int, c: int) -> bytes:
        name = ("issuer", "issuer/second", "reviewer", "deputy")[a % 4]
        role = ("issuer", "reviewer", "township")[b % 3]
        action = ("grant", "revoke")[c % 2]
        signer = ("mayor", "deputy")[c // 2 % 2]
        return self.village.role(name, role, signer, action=action)

    def _card(self, a: int, b: int, c: int) -> bytes:
        medium = "phone" if KEYS[a % 4].endswith("phone") else "card"
        return self.village.card(KEYS[a % 4], action=("issue", "revoke", "lost")[b % 3], medium=medium, cap=200 + c)

    def _book(self, a: int, b: int, c: int) -> bytes:
        rules = [*(one for one in RULES.values() if one["id"] != "volunteer"), rule("volunteer", points_units=100 + a)]
        book = {**BOOK, "version": self.books + 1 + (b == 7), "rules": rules}
        return self.village.adopt(book, ("2021-11-20", "2021-11-21", "2021-11-23", "2021-11-01")[c % 4])

    def _task(self, a: int, b: int, c: int) -> bytes:
        budget = {"budget_units": 200 * b} if b else {}
        return self.village.task(("volunteer", "capped")[c % 2], capacity=1 + a % 3, **budget)

    def _task_award(self, a: int, b: int, c: int) -> bytes | None:
        if not self.tasks:
            return None
        body = {"task": self.tasks[b % len(self.tasks)]}
        return self.village.award(("zhang", "li")[a % 2], ("volunteer", "capped")[c % 2], 1 + c % 2, body=body)

    def _captured(self, a: int, b: int, c: int) -> bytes:
        device = {"id": f"phone-{a % 2}", "seq": b % 3, "captured_at": c}
        return self.village.award("zhang", "volunteer", device=device)

    def _false_commit(self, a: int, b: int, c: int) -> bytes:
        body = {"root": self.village.map_root().hex(), "size": self.village.head.size}
        return self.village.make("state_committed", body, "ledger" if a % 2 else "mayor")


class Ledger:
    """The plain recomputation: balances, accounts and what was counted, from the entries alone."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = defaultdict(int)
        self.heads: dict[str, tuple[bytes, int, int]] = {}
        self.entries: dict[str, Entry] = {}
        self.given_back: set[str] = set()
        self.reversed: set[str] = set()
        self.captures: set[tuple[str, str, int]] = set()

    def apply(self, data: bytes) -> None:
        entry = parse_entry(data)
        event, postings = entry.event, pairs(entry.effects.postings)
        body = event.body
        assert body.parties() == entry.effects.parties == sorted(set(entry.effects.parties))
        assert body.check_postings(postings), "a verifier without any state accepts the postings"
        assert {account[:28] for account, _ in postings} <= set(entry.effects.parties)
        assert [account for account, _ in postings] == sorted({account for account, _ in postings})
        for unit in ("merit", "spend"):
            assert sum(delta for account, delta in postings if account.endswith(unit)) == 0
        if body.kind == "points_redeemed":
            assert all(account.endswith("spend") for account, _ in postings), "merit is never exchanged"
        for account, delta in postings:
            self.balances[account] += delta
            assert delta
            if account.endswith("spend") and account[:28] != person("coop").party:
                assert self.balances[account] >= 0, "points are never a debt"
        self._bind(entry, leaf_hash(data))
        self._count(entry)

    def _bind(self, entry: Entry, leaf: bytes) -> None:
        for party in entry.effects.parties:
            head, count, _ = self.heads.get(party, (ZERO_DIGEST, 0, -1))
            self.heads[party] = (sha256(b"\x04" + head + leaf).digest(), count + 1, entry.chain.seq)

    def _count(self, entry: Entry) -> None:
        event: Any = entry.event
        assert event.id not in self.entries
        self.entries[event.id] = entry
        if event.reverses:
            assert event.reverses not in self.reversed, "an entry is reversed once"
            assert event.reverses in self.entries
            self.reversed.add(event.reverses)
            if event.body.act:
                self.given_back.add(event.reverses)
        if event.device:
            capture = (event.actor, event.device.id, event.device.seq)
            assert capture not in self.captures, "a capture counts once"
            self.captures.add(capture)

    def check(self, village: Village) -> None:
        """Compare with the facts; nothing that may happen once stands twice."""
        for party, (head, count, last) in self.heads.items():
            account = village.facts[f"account:{party}"]
            assert isinstance(account, Account)
            assert (account.head, account.count, account.last) == (head.hex(), count, last)
            assert account.balances == {unit: self.balances[f"{party}/{unit}"] for unit in ("merit", "spend")}
        self._check_caps()
        self._check_once(village)

    def _awards(self, without: set[str]) -> list[Any]:
        events = [e.event for e in self.entries.values() if e.event.body.kind == "points_awarded"]
        return [event for event in events if event.id not in without]

    def _check_caps(self) -> None:
        got: Counter[tuple[str, str]] = Counter()
        for event in self._awards(self.given_back):
            if event.rule.id == "capped":
                for length in (10, 7, 4):
                    got[event.body.subject, event.occurred_on[:length]] += event.body.amount_units
        most = {10: 400, 7: 600, 4: 800}
        assert all(units <= most[len(period)] for (_, period), units in got.items())

    def _check_once(self, village: Village) -> None:
        taken: dict[str, list[str]] = defaultdict(list)
        for event in self._awards(self.given_back):
            if event.body.task:
                taken[event.body.task].append(event.body.subject)
        for task, subjects in taken.items():
            fact = village.facts[f"task:{task}"]
            assert isinstance(fact, Task)
            assert len(set(subjects)) == len(subjects) == fact.taken <= fact.capacity
            assert 0 <= fact.used_units <= (fact.budget_units or fact.used_units)
        carried = [e.event for e in self.entries.values() if e.event.body.kind == "balance_carried"]
        standing: list[Any] = [event.body for event in carried if event.id not in self.reversed]
        assert len({(body.subject, body.unit) for body in standing}) == len(standing)


def check_history(steps: list[tuple[str, int, int, int]], sizes: list[int]) -> None:
    """Write the history, check it against the plain recomputation, give it again in groups, and replay it."""
    history, ledger = History(), Ledger()
    done = 0
    for step in [("", 0, 0, 0), *steps]:
        if step[0]:
            history.take(step)
        for data in history.village.entries[done:]:
            ledger.apply(data)
        done = len(history.village.entries)
        ledger.check(history.village)
    again = regrouped(history, sizes)
    assert again.entries == history.village.entries, "how events are grouped decides nothing"
    assert again.facts == history.village.facts
    replay = Replay(again.entries.__getitem__, signatures=False)
    for data in again.entries:
        replay.apply(data)
    assert dict(replay.facts) == again.facts
    assert replay.head == again.head
    assert replay.map.commit() == again.map_root()


def regrouped(history: History, sizes: list[int]) -> Village:
    """The same submissions, in groups; a day's turn and a commitment stand between groups."""
    village, outcomes = Village.founded(), []
    village.count = history.village.count
    group: list[bytes] = []
    turn = 0
    counts = iter(commit_counts(history))

    def flush() -> None:
        outcomes.extend(village.submit(*group, verified=True))
        group.clear()

    for name, submission in history.script:
        if name not in BARRIERS:
            group.append(submission)
            if len(group) < sizes[turn % len(sizes)]:
                continue
        flush()
        turn += 1
        if name == "tick":
            village.tomorrow()
        elif name == "commit":
            village.count = next(counts)
            village.commit()
    flush()
    assert list(map(told, outcomes)) == list(map(told, history.outcomes))
    return village


def commit_counts(history: History) -> list[int]:
    """The numbers from which the ledger's own commitments took their ids."""
    ids = [parse_entry(data).event for data in history.village.entries]
    return [int(event.id[-12:], 16) - 1 for event in ids if event.body.kind == "state_committed"]


def told(outcome: Outcome) -> object:
    """An outcome as its client is told of it."""
    if isinstance(outcome, LedgerError):
        return (type(outcome).__name__, str(outcome))
    return outcome


FAST = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@FAST(max_examples=200)
@given(steps=STEPS, sizes=SIZES)
def test_a_history_holds_whatever_is_asked_and_however_it_is_grouped(steps: Any, sizes: list[int]) -> None:
    check_history(steps, sizes)


@pytest.mark.slow
@FAST(max_examples=1000)
@given(steps=st.lists(STEP, min_size=30, max_size=80), sizes=SIZES)
def test_long_histories_hold_as_well(steps: Any, sizes: list[int]) -> None:
    check_history(steps, sizes)


EVERY_STEP = [
    (name, *numbers)
    for name in ("task", "award", "carry", "task_award", "captured", "redeem", "book", "reverse", "card", "party")
    for numbers in ((0, 0, 0), (1, 0, 1), (0, 1, 0), (2, 2, 2))
]
LAST_STEPS = [(name, 1, 1, 1) for name in ("commit", "tick", "reverse", "again", "conflict", "false_commit")]


def test_the_steps_reach_acceptance_and_refusal_of_every_kind() -> None:
    history = History()
    for step in [*EVERY_STEP, *LAST_STEPS]:
        history.take(step)
    kinds = {parse_entry(data).event.body.kind for data in history.village.entries}
    assert kinds == set(KINDS)
    assert any(isinstance(outcome, Replayed) for outcome in history.outcomes)
    assert sum(isinstance(outcome, LedgerError) for outcome in history.outcomes) > 5
