"""A real database for tests: SQLite in a temporary folder, or a schema of its own in PostgreSQL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from ledger.config import Settings
from ledger.errors import LedgerError
from ledger.scenarios.foshan import generate
from ledger.scenarios.scenario import Chronicle
from ledger.scenarios.scribe import Signed
from ledger.service.commit import Answer, LedgerWriter
from ledger.service.founding import create_ledger
from ledger.service.intake import prepare
from ledger.service.storage import Storage

NOON_MS = 1_795_000_000_000
BOTH = [pytest.param("sqlite", id="sqlite"), pytest.param("postgres", id="postgres", marks=pytest.mark.postgres)]
"""For ``pytest.mark.parametrize("engine", BOTH)``."""


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; a PostgreSQL schema is dropped afterwards."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    server = os.environ.get("GONGFEN_TEST_POSTGRES")
    if not server:
        pytest.fail("GONGFEN_TEST_POSTGRES names no server; scripts/test starts one")
    schema = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    try:
        yield f"{server}?options={quote(f'-csearch_path={schema}')}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def open_storage(url: str, folder: Path) -> Storage:
    """Storage open for writing, with a clock that stands still."""
    storage = Storage(Settings(data_dir=folder, database_url=url), clock=lambda: NOON_MS)
    storage.open_for_writing()
    return storage


def found(storage: Storage, chronicle: Chronicle) -> LedgerWriter:
    """The ledger of a scenario with its entry 0."""
    keys = [actor.key_file() for actor in chronicle.roots]
    create_ledger(storage, chronicle.origin, roots=keys, profile=chronicle.profile)
    return storage.writer(storage.ledgers()[0])


def append_all(writer: LedgerWriter, events: Sequence[Signed], *, group: int = 50) -> list[Answer]:
    """Append every event; what must be refused is refused. Answers the accepted ones."""
    accepted: list[Answer] = []
    for start in range(0, len(events), group):
        chunk, items = [], []
        for signed in events[start : start + group]:
            try:
                items.append(prepare(signed.data, writer.public_key))
                chunk.append(signed)
            except LedgerError as error:
                if error.code != signed.refused:
                    raise
        for signed, answer in zip(chunk, writer.append(items), strict=True):
            assert getattr(answer, "code", None) == signed.refused, answer
            if isinstance(answer, Answer):
                accepted.append(answer)
    return accepted


def small_scenario() -> Chronicle:
    """foshan at a fiftieth of its size."""
    return generate(scale=0.02).chronicles[0]
