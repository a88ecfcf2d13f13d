"""A running server tells of points that lapse, and lets them lapse, once a day and without being asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import app
from ledger.config import Settings
from ledger.domain.fields import DAY_MS, day_of
from ledger.service import clocks
from ledger.service.storage import Storage
from tests.helpers.village import person
from tests.unit.api.world import NAME, World, founded, running


def wait_for(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def expiries(world: World, name: str = "zhang") -> list[dict[str, Any]]:
    """What the ledger appended of its own accord, oldest first."""
    account = world.client().account(NAME, person(name).party)
    seqs = [one["seq"] for one in account["entries"] if one["kind"] == "points_expired"]
    return [json.loads(world.client().entry(NAME, seq))["event"]["body"] for seq in sorted(seqs)]


@pytest.mark.parametrize("writer_process", [True, False])
def test_a_server_tells_of_points_that_soon_lapse(tmp_path: Path, writer_process: bool) -> None:
    made = Settings(data_dir=tmp_path, commit_interval_s=0.05, writer_process=writer_process)
    founded(made)
    with running(made) as world:
        world.populate()
        world.must(world.village.award("zhang", "lapsing"))
    with running(made) as world:
        wait_for(lambda: bool(expiries(world)))
        assert world.client().lapse(NAME) == {"notices": 0, "expiries": 0, "units": 0, "refused": 0}
        assert [(one["action"], one["amount_units"]) for one in expiries(world)] == [("notice", 200)]


def test_days_go_by_and_points_lapse_on_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = [0]
    monkeypatch.setattr(
        app, "Storage", lambda settings: Storage(settings, clock=lambda: time.time_ns() // 1_000_000 + moved[0])
    )
    monkeypatch.setattr(clocks, "PARTIES", 1)
    made = Settings(data_dir=tmp_path, commit_interval_s=0.05, writer_process=False)
    founded(made)
    with running(made) as world:
        world.populate()
        for name in ("zhang", "li"):
            world.must(world.village.award(name, "lapsing"))
        first = world.client().lapse(NAME)
        assert first["notices"] in (0, 2), "the server may have come first"
        moved[0] = 41 * DAY_MS
        for name in ("zhang", "li"):
            wait_for(lambda name=name: len(expiries(world, name)) == 2)  # type: ignore[misc]
            assert [one["action"] for one in expiries(world, name)] == ["notice", "expire"]
            assert world.client().account(NAME, person(name).party)["balances"] == {"merit": 200, "spend": 0}
        figures = world.client().figures(NAME)["units"]["spend"]
        assert (figures["issued"], figures["expired"], figures["outstanding"]) == (400, 400, 0)
        assert day_of(world.client().ledger(NAME)["at"]) > day_of(world.village.now_ms)


def test_one_ledgers_trouble_is_logged_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Settings(data_dir=tmp_path, commit_interval_s=0.05, writer_process=False)
    founded(made)
    read, failures = clocks.read_range, [0]

    def fail_twice(*arguments: Any, **options: Any) -> Any:
        if failures[0] < 2:
            failures[0] += 1
            raise OSError("the disk is away")
        return read(*arguments, **options)

    monkeypatch.setattr(clocks, "read_range", fail_twice)
    with running(made) as world:
        world.populate()
        world.must(world.village.award("zhang", "lapsing"))
        wait_for(lambda: failures[0] == 2)
        wait_for(lambda: world.client().newest_commitment(NAME) is not None)
        assert world.client().lapse(NAME)["refused"] == 0
        assert [one["action"] for one in expiries(world)] == ["notice"]
    logged = capsys.readouterr()
    assert "points did not lapse" in logged.out + logged.err
