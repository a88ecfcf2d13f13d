"""Reading and writing the log itself: ledgers, heads, entries, the chains of concerned parties, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from ledger.core.types import Digest
from ledger.domain.append import EMPTY, Appended, Head, Known
from ledger.domain.entries import parse_entry
from ledger.domain.fields import encode
from ledger.errors import NotFoundError, StateError
from ledger.store.database import insert_rows, party_bytes, run, uuid_bytes
from ledger.store.schema import checkpoints, commitments, concerned, entries, heads, ledgers

READ_CHUNK: Final = 2000
CHAIN_CHUNK: Final = 200
"""Entries of a party read in one query."""


class LedgerRow(NamedTuple):
    """A ledger of this database."""

    ledger_id: int
    name: str
    origin: str


class StoredEntry(NamedTuple):
    """An entry as stored."""

    seq: int
    event_id: str
    leaf: Digest
    data: bytes


def add_ledger(connection: Connection, name: str, origin: str) -> LedgerRow:
    """A new, empty ledger. Its number is the next one of this database."""
    number = (connection.execute(select(func.max(ledgers.c.ledger_id))).scalar() or 0) + 1
    connection.execute(insert(ledgers).values(ledger_id=number, name=name, origin=origin))
    connection.execute(
        insert(heads).values(ledger_id=number, size=EMPTY.size, last_leaf=EMPTY.last_leaf, at_ms=EMPTY.at_ms)
    )
    return LedgerRow(number, name, origin)


def all_ledgers(connection: Connection) -> list[LedgerRow]:
    """Every ledger, by number."""
    rows = connection.execute(
        select(ledgers.c.ledger_id, ledgers.c.name, ledgers.c.origin).order_by(ledgers.c.ledger_id)
    )
    return [LedgerRow(*row) for row in rows]


def read_head(connection: Connection, ledger_id: int, *, lock: bool = False) -> Head:
    """The head row; ``lock`` keeps every other writer away until the transaction ends."""
    wait = " FOR UPDATE" if lock and connection.dialect.name == "postgresql" else ""  # SQLite locks the whole database
    sql = f"SELECT size, last_leaf, at_ms FROM heads WHERE ledger_id = ?{wait}"  # noqa: S608 - of two constants
    row = run(connection, sql, (ledger_id,)).fetchone()
    if row is None:
        raise StateError("ledger without a head row; run `gongfen audit`", field="heads", got=str(ledger_id))
    size, last_leaf, at_ms = row
    return Head(size, Digest(bytes(last_leaf)), at_ms)


def write_head(connection: Connection, ledger_id: int, head: Head) -> None:
    """Move the head."""
    sql = "UPDATE heads SET size = ?, last_leaf = ?, at_ms = ? WHERE ledger_id = ?"
    run(connection, sql, (head.size, head.last_leaf, head.at_ms, ledger_id))


def add_entries(connection: Connection, ledger_id: int, appended: Sequence[Appended]) -> None:
    """Insert entries and the rows of the parties they concern."""
    insert_rows(
        connection,
        entries,
        [(ledger_id, entry.seq, uuid_bytes(entry.event_id), entry.leaf, entry.data) for entry in appended],
    )
    insert_rows(
        connection,
        concerned,
        [
            (ledger_id, entry.seq, party_bytes(party), previous)
            for entry in appended
            for party, previous in zip(entry.parties, entry.previous, strict=True)
        ],
    )


_COLUMNS = select(entries.c.seq, entries.c.event_id, entries.c.leaf, entries.c.data)


def read_entry(connection: Connection, ledger_id: int, seq: int) -> StoredEntry:
    """One entry. Raises `NotFoundError`."""
    row = connection.execute(_COLUMNS.where(entries.c.ledger_id == ledger_id, entries.c.seq == seq)).first()
    if row is None:
        raise NotFoundError("no such entry", field="seq", got=str(seq))
    return _stored(row)


def read_entries(connection: Connection, ledger_id: int, first: int, last: int) -> list[StoredEntry]:
    """Entries ``first`` … ``last`` − 1, in order."""
    query = _COLUMNS.where(entries.c.ledger_id == ledger_id, entries.c.seq >= first, entries.c.seq < last)
    return [_stored(row) for row in connection.execute(query.order_by(entries.c.seq))]


def stream_entries(connection: Connection, ledger_id: int, first: int, last: int) -> Iterator[StoredEntry]:
    """As `read_entries`, a bounded number of rows in memory at a time."""
    for start in range(first, last, READ_CHUNK):
        yield from read_entries(connection, ledger_id, start, min(start + READ_CHUNK, last))


def find_entry(connection: Connection, ledger_id: int, event_id: str) -> StoredEntry:
    """The entry of an event id. Raises `NotFoundError`."""
    query = _COLUMNS.where(entries.c.ledger_id == ledger_id, entries.c.event_id == uuid_bytes(event_id))
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError("no such event", field="id", got=event_id)
    return _stored(row)


def _stored(row: Sequence[Any]) -> StoredEntry:
    seq, event_id, leaf, data = row
    return StoredEntry(seq, str(UUID(bytes=bytes(event_id))), Digest(bytes(leaf)), bytes(data))


_KNOWN: Final = "SELECT seq, event_id, leaf, data FROM entries WHERE ledger_id = ? AND event_id IN ({})"


def read_known(connection: Connection, ledger_id: int, event_ids: Sequence[str]) -> dict[str, Known]:
    """The events of these ids that stand in the log already."""
    known: dict[str, Known] = {}
    names = [uuid_bytes(event_id) for event_id in dict.fromkeys(event_ids)]
    for start in range(0, len(names), 500):
        chunk = names[start : start + 500]
        marks = ",".join("?" * len(chunk))
        for row in run(connection, _KNOWN.format(marks), (ledger_id, *chunk)).fetchall():
            stored = _stored(row)
            entry = parse_entry(stored.data)
            known[stored.event_id] = Known(stored.seq, stored.leaf, entry.chain.at, encode(entry.event))
    return known


def previous_of(connection: Connection, ledger_id: int, party: str, seq: int) -> int:
    """The entry before ``seq`` that concerned a party, or -1. Raises `NotFoundError` if ``seq`` does not concern it."""
    query = select(concerned.c.previous).where(
        concerned.c.ledger_id == ledger_id, concerned.c.seq == seq, concerned.c.party == party_bytes(party)
    )
    previous = connection.execute(query).scalar()
    if previous is None:
        raise NotFoundError("this entry does not concern the party", field="before", got=str(seq))
    return int(previous)


_CHAIN: Final = """
WITH RECURSIVE chain (seq, previous, length) AS (
  SELECT seq, previous, 1 FROM concerned WHERE ledger_id = ? AND seq = ? AND party = ?
  UNION ALL
  SELECT chain.previous,
    (SELECT link.previous FROM concerned AS link
     WHERE link.ledger_id = ? AND link.seq = chain.previous AND link.party = ?),
    length + 1
  FROM chain WHERE previous >= 0 AND previous < seq AND length < ?
)
SELECT chain.seq, event_id, leaf, data, previous FROM chain
JOIN entries ON entries.ledger_id = ? AND entries.seq = chain.seq ORDER BY length
"""
"""With a join in place of the inner query PostgreSQL reads the whole table at every step while it has no statistics."""


def party_entries(connection: Connection, ledger_id: int, party: str, last: int, limit: int) -> list[StoredEntry]:
    """The newest ``limit`` entries that concern a party, from entry ``last`` backwards along the party's chain."""
    return list(islice(stream_party_entries(connection, ledger_id, party, last, chunk=limit), limit))


def stream_party_entries(
    connection: Connection, ledger_id: int, party: str, last: int, *, chunk: int = CHAIN_CHUNK
) -> Iterator[StoredEntry]:
    """The entries that concern a party, from entry ``last`` backwards, ``chunk`` of them in memory at a time.

    Raises `StateError` where the party's chain is broken.
    """
    name = party_bytes(party)
    while last >= 0:
        rows = run(connection, _CHAIN, (ledger_id, last, name, ledger_id, name, chunk, ledger_id)).fetchall()
        for row in rows:
            seq, previous = row[0], row[4]
            if seq != last or previous is None or previous >= seq:
                raise _broken_chain(party, last)
            yield _stored(row[:4])
            last = previous
        if last >= 0 and len(rows) < chunk:
            raise _broken_chain(party, last)


def _broken_chain(party: str, seq: int) -> StateError:
    return StateError(
        "a party's chain of entries is broken; run `gongfen audit`", field="concerned", got=f"{party} at {seq}"
    )


def add_checkpoint(connection: Connection, ledger_id: int, size: int, note: str) -> None:
    """Store a signed checkpoint."""
    run(connection, "INSERT INTO checkpoints (ledger_id, size, note) VALUES (?, ?, ?)", (ledger_id, size, note))


def checkpoint_covering(connection: Connection, ledger_id: int, seq: int) -> str:
    """The first checkpoint that holds an entry: the one its first answer carried. Raises `NotFoundError`."""
    query = (
        select(checkpoints.c.note)
        .where(checkpoints.c.ledger_id == ledger_id, checkpoints.c.size > seq)
        .order_by(checkpoints.c.size)
        .limit(1)
    )
    note = connection.execute(query).scalar()
    if note is None:
        raise NotFoundError("no checkpoint holds this entry", field="seq", got=str(seq))
    return str(note)


def latest_checkpoint(connection: Connection, ledger_id: int) -> str:
    """The newest checkpoint. Raises `NotFoundError` for an empty ledger."""
    query = select(checkpoints.c.note).where(checkpoints.c.ledger_id == ledger_id)
    note = connection.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).scalar()
    if note is None:
        raise NotFoundError("the ledger is empty", field="ledger", got=str(ledger_id))
    return str(note)


class CommitmentRow(NamedTuple):
    """A committed checkpoint: its size (its last entry is the `state_committed`), its map root, the signed note."""

    size: int
    map_root: Digest
    note: str


def add_commitment(connection: Connection, ledger_id: int, size: int, map_root: Digest) -> None:
    """Remember that the checkpoint of ``size`` ends with a commitment to a map root."""
    connection.execute(insert(commitments).values(ledger_id=ledger_id, size=size, map_root=map_root))


_COMMITMENTS = select(commitments.c.size, commitments.c.map_root, checkpoints.c.note).join(
    checkpoints, (checkpoints.c.ledger_id == commitments.c.ledger_id) & (checkpoints.c.size == commitments.c.size)
)


def read_commitments(connection: Connection, ledger_id: int, *, above: int = 0, limit: int = 1) -> list[CommitmentRow]:
    """The newest commitments of size > ``above``, newest first."""
    query = _COMMITMENTS.where(commitments.c.ledger_id == ledger_id, commitments.c.size > above)
    rows = connection.execute(query.order_by(commitments.c.size.desc()).limit(limit))
    return [CommitmentRow(row.size, Digest(bytes(row.map_root)), row.note) for row in rows]


def read_commitment(connection: Connection, ledger_id: int, size: int) -> CommitmentRow | None:
    """The commitment of exactly this checkpoint size, if there is one."""
    query = _COMMITMENTS.where(commitments.c.ledger_id == ledger_id, commitments.c.size == size)
    row = connection.execute(query).first()
    return None if row is None else CommitmentRow(row.size, Digest(bytes(row.map_root)), row.note)
