"""Key files: one secret a file, readable by its owner only.

``{"format":"gongfen-key/1","use":"event","seed":"…","party":"p_…"}``; ``use`` is ``event`` (officers, cards, the ledger
itself), ``log`` (signs checkpoints of ``origin``, nothing else) or ``vault`` (wraps party keys).
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ledger.core import ed25519
from ledger.core.encoding import decode_base64url, encode_base64url
from ledger.core.hashing import key_id
from ledger.core.note import VerifierKey
from ledger.core.types import KeyId, PartyId, parse_origin, parse_party, party_of
from ledger.errors import ConfigError, LedgerError
from ledger.files import read_secret, write_secret

Use = Literal["event", "log", "vault"]


class KeyFile(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, repr_omit_defaults=True):
    """The content of a key file. Its secret never shows in ``repr``."""

    format: Literal["gongfen-key/1"]
    use: Use
    secret: str = msgspec.field(name="seed")
    party: str | UnsetType = UNSET
    origin: str | UnsetType = UNSET

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes."""
        return decode_base64url(self.secret, "seed", size=32)

    @property
    def public(self) -> bytes:
        """The raw public key of an event or log key."""
        return ed25519.public_key(self.seed)

    @property
    def key_id(self) -> KeyId:
        """The id of an event key."""
        return key_id(self.public)

    @property
    def party_id(self) -> PartyId:
        """The party of an event key."""
        return parse_party(str(self.party or ""))

    @property
    def verifier_key(self) -> VerifierKey:
        """The C2SP verifier key of a log key."""
        return VerifierKey.of(name=str(self.origin), key=self.seed)

    def holder(self) -> dict[str, str]:
        """Party and public key, as event bodies name them."""
        return {"party": self.party_id, **self.reference()}

    def reference(self) -> dict[str, str]:
        """The public key, as event bodies name it."""
        return {"public": encode_base64url(self.public), "suite": "ed25519"}

    def __repr__(self) -> str:
        return f"KeyFile(use={self.use!r}, party={self.party!r}, origin={self.origin!r})"


def new_party() -> PartyId:
    """A random party id."""
    return party_of(secrets.token_bytes(16))


def new_event_key(party: str | None = None, *, seed: bytes | None = None) -> KeyFile:
    """A key for signing events, of a new party unless one is given."""
    return KeyFile(
        format="gongfen-key/1",
        use="event",
        secret=encode_base64url(seed or secrets.token_bytes(32)),
        party=parse_party(party) if party else new_party(),
    )


def new_log_key(origin: str) -> KeyFile:
    """A key for signing the checkpoints of one ledger."""
    return KeyFile(
        format="gongfen-key/1", use="log", secret=encode_base64url(secrets.token_bytes(32)), origin=parse_origin(origin)
    )


def new_vault_key() -> KeyFile:
    """A key that wraps party keys."""
    return KeyFile(format="gongfen-key/1", use="vault", secret=encode_base64url(secrets.token_bytes(32)))


def write_key(path: Path, key: KeyFile) -> None:
    """Write a new key file with mode 600. An existing file is never overwritten: raises `ConfigError`."""
    write_secret(path, msgspec.json.encode(key) + b"\n")


def read_key(path: Path, use: Use) -> KeyFile:
    """Read a key file of a given use. Raises `ConfigError` if it is missing, damaged or readable by others."""
    data = read_secret(path)
    try:
        key = msgspec.json.decode(data, type=KeyFile)
        key.seed  # noqa: B018 - its length is checked on reading
    except (msgspec.DecodeError, LedgerError) as error:
        raise ConfigError(f"not a key file: {error}", field=str(path)) from error
    if key.use != use:
        raise ConfigError("a key for another use", field=str(path), expected=use, got=key.use)
    return key
