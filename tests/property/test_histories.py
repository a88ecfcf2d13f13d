"""Random histories, valid and invalid events of every kind mixed, in groups of any size: what must hold after each.

A history is written one event at a time first; then the same submissions are given again in random groups. Every fact
that a kind reads must be one that it named, or deciding fails.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.append import Outcome, Replayed
from ledger.domain.entries import parse_entry
from ledger.domain.kinds import KINDS
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from tests.helpers.history import BARRIERS, OFTEN, RARE, SCRIPTS, WORK, History, whole_village
from tests.helpers.plain_ledger import PlainLedger
from tests.helpers.village import Village

NUMBER = st.integers(0, 7)
STEP = st.tuples(st.sampled_from(OFTEN) | st.sampled_from(WORK) | st.sampled_from(RARE), NUMBER, NUMBER, NUMBER)
STEPS = st.lists(STEP, min_size=1, max_size=12) | st.lists(STEP, min_size=20, max_size=40)


def check_history(steps: list[tuple[str, int, int, int]], sizes: list[int]) -> None:
    """Write the history, check it against the plain recomputation, give it again in groups, and replay it."""
    history, ledger = History(), PlainLedger()
    done = 0
    for step in [("", 0, 0, 0), *steps]:
        if step[0]:
            history.take(step)
        for data in history.village.entries[done:]:
            ledger.apply(data)
        done = len(history.village.entries)
        ledger.check(history.village)
    assert not [one for one in history.outcomes if isinstance(one, LedgerError) and one.code == "internal"]
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
    village, outcomes = whole_village(), []
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


def test_the_steps_reach_acceptance_and_refusal_of_every_kind() -> None:
    kinds, outcomes = set(), []
    for script in SCRIPTS:
        history = History()
        for step in script:
            history.take(step)
        kinds |= {parse_entry(data).event.body.kind for data in history.village.entries}
        outcomes += history.outcomes
    assert kinds == set(KINDS)
    assert any(isinstance(outcome, Replayed) for outcome in outcomes)
    codes = {outcome.code for outcome in outcomes if isinstance(outcome, LedgerError)}
    assert "internal" not in codes, "no event finds a fault of ours"
    assert len(codes) > 20
