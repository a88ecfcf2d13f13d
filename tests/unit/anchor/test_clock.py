"""The scheduler's one job, and who of several processes works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from anchor.leader import Leader
from anchor.scheduler import JOB_ID, Ticker
from ledger.errors import StateError
from ledger.store.database import open_engine
from tests.helpers.storage import BOTH, database


@pytest.fixture(params=BOTH)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Engine]]:
    """Two processes' views of one database."""
    with database(request.param, tmp_path) as url:
        made = [open_engine(url), open_engine(url)]
        yield made
        for engine in made:
            engine.dispose()


class Rounds:
    """Counts rounds; each may raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error
        self.went = threading.Event()

    def round(self) -> list[Any]:
        self.count += 1
        if self.count >= 2:
            self.went.set()
        if self.error is not None:
            raise self.error
        return []


def ticker(rounds: Rounds, leader: Leader, interval_s: float = 0.05) -> Ticker:
    return Ticker(rounds, leader, interval_s=interval_s)  # type: ignore[arg-type]


def test_one_process_leads_until_it_lets_go(engines: list[Engine]) -> None:
    first, second = (Leader(engine) for engine in engines)
    assert first.hold()
    assert not second.hold()
    assert first.hold()
    first.release()
    assert second.hold()
    assert not first.hold()
    second.release()


def test_a_leader_whose_session_broke_leads_no_more_and_may_lead_again(engines: list[Engine]) -> None:
    leader = Leader(engines[0])
    assert leader.hold()
    if leader._connection is None:
        leader.release()
        return
    leader._connection.connection.driver_connection.close()  # type: ignore[union-attr]
    assert not leader.hold()
    assert leader.hold()
    leader.release()


def test_two_databases_have_two_leaders(tmp_path: Path) -> None:
    leaders = [Leader(open_engine(f"sqlite:///{tmp_path / name}.db")) for name in ("a", "b")]
    assert all(leader.hold() for leader in leaders)
    for leader in leaders:
        leader.release()


@pytest.fixture
def leader(tmp_path: Path) -> Leader:
    return Leader(open_engine(f"sqlite:///{tmp_path / 'ledger.db'}"))


def test_the_clock_ticks_at_once_and_goes_on(leader: Leader) -> None:
    rounds = Rounds()
    clock = ticker(rounds, leader)
    clock.start()
    assert rounds.went.wait(10)
    clock.stop()
    count = rounds.count
    assert leader.hold(), "a stopped clock lets another lead"
    assert rounds.count == count


@pytest.mark.parametrize("error", [StateError("x"), RuntimeError("x")])
def test_no_failure_ends_the_clock(leader: Leader, error: Exception) -> None:
    rounds = Rounds(error)
    clock = ticker(rounds, leader)
    clock.start()
    assert rounds.went.wait(10)
    clock.stop()


def test_a_missed_tick_is_made_up_for_once_and_none_runs_beside_another(leader: Leader) -> None:
    clock = ticker(Rounds(), leader, 3600)
    job = clock._scheduler.get_job(JOB_ID)
    assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)


def test_who_does_not_lead_does_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    first, second = Leader(engine), Leader(engine)
    assert first.hold()
    rounds = Rounds()
    clock = ticker(rounds, second)
    clock.tick()
    assert rounds.count == 0
    first.release()
    clock.tick()
    assert rounds.count == 1
    second.release()
