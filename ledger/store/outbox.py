"""The anchor service's outbox: batches on their way to a contract, and the anchors that receipts show.

The anchor process alone writes these tables, each step in a transaction of its own; the API server reads them. A batch
goes ``planned → cosigned → signed → sent → mined → final``, or is ``dropped`` (docs/spec/anchoring.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ledger.core.batch import PathStep
from ledger.core.receipt import Anchor
from ledger.core.types import DIGEST_SIZE, Digest
from ledger.errors import StateError
from ledger.store.schema import anchor_batches as batches
from ledger.store.schema import anchor_chains as chains
from ledger.store.schema import anchor_checkpoints as heads
from ledger.store.schema import anchor_flags as flags


class BatchState(StrEnum):
    """How far a batch came. ``final`` and ``dropped`` are ends, though a dropped one may yet be found on the chain."""

    PLANNED = "planned"
    COSIGNED = "cosigned"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    DROPPED = "dropped"


OPEN: Final = (BatchState.PLANNED, BatchState.COSIGNED, BatchState.SIGNED, BatchState.SENT, BatchState.MINED)
"""States that ask for more work."""
LANDED: Final = (BatchState.MINED, BatchState.FINAL)


class ContractKey(NamedTuple):
    """A contract on a chain; the address is ``0x`` and 40 lower-case hex digits."""

    chain_id: int
    contract: str


class BatchRow(NamedTuple):
    """An attempt to anchor a batch. ``cosignatures`` are 65 bytes each, joined; times are milliseconds since 1970."""

    chain_id: int
    contract: str
    number: int
    batch_id: int
    state: BatchState
    epoch: int
    previous_hash: Digest
    batch_root: Digest
    cosignatures: bytes | None
    submitter: str | None
    nonce: int | None
    raw: bytes | None
    tx_hash: bytes | None
    block_number: int | None
    block_hash: bytes | None
    planned_ms: int
    changed_ms: int
    error: str | None

    @property
    def key(self) -> ContractKey:
        """The contract it is for."""
        return ContractKey(self.chain_id, self.contract)


class CheckpointRow(NamedTuple):
    """A ledger's head in an attempt: its signed note, its path in the batch tree, its consistency proof."""

    ledger_id: int
    size: int
    origin: str
    root: Digest
    note: str
    path: list[PathStep]
    proof: list[Digest]
    signature: bytes | None


class FlagRow(NamedTuple):
    """A ledger that is left out of a contract's batches, and why."""

    ledger_id: int
    chain_id: int
    contract: str
    size: int
    code: str
    detail: str
    since_ms: int


class ChainRow(NamedTuple):
    """When a chain was last asked, when it last answered with which newest block, and the error since."""

    chain_id: int
    contract: str
    tried_ms: int
    seen_ms: int | None
    block_number: int | None
    error: str | None


class AnchoredRow(NamedTuple):
    """An anchor of a ledger in any state, for lists."""

    size: int
    root: Digest
    state: BatchState
    chain_id: int
    contract: str
    batch_id: int
    tx_hash: bytes | None
    block_number: int | None
    changed_ms: int


_JOINED: Final = (
    (heads.c.chain_id == batches.c.chain_id)
    & (heads.c.contract == batches.c.contract)
    & (heads.c.number == batches.c.number)
)


def read_anchors(connection: Connection, ledger_id: int, size: int) -> list[Anchor]:
    """The final anchors of exactly this checkpoint, one per contract, in the order of chain and contract."""
    query = (
        select(heads.c.path, *(batches.c[name] for name in _ANCHOR_COLUMNS))
        .join(batches, _JOINED)
        .where(heads.c.ledger_id == ledger_id, heads.c.size == size, batches.c.state == BatchState.FINAL)
        .order_by(batches.c.chain_id, batches.c.contract, batches.c.number)
    )
    found = {(row.chain_id, row.contract): _anchor(row) for row in connection.execute(query)}
    return list(found.values())


_ANCHOR_COLUMNS: Final = ("chain_id", "contract", "number", "batch_id", "batch_root", "tx_hash", "block_number")


def _anchor(row: Any) -> Anchor:
    return Anchor(
        chain_id=row.chain_id,
        contract=row.contract,
        batch=row.batch_id,
        path=json.loads(row.path),
        batch_root=bytes(row.batch_root).hex(),
        tx="0x" + bytes(row.tx_hash).hex(),
        block=row.block_number,
    )


def read_anchored_size(connection: Connection, ledger_id: int) -> int:
    """The largest size with a final anchor on any chain, 0 if there is none."""
    query = (
        select(heads.c.size)
        .join(batches, _JOINED)
        .where(heads.c.ledger_id == ledger_id, batches.c.state == BatchState.FINAL)
        .order_by(heads.c.size.desc())
        .limit(1)
    )
    return int(connection.execute(query).scalar() or 0)


def list_anchors(connection: Connection, ledger_id: int, limit: int) -> list[AnchoredRow]:
    """The newest anchors of a ledger, on their way or landed but not dropped, largest size first."""
    query = (
        select(heads.c.size, heads.c.root, *(batches.c[name] for name in AnchoredRow._fields[2:]))
        .join(batches, _JOINED)
        .where(heads.c.ledger_id == ledger_id, batches.c.state != BatchState.DROPPED)
        .order_by(heads.c.size.desc(), batches.c.chain_id, batches.c.contract, batches.c.number.desc())
        .limit(limit)
    )
    return [_anchored(row) for row in connection.execute(query)]


def _anchored(row: Any) -> AnchoredRow:
    return AnchoredRow(*row)._replace(
        root=Digest(bytes(row.root)), state=BatchState(row.state), tx_hash=_bytes(row.tx_hash)
    )


def add_batch(connection: Connection, row: BatchRow, checkpoints: Sequence[CheckpointRow]) -> BatchRow:
    """A new attempt, with its heads; its number is the next one of the contract, whatever ``row`` says."""
    newest = connection.execute(select(func.max(batches.c.number)).where(_of(row.key))).scalar()
    numbered = row._replace(number=(newest or 0) + 1)
    connection.execute(insert(batches).values(numbered._asdict()))
    for head in checkpoints:
        values = head._asdict() | {"path": json.dumps(head.path), "proof": b"".join(head.proof)}
        place = {"chain_id": row.chain_id, "contract": row.contract, "number": numbered.number}
        connection.execute(insert(heads).values(values | place))
    return numbered


def move_batch(connection: Connection, row: BatchRow, state: BatchState, *, now_ms: int, **values: Any) -> BatchRow:
    """Take a batch to another state, with more columns. Raises `StateError` if it is not where ``row`` says."""
    changes: dict[str, Any] = {"state": state, "changed_ms": now_ms, "error": None} | values
    query = update(batches).where(_of(row.key), batches.c.number == row.number, batches.c.state == row.state)
    if connection.execute(query.values(changes)).rowcount != 1:
        raise StateError(
            "a batch was moved by somebody else; only one anchor process may write an outbox",
            field="anchor_batches",
            expected=row.state,
            got=str(row.number),
        )
    return row._replace(**changes)


def sign_heads(connection: Connection, row: BatchRow, signatures: Mapping[int, bytes]) -> None:
    """Store the head signatures of an attempt, by ledger."""
    for ledger_id, signature in signatures.items():
        query = update(heads).where(
            heads.c.ledger_id == ledger_id,
            heads.c.chain_id == row.chain_id,
            heads.c.contract == row.contract,
            heads.c.number == row.number,
        )
        connection.execute(query.values(signature=signature))


def open_batches(connection: Connection, key: ContractKey) -> list[BatchRow]:
    """The attempts that are not at their end, in order."""
    return _batches(connection, _of(key) & batches.c.state.in_(OPEN))


def attempts_of(connection: Connection, key: ContractKey, batch_id: int) -> list[BatchRow]:
    """Every attempt for a batch id, in order."""
    return _batches(connection, _of(key) & (batches.c.batch_id == batch_id))


def landed_id(connection: Connection, key: ContractKey) -> int:
    """The largest batch id that is known to be on the chain, 0 if there is none."""
    query = select(batches.c.batch_id).where(_of(key), batches.c.state.in_(LANDED))
    return int(connection.execute(query.order_by(batches.c.batch_id.desc()).limit(1)).scalar() or 0)


def _batches(connection: Connection, which: ColumnElement[bool]) -> list[BatchRow]:
    rows = connection.execute(select(batches).where(which).order_by(batches.c.number))
    return [_batch(row) for row in rows]


def _batch(row: Any) -> BatchRow:
    batch = BatchRow(*row)
    return batch._replace(
        state=BatchState(batch.state),
        previous_hash=Digest(bytes(batch.previous_hash)),
        batch_root=Digest(bytes(batch.batch_root)),
        cosignatures=_bytes(batch.cosignatures),
        raw=_bytes(batch.raw),
        tx_hash=_bytes(batch.tx_hash),
        block_hash=_bytes(batch.block_hash),
    )


def checkpoints_of(connection: Connection, row: BatchRow) -> list[CheckpointRow]:
    """The heads of an attempt, in no promised order."""
    query = select(*(heads.c[name] for name in CheckpointRow._fields)).where(
        heads.c.chain_id == row.chain_id, heads.c.contract == row.contract, heads.c.number == row.number
    )
    return [_checkpoint(found) for found in connection.execute(query)]


def newest_signed(connection: Connection, ledger_id: int) -> CheckpointRow | None:
    """The largest head of a ledger that was signed for any chain, if there is one."""
    query = select(*(heads.c[name] for name in CheckpointRow._fields)).where(
        heads.c.ledger_id == ledger_id, heads.c.signature.is_not(None)
    )
    row = connection.execute(query.order_by(heads.c.size.desc()).limit(1)).first()
    return None if row is None else _checkpoint(row)


def _checkpoint(row: Any) -> CheckpointRow:
    proof = bytes(row.proof)
    return CheckpointRow(*row)._replace(
        root=Digest(bytes(row.root)),
        path=json.loads(row.path),
        proof=[Digest(proof[start : start + DIGEST_SIZE]) for start in range(0, len(proof), DIGEST_SIZE)],
        signature=_bytes(row.signature),
    )


def next_nonce(connection: Connection, chain_id: int, submitter: str) -> int:
    """One more than the largest nonce that this submitter has under way on a chain, 0 if there is none."""
    query = select(func.max(batches.c.nonce)).where(
        batches.c.chain_id == chain_id, batches.c.submitter == submitter, batches.c.state.in_(OPEN)
    )
    newest = connection.execute(query).scalar()
    return 0 if newest is None else int(newest) + 1


def count_states(connection: Connection, key: ContractKey) -> dict[str, int]:
    """How many attempts stand in each state."""
    query = select(batches.c.state, func.count()).where(_of(key)).group_by(batches.c.state)
    return {row.state: row[1] for row in connection.execute(query)}


def set_flag(connection: Connection, flag: FlagRow) -> bool:
    """Flag a ledger as left out; True if it was not flagged for the same reason already."""
    which = _flag(flag.ledger_id, ContractKey(flag.chain_id, flag.contract))
    present = connection.execute(select(flags.c.code, flags.c.size).where(which)).first()
    if present is not None and (present.code, present.size) == (flag.code, flag.size):
        return False
    connection.execute(delete(flags).where(which))
    connection.execute(insert(flags).values(flag._asdict()))
    return True


def clear_flags(connection: Connection, key: ContractKey, ledger_ids: Sequence[int]) -> None:
    """These ledgers are anchored again."""
    for ledger_id in ledger_ids:
        connection.execute(delete(flags).where(_flag(ledger_id, key)))


def read_flags(connection: Connection, ledger_id: int | None = None) -> list[FlagRow]:
    """Which ledgers are left out where; of one ledger if it is given."""
    query = select(flags).order_by(flags.c.ledger_id, flags.c.chain_id, flags.c.contract)
    rows = connection.execute(query if ledger_id is None else query.where(flags.c.ledger_id == ledger_id))
    return [FlagRow(*row) for row in rows]


def note_chain(
    connection: Connection, key: ContractKey, *, now_ms: int, block_number: int | None, error: str | None
) -> None:
    """Remember how asking a chain went; ``block_number`` is its newest block if it answered."""
    values: dict[str, object] = {"tried_ms": now_ms, "error": error}
    if block_number is not None:
        values |= {"seen_ms": now_ms, "block_number": block_number}
    which = (chains.c.chain_id == key.chain_id) & (chains.c.contract == key.contract)
    if connection.execute(update(chains).where(which).values(values)).rowcount == 0:
        connection.execute(insert(chains).values(values | key._asdict()))


def read_chains(connection: Connection) -> list[ChainRow]:
    """What is known of every chain."""
    rows = connection.execute(select(chains).order_by(chains.c.chain_id, chains.c.contract))
    return [ChainRow(*row) for row in rows]


def _of(key: ContractKey) -> ColumnElement[bool]:
    return (batches.c.chain_id == key.chain_id) & (batches.c.contract == key.contract)


def _flag(ledger_id: int, key: ContractKey) -> ColumnElement[bool]:
    return (flags.c.ledger_id == ledger_id) & (flags.c.chain_id == key.chain_id) & (flags.c.contract == key.contract)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
