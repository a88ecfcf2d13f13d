"""Keys of facts are compared as bytes, so that those of one type are one range of the index.

SQLite compares bytes anyway. In PostgreSQL the order was that of the database's locale.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rebuild the key's column and index where its order may have been another."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE facts ALTER COLUMN "key" TYPE VARCHAR(200) COLLATE "C"')


def downgrade() -> None:
    """Nothing to take back: the program before this one reads such keys as well."""
