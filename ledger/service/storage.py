"""The database, the key store and the keys of one data directory, opened so that doubtful state is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine

from ledger.config import Settings
from ledger.errors import ConfigError, LedgerError, NotFoundError, StateError
from ledger.keys import KeyFile, new_vault_key, read_key, write_key
from ledger.service.commit import LedgerWriter
from ledger.store import entries as log
from ledger.store.database import open_engine, opening, reading
from ledger.store.lock import WriterLock
from ledger.store.migrate import is_readable, upgrade
from ledger.store.vault import Vault

AUDIT_HINT: Final = "run `gongfen audit`"
SELF_EXPLAINING: Final = frozenset({"wrong_log_key", "wrong_event_key"})
"""Codes of errors on opening a ledger that say themselves what to do."""


def now_ms() -> int:
    """The wall clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Storage:
    """The database, the key store and the keys of one data directory."""

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = now_ms) -> None:
        self.settings = settings
        self.clock = clock
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.engine: Engine = open_engine(settings.database)
        self._key_store: Engine = open_engine(settings.key_store)
        if settings.database == settings.key_store:
            raise ConfigError("the key store is a database of its own", field="key_store_url")
        self._lock = WriterLock(self.engine)
        self._vault: Vault | None = None

    def open_for_writing(self, *, patience_s: float = 0) -> None:
        """Take the writer's lock and bring the schema up to date.

        ``patience_s``: how long to wait for a writer that is just ending. Raises `StateError` if somebody else writes.
        """
        with opening():
            self._lock.acquire(patience_s)
            upgrade(self.engine)

    @property
    def vault(self) -> Vault:
        """The vault; its key is made on first use of a new data directory."""
        if self._vault is None:
            with opening():
                self._vault = Vault(self._key_store, self._vault_key().seed)
        return self._vault

    def _vault_key(self) -> KeyFile:
        path = self.settings.keys_dir / "vault.key"
        if not path.exists():
            with reading(self.engine) as connection:
                if log.all_ledgers(connection):
                    raise StateError(
                        "the vault key is missing; put it back, without it no private detail can be read",
                        code="no_vault_key",
                        field=str(path),
                    )
            write_key(path, new_vault_key())
        return read_key(path, "vault")

    def ledgers(self) -> list[log.LedgerRow]:
        """Every ledger of the database; none in one that was never written. Raises `StateError` for another version."""
        with opening():
            if not is_readable(self.engine):
                return []
        with reading(self.engine) as connection:
            return log.all_ledgers(connection)

    def writer(self, row: log.LedgerRow) -> LedgerWriter:
        """The writer of a ledger. Raises `ConfigError` or `StateError` if its keys do not fit."""
        vault, log_key = self.vault, self.log_key(row)
        event_key = read_key(self.settings.keys_dir / f"{row.name}.event.key", "event")
        try:
            return LedgerWriter(self.engine, vault, row, log_key=log_key, event_key=event_key, now_ms=self.clock)
        except LedgerError as error:
            if AUDIT_HINT in error.message or error.code in SELF_EXPLAINING:
                raise
            text = f"what is stored of this ledger is damaged: {error}; {AUDIT_HINT}"
            raise StateError(text, field=row.name) from error

    def writer_named(self, name: str) -> LedgerWriter:
        """The writer of the ledger of a short name. Raises `NotFoundError`, and as `writer` does."""
        for row in self.ledgers():
            if row.name == name:
                return self.writer(row)
        raise NotFoundError("no such ledger", field="ledger", expected="one of `gongfen ledger list`", got=name)

    def log_key(self, row: log.LedgerRow) -> KeyFile:
        """The key that signs a ledger's checkpoints. Raises `ConfigError`."""
        return read_key(self.settings.keys_dir / f"{row.name}.log.key", "log")

    def close(self) -> None:
        """Let go of the lock and the connections."""
        self._lock.release()
        self.engine.dispose()
        self._key_store.dispose()
