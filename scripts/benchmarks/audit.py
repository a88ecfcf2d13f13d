"""A full audit of signed entries, against verifying their signatures alone on all cores."""

from __future__ import annotations

from benchmarks.common import Result, VerifyRate, Village, folder, rounds
from ledger.service.audit import audit_ledger

EVENTS = 60_000


def measure() -> list[Result]:
    with folder() as path, VerifyRate() as verify_rate:
        village = Village(path)
        village.found(village.awards(EVENTS))
        village.writer.commit_state()

        def ours() -> float:
            report = audit_ledger(village.storage.engine, village.row, vault=village.storage.vault)
            if not report.clean:
                raise RuntimeError(f"the audit found {report.faults[0]}")
            return report.size / report.seconds

        baseline, rate = rounds(verify_rate, ours, 3)
    return [Result("full audit", rate, "entries/s", "pynacl verify on all cores", baseline, 0.72, 0.85, "higher")]
