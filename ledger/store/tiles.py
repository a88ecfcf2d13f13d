"""Full tiles and leaf hashes, as `ledger.core.tiles` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from ledger.errors import StateError
from ledger.store.database import insert_rows, run
from ledger.store.schema import entries, tiles

UPPER_TILES_KEPT: Final = 4_096
"""Tiles above level 0 that a cache may hold: 64 MiB, every such tile of a log of 268 million entries."""
_SELECT: Final = 'SELECT data FROM tiles WHERE ledger_id = ? AND level = ? AND "index" = ?'

UpperTiles = dict[tuple[int, int], bytes]
"""Full tiles above level 0 of one ledger, by level and index. They never change, so they may be kept for ever."""


class StoredTiles:
    """The tiles of one ledger, within one transaction (a `TileSource`).

    ``upper`` is shared by the readers of one ledger: with it a proof reads one row, whatever the size of the log.
    """

    def __init__(self, connection: Connection, ledger_id: int, upper: UpperTiles | None = None) -> None:
        self._connection = connection
        self._ledger_id = ledger_id
        self._upper = {} if upper is None else upper

    def full_tile(self, level: int, index: int) -> bytes:
        """A full tile with its inner nodes. Raises `StateError` if it is not stored."""
        if level and (kept := self._upper.get((level, index))):
            return kept
        row = run(self._connection, _SELECT, (self._ledger_id, level, index)).fetchone()
        if row is None:
            raise StateError("a full tile is missing; run `gongfen audit`", field="tiles", got=f"{level}/{index}")
        data = bytes(row[0])
        if level and len(self._upper) < UPPER_TILES_KEPT:
            self._upper[level, index] = data
        return data

    def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
        """The leaf hashes of entries ``first`` … ``last`` − 1."""
        query = (
            select(entries.c.leaf)
            .where(entries.c.ledger_id == self._ledger_id, entries.c.seq >= first, entries.c.seq < last)
            .order_by(entries.c.seq)
        )
        return [bytes(leaf) for leaf in self._connection.execute(query).scalars()]


def add_tiles(connection: Connection, ledger_id: int, filled: Sequence[tuple[int, int, bytes]]) -> None:
    """Store tiles that became full, as (level, index, blob)."""
    insert_rows(connection, tiles, [(ledger_id, level, index, blob) for level, index, blob in filled])
