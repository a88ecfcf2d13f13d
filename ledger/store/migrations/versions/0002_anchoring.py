"""The anchor service's outbox.

Revision ID: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "anchor_batches",
        *_contract(),
        _key("number", sa.BigInteger),
        _number("batch_id"),
        sa.Column("state", sa.String(10), nullable=False),
        _number("epoch"),
        _blob("previous_hash", 32),
        _blob("batch_root", 32),
        _blob("cosignatures", nullable=True),
        sa.Column("submitter", sa.String(42)),
        _number("nonce", nullable=True),
        _blob("raw", nullable=True),
        _blob("tx_hash", 32, nullable=True),
        _number("block_number", nullable=True),
        _blob("block_hash", 32, nullable=True),
        _number("planned_ms"),
        _number("changed_ms"),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_anchor_batches_state", "anchor_batches", ["chain_id", "contract", "state"])
    op.create_index("ix_anchor_batches_batch_id", "anchor_batches", ["chain_id", "contract", "batch_id"])
    op.create_table(
        "anchor_checkpoints",
        _key("ledger_id", sa.Integer),
        _key("size", sa.BigInteger),
        *_contract(),
        _key("number", sa.BigInteger),
        sa.Column("origin", sa.String(128), nullable=False),
        _blob("root", 32),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        _blob("proof"),
        _blob("signature", nullable=True),
    )
    op.create_index("ix_anchor_checkpoints_batch", "anchor_checkpoints", ["chain_id", "contract", "number"])
    op.create_table(
        "anchor_flags",
        _key("ledger_id", sa.Integer),
        *_contract(),
        _number("size"),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        _number("since_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "anchor_chains",
        *_contract(),
        _number("tried_ms"),
        _number("seen_ms", nullable=True),
        _number("block_number", nullable=True),
        sa.Column("error", sa.Text),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Refused: dropping the outbox loses where checkpoints are anchored."""
    raise RuntimeError("the outbox is never dropped by a migration; restore a backup into another database instead")


def _contract() -> tuple[Any, Any]:
    return _key("chain_id", sa.BigInteger), _key("contract", sa.String(42))


def _key(name: str, kind: Any) -> Any:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _number(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _blob(name: str, size: int | None = None, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.LargeBinary(size), nullable=nullable)
