"""Bulk import, verified and durable, against verifying alone on all cores."""

from __future__ import annotations

from benchmarks.common import Result, VerifyRate, Village, folder, rounds, seconds
from ledger.service.imports import import_events
from ledger.service.memory import calm
from ledger.service.verifiers import SignatureChecker

EVENTS = 20_000


def measure() -> list[Result]:
    with folder() as path, VerifyRate() as verify_rate, SignatureChecker() as checker:
        village = Village(path)

        def ours() -> float:
            awards = village.awards(EVENTS)
            return EVENTS / seconds(lambda: _import(village, awards, checker))

        baseline, rate = rounds(verify_rate, ours, 3)
    return [Result("bulk import", rate, "events/s", "pynacl verify on all cores", baseline, 0.55, 0.65, "higher")]


def _import(village: Village, awards: list[bytes], checker: SignatureChecker) -> None:
    with calm():
        _import_all(village, awards, checker)


def _import_all(village: Village, awards: list[bytes], checker: SignatureChecker) -> None:
    for answers in import_events(village.writer, awards, checker):
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
