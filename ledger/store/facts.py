"""Facts (projections of the log) and the pages and values of the state map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from ledger.core.types import Digest
from ledger.domain.entries import parse_entry
from ledger.domain.facts import RECORDED_PREFIX, Fact, decode_fact, encode_fact
from ledger.domain.state import record_of
from ledger.errors import NotFoundError, StateError
from ledger.store.database import insert_rows, run, upsert_rows
from ledger.store.entries import find_entry
from ledger.store.schema import facts, map_pages, map_values

_FACTS: Final = "SELECT key, value FROM facts WHERE ledger_id = ? AND key IN ({})"
_RANGE: Final = "SELECT key, value FROM facts WHERE ledger_id = ? AND key > ? AND key < ? ORDER BY key LIMIT ?"
CHUNK: Final = 500
"""Values in one query."""
PAGE: Final = 1000
"""Facts read at a time from a range."""


def read_facts(connection: Connection, ledger_id: int, keys: Sequence[str]) -> dict[str, Fact | None]:
    """The facts of the given keys, None where there is none. Keys of entries are answered from the log."""
    found: dict[str, Fact | None] = dict.fromkeys(keys)
    stored = []
    for key in keys:
        if key.startswith(RECORDED_PREFIX):
            found[key] = _recorded(connection, ledger_id, key.removeprefix(RECORDED_PREFIX))
        else:
            stored.append(key)
    if stored:
        for start in range(0, len(stored), CHUNK):
            chunk = stored[start : start + CHUNK]
            sql = _FACTS.format(",".join("?" * len(chunk)))
            for key, value in run(connection, sql, (ledger_id, *chunk)).fetchall():
                found[key] = decode_fact(key, bytes(value))
    return found


def read_range(connection: Connection, ledger_id: int, prefix: str, *, after: str = "", limit: int) -> dict[str, Fact]:
    """The first ``limit`` facts whose key begins with ``prefix`` and follows the key ``after``, by key.

    Keys are ASCII and are ordered as bytes, on every database.
    """
    start, end = max(prefix, after), prefix[:-1] + chr(ord(prefix[-1]) + 1)
    rows = run(connection, _RANGE, (ledger_id, start, end, limit)).fetchall()
    return {key: decode_fact(key, bytes(value)) for key, value in rows}


def stream_range(connection: Connection, ledger_id: int, prefix: str) -> Iterator[tuple[str, Fact]]:
    """Every fact whose key begins with ``prefix``, by key; a bounded number in memory at a time."""
    after = ""
    while page := read_range(connection, ledger_id, prefix, after=after, limit=PAGE):
        yield from page.items()
        after = max(page)


def _recorded(connection: Connection, ledger_id: int, event_id: str) -> Fact | None:
    try:
        return record_of(parse_entry(find_entry(connection, ledger_id, event_id).data))
    except NotFoundError:
        return None


def write_facts(connection: Connection, ledger_id: int, changes: Mapping[str, Fact]) -> None:
    """Set facts to their new values."""
    upsert_rows(connection, facts, [(ledger_id, key, encode_fact(fact)) for key, fact in changes.items()])


def add_pages(connection: Connection, ledger_id: int, pages: Mapping[Digest, bytes]) -> None:
    """Store pages of the state map under their hashes; those already there stay."""
    insert_rows(connection, map_pages, [(ledger_id, name, data) for name, data in pages.items()], keep=True)


def add_values(connection: Connection, ledger_id: int, values: Mapping[Digest, bytes]) -> None:
    """Store values of the state map under their hashes; those already there stay."""
    insert_rows(connection, map_values, [(ledger_id, name, data) for name, data in values.items()], keep=True)


def read_pages(connection: Connection, ledger_id: int, names: Sequence[Digest]) -> dict[Digest, bytes]:
    """Pages of the state map by their hashes; missing ones are left out."""
    pages: dict[Digest, bytes] = {}
    for start in range(0, len(names), 500):
        query = select(map_pages.c.hash, map_pages.c.data).where(
            map_pages.c.ledger_id == ledger_id, map_pages.c.hash.in_(names[start : start + 500])
        )
        pages.update((Digest(bytes(name)), bytes(data)) for name, data in connection.execute(query))
    return pages


def read_value(connection: Connection, ledger_id: int, name: Digest) -> bytes:
    """A value of the state map by its hash. Raises `StateError` if it is not stored."""
    query = select(map_values.c.data).where(map_values.c.ledger_id == ledger_id, map_values.c.hash == name)
    value = connection.execute(query).scalar()
    if value is None:
        raise StateError("a value of the state map is missing; run `gongfen audit`", field="map_values", got=name.hex())
    return bytes(value)
