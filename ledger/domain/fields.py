"""The field types that event bodies are made of, each with its range and unit.

Python's ``$`` would let one trailing newline through: patterns of a fixed length state the length too, the others
forbid it. The last character of a base64url text is held to those that leave no stray bits (formats §1).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.core.types import DIGEST_HEX_PATTERN, EVENT_ID_PATTERN, MAX_INT, PARTY_PATTERN

ANYWHERE: Final = "*"
"""The scope of a role that holds in the whole ledger."""

Party = Annotated[str, Meta(min_length=28, max_length=28, extra_json_schema={"pattern": PARTY_PATTERN})]
"""A party id. `ledger.domain.entries` checks its pattern: a remembered answer costs a tenth of a pattern here."""
EventRef = Annotated[str, Meta(pattern=EVENT_ID_PATTERN, min_length=36, max_length=36)]
DigestHex = Annotated[str, Meta(pattern=DIGEST_HEX_PATTERN, min_length=64, max_length=64)]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", min_length=10, max_length=10)]
OwnId = Annotated[str, Meta(min_length=36, max_length=36, extra_json_schema={"pattern": EVENT_ID_PATTERN})]
"""An event's own id, checked as a party is."""
OwnDay = Annotated[str, Meta(min_length=10, max_length=10, extra_json_schema={"format": "date"})]
"""The day of the act, a day of the calendar, checked as a party is."""
OftenNamed = Annotated[str, Meta(max_length=40, extra_json_schema={"pattern": r"^[a-z][a-z0-9_]{0,39}$"})]
"""A `Name` whose pattern is checked by `ledger.domain.entries`, as a party's is."""
Scope = Annotated[str, Meta(pattern=r"^(\*|" + PARTY_PATTERN[1:-1] + r")$(?!\n)", max_length=28)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)", max_length=40)]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Unit = Literal["merit", "spend"]
Account = Annotated[str, Meta(pattern=PARTY_PATTERN[:-1] + r"/(merit|spend)$", max_length=34)]
Amount = Annotated[int, Meta(ge=1, le=MAX_INT)]
"""Hundredths of a point, more than zero."""
Fen = Annotated[int, Meta(ge=1, le=MAX_INT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INT)]
Positive = Annotated[int, Meta(ge=1, le=MAX_INT)]
Delta = Annotated[int, Meta(ge=-MAX_INT, le=MAX_INT)]
Moment = Annotated[int, Meta(ge=0, le=253_402_271_999_999)]
"""Milliseconds since 1970 UTC, until the year 9999 ends in Shanghai."""
Base64Of32 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$", min_length=43, max_length=43)]
"""Base64url of 32 bytes: a public key, or the digest of a disclosure."""
SignatureText = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{85}[AQgw]$", min_length=86, max_length=86)]

_PARTY: Final = re.compile(PARTY_PATTERN + r"(?!\n)")
_NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,39}$(?!\n)")
DAY_MS: Final = 86_400_000
SHANGHAI_OFFSET_MS: Final = 8 * 3_600_000
"""Asia/Shanghai has had no daylight saving since 1991; days of the domain are days there."""


class Strict(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of everything that is read from outside: no unknown fields, absent rather than null.

    An optional field is `UNSET` where it is absent and has no other default: what is read is what is encoded, so the
    bytes that were signed are the bytes that are verified.
    """


class KeyRef(Strict, frozen=True):
    """An Ed25519 public key: ``public`` is base64url of 32 bytes."""

    public: Base64Of32
    suite: Literal["ed25519"]


class Holder(Strict, frozen=True):
    """A party and its key."""

    party: Party
    public: Base64Of32
    suite: Literal["ed25519"]


class RuleRef(Strict, frozen=True):
    """The rule an event relies on: book, its version, the rule's id."""

    book: OftenNamed
    version: Positive
    id: OftenNamed


class ActRule(RuleRef, frozen=True):
    """The rule of an act that a body names: its texts are checked here, as nothing else reads them."""

    book: Name
    version: Positive
    id: Name


class Act(Strict, frozen=True):
    """What an entry counted against: the caps of a rule around a day, the places of a task, a declared claim."""

    occurred_on: Day
    rule: ActRule
    task: EventRef | UnsetType = UNSET
    claim: EventRef | UnsetType = UNSET


@lru_cache(maxsize=65_536)
def is_party(text: str) -> bool:
    """Whether a text is a party id (formats §2)."""
    return _PARTY.match(text) is not None


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Whether a text is a name: of a rule, of a book."""
    return _NAME.match(text) is not None


@lru_cache(maxsize=65_536)
def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, as ``YYYY-MM-DD``."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _day_of(number: int) -> str:
    return date.fromordinal(date(1970, 1, 1).toordinal() + number).isoformat()


def day_of(at_ms: int) -> str:
    """The day in Asia/Shanghai of a moment in milliseconds since 1970 UTC."""
    return _day_of((at_ms + SHANGHAI_OFFSET_MS) // DAY_MS)


@lru_cache(maxsize=65_536)
def day_number(day: str) -> int:
    """Days since 1970-01-01, for differences of days."""
    return date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()


encode: Final = msgspec.json.Encoder(order="sorted").encode
"""Canonical bytes of a typed value whose strings are already checked (formats §1)."""
