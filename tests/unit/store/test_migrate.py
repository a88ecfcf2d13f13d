"""Bringing a database to this version's schema, on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from ledger.errors import StateError
from ledger.store import migrate
from ledger.store.database import open_engine, writing
from ledger.store.migrate import REVISION, is_readable, upgrade
from tests.helpers.storage import BOTH, database


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as url:
        made = open_engine(url)
        yield made
        made.dispose()


def note(engine: Engine, revision: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_the_revision_of_the_code_is_the_newest_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [REVISION]


def test_an_empty_database_is_not_readable_until_it_is_upgraded(engine: Engine) -> None:
    assert not is_readable(engine)
    upgrade(engine)
    assert is_readable(engine)
    upgrade(engine)
    assert is_readable(engine)


def test_an_older_database_is_refused_to_readers_and_a_newer_one_to_all(engine: Engine) -> None:
    upgrade(engine)
    note(engine, "0001")
    with pytest.raises(StateError) as older:
        is_readable(engine)
    assert older.value.code == "older_database"
    note(engine, "9999")
    for ask in (is_readable, upgrade):
        with pytest.raises(StateError) as newer:
            ask(engine)
        assert (newer.value.code, newer.value.got) == ("newer_database", "9999")


def test_alembic_is_imported_only_when_a_database_is_of_another_version(tmp_path: Path) -> None:
    program = """
import sys
from ledger.store.database import open_engine
from ledger.store.migrate import is_readable, upgrade
engine = open_engine(f"sqlite:///{sys.argv[1]}")
print(is_readable(engine), "alembic" in sys.modules)
upgrade(engine)
print(is_readable(engine), "alembic" in sys.modules)
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "ledger.db")], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["False", "False", "True", "True"], ["True", "False", "True", "False"]]


def test_keys_of_facts_are_compared_as_bytes_whatever_the_locale(engine: Engine) -> None:
    upgrade(engine)
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            query = (
                "SELECT collation_name FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND table_name = 'facts' AND column_name = 'key'"
            )
            assert connection.execute(text(query)).scalar() == "C"
        connection.execute(text("INSERT INTO facts VALUES (1, 'a', :x), (1, 'B', :x), (1, 'a_', :x)"), {"x": b""})
        assert list(connection.execute(text("SELECT key FROM facts ORDER BY key")).scalars()) == ["B", "a", "a_"]
