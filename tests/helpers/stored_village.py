"""The village of `tests.helpers.village` in a real database: every event goes to both, and both must say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from ledger.config import Settings
from ledger.core.encoding import canonical, encode_base64url
from ledger.core.merkle import leaf_hash
from ledger.core.types import short_name
from ledger.domain.append import Appended
from ledger.errors import LedgerError
from ledger.keys import KeyFile, new_event_key, write_key
from ledger.service.commit import LedgerWriter
from ledger.service.intake import prepare
from ledger.service.storage import Storage
from ledger.store import entries as log
from ledger.store.database import reading, writing
from tests.helpers.storage import database
from tests.helpers.village import ORIGIN, Village, person

NAME = short_name(ORIGIN)
T = TypeVar("T")


class StoredVillage:
    """A founded village, in memory and stored; `village` makes events and tells the time."""

    def __init__(self, folder: Path, url: str, village: Village | None = None) -> None:
        self.village = village or Village.founded()
        self.storage = Storage(Settings(data_dir=folder, database_url=url), clock=lambda: self.village.now_ms)
        keys = self.storage.settings.keys_dir
        log_seed = encode_base64url(person("log").seed)
        write_key(keys / f"{NAME}.log.key", KeyFile(format="gongfen-key/1", use="log", secret=log_seed, origin=ORIGIN))
        ledger = person("ledger")
        write_key(keys / f"{NAME}.event.key", new_event_key(ledger.party, seed=ledger.seed))
        self.storage.open_for_writing()
        self.storage.vault  # noqa: B018 - made before the first ledger
        with writing(self.storage.engine) as connection:
            self.row = log.add_ledger(connection, NAME, ORIGIN)
        self.writer: LedgerWriter = self.storage.writer(self.row)
        self._store(*map(_submission, self.village.entries))

    def must(self, submission: bytes) -> Appended:
        """Append in both; answers the entry. Raises what refuses it."""
        appended = self.village.must(submission)
        self._store(submission)
        return appended

    def read(self, query: Callable[[Connection, log.LedgerRow], T]) -> T:
        """What a query finds in the database."""
        with reading(self.storage.engine) as connection:
            return query(connection, self.row)

    def follow(self) -> list[bytes]:
        """Take what the stored ledger appended of its own accord into memory as well; answers those entries."""
        first = self.village.head.size
        new = self.read(lambda link, row: log.read_entries(link, row.ledger_id, first, self.writer.size))
        for stored in new:
            assert self.village.must(_submission(stored.data)).data == stored.data
        return [stored.data for stored in new]

    def _store(self, *submissions: bytes) -> None:
        for answer in self.writer.append([prepare(one, self.writer.public_key) for one in submissions]):
            if isinstance(answer, LedgerError):
                raise answer
            assert answer.leaf == leaf_hash(self.village.entries[answer.seq]), "both decided the same"


def _submission(entry: bytes) -> bytes:
    value = json.loads(entry)
    return canonical({"event": value["event"], "signatures": value["signatures"]})


@contextmanager
def stored_village(engine: str, folder: Path) -> Iterator[StoredVillage]:
    """A village in SQLite or PostgreSQL."""
    with database(engine, folder) as url:
        made = StoredVillage(folder, url)
        try:
            yield made
        finally:
            made.storage.close()
