"""Full tiles and leaf hashes, as `ledger.core.tiles` reads them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ledger.errors import StateError
from ledger.store.database import insert_rows
from ledger.store.schema import entries, tiles


class StoredTiles:
    """The tiles of one ledger, within one transaction (a `TileSource`)."""

    def __init__(self, connection: Connection, ledger_id: int) -> None:
        self._connection = connection
        self._ledger_id = ledger_id

    def full_tile(self, level: int, index: int) -> bytes:
        """A full tile with its inner nodes. Raises `StateError` if it is not stored."""
        query = select(tiles.c.data).where(
            tiles.c.ledger_id == self._ledger_id, tiles.c.level == level, tiles.c.index == index
        )
        data = self._connection.execute(query).scalar()
        if data is None:
            raise StateError("a full tile is missing; run `gongfen audit`", field="tiles", got=f"{level}/{index}")
        return bytes(data)

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
