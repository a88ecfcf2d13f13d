"""All ledgers of a database, opened for writing by this one process: keys checked, locks held, clocks running."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from ledger.config import Settings
from ledger.core.encoding import JSON, encode_base64url
from ledger.core.signature import sign_event
from ledger.core.types import parse_origin, short_name
from ledger.domain.entries import Submission, event_bytes, parse_event
from ledger.domain.events import Signature
from ledger.domain.fields import day_of, encode
from ledger.errors import ConfigError, ConflictError, LedgerError, NotFoundError, StateError
from ledger.keys import KeyFile, new_event_key, new_log_key, new_vault_key, read_key, write_key
from ledger.service.commit import Answer, LedgerWriter
from ledger.service.intake import prepare_submission
from ledger.service.queue import Observer, Sequencer
from ledger.store import entries as log
from ledger.store.database import WriterLock, open_engine, opening, reading, writing
from ledger.store.migrate import is_readable, upgrade
from ledger.store.vault import Vault

logger = structlog.get_logger(__name__)

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
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = open_engine(settings.database)
        self._key_store: Engine = open_engine(settings.key_store)
        if settings.database == settings.key_store:
            raise ConfigError("the key store is a database of its own", field="key_store_url")
        self._lock = WriterLock(self.engine)
        self._vault: Vault | None = None

    def open_for_writing(self) -> None:
        """Take the writer's lock and bring the schema up to date. Raises `StateError` if somebody else writes."""
        with opening():
            self._lock.acquire()
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

    def log_key(self, row: log.LedgerRow) -> KeyFile:
        """The key that signs a ledger's checkpoints. Raises `ConfigError`."""
        return read_key(self.settings.keys_dir / f"{row.name}.log.key", "log")

    def close(self) -> None:
        """Let go of the lock and the connections."""
        self._lock.release()
        self.engine.dispose()
        self._key_store.dispose()


def create_ledger(
    storage: Storage,
    origin: str,
    *,
    roots: Sequence[KeyFile],
    profile: str,
    threshold: int = 1,
    units: Sequence[str] = ("merit", "spend"),
) -> Answer:
    """Make a ledger: its log key, its event key, and entry 0, signed by every root key and the ledger's own.

    ``storage`` is open for writing. Raises `ConflictError` if the origin or its short name is taken.
    """
    name = short_name(parse_origin(origin))
    with reading(storage.engine) as connection:
        taken = [row for row in log.all_ledgers(connection) if name == row.name]
    if taken and not _is_unfinished(storage, taken[0], origin):
        raise ConflictError("a ledger of this name exists", code="ledger_exists", field="origin", got=taken[0].origin)
    storage.vault  # noqa: B018 - made before the first ledger, or its absence is noticed now
    log_key = _key_of(storage.settings.keys_dir / f"{name}.log.key", lambda: new_log_key(origin))
    event_key = _key_of(storage.settings.keys_dir / f"{name}.event.key", new_event_key)
    body: dict[str, JSON] = {
        "origin": origin,
        "log_key": str(log_key.verifier_key),
        "profile": profile,
        "units": list[JSON](sorted(units)),
        "ledger": dict(event_key.holder()),
        "root": {"threshold": threshold, "keys": [dict(key.holder()) for key in roots]},
    }
    event: dict[str, JSON] = {
        "v": 1,
        "ledger": origin,
        "id": str(uuid.uuid4()),
        "kind": "ledger_created",
        "occurred_on": day_of(storage.clock()),
        "actor": roots[0].party_id,
        "body": body,
    }
    submission = sign_submission(event, [*roots, event_key])
    if taken:
        row = taken[0]
    else:
        with writing(storage.engine) as connection:
            row = log.add_ledger(connection, name, origin)
    answer = storage.writer(row).append([prepare_submission(submission, lambda _: None)])[0]
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def _is_unfinished(storage: Storage, row: log.LedgerRow, origin: str) -> bool:
    """Whether creating this ledger was cut off before entry 0 was written."""
    with reading(storage.engine) as connection:
        return row.origin == origin and log.read_head(connection, row.ledger_id).size == 0


def _key_of(path: Path, make: Callable[[], KeyFile]) -> KeyFile:
    if not path.exists():
        write_key(path, make())
    return read_key(path, "event" if path.name.endswith(".event.key") else "log")


def sign_submission(event: dict[str, JSON], keys: Sequence[KeyFile], disclosures: Sequence[str] = ()) -> Submission:
    """An event signed by each key: the first is the actor's, the rest are put in order (formats §4)."""
    signed = [
        Signature(key=key.key_id, suite="ed25519", sig=encode_base64url(sign_event(event, key.seed))) for key in keys
    ]
    ordered = [signed[0], *sorted(signed[1:], key=lambda signature: signature.key)]
    parsed = parse_event(encode(event))
    event_bytes(parsed)
    return Submission(event=parsed, signatures=ordered, disclosures=list(disclosures))


class Ledgers:
    """The running ledgers: one sequencer each, and the clock that commits their state."""

    def __init__(self, storage: Storage, *, observe: Observer | None = None) -> None:
        self.storage = storage
        self._observe = observe
        self._sequencers: dict[str, Sequencer] = {}
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open every ledger for writing, within the running event loop. Raises `StateError` on doubtful state."""
        settings = self.storage.settings
        await asyncio.to_thread(self.storage.open_for_writing)
        for row in await asyncio.to_thread(self.storage.ledgers):
            writer = await asyncio.to_thread(self.storage.writer, row)
            sequencer = Sequencer(
                writer,
                queue_max=settings.queue_max,
                group_max=settings.group_max,
                gather_s=settings.gather_ms / 1000,
                observe=self._observe,
            )
            sequencer.start()
            self._sequencers[row.name] = sequencer
        self._clock = asyncio.get_running_loop().create_task(self._commit_states())

    async def stop(self) -> None:
        """Finish what is under way and close."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        for sequencer in self._sequencers.values():
            await sequencer.stop()
        self.storage.close()

    def sequencer(self, name: str) -> Sequencer:
        """The sequencer of a short name. Raises `NotFoundError`."""
        found = self._sequencers.get(name)
        if found is None:
            raise NotFoundError("no such ledger", field="ledger", got=name)
        return found

    def all(self) -> list[Sequencer]:
        """Every sequencer, in the order of the ledgers."""
        return list(self._sequencers.values())

    async def _commit_states(self) -> None:
        while True:
            await asyncio.sleep(self.storage.settings.commit_interval_s)
            for sequencer in self.all():
                try:
                    await sequencer.commit_state()
                except Exception:  # one ledger's trouble must not stop the others' clock; it is logged and retried
                    logger.exception("state was not committed", ledger=sequencer.writer.row.name)
