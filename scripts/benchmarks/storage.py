"""What an event costs on disk, in the groups that single POSTs of a busy hour make."""

from __future__ import annotations

from sqlalchemy import text

from benchmarks.common import Result, Village, folder
from ledger.service.intake import prepare
from ledger.store.database import reading

EVENTS = 20_000
GROUP = 16


def measure() -> list[Result]:
    with folder() as path:
        village = Village(path)
        awards = village.awards(EVENTS)
        before, size_before = _sizes(village)
        for start in range(0, EVENTS, GROUP):
            village.writer.append([prepare(item, village.writer.public_key) for item in awards[start : start + GROUP]])
        village.writer.commit_state()
        after, size_after = _sizes(village)
    entry_bytes = (size_after - size_before) / EVENTS
    disk_bytes = (after - before) / EVENTS
    return [
        Result(
            "bytes on disk per event", disk_bytes, "bytes", "its canonical entry bytes", entry_bytes, 1.5, 1.3, "lower"
        )
    ]


def _sizes(village: Village) -> tuple[int, int]:
    """Bytes of the database and of the entries in it, the write-ahead log folded in."""
    with village.storage.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # type: ignore[union-attr]
    with reading(village.storage.engine) as connection:
        pages = connection.execute(
            text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        ).scalar()
        entries = connection.execute(text("SELECT SUM(LENGTH(data)) FROM entries")).scalar()
    return int(pages or 0), int(entries or 0)
