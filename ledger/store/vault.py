"""The vault: disclosures, encrypted under a key of their party (formats §6).

A disclosure is AES-256-GCM under its party's key; the party's key is wrapped by the vault key and lies in the key
store, a database of its own with a short retention. Without the party's key a disclosure is noise, in every backup too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, delete, select

from ledger.errors import StateError
from ledger.store.database import insert_rows, party_bytes, party_text, reading, writing
from ledger.store.schema import disclosures, key_metadata, party_keys

KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_CACHE_MAX: Final = 20_000


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
        cipher = self._ciphers.get((ledger_id, party)) or self._load(ledger_id, [party]).get(party)
        if cipher is None:
            return None
        try:
            nonce, body = sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:]
            return cipher.decrypt(nonce, body, _place(ledger_id, seq, name)).decode("ascii")
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be anything
            raise StateError(
                "a sealed disclosure is damaged", field="disclosures", got=f"entry {seq}, {name}"
            ) from error

    def destroy(self, ledger_id: int, party: str) -> bool:
        """Destroy a party's key; True if there was one. Its disclosures are unreadable from now on."""
        self._ciphers.pop((ledger_id, party), None)
        with writing(self._engine) as connection:
            query = delete(party_keys).where(
                party_keys.c.ledger_id == ledger_id, party_keys.c.party == party_bytes(party)
            )
            return connection.execute(query).rowcount > 0

    def _wrap(self, ledger_id: int, party: str, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._wrapping.encrypt(nonce, key, f"{ledger_id}/{party}".encode())

    def _load(self, ledger_id: int, parties: list[str]) -> dict[str, AESGCM]:
        names = {party_bytes(party): party for party in parties}
        found: dict[str, AESGCM] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(parties), 500):
                query = select(party_keys.c.party, party_keys.c.wrapped).where(
                    party_keys.c.ledger_id == ledger_id, party_keys.c.party.in_(list(names)[start : start + 500])
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


def _place(ledger_id: int, seq: int, name: str) -> bytes:
    return f"{ledger_id}/{seq}/{name}".encode()
