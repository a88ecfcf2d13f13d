"""Which one of several processes may do what only one may do: a lock in the database that ends with its process."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from ledger.errors import StateError

WRITER_LOCK: Final = 0x676F6E67
"""Class of the advisory lock that the one writer of a PostgreSQL database holds."""


class ProcessLock:
    """A lock that one process holds at a time. SQLite: on ``FILE`` + ``suffix``; PostgreSQL: an advisory lock.

    ``number`` is the class of the advisory lock, which belongs to a session; the object is the schema.
    """

    def __init__(self, engine: Engine, *, suffix: str, number: int) -> None:
        self._engine = engine
        self._suffix = suffix
        self._number = number
        self._file: int | None = None
        self._connection: Connection | None = None

    def hold(self) -> bool:
        """Whether this process holds the lock, now that it tried. Raises what the database driver raises."""
        if self._engine.dialect.name == "postgresql":
            return self._hold_session()
        return self._hold_file()

    def release(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            self._connection.invalidate()  # ends the session, and the lock with it
            self._connection.close()
            self._connection = None

    def _hold_file(self) -> bool:
        if self._file is not None:
            return True
        name = self._engine.url.database
        if not name or name == ":memory:":
            return True
        descriptor = os.open(Path(name + self._suffix), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True

    def _hold_session(self) -> bool:
        """The lock lives as long as its session, so a session that answers still holds it."""
        if self._connection is not None:
            self._connection.exec_driver_sql("SELECT 1")
            self._connection.commit()
            return True
        self._connection = self._engine.connect()
        held = self._connection.exec_driver_sql(
            "SELECT pg_try_advisory_lock(%(lock)s, current_schema()::regnamespace::oid::int)", {"lock": self._number}
        ).scalar()
        self._connection.commit()
        if not held:
            self.release()
        return bool(held)


class WriterLock(ProcessLock):
    """Held by the one process that writes a database; everybody else refuses to start."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, suffix=".lock", number=WRITER_LOCK)

    def acquire(self, patience_s: float = 0) -> None:
        """Wait at most ``patience_s``; raises `StateError` if another process still holds it then."""
        deadline = time.monotonic() + patience_s
        while not self.hold():
            if time.monotonic() >= deadline:
                raise StateError(
                    "another process writes this database; stop it first", code="locked", field="database_url"
                )
            time.sleep(0.05)
