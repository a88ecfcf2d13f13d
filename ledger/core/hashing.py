"""Every hash of the formats, each with its domain prefix, in one place."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ledger.core.types import Digest, KeyId

LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"
MAP_LEAF_PREFIX: Final = b"\x02"
MAP_NODE_PREFIX: Final = b"\x03"
HISTORY_PREFIX: Final = b"\x04"


def digest(data: bytes) -> Digest:
    """Plain SHA-256."""
    return Digest(sha256(data).digest())


def u64(number: int) -> bytes:
    """8 bytes, big-endian."""
    return number.to_bytes(8, "big")


def ledger_id(origin: str) -> Digest:
    """The 32-byte name of a ledger on chain and in batches (formats §2)."""
    return digest(b"gongfen/ledger/v1\n" + origin.encode("ascii"))


def key_id(public_key: bytes, suite: str = "ed25519") -> KeyId:
    """The id of an event key (formats §2)."""
    return KeyId(digest(b"gongfen/key/v1\n" + suite.encode("ascii") + b"\n" + public_key).hex())


def door_digest(secret: bytes) -> str:
    """What the log knows of a household's door code: a digest of its secret, which never stands in an event."""
    return digest(b"gongfen/door/v1\n" + secret).hex()


def state_key(kind: str, identifier: str) -> Digest:
    """The map key of a fact: ``kind`` is ``account``, ``key`` or ``score`` (formats §7)."""
    return digest(b"gongfen/state-key/v1\n" + kind.encode("ascii") + b"\n" + identifier.encode("ascii"))


def history_step(head: bytes, leaf_hash: bytes) -> Digest:
    """``head_n`` from ``head_{n-1}`` and the leaf hash of a party's n-th entry (formats §7)."""
    return Digest(sha256(HISTORY_PREFIX + head + leaf_hash).digest())
