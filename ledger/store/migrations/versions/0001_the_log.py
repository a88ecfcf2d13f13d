"""The log, its projections, the state map's pages and the sealed disclosures.

Revision ID: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("entries", "concerned", "tiles", "checkpoints", "commitments", "map_pages", "map_values")


def upgrade() -> None:
    """Create the tables, and the triggers that keep the log append-only."""
    _create(
        "ledgers",
        [],
        sa.Column("name", sa.String(128), nullable=False, unique=True),
        sa.Column("origin", sa.String(128), nullable=False, unique=True),
    )
    _create(
        "heads",
        [],
        sa.Column("size", sa.BigInteger, nullable=False),
        _blob("last_leaf", 32),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    _create(
        "entries",
        [_key("seq", sa.BigInteger)],
        _blob("event_id", 16),
        _blob("leaf", 32),
        _blob("data"),
        sa.UniqueConstraint("ledger_id", "event_id", name="uq_entries_ledger_id_event_id"),
        rowid=True,
    )
    _create(
        "concerned",
        [_key("seq", sa.BigInteger), _key("party", sa.LargeBinary(16))],
        sa.Column("previous", sa.BigInteger, nullable=False),
    )
    _create("facts", [_key("key", sa.String(200))], _blob("value"))
    _create("tiles", [_key("level", sa.Integer), _key("index", sa.BigInteger)], _blob("data"), rowid=True)
    _create("checkpoints", [_key("size", sa.BigInteger)], sa.Column("note", sa.Text, nullable=False))
    _create("commitments", [_key("size", sa.BigInteger)], _blob("map_root", 32))
    _create("map_pages", [_key("hash", sa.LargeBinary(32))], _blob("data"))
    _create("map_values", [_key("hash", sa.LargeBinary(32))], _blob("data"))
    _create(
        "disclosures", [_key("seq", sa.BigInteger), _key("name", sa.String(40))], _blob("party", 16), _blob("sealed")
    )
    for table in APPEND_ONLY:
        _forbid_changes(table)


def downgrade() -> None:
    """Refused: dropping a log loses evidence."""
    raise RuntimeError("the log is never dropped by a migration; restore a backup into another database instead")


def _create(name: str, keys: list[Any], *columns: Any, rowid: bool = False) -> None:
    ledger = sa.Column("ledger_id", sa.Integer, primary_key=True, autoincrement=False)
    op.create_table(name, ledger, *keys, *columns, sqlite_with_rowid=rowid)


def _key(name: str, kind: Any) -> Any:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _blob(name: str, size: int | None = None) -> Any:
    return sa.Column(name, sa.LargeBinary(size), nullable=False)


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
