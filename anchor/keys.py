"""Key files of the chain side: ``{"format":"gongfen-evm-key/1","use":"submitter","secret":"<64 hex>",…}``.

``use`` is ``submitter`` (pays for transactions, is trusted with nothing), ``head`` (signs the heads of ``origin``) or
``member`` (co-signs batches and governs). One secp256k1 secret a file, mode 600, never overwritten.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from eth_account import Account
from eth_account.signers.local import LocalAccount
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.core.types import parse_origin
from ledger.errors import ConfigError
from ledger.files import read_secret, write_secret

Use = Literal["submitter", "head", "member"]
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class EvmKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of a key file. Its secret never shows in ``repr``."""

    format: Literal["gongfen-evm-key/1"]
    use: Use
    secret: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
    origin: str | UnsetType = UNSET

    @property
    def account(self) -> LocalAccount:
        """The account that signs."""
        account: LocalAccount = Account.from_key(bytes.fromhex(self.secret))
        return account

    @property
    def address(self) -> str:
        """``0x`` and 40 lower-case hex digits."""
        return str(self.account.address).lower()

    def __repr__(self) -> str:
        return f"EvmKey(use={self.use!r}, address={self.address!r}, origin={self.origin!r})"


def new_key(use: Use, origin: str | None = None) -> EvmKey:
    """A fresh key; a head key belongs to one ledger."""
    if (use == "head") != (origin is not None):
        raise ConfigError("a head key names its ledger, other keys do not", field="origin")
    number = 1 + secrets.randbelow(_ORDER - 1)
    owner = parse_origin(origin) if origin is not None else UNSET
    return EvmKey(format="gongfen-evm-key/1", use=use, secret=f"{number:064x}", origin=owner)


def write_key(path: Path, key: EvmKey) -> None:
    """Write a new key file with mode 600. An existing file is never overwritten: raises `ConfigError`."""
    write_secret(path, msgspec.json.encode(key) + b"\n")


def read_key(path: Path, use: Use, origin: str | None = None) -> EvmKey:
    """Read a key file of a given use. Raises `ConfigError` if it is missing, damaged, another's or open to others."""
    data = read_secret(path)
    try:
        key = msgspec.json.decode(data, type=EvmKey)
    except msgspec.DecodeError as error:
        raise ConfigError("not a key file of format gongfen-evm-key/1", field=str(path)) from error
    if not 0 < int(key.secret, 16) < _ORDER:
        raise ConfigError("not a secp256k1 key", field=str(path))
    if key.use != use:
        raise ConfigError("a key for another use", field=str(path), expected=use, got=key.use)
    if origin is not None and key.origin != origin:
        raise ConfigError("a key of another ledger", field=str(path), expected=origin, got=str(key.origin))
    return key
