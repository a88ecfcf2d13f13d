"""Signatures over events (formats §3): which bytes are signed. How Ed25519 is checked stands in `ed25519`."""

from __future__ import annotations

from typing import Final

from nacl.signing import SigningKey

from ledger.core import ed25519
from ledger.core.encoding import JSON, canonical
from ledger.errors import FormatError, SignatureError

SUITE: Final = "ed25519"
"""The only suite of version 1; it is part of the key id, never chosen by what is verified."""
MAX_SIGNATURES: Final = 8
"""Signatures that one entry may carry (formats §1)."""

_EVENT_CONTEXT: Final = b"gongfen/event/v1\n"


def sign_event(event: dict[str, JSON], key: bytes) -> bytes:
    """The 64-byte signature of ``event`` under the 32-byte seed ``key``.

    Raises `FormatError` if the event has no canonical bytes, `SignatureError` if the key is not a seed.
    """
    return sign_event_bytes(_event_bytes(event), key)


def verify_event(event: dict[str, JSON], signature: bytes, public_key: bytes) -> None:
    """Accept a 64-byte signature of ``event`` under a 32-byte public key. Raises `SignatureError`, and nothing else.

    An event without canonical bytes cannot have been signed. Whether the key may sign is not looked at here.
    """
    try:
        event_bytes = _event_bytes(event)
    except FormatError as error:
        raise SignatureError(f"the event cannot be signed: {error.message}", field=error.field) from error
    verify_event_bytes(event_bytes, signature, public_key)


def sign_event_bytes(event_bytes: bytes, key: bytes | SigningKey) -> bytes:
    """`sign_event` where ``canonical(event)`` is at hand, also with an expanded key. Raises `SignatureError`."""
    return ed25519.sign(key, _EVENT_CONTEXT + event_bytes)


def verify_event_bytes(event_bytes: bytes, signature: bytes, public_key: bytes) -> None:
    """`verify_event` where ``canonical(event)`` is at hand. Raises `SignatureError`; the form is not checked."""
    ed25519.verify(public_key, _EVENT_CONTEXT + event_bytes, signature)


def _event_bytes(event: object) -> bytes:
    if type(event) is not dict:
        raise FormatError("not an event", expected="an object", got=type(event).__name__)
    return canonical(event)
