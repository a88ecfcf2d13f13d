"""The vault: disclosures, encrypted under a key of their party (formats §6).

A disclosure is AES-256-GCM under its party's key; the party's key is wrapped by the vault key and lies in the key
store, a database of its own with a short retention. Without the party's key a disclosure is noise, in every backup too.

One process seals, and destroys keys: the writer. It remembers the keys it seals with. Whoever opens asks the key store
each time, so a key that was destroyed opens nothing more, in no process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, delete, select

from ledger.errors import StateError
from ledger.store.database import driver, insert_rows, party_bytes, party_text, reading, upsert_rows, writing
from ledger.store.schema import destroyed_keys, disclosures, key_metadata, party_keys

KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_CACHE_MAX: Final = 20_000
_CHUNK: Final = 500


class Sealed(NamedTuple):
    """A disclosure as it is stored: the party it is about, its entry and name, and its sealed bytes."""

    party: str
    seq: int
    name: str
    sealed: bytes


class Vault:
    """Seals and opens disclosures. ``engine`` is the key store's, never the ledger's own database."""

    def __init__(self, engine: Engine, vault_key: bytes) -> None:
        if len(vault_key) != KEY_SIZE:
            raise StateError("the vault key is damaged", field="vault_key", expected=f"{KEY_SIZE} bytes")
        key_metadata.create_all(engine)
        self._engine = engine
        self._wrapping = AESGCM(vault_key)
        self._ciphers: dict[tuple[int, str], AESGCM] = {}
        self._check_key()

    def _check_key(self) -> None:
        """Raise `StateError` if the key store was made with another vault key."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(party_keys.c.ledger_id, party_keys.c.party, party_keys.c.wrapped).limit(1)
            ).first()
        if row is not None:
            self._unwrap(row.ledger_id, party_text(row.party), bytes(row.wrapped))

    def prepare(self, ledger_id: int, parties: Iterable[str]) -> None:
        """Make sure that each party has a key, durably, before anything is sealed under it."""
        wanted = [party for party in dict.fromkeys(parties) if (ledger_id, party) not in self._ciphers]
        if not wanted:
            return
        if len(self._ciphers) > _CACHE_MAX:
            self._ciphers.clear()
        held = self._load(ledger_id, wanted)
        if missing := [party for party in wanted if party not in held]:
            rows = [
                (ledger_id, party_bytes(party), self._wrap(ledger_id, party, os.urandom(KEY_SIZE))) for party in missing
            ]
            with writing(self._engine) as connection:
                insert_rows(connection, party_keys, rows, keep=True)
            held |= self._load(ledger_id, missing)
        self._ciphers.update({(ledger_id, party): cipher for party, cipher in held.items()})

    def seal(self, ledger_id: int, party: str, seq: int, name: str, disclosure: str) -> bytes:
        """The stored form of a disclosure. `prepare` was called for the party."""
        nonce = os.urandom(_NONCE_SIZE)
        cipher = self._ciphers.get((ledger_id, party)) or self._load(ledger_id, [party])[party]
        return nonce + cipher.encrypt(nonce, disclosure.encode("ascii"), _place(ledger_id, seq, name))

    def open(self, ledger_id: int, party: str, seq: int, name: str, sealed: bytes) -> str | None:
        """A disclosure, or None when its party's key was destroyed. Raises `StateError` if it is damaged."""
        return self.open_all(ledger_id, [Sealed(party, seq, name, sealed)])[0]

    def open_all(self, ledger_id: int, items: Sequence[Sealed]) -> list[str | None]:
        """As `open`, for many disclosures; the key store is asked once for all their parties."""
        parties = list({item.party: None for item in items})
        ciphers = self._load(ledger_id, parties)
        destroyed: dict[str, int] | None = None
        opened: list[str | None] = []
        for item in items:
            cipher = ciphers.get(item.party)
            text = None if cipher is None else _decrypted(cipher, ledger_id, item)
            if text is None and cipher is not None:  # sealed under the key before this one, or damaged
                destroyed = self.destroyed(ledger_id, parties) if destroyed is None else destroyed
                if item.seq >= destroyed.get(item.party, 0):
                    place = f"entry {item.seq}, {item.name}"
                    raise StateError("a sealed disclosure is damaged", field="disclosures", got=place)
            opened.append(text)
        return opened

    def destroy(self, ledger_id: int, erasures: Mapping[str, int]) -> list[str]:
        """Destroy the keys of parties, each for the entry (seq) that records its erasure; answers whose were due.

        Once for each entry: doing it again leaves the key be, which the party may have anew by then. Key and note of
        it go in one transaction. In SQLite the bytes are overwritten in the file, too.
        """
        with writing(self._engine) as connection:
            _overwrite_deleted(connection)
            done = _read_destroyed(connection, ledger_id, list(erasures))
            due = [party for party, seq in erasures.items() if done.get(party) != seq]
            for party in due:
                self._ciphers.pop((ledger_id, party), None)
                connection.execute(
                    delete(party_keys).where(
                        party_keys.c.ledger_id == ledger_id, party_keys.c.party == party_bytes(party)
                    )
                )
            rows = [(ledger_id, party_bytes(party), erasures[party]) for party in due]
            upsert_rows(connection, destroyed_keys, rows)
        if due:
            self._empty_journal()
        return due

    def destroyed(self, ledger_id: int, parties: Sequence[str]) -> dict[str, int]:
        """For which entry (seq) the key of each party was destroyed last; those that never were are left out."""
        with reading(self._engine) as connection:
            return _read_destroyed(connection, ledger_id, parties)

    def _empty_journal(self) -> None:
        """SQLite: the journal still holds pages as they were before; take it over into the file and cut it off."""
        if self._engine.dialect.name == "sqlite":
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()

    def _wrap(self, ledger_id: int, party: str, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._wrapping.encrypt(nonce, key, f"{ledger_id}/{party}".encode())

    def _load(self, ledger_id: int, parties: list[str]) -> dict[str, AESGCM]:
        names = {party_bytes(party): party for party in parties}
        found: dict[str, AESGCM] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(parties), _CHUNK):
                query = select(party_keys.c.party, party_keys.c.wrapped).where(
                    party_keys.c.ledger_id == ledger_id, party_keys.c.party.in_(list(names)[start : start + _CHUNK])
                )
                for name, wrapped in connection.execute(query):
                    party = names[bytes(name)]
                    found[party] = AESGCM(self._unwrap(ledger_id, party, bytes(wrapped)))
        return found

    def _unwrap(self, ledger_id: int, party: str, wrapped: bytes) -> bytes:
        try:
            nonce, body = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
            return self._wrapping.decrypt(nonce, body, f"{ledger_id}/{party}".encode())
        except InvalidTag as error:
            raise StateError(
                "the vault key does not open the key store; give the vault key that this key store was made with",
                code="wrong_vault_key",
                field="vault_key",
            ) from error


def _decrypted(cipher: AESGCM, ledger_id: int, item: Sealed) -> str | None:
    """The disclosure, or None where this key does not open it."""
    nonce, body = item.sealed[:_NONCE_SIZE], item.sealed[_NONCE_SIZE:]
    try:
        return cipher.decrypt(nonce, body, _place(ledger_id, item.seq, item.name)).decode("ascii")
    except (InvalidTag, ValueError):  # ValueError: too short to be anything
        return None


def _overwrite_deleted(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        driver(connection).execute("PRAGMA secure_delete = ON").fetchall()


def _read_destroyed(connection: Connection, ledger_id: int, parties: Sequence[str]) -> dict[str, int]:
    names = {party_bytes(party): party for party in parties}
    found: dict[str, int] = {}
    for start in range(0, len(names), _CHUNK):
        query = select(destroyed_keys.c.party, destroyed_keys.c.seq).where(
            destroyed_keys.c.ledger_id == ledger_id,
            destroyed_keys.c.party.in_(list(names)[start : start + _CHUNK]),
        )
        found.update((names[bytes(name)], seq) for name, seq in connection.execute(query))
    return found


def add_disclosures(connection: Connection, rows: list[tuple[int, int, str, str, bytes]]) -> None:
    """Store sealed disclosures, as (ledger id, seq, name, party, sealed)."""
    insert_rows(
        connection,
        disclosures,
        [(ledger_id, seq, name, party_bytes(party), sealed) for ledger_id, seq, name, party, sealed in rows],
    )


def read_disclosures(connection: Connection, ledger_id: int, seq: int) -> list[tuple[str, bytes, bytes]]:
    """The sealed disclosures of an entry, as (name, party's 16 bytes, sealed), by name."""
    query = (
        select(disclosures.c.name, disclosures.c.party, disclosures.c.sealed)
        .where(disclosures.c.ledger_id == ledger_id, disclosures.c.seq == seq)
        .order_by(disclosures.c.name)
    )
    return [(name, bytes(party), bytes(sealed)) for name, party, sealed in connection.execute(query)]


def read_many_disclosures(connection: Connection, ledger_id: int, seqs: Sequence[int]) -> Iterator[Sealed]:
    """The sealed disclosures of many entries."""
    for start in range(0, len(seqs), _CHUNK):
        query = select(disclosures.c.seq, disclosures.c.name, disclosures.c.party, disclosures.c.sealed).where(
            disclosures.c.ledger_id == ledger_id, disclosures.c.seq.in_(seqs[start : start + _CHUNK])
        )
        for seq, name, party, sealed in connection.execute(query):
            yield Sealed(party_text(party), seq, name, bytes(sealed))


def _place(ledger_id: int, seq: int, name: str) -> bytes:
    return f"{ledger_id}/{seq}/{name}".encode()
