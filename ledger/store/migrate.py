"""Bringing a database to the schema of this version.

Alembic takes long to import, and only a database of another version needs it: it is imported then.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, column, inspect, select, table

from ledger.errors import StateError
from ledger.store.database import reading, writing

if TYPE_CHECKING:
    from alembic.config import Config

REVISION: Final = "0003"
"""The newest migration: the schema of this version."""


def upgrade(engine: Engine) -> None:
    """Run every migration that the database lacks, in one transaction. Raises `StateError` for a newer database."""
    with writing(engine) as connection:
        present = _revision(connection)
        if present == REVISION:
            return
        from alembic import command

        config = _config()
        _refuse_newer(present, config)
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)


def is_readable(engine: Engine) -> bool:
    """Whether a database has the schema of this version; False for an empty one.

    Raises `StateError` for a newer or an older one: only a process that writes brings it up to date.
    """
    with reading(engine) as connection:
        present = _revision(connection)
    if present in (None, REVISION):
        return present is not None
    _refuse_newer(present, _config())
    raise StateError(
        "the database is of an older version; start the server once, which brings it up to date",
        code="older_database",
        field="database_url",
        got=present,
    )


def _revision(connection: Connection) -> str | None:
    """The revision that Alembic noted in the database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
    return found


def _refuse_newer(present: str | None, config: Config) -> None:
    from alembic.script import ScriptDirectory

    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise StateError(
            "the database is of a newer version; run the version that made it",
            code="newer_database",
            field="database_url",
            got=present,
        )


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
