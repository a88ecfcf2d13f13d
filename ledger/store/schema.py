"""The tables. Every primary and unique key of a ledger's rows starts with ``ledger_id``, so one layout serves one
ledger or a county; batches, which hold many ledgers, are keyed by chain and contract.

Entries, full tiles, checkpoints, commitments and pages of the state map are only ever added: triggers of the database
refuse UPDATE and DELETE (see the first migration). `heads` and `facts` change; they are projections of the log.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})


def _table(name: str, *columns: Column[object] | UniqueConstraint | Index, rowid: bool = False) -> Table:
    """A table; in SQLite without row ids, unless rows are large (then a b-tree over whole rows would be slow)."""
    return Table(name, metadata, *columns, sqlite_with_rowid=rowid)


def _ledger() -> Column[object]:
    return Column("ledger_id", Integer, primary_key=True, autoincrement=False)


def _key(name: str, kind: object) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


ledgers = _table(
    "ledgers",
    _ledger(),
    Column("name", String(128), nullable=False, unique=True),
    Column("origin", String(128), nullable=False, unique=True),
)
heads = _table(
    "heads",
    _ledger(),
    Column("size", BigInteger, nullable=False),
    Column("last_leaf", LargeBinary(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
entries = _table(
    "entries",
    _ledger(),
    _key("seq", BigInteger),
    Column("event_id", LargeBinary(16), nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("ledger_id", "event_id"),
    rowid=True,
)
concerned = _table(
    "concerned",
    _ledger(),
    _key("seq", BigInteger),
    _key("party", LargeBinary(16)),
    Column("previous", BigInteger, nullable=False),
)
"""Whom an entry concerns, and which entry concerned that party before (-1: none). A party's list follows this chain."""
facts = _table(
    "facts",
    _ledger(),
    _key("key", String(200).with_variant(String(200, collation="C"), "postgresql")),
    Column("value", LargeBinary, nullable=False),
)
"""Keys are compared as bytes, so that those of one type are one range of the index."""
tiles = _table(
    "tiles",
    _ledger(),
    _key("level", Integer),
    _key("index", BigInteger),
    Column("data", LargeBinary, nullable=False),
    rowid=True,
)
"""Full tiles with their inner nodes (16,320 bytes)."""
checkpoints = _table("checkpoints", _ledger(), _key("size", BigInteger), Column("note", Text, nullable=False))
commitments = _table(
    "commitments", _ledger(), _key("size", BigInteger), Column("map_root", LargeBinary(32), nullable=False)
)
"""Checkpoint size N+1 of each `state_committed` entry N, and the root of the map it states."""
map_pages = _table("map_pages", _ledger(), _key("hash", LargeBinary(32)), Column("data", LargeBinary, nullable=False))
map_values = _table("map_values", _ledger(), _key("hash", LargeBinary(32)), Column("data", LargeBinary, nullable=False))
disclosures = _table(
    "disclosures",
    _ledger(),
    _key("seq", BigInteger),
    _key("name", String(40)),
    Column("party", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

APPEND_ONLY: Final = ("entries", "concerned", "tiles", "checkpoints", "commitments", "map_pages", "map_values")

key_metadata: Final = MetaData()
party_keys: Final = Table(
    "party_keys",
    key_metadata,
    Column("ledger_id", Integer, primary_key=True, autoincrement=False),
    Column("party", LargeBinary(16), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""In the key store, a database of its own: destroying a row makes a party's disclosures unreadable (formats §6)."""
destroyed_keys: Final = Table(
    "destroyed_keys",
    key_metadata,
    Column("ledger_id", Integer, primary_key=True, autoincrement=False),
    Column("party", LargeBinary(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""For which entry a party's key was destroyed last: what was sealed before it is gone, and so it was done."""

# The anchor service's outbox: written by that process alone, read by the API server (docs/spec/anchoring.md).


def _contract() -> tuple[Column[object], Column[object]]:
    return _key("chain_id", BigInteger), _key("contract", String(42))


anchor_batches = _table(
    "anchor_batches",
    *_contract(),
    _key("number", BigInteger),
    Column("batch_id", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("batch_root", LargeBinary(32), nullable=False),
    Column("cosignatures", LargeBinary),
    Column("submitter", String(42)),
    Column("nonce", BigInteger),
    Column("raw", LargeBinary),
    Column("tx_hash", LargeBinary(32)),
    Column("block_number", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Column("planned_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("error", Text),
    Index("ix_anchor_batches_state", "chain_id", "contract", "state"),
    Index("ix_anchor_batches_batch_id", "chain_id", "contract", "batch_id"),
    rowid=True,
)
"""Attempts to anchor a batch, numbered per contract: a batch id that had to be planned anew has several."""
anchor_checkpoints = _table(
    "anchor_checkpoints",
    _ledger(),
    _key("size", BigInteger),
    *_contract(),
    _key("number", BigInteger),
    Column("origin", String(128), nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Index("ix_anchor_checkpoints_batch", "chain_id", "contract", "number"),
    rowid=True,
)
"""The heads of each attempt, with their paths in the batch tree (JSON) and their consistency proofs (32 bytes each)."""
anchor_flags = _table(
    "anchor_flags",
    _ledger(),
    *_contract(),
    Column("size", BigInteger, nullable=False),
    Column("code", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)
"""Ledgers that are left out of batches, and why."""
anchor_chains = _table(
    "anchor_chains",
    *_contract(),
    Column("tried_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger),
    Column("block_number", BigInteger),
    Column("error", Text),
)
"""When each chain was last asked, when it last answered, and what went wrong since."""
