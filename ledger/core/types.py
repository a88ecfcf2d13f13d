"""The words of the formats as types, and the checks that make a text one of them (formats §2)."""

from __future__ import annotations

import re
from typing import Final, NewType

from ledger.errors import FormatError

LeafIndex = NewType("LeafIndex", int)
"""0-based position of a leaf; equals ``chain.seq`` of the entry."""
TreeSize = NewType("TreeSize", int)
"""A count of leaves."""
Digest = NewType("Digest", bytes)
"""32 bytes of SHA-256."""
Origin = NewType("Origin", str)
PartyId = NewType("PartyId", str)
EventId = NewType("EventId", str)
KeyId = NewType("KeyId", str)
"""64 lower-case hex digits, see ``signature.key_id``."""

MAX_INT: Final = 2**53 - 1
DIGEST_SIZE: Final = 32
ZERO_DIGEST: Final = Digest(bytes(DIGEST_SIZE))

ORIGIN_PATTERN: Final = r"^[a-z0-9.-]+(/[a-z0-9-]+)+$"
ORIGIN_MAX: Final = 128
PARTY_PATTERN: Final = r"^p_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}$"
EVENT_ID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
DIGEST_HEX_PATTERN: Final = r"^[0-9a-f]{64}$"

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ORIGIN = re.compile(ORIGIN_PATTERN[:-1] + r"\Z")
_PARTY = re.compile(PARTY_PATTERN[:-1] + r"\Z")
_EVENT_ID = re.compile(EVENT_ID_PATTERN[:-1] + r"\Z")


def parse_origin(text: str) -> Origin:
    """A ledger's C2SP origin (formats §2). Raises `FormatError`."""
    if len(text) > ORIGIN_MAX or not _ORIGIN.match(text):
        raise FormatError(
            "not an origin", field="ledger", expected=f"{ORIGIN_PATTERN}, at most {ORIGIN_MAX} characters", got=text
        )
    return Origin(text)


def short_name(origin: str) -> str:
    """The last segment of an origin, which names the ledger in URLs (formats §2)."""
    return origin.rsplit("/", 1)[-1]


def parse_party(text: str, field: str = "party") -> PartyId:
    """A party id (formats §2). Raises `FormatError`."""
    if not _PARTY.match(text):
        raise FormatError("not a party id", field=field, expected="p_ and 26 Crockford base32 characters", got=text)
    return PartyId(text)


def party_of(entropy: bytes) -> PartyId:
    """The party id of 16 random bytes, most significant bits first (formats §2)."""
    if len(entropy) != 16:
        raise ValueError(f"a party id takes 16 bytes, got {len(entropy)}")
    number = int.from_bytes(entropy, "big")
    return PartyId("p_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5)))


def parse_event_id(text: str, field: str = "id") -> EventId:
    """An event id: UUID version 4 or 7 in lower case (formats §2). Raises `FormatError`."""
    if not _EVENT_ID.match(text):
        raise FormatError("not an event id", field=field, expected="a lower-case UUID of version 4 or 7", got=text)
    return EventId(text)
