"""Reading a rule book from TOML, with every fault on its line.

The types are gone through field by field, so that one reading tells as many faults as there are.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from ledger.core.encoding import check_value
from ledger.core.types import MAX_INT
from ledger.domain.bookcheck import FAULTS_MAX, Fault, error_of, faults_of_rules, field_of
from ledger.domain.booklines import Path, line_of, lines_of
from ledger.domain.events import EVENT_MAX_BYTES
from ledger.domain.fields import Day, Name, encode
from ledger.domain.rules import Book, Rule
from ledger.errors import FormatError

ENVELOPE_BYTES: Final = 1_000
"""What an event around a book takes beside it, at most: ids, the ledger's name, the day, the votes."""
BOOK_MAX_BYTES: Final = EVENT_MAX_BYTES - ENVELOPE_BYTES
"""Canonical bytes of a book that fits into one event."""
GOT_MAX: Final = 80
_END: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
"""How `tomllib` says where."""


def _pattern_of(kind: object) -> str | None:
    """The pattern of a type of text."""
    return getattr(inspect.type_info(kind), "pattern", None)


_FORMS: Final = {
    _pattern_of(Name): "a name: a small letter, then small letters, digits and _, at most 40 in all",
    _pattern_of(Day): 'a day in quotes, such as "2021-01-31"',
}


class Reading(NamedTuple):
    """A book that can be law; or None, and its faults in the order of their lines, at most `FAULTS_MAX`."""

    book: Book | None
    faults: Sequence[Fault]


def parse_book(toml: bytes) -> Book:
    """A rule book from TOML. Raises `FormatError` for the first fault, with its line; `read_book` tells all."""
    book, faults = read_book(toml)
    if book is None:
        raise error_of(faults)
    return book


def read_book(toml: bytes) -> Reading:
    """A rule book from TOML, or all its faults that can be told together."""
    try:
        text = toml.decode("utf-8-sig")
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return Reading(None, [_unreadable(toml, error)])
    lines = lines_of(text)
    found = [fault._replace(line=line_of(lines, fault.path)) for fault in _faults_of(value)]
    if found:
        return Reading(None, sorted(found, key=lambda fault: fault.line or 0)[:FAULTS_MAX])
    book = msgspec.convert(value, Book)
    if (size := len(encode(book))) > BOOK_MAX_BYTES:
        expected = f"at most {BOOK_MAX_BYTES} bytes in canonical form, as a book goes into one event whole"
        return Reading(None, [Fault((), "book", expected, f"{size} bytes", 1)])
    return Reading(book, [])


def _unreadable(toml: bytes, error: Exception) -> Fault:
    """The one fault of what is no TOML at all."""
    if isinstance(error, UnicodeDecodeError):
        return Fault((), "book", "TOML in UTF-8", error.reason, toml.count(b"\n", 0, error.start) + 1)
    if isinstance(error, RecursionError):
        return Fault((), "book", "TOML", "values that nest too deeply", 1)
    text = str(error)
    place = _END.search(text)
    line = int(place[1]) if place and place[1] else toml.rstrip().count(b"\n") + 1 if place else 1
    return Fault((), "book", "TOML", _END.sub("", text)[:GOT_MAX], line)


def _faults_of(value: dict[str, Any]) -> Iterator[Fault]:
    """The faults of a document: by the types, then in those rules whose types are right."""
    given = value.get("rules")
    tables = [table if isinstance(table, dict) else {} for table in given] if isinstance(given, list) else []
    odd = set()
    for path, expected, got in _of_type(value, inspect.type_info(Book), ()):
        place = path[1] if len(path) > 1 else None
        odd.add(place)
        yield Fault(path, field_of(path, tables[place].get("id") if isinstance(place, int) else None), expected, got)
    sound = [(place, msgspec.convert(table, Rule)) for place, table in enumerate(tables) if place not in odd]
    yield from faults_of_rules(sound, [table.get("category") for place, table in enumerate(tables) if place in odd])


_Found = Iterator[tuple[Path, str, str]]
"""Where, what was expected, and what came."""


def _of_type(value: object, kind: inspect.Type, path: Path) -> _Found:
    """Where a value of a document is not of a type."""
    if isinstance(kind, inspect.StructType):
        yield from _of_struct(value, kind, path)
    elif isinstance(kind, inspect.ListType):
        if not isinstance(value, list) or not (kind.min_length or 0) <= len(value) <= (kind.max_length or MAX_INT):
            yield path, describe(kind), _told(value)
        for place, item in enumerate(value if isinstance(value, list) else ()):
            yield from _of_type(item, kind.item_type, (*path, place))
    elif not _is_of(value, kind):
        yield path, describe(kind), _told(value)
    elif isinstance(value, str):
        yield from _of_text(value, path)


def _of_struct(value: object, kind: inspect.StructType, path: Path) -> _Found:
    if not isinstance(value, dict):
        yield path, "a table", _told(value)
        return
    fields = {field.name: field for field in kind.fields}
    for name in value:
        if name not in fields:
            near = get_close_matches(name, [other for other in fields if other not in value], n=1)
            yield (*path, name), f"a known field, perhaps {near[0]}" if near else "a known field", name[:GOT_MAX]
    for name, field in fields.items():
        if name in value:
            yield from _of_type(value[name], field.type, (*path, name))
        elif field.required:
            yield (*path, name), describe(field.type), "nothing"


def _of_text(value: str, path: Path) -> _Found:
    """What no event may hold (formats §1), whatever its type says."""
    try:
        check_value(value)
    except FormatError as error:
        yield path, str(error.expected), str(error.got)
    if not unicodedata.is_normalized("NFC", value):
        yield path, "a text in Unicode normal form C", ascii(value)[:GOT_MAX]


def _is_of(value: object, kind: inspect.Type) -> bool:
    """Whether a value is a number, a choice or a text as its type says."""
    if isinstance(kind, inspect.IntType):
        return type(value) is int and (kind.ge or 0) <= value <= (kind.le or MAX_INT)
    if not isinstance(value, str):
        return False
    if isinstance(kind, inspect.LiteralType):
        return value in kind.values
    assert isinstance(kind, inspect.StrType), "books are made of tables, lists, numbers, choices and texts"
    long_enough = (kind.min_length or 0) <= len(value) <= (kind.max_length or MAX_INT)
    return long_enough and (kind.pattern is None or re.search(kind.pattern, value) is not None)


def describe(kind: inspect.Type) -> str:
    """A type of a book's fields in words."""
    if isinstance(kind, inspect.IntType):
        return f"a whole number from {kind.ge}" + (f" to {kind.le}" if kind.le != MAX_INT else " on")
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(map(str, kind.values))
    if isinstance(kind, inspect.StrType):
        return _FORMS.get(kind.pattern, f"a text of 1 to {kind.max_length} characters")
    if isinstance(kind, inspect.ListType):
        return f"a list of {kind.min_length} to {kind.max_length}, each {describe(kind.item_type)}"
    return "a table"


def _told(value: object) -> str:
    """A value of a document in words, short."""
    if isinstance(value, str):
        return (value or "an empty text")[:GOT_MAX]
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int):  # hardly printed: Python refuses to print very long ones
        return str(value).lower() if value.bit_length() <= 64 else f"a number of {value.bit_length()} bits"
    return f"{value} (a {type(value).__name__})"[:GOT_MAX]
