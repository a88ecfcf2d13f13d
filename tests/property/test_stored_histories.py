"""Random histories in a real database: what it holds is what replaying its log gives, and an audit finds no fault."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.append import Appended, Candidate
from ledger.domain.entries import event_bytes, parse_submission
from ledger.domain.facts import LEDGER, TYPES, Fact
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from ledger.service.audit import audit_ledger
from ledger.service.intake import Prepared
from ledger.store import entries as log
from ledger.store.facts import read_facts, stream_range
from tests.helpers.history import OFTEN, RARE, SCRIPTS, WORK, History, whole_village
from tests.helpers.stored_village import StoredVillage

NUMBER = st.integers(0, 7)
NAMES = [name for name in dict.fromkeys((*OFTEN, *WORK, *RARE)) if name != "commit"]
"""The stored ledger commits its state by itself."""
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), NUMBER, NUMBER, NUMBER), min_size=20, max_size=60)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6)
FAST = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Stored:
    """A whole village in a database, to which the submissions of a history are given in groups."""

    def __init__(self, folder: Path) -> None:
        self.ledger = StoredVillage(folder, f"sqlite:///{folder / 'ledger.db'}", whole_village())

    def give(self, history: History, sizes: list[int]) -> None:
        """Every submission again, refused ones too; each must be answered as in memory."""
        group: list[bytes] = []
        answers: list[Any] = []
        for name, submission in history.script:
            if name != "tick":
                group.append(submission)
            if name == "tick" or len(group) >= sizes[len(answers) % len(sizes)]:
                answers += self._append(group)
                group = []
            if name == "tick":
                self.ledger.village.tomorrow()
        answers += self._append(group)
        told = [_told(outcome) for outcome in history.outcomes]
        assert [_told(answer) for answer in answers] == told

    def _append(self, group: list[bytes]) -> list[Any]:
        return list(self.ledger.writer.append([_prepared(submission) for submission in group]))

    def facts(self) -> dict[str, Fact | None]:
        """Everything that the database holds of what the log adds up to."""
        found = self.ledger.read(lambda link, row: dict(read_facts(link, row.ledger_id, [LEDGER])))
        for kind in TYPES:
            found |= self.ledger.read(lambda link, row, kind=kind: dict(stream_range(link, row.ledger_id, f"{kind}:")))
        return found

    def replayed(self) -> dict[str, Fact | None]:
        """The same from the log alone."""
        size = self.ledger.writer.size
        data = [one.data for one in self.ledger.read(lambda link, row: log.read_entries(link, row.ledger_id, 0, size))]
        replay = Replay(data.__getitem__)
        for entry in data:
            replay.apply(entry)
        return dict(replay.facts)


def _prepared(submission: bytes) -> Prepared:
    """An event to be judged, without its private details, which decide nothing."""
    read = parse_submission(submission)
    return Prepared(Candidate(read.event, event_bytes(read.event), read.signatures, verified=False), ())


def _told(outcome: Any) -> object:
    """An outcome as a client hears it, whether it came from memory or from the database."""
    if isinstance(outcome, LedgerError):
        return outcome.code, outcome.field
    replayed = not isinstance(outcome, Appended) and getattr(outcome, "replayed", True)
    return outcome.seq, outcome.leaf, replayed


def check(steps: list[tuple[str, int, int, int]], sizes: list[int]) -> None:
    """Write a history in memory, give it to a database, and compare what that holds with its own log."""
    history = History()
    for step in steps:
        history.take(step)
    with tempfile.TemporaryDirectory() as folder:
        stored = Stored(Path(folder))
        try:
            stored.give(history, sizes)
            assert stored.facts() == stored.replayed() == history.village.facts
            stored.ledger.writer.commit_state()
            assert stored.facts() == stored.replayed()
            report = audit_ledger(stored.ledger.storage.engine, stored.ledger.row, processes=1)
            assert report.clean, report.faults
        finally:
            stored.ledger.storage.close()


def without_commits(script: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    return [step for step in script if step[0] != "commit"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_is_stored_is_what_the_log_adds_up_to(script: list[tuple[str, int, int, int]]) -> None:
    check(without_commits(script), [1, 4, 9])


@FAST(max_examples=20)
@given(steps=STEPS, sizes=SIZES)
def test_what_is_stored_of_a_random_history_is_what_its_log_adds_up_to(steps: Any, sizes: list[int]) -> None:
    check(steps, sizes)


@pytest.mark.slow
@FAST(max_examples=200)
@given(steps=STEPS, sizes=SIZES)
def test_the_same_of_many_histories(steps: Any, sizes: list[int]) -> None:
    check(steps, sizes)
