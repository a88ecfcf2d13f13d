"""Who of several anchor processes works: the one that holds a lock of the database.

A lock is no fence: a process that lost it without noticing may still send. The contract takes only the next batch, so
the worst is a transaction in vain.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

LEADER_LOCK: Final = 0x676F6E68
"""Class of the advisory lock in a PostgreSQL database; the ledger's writer has another."""


class Leader:
    """A lock that ends with the process. SQLite: on ``FILE.anchor.lock``; PostgreSQL: a session's advisory lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file: int | None = None
        self._connection: Connection | None = None

    def hold(self) -> bool:
        """Whether this process leads, now that it tried; asked before every round."""
        if self._engine.dialect.name == "postgresql":
            return self._hold_session()
        return self._hold_file()

    def release(self) -> None:
        """Let another process lead."""
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
        descriptor = os.open(Path(name + ".anchor.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True

    def _hold_session(self) -> bool:
        """The lock lives as long as its session, so a session that answers still holds it."""
        try:
            if self._connection is not None:
                self._connection.exec_driver_sql("SELECT 1")
                self._connection.commit()
                return True
            self._connection = self._engine.connect()
            held = self._connection.exec_driver_sql(
                "SELECT pg_try_advisory_lock(%(lock)s, current_schema()::regnamespace::oid::int)", {"lock": LEADER_LOCK}
            ).scalar()
            self._connection.commit()
        except SQLAlchemyError:
            held = False
        if not held:
            self.release()
        return bool(held)
