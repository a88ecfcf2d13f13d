"""Reading and writing events and entries: typed, strict, one pass (formats §1, §3, §4).

The types of all kinds restrict values further than formats §1 does (no null, no fractions, known keys, integers in
range, fixed depth), so a typed read replaces the walk; what types cannot say, which characters a string holds, is
checked on the bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, Union, cast

import msgspec
from msgspec import Meta

from ledger.core.encoding import check_value, parse_json
from ledger.domain.events import (
    ENTRY_MAX_BYTES,
    EVENT_MAX_BYTES,
    SIGNATURES_MAX,
    Body,
    Chain,
    Effects,
    Event,
    Posting,
    Signature,
)
from ledger.domain.fields import Strict, encode
from ledger.domain.kinds import KINDS
from ledger.errors import FormatError


def _event_type(kind: str, body: type[Body]) -> type[Event]:
    made = msgspec.defstruct(
        f"{body.__name__}Event", [("body", body)], bases=(Event,), frozen=True, tag=kind, kw_only=True, module=__name__
    )
    return cast("type[Event]", made)


EVENTS: Final[dict[str, type[Event]]] = {kind: _event_type(kind, body) for kind, body in KINDS.items()}
"""The type of each kind's event."""
Disclosed = Annotated[str, Meta(max_length=24_000)]
Signatures = Annotated[list[Signature], Meta(min_length=1, max_length=SIGNATURES_MAX)]
if TYPE_CHECKING:
    AnyEvent = Event
else:
    AnyEvent = Union[tuple(EVENTS.values())]  # noqa: UP007 - built from the table of kinds


class Entry(Strict, frozen=True):
    """What the ledger appends (formats §4)."""

    chain: Chain
    effects: Effects
    event: AnyEvent
    signatures: Signatures
    v: Literal[1]


class Submission(Strict, frozen=True):
    """What a client sends (formats §11)."""

    event: AnyEvent
    signatures: Signatures
    disclosures: Annotated[list[Disclosed], Meta(max_length=16)] = []  # noqa: RUF012 - msgspec copies it


_entry = msgspec.json.Decoder(Entry)
_submission = msgspec.json.Decoder(Submission)
_event = msgspec.json.Decoder(AnyEvent)
_PATH = re.compile(r" - at `\$\.?([^`]*)`\Z")


def parse_submission(data: bytes) -> Submission:
    """A submission in any JSON spelling. Raises `FormatError`; nothing of it is verified yet."""
    return cast(Submission, _read(_submission, data))


def parse_event(data: bytes) -> Event:
    """An event in any JSON spelling. Raises `FormatError`."""
    return cast(Event, _read(_event, data))


def event_bytes(event: Event) -> bytes:
    """The canonical bytes of an event, which its signers signed. Raises `FormatError` if they break formats §1."""
    data = encode(event)
    if len(data) > EVENT_MAX_BYTES:
        raise FormatError(
            "event too large",
            code="too_large",
            field="event",
            expected=f"at most {EVENT_MAX_BYTES} bytes",
            got=f"{len(data)} bytes",
        )
    _check_characters(data)
    return data


def check_submitted(data: bytes) -> None:
    """What is asked of an event's bytes on submission only: strings in NFC (formats §1). Raises `FormatError`."""
    if not data.isascii() and not unicodedata.is_normalized("NFC", data.decode()):
        raise FormatError("a string is not in Unicode normal form C", code="not_nfc", field="event", expected="NFC")


def parse_entry(data: bytes) -> Entry:
    """The entry of its canonical bytes. Raises `FormatError` for any other spelling."""
    if len(data) > ENTRY_MAX_BYTES:
        raise FormatError(
            "entry too large",
            code="too_large",
            field="entry",
            expected=f"at most {ENTRY_MAX_BYTES} bytes",
            got=f"{len(data)} bytes",
        )
    entry = cast(Entry, _read(_entry, data))
    if encode(entry) != data:
        raise FormatError("entry is not canonical JSON", code="not_canonical", field="entry")
    _check_characters(data)
    return entry


def entry_bytes(event_data: bytes, signatures: Sequence[Signature], chain: Chain, effects: Effects) -> bytes:
    """``canonical(entry)``, spliced from its parts: the event's bytes are never encoded again (formats §4).

    Raises `FormatError` if the entry is too large.
    """
    data = b'{"chain":%b,"effects":%b,"event":%b,"signatures":%b,"v":1}' % (
        encode(chain),
        encode(effects),
        event_data,
        encode(signatures),
    )
    if len(data) > ENTRY_MAX_BYTES:
        raise FormatError(
            "entry too large",
            code="too_large",
            field="entry",
            expected=f"at most {ENTRY_MAX_BYTES} bytes",
            got=f"{len(data)} bytes",
        )
    return data


def pairs(postings: Sequence[Posting]) -> list[tuple[str, int]]:
    """Postings as (account, delta)."""
    return [(posting.account, posting.delta) for posting in postings]


def _read(decoder: msgspec.json.Decoder[Any], data: bytes) -> object:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        _explain(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", code="not_json") from error


def _explain(error: msgspec.ValidationError) -> NoReturn:
    """Turn msgspec's sentence into field, expected and got."""
    text = str(error)
    field = match[1] if (match := _PATH.search(text)) else None
    text = _PATH.sub("", text)
    expected, _, got = text.partition(", got ")
    if got:
        expected = expected.removeprefix("Expected ")
        raise FormatError("value of another type", code="bad_field", field=field, expected=expected, got=got) from error
    raise FormatError(text[:1].lower() + text[1:], code="bad_field", field=field) from error


def _check_characters(data: bytes) -> None:
    if b"\\" in data or b"\x7f" in data:
        check_value(parse_json(data))
