"""The writer in a process of its own: the same answers; its death is told and mended, its refusals are heard."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.core.receipt import Receipt, parse
from ledger.errors import ConfigError, StateError
from ledger.service.remote import RemoteSequencer
from tests.unit.api.world import NAME, World, changed, founded, running


def test_a_writer_in_a_process_of_its_own_answers_the_same(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    with running(made) as world:
        world.populate()
        event = world.village.award("zhang", "volunteer")
        first = world.must(event)
        assert world.post(event).json() == first | {"replayed": True}
        refused = world.post(world.village.award("nobody", "volunteer"))
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_party")
        committed = world.client().commit_state(NAME)
        assert committed is not None
        assert world.size == committed.size == first["seq"] + 2
        receipt = parse(world.client().receipt(NAME, str(first["seq"])))
        assert isinstance(receipt, Receipt)
        assert receipt.checkpoint == committed.checkpoint


def link_of(world: World) -> object:
    sequencer = world.sequencer()
    assert isinstance(sequencer, RemoteSequencer)
    return sequencer._link


def test_a_dead_writer_is_told_to_its_waiters_and_started_again(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    with running(made) as world:
        first = world.must(world.village.role("clerk", "clerk"))
        process = link_of(world)._process  # type: ignore[attr-defined]
        os.kill(process.pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(world.post, world.village.role("council", "council"))
            while not world.sequencer().waiting:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            lost = waiting.result(30)
        assert (lost.status_code, lost.json()["code"]) == (503, "writer_lost")
        assert lost.headers["retry-after"] == "1"
        event = world.village.role("village", "village")
        deadline = time.monotonic() + 30
        while (answer := world.post(event)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert answer.status_code == 201
        assert answer.json()["seq"] == first["seq"] + 1


def test_a_writer_that_does_not_start_again_at_first_is_tried_until_it_does(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    key, aside = tmp_path / "keys" / "vault.key", tmp_path / "aside.key"
    with running(made) as world:
        world.must(world.village.role("clerk", "clerk"))
        first = link_of(world)._process  # type: ignore[attr-defined]
        key.rename(aside)
        os.kill(first.pid, signal.SIGKILL)
        while link_of(world)._process is first or link_of(world)._process.is_alive():  # type: ignore[attr-defined]
            time.sleep(0.01)
        ready = world.http.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "writer_lost")
        aside.rename(key)
        while world.http.get("/readyz").status_code != 200:
            time.sleep(0.05)
        assert world.must(world.village.role("council", "council"))["seq"] == 2


def test_more_events_than_may_wait_are_told_so_and_nothing_is_stored(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path, queue_max=3)
    founded(made)
    with running(made) as world:
        events = b"\n".join(world.village.role(name, "clerk") for name in "abcd")
        answer = world.post_batch(events)
        assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
        assert world.size == 1


def test_a_bad_signature_is_found_whichever_process_verifies(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    with running(made) as world:
        world.populate()
        lines = []
        for _ in range(40):
            good = world.village.award("zhang", "volunteer")
            lines += [changed(good, lambda value: value["event"].update(occurred_on="2021-01-02")), good]
        answers = [json.loads(line) for line in world.post_batch(b"\n".join(lines)).text.splitlines()]
    assert [answer.get("code") for answer in answers] == ["bad_signature", None] * 40


def test_a_writer_that_must_not_start_says_why(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    (tmp_path / "keys" / "vault.key").unlink()
    with pytest.raises(StateError, match="vault key is missing"), running(made):
        pass


def test_a_server_beside_another_writer_does_not_start(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    with running(made), pytest.raises((StateError, ConfigError), match="another process writes"), running(made):
        pass
