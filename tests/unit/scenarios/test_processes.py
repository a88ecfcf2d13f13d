"""Children are waited for, ended by their handles, and heard when they fail."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from ledger.errors import StateError
from ledger.scenarios.processes import Child, Processes, environment, run, wait_for, wait_for_line

SLEEPER = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]


def test_leaving_ends_every_child(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("sleeper", SLEEPER)
        assert wait_for_line(child, "rea") == "ready"
        assert child.process.poll() is None
    assert child.process.returncode == -signal.SIGTERM


def test_leaving_by_an_error_ends_every_child_too(tmp_path: Path) -> None:
    started: list[Child] = []

    def fail_with_a_child() -> None:
        with Processes(tmp_path) as processes:
            started.append(processes.start("sleeper", SLEEPER))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_with_a_child()
    assert started[0].process.poll() is not None


def test_a_child_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("failing", [sys.executable, "-c", "import sys; print('no such thing'); sys.exit(7)"])
        with pytest.raises(StateError, match="code 7: no such thing"):
            wait_for(child, lambda: False)
        with pytest.raises(StateError):
            processes.check()


def test_a_child_that_is_never_ready_is_not_waited_for_longer_than_said(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("sleeper", SLEEPER)
        started = time.monotonic()
        with pytest.raises(StateError, match="not ready after"):
            wait_for(child, lambda: False, seconds=0.2)
        assert time.monotonic() - started < 10


def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(StateError, match="code 3: bad luck"):
        run([sys.executable, "-c", "import sys; print('bad luck', file=sys.stderr); sys.exit(3)"])


def test_settings_of_another_ledger_do_not_reach_the_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGFEN_DATABASE_URL", "sqlite:///another.db")
    found = environment({"GONGFEN_DATA_DIR": "here"})
    assert {name for name in found if name.startswith("GONGFEN_")} == {"GONGFEN_DATA_DIR"}
