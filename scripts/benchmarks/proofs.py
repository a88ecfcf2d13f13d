"""Inclusion proofs from a store of 10 million leaves against proofs from memory, and appending at that size."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection

from benchmarks.common import Result, Village, folder, per_call, rounds
from ledger.core.note import Checkpoint, sign_note
from ledger.core.tiles import TileFrontier
from ledger.core.types import Digest, Origin
from ledger.domain.append import Head
from ledger.service.intake import prepare
from ledger.service.receipts import ReceiptDesk
from ledger.store import entries as log
from ledger.store.database import insert_rows, party_bytes, reading, writing
from ledger.store.schema import concerned, entries
from ledger.store.tiles import add_tiles

LEAVES = int(os.environ.get("GONGFEN_BENCH_LEAVES", "10000000"))
SMALL = 10_000
PROOFS = 2_000
GROUPS, GROUP = 60, 64


def measure() -> list[Result]:
    with folder() as path:
        small = Village(path / "small")
        small.found(small.awards(SMALL - small.writer.size))
        large = Village(path / "large")
        levels = _fill(large, LEAVES)
        memory, store = _proofs(large, levels)
        del levels
        at_small, at_large = rounds(lambda: _append(small), lambda: _append(large), 5)
    return [
        Result(
            f"inclusion proof at {LEAVES:,} leaves",
            store * 1e6,
            "µs",
            "the same from memory",
            memory * 1e6,
            4.0,
            2.0,
            "lower",
        ),
        Result(
            f"append at {LEAVES:,} entries",
            at_large * 1e6,
            "µs/event",
            f"at {SMALL:,}",
            at_small * 1e6,
            1.3,
            1.1,
            "lower",
        ),
    ]


def _proofs(village: Village, levels: list[bytes]) -> tuple[float, float]:
    indexes = [random.Random(7).randrange(LEAVES) for _ in range(PROOFS)]
    with reading(village.storage.engine) as connection:
        reader = ReceiptDesk(village.row, village.storage.vault).reader(connection, LEAVES)
        for index in indexes[:200]:
            if reader.inclusion_path(index) != _from_memory(levels, index):
                raise RuntimeError("the two proofs differ")
        return rounds(
            lambda: per_call(lambda i: _from_memory(levels, indexes[i]), PROOFS),
            lambda: per_call(lambda i: reader.inclusion_path(indexes[i]), PROOFS),
        )


def _from_memory(levels: list[bytes], index: int) -> list[bytes]:
    """The path from whole levels of nodes held in memory."""
    path = []
    for level in levels[:-1]:
        sibling = 32 * (index ^ 1)
        if sibling < len(level):
            path.append(level[sibling : sibling + 32])
        index >>= 1
    return path


def _append(village: Village) -> float:
    """Median seconds an event of appending one group."""
    groups = []
    awards = village.awards(GROUPS * GROUP)
    for start in range(0, len(awards), GROUP):
        groups.append([prepare(item, village.writer.public_key) for item in awards[start : start + GROUP]])
    return per_call(lambda i: village.writer.append(groups[i]), GROUPS) / GROUP


def _fill(village: Village, size: int) -> list[bytes]:
    """Grow a ledger to ``size`` with made-up leaf hashes: tiles, rows and head as if the entries had come.

    Answers every level of nodes, joined, for the proofs from memory.
    """
    storage, row, first = village.storage, village.row, village.writer.size
    with reading(storage.engine) as connection:
        head = log.read_head(connection, row.ledger_id)
        leaves = [item.leaf for item in log.read_entries(connection, row.ledger_id, 0, first)]
    frontier = TileFrontier()
    frontier.extend(leaves)
    joined = [b"".join(leaves)]
    for start, made in _made_up(first, size):
        with writing(storage.engine) as connection:
            add_tiles(connection, row.ledger_id, frontier.extend(made))
            _add_rows(connection, village, start, made)
        joined.append(b"".join(made))
    note = sign_note(
        Checkpoint(Origin(row.origin), size, frontier.root()).text(), name=row.origin, key=storage.log_key(row).seed
    )
    with writing(storage.engine) as connection:
        log.add_checkpoint(connection, row.ledger_id, size, note)
        log.add_commitment(connection, row.ledger_id, size, Digest(bytes(32)))
        log.write_head(connection, row.ledger_id, Head(size, Digest(made[-1]), head.at_ms))
    village.writer = storage.writer(row)
    return _levels(b"".join(joined))


def _made_up(first: int, size: int, step: int = 256_000) -> Iterator[tuple[int, list[bytes]]]:
    for start in range(first, size, step):
        yield start, [sha256(index.to_bytes(8, "big")).digest() for index in range(start, min(start + step, size))]


def _add_rows(connection: Connection, village: Village, start: int, made: list[bytes]) -> None:
    ledger_id = village.row.ledger_id
    residents = [party_bytes(party) for party in village.residents]
    issuer = party_bytes(village.issuer)
    rows = [
        (ledger_id, start + i, (1 << 100 | start + i).to_bytes(16, "big"), leaf, b"") for i, leaf in enumerate(made)
    ]
    insert_rows(connection, entries, rows)
    people = len(residents)
    parties = [
        (ledger_id, seq, party, seq - 1)
        for seq in range(start, start + len(made))
        for party in (issuer, residents[seq % people])
    ]
    insert_rows(connection, concerned, parties)


def _levels(leaves: bytes) -> list[bytes]:
    """Every level of the tree over joined leaves; an odd node rises unchanged, which gives RFC 6962's tree."""
    levels = [leaves]
    while len(levels[-1]) > 32:
        below = levels[-1]
        nodes = [sha256(b"\x01" + below[at : at + 64]).digest() for at in range(0, len(below) - 32, 64)]
        odd = below[-32:] if len(below) // 32 % 2 else b""
        levels.append(b"".join(nodes) + odd)
    return levels
