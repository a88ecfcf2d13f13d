"""Bringing a database to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from ledger.errors import StateError
from ledger.store.database import writing


def upgrade(engine: Engine) -> None:
    """Run every migration that the database lacks, in one transaction. Raises `StateError` for a newer database."""
    config = _config()
    with writing(engine) as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config)
        if present == script.get_current_head():
            return
        if present is not None and present not in {revision.revision for revision in script.walk_revisions()}:
            raise StateError(
                "the database is of a newer version; run the version that made it",
                code="newer_database",
                field="database_url",
                got=present,
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
