"""What the anchor process reads of the ledger's own tables."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from ledger.errors import ConfigError
from ledger.store.database import reading
from ledger.store.entries import all_ledgers


def ledger_numbers(engine: Engine) -> dict[str, int]:
    """The numbers of the database's ledgers, by origin."""
    with reading(engine) as connection:
        return {row.origin: row.ledger_id for row in all_ledgers(connection)}


def check_database(engine: Engine) -> None:
    """Raises `ConfigError` if the ledger server has not made its tables here: the anchor process migrates nothing."""
    if not inspect(engine).has_table("anchor_chains"):
        raise ConfigError(
            "the database has no outbox; start `gongfen serve` of this version on it first", field="database_url"
        )
