"""A whole run: on a throw-away server and chain, or on a server that somebody else runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ledger.client import LedgerClient
from ledger.scenarios.drive import Answered, Driven, OnAnswer, drive
from ledger.scenarios.processes import Processes
from ledger.scenarios.reading import Found, ReadBack, read_back
from ledger.scenarios.report import Report, make_report
from ledger.scenarios.scenario import Chronicle, Scenario
from ledger.scenarios.town import Town

TIMEOUT_S: Final = 120.0
LANES: Final = 3
"""Ledgers that are driven, or read back, at a time."""


class Run:
    """A scenario and a server, between driving it and reading it back."""

    def __init__(self, scenario: Scenario, client: LedgerClient, *, chain: bool = False) -> None:
        self._scenario = scenario
        self._chain = chain
        self._client = client
        self._marked: dict[str, dict[str, Answered]] = {one.name: {} for one in scenario.chronicles}
        self._driven = Driven(0, 0, 0)

    def drive(self, on_answer: OnAnswer | None = None) -> Driven:
        """Send everything; see `ledger.scenarios.drive`. Ledgers go side by side."""

        def one(chronicle: Chronicle) -> Driven:
            marked = self._marked[chronicle.name]
            marked.clear()  # a story told anew must not know what came later in an earlier run
            return drive(self._client, chronicle.name, chronicle.tell(marked), on_answer, marked)

        with ThreadPoolExecutor(LANES) as lanes:
            counts = list(lanes.map(one, self._scenario.chronicles))
        self._driven = Driven(*map(sum, zip(*counts, strict=True)))
        return self._driven

    def report(self) -> Report:
        """What the ledgers hold now."""
        scenario = self._scenario

        def one(chronicle: Chronicle) -> ReadBack:
            return read_back(self._client, chronicle, scenario.watch(chronicle), self._marked[chronicle.name])

        with ThreadPoolExecutor(LANES) as lanes:
            found = Found(list(lanes.map(one, scenario.chronicles)), self._client, self._chain)
        return make_report(scenario, found, self._driven)


class Clock:
    """How long each step took; a step begins when the one before ends."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._last = time.monotonic()

    def done(self, step: str) -> None:
        """A step is done."""
        now = time.monotonic()
        self.steps[step] = round(now - self._last, 1)
        self._last = now


@contextmanager
def opened(scenario: Scenario, url: str, token: str | None = None, *, chain: bool = False) -> Iterator[Run]:
    """A run against a server, its connections closed at the end. ``chain``: its ledgers are to be anchored."""
    with LedgerClient(url, token, timeout_s=TIMEOUT_S) as client:
        yield Run(scenario, client, chain=chain)


def run_elsewhere(scenario: Scenario, url: str, token: str | None = None) -> Report:
    """Drive a scenario against a running server. Whoever runs it anchors and audits; the report tells what is there."""
    clock = Clock()
    with opened(scenario, url, token) as run:
        run.drive()
        clock.done("driving")
        report = run.report()
    clock.done("reading")
    return replace(report, steps=clock.steps)


def run_here(scenario: Scenario, out: Path | None = None, *, chain: bool = True) -> Report:
    """Drive a scenario on a server of its own, in ``out`` or a folder that is removed again; anchor and audit it."""
    clock = Clock()
    with _folder(out) as folder, Processes(folder / "logs") as processes:
        town = Town(folder, processes)
        log_keys = town.found(scenario)
        server = town.serve()
        clock.done("founding")
        if chain:
            town.start_chain()
            town.deploy()
            town.register(log_keys)
            clock.done("registering")
        with opened(scenario, town.url, chain=chain) as run:
            run.drive()
            clock.done("driving")
            if chain:
                town.anchor(log_keys)
                clock.done("anchoring")
            report = run.report()
            clock.done("reading")
        processes.end(server)
        report = replace(report, audit=town.audit())
        clock.done("auditing")
    return replace(report, steps=clock.steps)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="gongfen-scenario-") as folder:
        yield Path(folder)
