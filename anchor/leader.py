"""Who of several anchor processes works: the one that holds a lock of the database.

A lock is no fence: a process that lost it without noticing may still send. The contract takes only the next batch, so
the worst is a transaction in vain.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger.store.lock import ProcessLock

LEADER_LOCK: Final = 0x676F6E68
"""Class of the advisory lock in a PostgreSQL database; the ledger's writer has another."""


class Leader(ProcessLock):
    """The lock of the anchor process that works."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, suffix=".anchor.lock", number=LEADER_LOCK)

    def hold(self) -> bool:
        """Whether this process leads, now that it tried; asked before every round. A broken session leads no more."""
        try:
            return super().hold()
        except SQLAlchemyError:
            self.release()
            return False
