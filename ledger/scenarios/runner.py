"""A whole run: on a throw-away server and chain, or on a server that somebody else runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from ledger.client import LedgerClient
from ledger.core.types import short_name
from ledger.scenarios.drive import Answered, OnAnswer, drive
from ledger.scenarios.foshan import Scenario
from ledger.scenarios.processes import Processes
from ledger.scenarios.report import Report, make_report
from ledger.scenarios.town import Town

TIMEOUT_S = 120.0


class Run:
    """A scenario and a server, between driving it and reading it back."""

    def __init__(self, scenario: Scenario, client: LedgerClient) -> None:
        self._scenario = scenario
        self._client = client
        self._answers: list[Answered] = []

    def drive(self, on_answer: OnAnswer | None = None) -> list[Answered]:
        """Send everything; see `ledger.scenarios.drive`."""
        name = short_name(self._scenario.origin)
        self._answers = drive(self._client, name, self._scenario.submissions, on_answer)
        return self._answers

    def report(self) -> Report:
        """What the ledger holds now."""
        return make_report(self._client, self._scenario, self._answers)


@contextmanager
def opened(scenario: Scenario, url: str, token: str | None = None) -> Iterator[Run]:
    """A run against a server, its connections closed at the end."""
    with LedgerClient(url, token, timeout_s=TIMEOUT_S) as client:
        yield Run(scenario, client)


def run_elsewhere(scenario: Scenario, url: str, token: str | None = None) -> Report:
    """Drive a scenario against a running server. Whoever runs it anchors and audits; the report tells what is there."""
    started = time.monotonic()
    with opened(scenario, url, token) as run:
        run.drive()
        report = run.report()
    return replace(report, seconds=round(time.monotonic() - started, 1))


def run_here(scenario: Scenario, out: Path | None = None, *, chain: bool = True) -> Report:
    """Drive a scenario on a server of its own, in ``out`` or a folder that is removed again; anchor and audit it."""
    started = time.monotonic()
    with _folder(out) as folder, Processes(folder / "logs") as processes:
        town = Town(folder, processes)
        name, log_key = short_name(scenario.origin), town.found(scenario)
        server = town.serve()
        if chain:
            town.start_chain()
            town.deploy()
            town.register(name, log_key)
        with opened(scenario, town.url) as run:
            run.drive()
            if chain:
                town.anchor(name)
            report = run.report()
        processes.end(server)
        report = replace(report, audit=town.audit())
    return replace(report, seconds=round(time.monotonic() - started, 1))


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="gongfen-scenario-") as folder:
        yield Path(folder)
