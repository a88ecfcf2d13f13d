"""`gongfen audit`: recompute a whole ledger from its entries, and compare everything stored with that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.commands.common import DataDir, Json, progress, settings_of, show
from ledger.errors import NotFoundError

if TYPE_CHECKING:
    from ledger.service.audit import AuditReport
    from ledger.service.storage import Storage
    from ledger.store.entries import LedgerRow

FAULTS_FOUND = 1


def audit(
    ledger: Annotated[list[str] | None, typer.Option(help="Ledger to audit, by short name; default: all.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes that verify; default: one a core.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Recompute ledgers from their entries and compare all that is stored; also while the server runs.

    Exit codes: 0 everything holds, 1 faults were found, 2 the audit could not be made.
    """
    from ledger.service.storage import Storage

    storage = Storage(settings_of(data_dir))
    try:
        rows = _chosen(storage.ledgers(), ledger)
        reports = [_audit(storage, row, processes) for row in rows]
    finally:
        storage.close()
    show({"ledgers": [_shown(report) for report in reports]}, as_json, lambda: "\n".join(map(_told, reports)))
    raise typer.Exit(0 if all(report.clean for report in reports) else FAULTS_FOUND)


def _chosen(rows: list[LedgerRow], names: list[str] | None) -> list[LedgerRow]:
    if not rows:
        raise NotFoundError("there is no ledger here", field="data_dir", expected="one of `gongfen ledger create`")
    present = {row.name: row for row in rows}
    for name in names or []:
        if name not in present:
            raise NotFoundError("no such ledger", field="ledger", expected=", ".join(present), got=name)
    return [present[name] for name in dict.fromkeys(names or present)]


def _audit(storage: Storage, row: LedgerRow, processes: int | None) -> AuditReport:
    from ledger.service.audit import audit_ledger

    vault = storage.vault if (storage.settings.keys_dir / "vault.key").exists() else None
    with progress(f"auditing {row.name}") as advance:
        seen = 0

        def told(done: int, total: int) -> None:
            nonlocal seen
            advance(done - seen, total)
            seen = done

        return audit_ledger(storage.engine, row, vault=vault, processes=processes, progress=told)


def _shown(report: AuditReport) -> dict[str, Any]:
    return {
        "ledger": report.ledger,
        "origin": report.origin,
        "clean": report.clean,
        "size": report.size,
        "root": report.root.hex(),
        "seconds": round(report.seconds, 3),
        "faults": [
            {name: value for name, value in fault._asdict().items() if value is not None} for fault in report.faults
        ],
    }


def _told(report: AuditReport) -> str:
    from ledger.service.audit import FAULTS_MAX

    if report.clean:
        return f"{report.ledger}: everything holds: {report.size} entries, root {report.root.hex()}"
    count = len(report.faults)
    told = "1 fault" if count == 1 else f"{count} faults" if count < FAULTS_MAX else f"{FAULTS_MAX} faults or more"
    rest = f"the {report.size} entries themselves hold" if report.size else "what comes after the first was not judged"
    lines = [f"{report.ledger}: {told}; {rest}"]
    for fault in report.faults:
        place = fault.where if fault.seq is None else f"entry {fault.seq}, {fault.where}"
        lines.append(f"  {place}: {fault.message}")
    return "\n".join(lines)
