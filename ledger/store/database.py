"""Engines and transactions: how the two databases are opened so that what was committed stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ledger.core.types import PartyId, party_of
from ledger.errors import ConfigError

PAGE_SIZE: Final = 8192
BUSY_TIMEOUT_S: Final = 30


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql+psycopg://…``. Raises `ConfigError` for anything else.

    SQLite runs in WAL mode with ``synchronous=FULL``: what was committed survives a power cut.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "not a database URL", field="database_url", expected="sqlite:///FILE or postgresql://…"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise ConfigError(
        "unknown kind of database", field="database_url", expected="sqlite or postgresql", got=parsed.drivername
    )


@contextmanager
def opening() -> Iterator[None]:
    """Tell a database that cannot be opened, and one that is none, as a `ConfigError`."""
    try:
        yield
    except DBAPIError as error:
        raise ConfigError(
            f"the database cannot be opened: {' '.join(str(error.orig).split())}", code="database", field="database_url"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees one state of the database throughout."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed and durable when the block ends, undone if it raises."""
    with engine.connect().execution_options(gongfen_write=True) as connection, connection.begin():
        yield connection


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[object]], *, keep: bool = False) -> None:
    """Insert rows, given in the order of the table's columns, by the driver's own bulk call.

    ``keep`` passes over rows whose key is there already (content-addressed tables).
    """
    if not rows:
        return
    names = [f'"{column.name}"' for column in table.columns]
    if connection.dialect.name == "postgresql":
        _copy_rows(connection, table.name, names, rows, keep=keep)
        return
    verb = "INSERT OR IGNORE" if keep else "INSERT"
    marks = ", ".join("?" * len(names))
    driver(connection).executemany(f"{verb} INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)


def _copy_rows(
    connection: Connection, name: str, names: list[str], rows: Iterable[Sequence[object]], *, keep: bool
) -> None:
    cursor = driver(connection).cursor()
    columns = ", ".join(names)
    if keep:
        marks = ", ".join(["%s"] * len(names))
        sql = f"INSERT INTO {name} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        cursor.executemany(sql, rows)
        return
    with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows or replace those with the same key; the last column is the value, the others are the key."""
    if not rows:
        return
    *keys, value = [f'"{column.name}"' for column in table.columns]
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * (len(keys) + 1))
    sql = (
        f"INSERT INTO {table.name} ({', '.join(keys)}, {value}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {value} = excluded.{value}"
    )
    if connection.dialect.name == "postgresql":
        driver(connection).cursor().executemany(sql, rows)
    else:
        driver(connection).executemany(sql, rows)


def run(connection: Connection, sql: str, values: Sequence[object]) -> Any:
    """Run a hot statement by the driver itself, within the transaction; ``?`` marks the values. Answers its cursor."""
    if connection.dialect.name == "postgresql":
        sql = sql.replace("?", "%s")
    return driver(connection).execute(sql, values)


def driver(connection: Connection) -> Any:
    """The driver's own connection, inside the same transaction."""
    return connection.connection.driver_connection


_CROCKFORD: Final = str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv")


@lru_cache(maxsize=65_536)
def party_bytes(party: str) -> bytes:
    """The 16 bytes of a party id, as stored."""
    return int(party[2:].translate(_CROCKFORD), 32).to_bytes(16, "big")


def party_text(data: bytes) -> PartyId:
    """The party id of 16 stored bytes."""
    return party_of(bytes(data))


def uuid_bytes(event_id: str) -> bytes:
    """The 16 bytes of an event id, as stored."""
    return bytes.fromhex(event_id.replace("-", ""))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"page_size={PAGE_SIZE}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "cache_size=-65536",
        "temp_store=MEMORY",
        "wal_autocheckpoint=2000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("gongfen_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
