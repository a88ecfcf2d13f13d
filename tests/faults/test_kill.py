"""``kill -9`` of the server in the middle of a scenario: what was answered stays, what was sent again stands once."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.domain.entries import parse_entry
from ledger.domain.facts import Account
from ledger.domain.state import Replay
from ledger.errors import BusyError
from ledger.scenarios.drive import Answered, drive
from ledger.scenarios.foshan import generate
from ledger.scenarios.scenario import Chronicle
from ledger.service.audit import audit_ledger
from ledger.service.founding import create_ledger
from ledger.service.storage import Storage
from ledger.store import entries as log
from ledger.store.database import reading
from tests.helpers.storage import BOTH, database

KILLS = 20
SCALE = 0.15


class Server:
    """``gongfen serve`` as a process that can be killed without warning."""

    def __init__(self, folder: Path, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._log = folder / "serve.log"
        self._environment = {
            **os.environ,
            "GONGFEN_DATA_DIR": str(folder),
            "GONGFEN_DATABASE_URL": url,
            "GONGFEN_COMMIT_INTERVAL_S": "0.5",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("gongfen")), "serve", "--port", str(self.port)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=self._environment)
        with LedgerClient(self.url, timeout_s=5) as client:
            for _ in range(600):
                if client.ready():
                    return
                assert self._process.poll() is None, self._log.read_text()
                time.sleep(0.05)
        pytest.fail(f"the server did not become ready:\n{self._log.read_text()}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


@contextmanager
def ledger_of(engine: str, folder: Path, scenario: Chronicle) -> Iterator[tuple[Settings, str]]:
    """An empty ledger of the scenario; its settings and database URL."""
    folder.mkdir()
    with database(engine, folder) as url:
        settings = Settings(data_dir=folder, database_url=url)
        storage = Storage(settings)
        storage.open_for_writing()
        keys = [actor.key_file() for actor in scenario.roots]
        create_ledger(storage, scenario.origin, roots=keys, profile=scenario.profile)
        storage.close()
        yield settings, url


def drive_until_killed(server: Server, scenario: Chronicle, answered: dict[str, int], after: int) -> bool:
    """Send everything from the start; kill the server once ``after`` new answers came. True if all got through."""
    fresh = threading.Event()
    count = 0

    def note(answer: Answered) -> None:
        nonlocal count
        if answer.seq < 0:
            return
        known = answered.setdefault(answer.signed.id, answer.seq)
        assert known == answer.seq, f"{answer.signed.id} was entry {known}, now {answer.seq}"
        count += not answer.replayed
        if count >= after:
            fresh.set()

    def kill_when_due() -> None:
        fresh.wait(60)
        time.sleep(random.Random(after).random() * 0.1)
        server.kill()

    killer = threading.Thread(target=kill_when_due)
    killer.start()
    try:
        with LedgerClient(server.url) as client:
            drive(client, scenario.name, scenario.submissions(), on_answer=note)
    except BusyError as error:
        if error.code != "unreachable":
            raise
        return False
    finally:
        fresh.set()
        killer.join()
    return True


def balances(settings: Settings) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Every balance by replaying the log, and every event id in order; the audit must be clean."""
    storage = Storage(settings)
    storage.open_for_writing()
    try:
        row = storage.ledgers()[0]
        report = audit_ledger(storage.engine, row, vault=storage.vault, processes=0)
        assert report.faults == []
        with reading(storage.engine) as connection:
            stored = list(log.stream_entries(connection, row.ledger_id, 0, report.size))
    finally:
        storage.close()
    replay = Replay(lambda seq: stored[seq].data, signatures=False)
    for item in stored:
        replay.apply(item.data)
    held = {fact.party: fact.balances for fact in replay.facts.values() if isinstance(fact, Account)}
    ids = [
        item.event_id
        for item in stored
        if parse_entry(item.data).event.body.kind not in ("state_committed", "ledger_created")
    ]
    return held, ids


@pytest.mark.slow
@pytest.mark.parametrize("engine", BOTH)
def test_what_was_answered_survives_twenty_kills(engine: str, tmp_path: Path) -> None:
    scenario = generate(scale=SCALE).chronicles[0]
    meant = [signed.id for signed in scenario.submissions() if not signed.refused]
    with ledger_of(engine, tmp_path / "calm", scenario) as (settings, url):
        server = Server(tmp_path / "calm", url)
        server.start()
        with LedgerClient(server.url) as client:
            drive(client, scenario.name, scenario.submissions())
        server.stop()
        undisturbed, _ = balances(settings)
    answered: dict[str, int] = {}
    again: list[Answered] = []
    moments = random.Random(20).choices(range(1, 2 * len(meant) // KILLS), k=KILLS)
    with ledger_of(engine, tmp_path / "killed", scenario) as (settings, url):
        server = Server(tmp_path / "killed", url)
        try:
            for after in moments:
                server.start()
                drive_until_killed(server, scenario, answered, after)
            server.start()
            with LedgerClient(server.url) as client:
                drive(client, scenario.name, scenario.submissions(), again.append)
        finally:
            server.stop()
        assert {
            answer.signed.id: answer.seq for answer in again if answer.seq >= 0 and answer.signed.id in answered
        } == answered
        held, ids = balances(settings)
    assert sorted(ids) == sorted(set(meant))
    named = {party: held[party] for party in undisturbed if party in held}
    ours = {party for party in undisturbed if party not in held}
    assert named == {party: undisturbed[party] for party in named}
    assert len(ours) <= 1, "only the ledger's own party differs between two ledgers"
