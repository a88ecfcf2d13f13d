"""Reading and writing events and entries: typed, strict, one pass (formats §1, §3, §4).

The types of all kinds restrict values further than formats §1 does (no null, no fractions, known keys, integers in
range, fixed depth), so a typed read replaces the walk; what types cannot say, which characters a string holds, is
checked on the bytes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, Union, cast

import msgspec
from msgspec import Meta, Struct

from ledger.core.encoding import JSON, check_nesting, check_value, parse_json
from ledger.core.types import DIGEST_HEX_PATTERN, EVENT_ID_PATTERN
from ledger.domain.events import (
    ENTRY_MAX_BYTES,
    EVENT_MAX_BYTES,
    SIGNATURES_MAX,
    Body,
    Chain,
    Effects,
    Event,
    Signature,
)
from ledger.domain.events import pairs as pairs
from ledger.domain.fields import Strict, encode, is_day, is_name, is_party
from ledger.domain.kinds import KINDS
from ledger.errors import FormatError


def _event_type(kind: str, body: type[Body]) -> type[Event]:
    made = msgspec.defstruct(
        f"{body.__name__}Event", [("body", body)], bases=(Event,), frozen=True, tag=kind, kw_only=True, module=__name__
    )
    return cast("type[Event]", made)


EVENTS: Final[dict[str, type[Event]]] = {kind: _event_type(kind, body) for kind, body in KINDS.items()}
"""The type of each kind's event."""
SUBMISSION_MAX_BYTES: Final = 1 << 20
"""More than the parts may hold together, in the widest spelling."""
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


class _Spliced(Struct, frozen=True, gc=False):
    """An entry whose event is encoded already."""

    chain: Chain
    effects: Effects
    event: msgspec.Raw
    signatures: Sequence[Signature]
    v: Literal[1] = 1


class Submission(Strict, frozen=True):
    """What a client sends (formats §11)."""

    event: AnyEvent
    signatures: Signatures
    disclosures: Annotated[list[Disclosed], Meta(max_length=16)] = []  # noqa: RUF012 - msgspec copies it


_entry = msgspec.json.Decoder(Entry)
_submission = msgspec.json.Decoder(Submission)
_event = msgspec.json.Decoder(AnyEvent)
_EVENT_ID: Final = re.compile(EVENT_ID_PATTERN + r"(?!\n)")
_DIGEST: Final = re.compile(DIGEST_HEX_PATTERN + r"(?!\n)")
_A_PARTY: Final = "p_ and 26 Crockford base32 characters"
_PATH = re.compile(r" - at (?:`key` in )?`\$\.?([^`]*)`\Z")


def parse_submission(data: bytes) -> Submission:
    """A submission in any JSON spelling. Raises `FormatError`; nothing of it is verified yet."""
    _check_size(data, SUBMISSION_MAX_BYTES, "submission")
    submission = cast(Submission, _read(_submission, data, "submission"))
    _check_texts(submission.event, "event.")
    for place, signature in enumerate(submission.signatures):
        if not _DIGEST.match(signature.key):
            raise _bad_text(f"signatures.{place}.key", "64 lower-case hex digits", signature.key)
    _check_keys_of(data, encode(submission))
    return submission


def parse_event(data: bytes) -> Event:
    """An event in any JSON spelling. Raises `FormatError`."""
    _check_size(data, SUBMISSION_MAX_BYTES, "event")
    event = cast(Event, _read(_event, data, "event"))
    _check_texts(event, "")
    _check_keys_of(data, encode(event))
    return event


def event_bytes(event: Event) -> bytes:
    """The canonical bytes of an event, which its signers signed. Raises `FormatError` if they break formats §1."""
    data = encode(event)
    _check_size(data, EVENT_MAX_BYTES, "event")
    _check_characters(data)
    return data


def check_submitted(data: bytes) -> None:
    """What is asked of an event's bytes on submission only: strings in NFC (formats §1). Raises `FormatError`."""
    if not data.isascii() and not unicodedata.is_normalized("NFC", data.decode()):
        check_nfc(parse_json(data), "event")


def check_nfc(value: JSON, field: str) -> None:
    """Raise `FormatError` unless every string within ``value`` is in Unicode normal form C."""
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise FormatError(
                "a string is not in Unicode normal form C",
                code="not_nfc",
                field=field,
                expected="NFC",
                got=ascii(value),
            )
    elif isinstance(value, dict):
        for name, item in value.items():
            check_nfc(item, f"{field}.{name}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            check_nfc(item, f"{field}.{place}")


def parse_entry(data: bytes) -> Entry:
    """The entry of its canonical bytes. Raises `FormatError` for any other spelling."""
    _check_size(data, ENTRY_MAX_BYTES, "entry")
    entry = cast(Entry, _read(_entry, data, "entry"))
    if encode(entry) != data:
        raise FormatError(
            "entry is not canonical JSON",
            code="not_canonical",
            field="entry",
            expected="sorted keys, no spaces, RFC 8785 escapes, no key twice",
        )
    _check_texts(entry.event, "event.")
    if not _DIGEST.match(entry.chain.prev):
        raise _bad_text("chain.prev", "64 lower-case hex digits", entry.chain.prev)
    _check_characters(data)
    if len(data) > EVENT_MAX_BYTES:
        _check_size(encode(entry.event), EVENT_MAX_BYTES, "event")
    return entry


def entry_bytes(event_data: bytes, signatures: Sequence[Signature], chain: Chain, effects: Effects) -> bytes:
    """``canonical(entry)``, spliced from its parts: the event's bytes are never encoded again (formats §4).

    Raises `FormatError` if the entry is too large.
    """
    data = encode(_Spliced(chain, effects, msgspec.Raw(event_data), signatures))
    _check_size(data, ENTRY_MAX_BYTES, "entry")
    return data


def _read(decoder: msgspec.json.Decoder[Any], data: bytes, what: str) -> object:
    check_nesting(data)
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        _explain(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError("not JSON", code="not_json", field=what, expected="JSON in UTF-8", got=str(error)) from error


def _explain(error: msgspec.ValidationError) -> NoReturn:
    """Turn msgspec's sentence into field, expected and got."""
    text = str(error)
    field = match[1] if (match := _PATH.search(text)) else None
    text = _PATH.sub("", text)
    message, expected, parts = next(
        (message, expected, found.groupdict())
        for pattern, message, expected in _SENTENCES
        if (found := pattern.fullmatch(text))
    )
    raise FormatError(
        message, code="bad_field", field=field, expected=expected or parts.get("expected"), got=parts.get("got")
    ) from error


_SENTENCES: Final = (
    (re.compile(r"Expected (?P<expected>.*), got (?P<got>.*)", re.S), "value of another type", None),
    (re.compile(r"Expected (?P<expected>.*)", re.S), "value out of its range", None),
    (re.compile(r"Object missing required field (?P<expected>.*)", re.S), "a field is missing", None),
    (re.compile(r"Object contains unknown field (?P<got>.*)", re.S), "unknown field", "no field but the kind's"),
    (re.compile(r"Invalid (?:enum )?value (?P<got>.*)", re.S), "unknown value", "one of those in docs/spec/kinds.md"),
    (re.compile(r"(?P<got>.*)", re.S), "not a value of this type", "a value of the type of the kind"),
)
"""msgspec's sentences, what we say, and what was expected where the sentence does not tell."""


def _check_keys_of(data: bytes, canonical: bytes) -> None:
    """Refuse what a typed read lets through: a key that stands twice, of which the last would count.

    Without backslashes every text stands between two quotes; as many of them as in the canonical form leave no room
    for a key that stands twice. Empty ``disclosures`` are left out of that form and counted apart.
    """
    left_out = 2 if b'"disclosures"' in data and b'"disclosures"' not in canonical else 0
    if b"\\" in data or data.count(b'"') != canonical.count(b'"') + left_out:
        json.loads(data, object_pairs_hook=_check_keys)


def _check_keys(items: list[tuple[str, JSON]]) -> None:
    keys = [key for key, _ in items]
    if len(set(keys)) != len(keys):
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise FormatError("a key stands twice", code="repeated_key", field=doubled, expected="every key once")


def _check_texts(event: Event, place: str) -> None:
    """Check the texts that nearly every event has, which the types leave to this: parties and names come again."""
    if not _EVENT_ID.match(event.id):
        raise _bad_text(f"{place}id", "a lower-case UUID of version 4 or 7", event.id)
    if not is_day(event.occurred_on):
        raise _bad_text(f"{place}occurred_on", "a day of the calendar, YYYY-MM-DD", event.occurred_on, "not_a_day")
    if not is_party(event.actor):
        raise _bad_text(f"{place}actor", _A_PARTY, event.actor)
    for party in event.body.parties():
        if not is_party(party):
            names = [name for name in event.body.__struct_fields__ if getattr(event.body, name) == party]
            raise _bad_text(".".join([f"{place}body", *names[:1]]), _A_PARTY, party)
    if event.rule:
        for name in ("book", "id"):
            if not is_name(text := getattr(event.rule, name)):
                raise _bad_text(f"{place}rule.{name}", "a name: [a-z][a-z0-9_]{0,39}", text)


def _bad_text(field: str, expected: str, got: str, code: str = "bad_field") -> FormatError:
    return FormatError("text of another form", code=code, field=field, expected=expected, got=ascii(got))


def _check_size(data: bytes, most: int, what: str) -> None:
    if len(data) > most:
        raise FormatError(
            f"{what} too large",
            code="too_large",
            field=what,
            expected=f"at most {most} bytes",
            got=f"{len(data)} bytes",
        )


def _check_characters(data: bytes) -> None:
    if b"\\" in data or b"\x7f" in data:
        check_value(parse_json(data))
