"""Bringing a database to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from ledger.errors import StateError
from ledger.store.database import reading, writing


def upgrade(engine: Engine) -> None:
    """Run every migration that the database lacks, in one transaction. Raises `StateError` for a newer database."""
    config = _config()
    with writing(engine) as connection:
        if _revision(connection, config) == ScriptDirectory.from_config(config).get_current_head():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_readable(engine: Engine) -> bool:
    """Whether a database has the schema of this version; False for an empty one.

    Raises `StateError` for a newer or an older one: only a process that writes brings it up to date.
    """
    config = _config()
    with reading(engine) as connection:
        present = _revision(connection, config)
    if present not in (None, ScriptDirectory.from_config(config).get_current_head()):
        raise StateError(
            "the database is of an older version; start the server once, which brings it up to date",
            code="older_database",
            field="database_url",
            got=present,
        )
    return present is not None


def _revision(connection: Connection, config: Config) -> str | None:
    """The schema's revision, None for an empty database. Raises `StateError` for one that is not known here."""
    present = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise StateError(
            "the database is of a newer version; run the version that made it",
            code="newer_database",
            field="database_url",
            got=present,
        )
    return present


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
