"""Reading whole tables of one ledger in order, a bounded number of rows in memory at a time, for audits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Column, Connection, LargeBinary, String

from ledger.core.tiles import TILE_SIZE, TILE_WIDTH
from ledger.core.types import DIGEST_SIZE, Digest
from ledger.store.database import driver
from ledger.store.schema import (
    checkpoints,
    commitments,
    concerned,
    disclosures,
    entries,
    facts,
    heads,
    map_pages,
    map_values,
    tiles,
)

ROWS: Final = 2000
AUDITED: Final = (
    heads,
    entries,
    checkpoints,
    commitments,
    concerned,
    disclosures,
    facts,
    tiles,
    map_pages,
    map_values,
)
Row = TypeVar("Row", bound=tuple[Any, ...])


class Cursor(Generic[Row]):
    """Rows in the order of their first column, taken as their turn comes."""

    __slots__ = ("_rows", "current")

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.current: Row | None = next(rows, None)

    def pop(self) -> Row:
        """The current row; the next one becomes current."""
        row = self.current
        if row is None:
            raise IndexError("no row left")
        self.current = next(self._rows, None)
        return row

    def take(self, key: int) -> Row | None:
        """The current row if its first column is ``key``, else None."""
        row = self.current
        if row is None or row[0] != key:
            return None
        self.current = next(self._rows, None)
        return row


def all_entries(connection: Connection, ledger_id: int) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Every entry as (seq, 16 bytes of the event id, leaf hash, entry bytes), by seq."""
    sql = "SELECT seq, event_id, leaf, data FROM entries WHERE ledger_id = {} ORDER BY seq"
    return _rows(connection, sql, ledger_id)


def concerned_of(connection: Connection, ledger_id: int) -> Iterator[tuple[int, bytes, int]]:
    """Every (seq, party's 16 bytes, previous), by seq and party."""
    sql = "SELECT seq, party, previous FROM concerned WHERE ledger_id = {} ORDER BY seq, party"
    return _rows(connection, sql, ledger_id)


def checkpoints_of(connection: Connection, ledger_id: int) -> Iterator[tuple[int, str]]:
    """Every (size, note), by size."""
    return _rows(connection, "SELECT size, note FROM checkpoints WHERE ledger_id = {} ORDER BY size", ledger_id)


def commitments_of(connection: Connection, ledger_id: int) -> Iterator[tuple[int, bytes]]:
    """Every (size, map root), by size."""
    sql = "SELECT size, map_root FROM commitments WHERE ledger_id = {} ORDER BY size"
    for size, root in _rows(connection, sql, ledger_id):
        yield size, bytes(root)


def tiles_of(connection: Connection, ledger_id: int) -> Iterator[tuple[int, int, bytes]]:
    """Every full tile as (level, index, blob), by level and index."""
    sql = 'SELECT level, "index", data FROM tiles WHERE ledger_id = {} ORDER BY level, "index"'
    for level, index, data in _rows(connection, sql, ledger_id):
        yield level, index, bytes(data)


def facts_of(connection: Connection, ledger_id: int) -> Iterator[tuple[str, bytes]]:
    """Every (fact key, stored value)."""
    for key, value in _rows(connection, "SELECT key, value FROM facts WHERE ledger_id = {} ORDER BY key", ledger_id):
        yield key, bytes(value)


def pages_of(connection: Connection, ledger_id: int) -> Iterator[tuple[Digest, bytes]]:
    """Every (hash, page of the state map)."""
    for name, data in _rows(connection, "SELECT hash, data FROM map_pages WHERE ledger_id = {}", ledger_id):
        yield Digest(bytes(name)), bytes(data)


def values_of(connection: Connection, ledger_id: int) -> Iterator[tuple[Digest, bytes]]:
    """Every (hash, value of the state map)."""
    for name, data in _rows(connection, "SELECT hash, data FROM map_values WHERE ledger_id = {}", ledger_id):
        yield Digest(bytes(name)), bytes(data)


def disclosures_of(connection: Connection, ledger_id: int) -> Iterator[tuple[int, str, bytes, bytes]]:
    """Every sealed disclosure as (seq, name, party's 16 bytes, sealed), by seq and name."""
    sql = "SELECT seq, name, party, sealed FROM disclosures WHERE ledger_id = {} ORDER BY seq, name"
    for seq, name, party, sealed in _rows(connection, sql, ledger_id):
        yield seq, name, bytes(party), bytes(sealed)


def first_difference(connection: Connection, ledger_id: int) -> int | None:
    """The first entry whose leaf hash is not what its full tile holds, or None."""
    leaves = _rows(connection, "SELECT leaf FROM entries WHERE ledger_id = {} ORDER BY seq", ledger_id)
    for level, index, blob in tiles_of(connection, ledger_id):
        if level:
            break
        for place in range(0, TILE_SIZE, DIGEST_SIZE):
            row = next(leaves, None)
            if row is None or bytes(row[0]) != blob[place : place + DIGEST_SIZE]:
                return index * TILE_WIDTH + place // DIGEST_SIZE
    return None


def odd_values(connection: Connection, ledger_id: int, limit: int) -> Iterator[tuple[int | None, str, str]]:
    """Values of another type or length than their column's, as (seq if the row has one, table, what is odd).

    SQLite lets any value stand in any column, and readers stumble over it; PostgreSQL keeps the types itself.
    """
    if connection.dialect.name != "sqlite":
        return
    for table in AUDITED:
        columns = [column for column in table.columns if column.name != "ledger_id"]
        names = ", ".join(f'typeof("{column.name}"), CAST("{column.name}" AS BLOB)' for column in columns)
        sql = f"SELECT {names} FROM {table.name} WHERE ledger_id = ?"  # noqa: S608 - names of the schema
        for row in driver(connection).execute(sql, (ledger_id,)):
            found = [_oddity(column, row[2 * place], row[2 * place + 1]) for place, column in enumerate(columns)]
            if not any(found):
                continue
            seq = int(row[1]) if "seq" in table.columns and row[0] == "integer" else None
            key = [_shown(row[2 * place + 1]) for place, column in enumerate(columns) if column.primary_key]
            row_name = f"row {', '.join(key)}: " if key else ""
            yield seq, table.name, row_name + "; ".join(filter(None, found))
            limit -= 1
            if not limit:
                return


def _shown(data: bytes | None) -> str:
    text = (data or b"").decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else (data or b"").hex()


def _oddity(column: Column[Any], kind: str, data: bytes | None) -> str:
    """What is odd about a stored value, or nothing."""
    expected = (
        "blob" if isinstance(column.type, LargeBinary) else "text" if isinstance(column.type, String) else "integer"
    )
    if kind != expected:
        return f"{column.name} is stored as {kind}, expected {expected}"
    size = len(data or b"")
    if isinstance(column.type, LargeBinary) and column.type.length not in (None, size):
        return f"{column.name} has {size} bytes, expected {column.type.length}"
    if isinstance(column.type, String):
        try:
            (data or b"").decode()
        except UnicodeDecodeError:
            return f"{column.name} is not UTF-8"
    return ""


def _rows(connection: Connection, sql: str, ledger_id: int) -> Iterator[Any]:
    """The rows of a query by the driver's own cursor; on PostgreSQL one that the server keeps."""
    if connection.dialect.name == "postgresql":
        cursor = driver(connection).cursor(name=f"scan_{abs(hash(sql))}_{ledger_id}")
        cursor.itersize = ROWS
        cursor.execute(sql.format("%s"), (ledger_id,))
    else:
        cursor = driver(connection).cursor()
        cursor.arraysize = ROWS
        cursor.execute(sql.format("?"), (ledger_id,))
    with_rows = iter(lambda: cursor.fetchmany(ROWS), [])
    for rows in with_rows:
        yield from rows
    cursor.close()
