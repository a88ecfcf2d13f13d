"""Reading a rule book from TOML: every fault at once, each on its line."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.encoding import canonical
from ledger.core.types import MAX_INT
from ledger.domain.bookcheck import FAULTS_MAX, check_book
from ledger.domain.bookread import BOOK_MAX_BYTES, ENVELOPE_BYTES, _faults_of, parse_book, read_book
from ledger.domain.entries import event_bytes, parse_event
from ledger.domain.events import EVENT_MAX_BYTES
from ledger.domain.fields import encode
from ledger.domain.rules import Book
from ledger.errors import FormatError, LedgerError
from tests.helpers.village import Village

TEXT = """\
# the rules of a village
book = "points"
version = 1
title = "积分细则"

[[rules]]
id = "volunteering"
type = "award"
name_zh = "志愿服务"
name_en = "Volunteering"
category = "service"
units = [
  "merit",
  "spend",  # exchanged for goods
]
target = "person"
points_units = 200
caps = { day_units = 400, year_units = 8000 }
evidence = ["photo", "place"]

[[rules]]
id = "stars"
type = "rate"
name_zh = "月度评定"
name_en = "Rating"
category = "rating"
target = "household"
[[rules.tiers]]
id = "gold"
name_zh = "金"
name_en = "Gold"
"""


def faults(text: str) -> list[tuple[int | None, str, str, str]]:
    """Line, field, expected and got of every fault."""
    reading = read_book(text.encode())
    assert (reading.book is None) == bool(reading.faults)
    return [(fault.line, fault.field, fault.expected, fault.got) for fault in reading.faults]


def changed(*changes: tuple[str, str]) -> str:
    """The text with pieces replaced, each of which stands in it."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_a_sound_book_is_read() -> None:
    book, found = read_book(TEXT.encode())
    assert (book, found) == (msgspec.convert(tomllib.loads(TEXT), Book), [])
    assert read_book(TEXT.replace("\n", "\r\n").encode()).book == book
    assert read_book(b"\xef\xbb\xbf" + TEXT.encode()).book == book, "an editor's mark of UTF-8 does no harm"


NAME = "a name: a small letter, then small letters, digits and _, at most 40 in all"
LABEL = "a text of 1 to 100 characters"
NUMBER = "a whole number from 1 on"
RULES = TEXT[TEXT.index("[[rules]]") :]
SHORT = {"book.rules.volunteering.": "V.", "book.rules.stars.tiers.0.": "T."}
ONE: dict[str, tuple[tuple[str, str], tuple[int, str, str, str]]] = {
    "not TOML": (("version = 1", "version ="), (3, "book", "TOML", "Invalid value")),
    "a string without an end": (('"Gold"\n', '"""Gold\n'), (31, "book", "TOML", "Unterminated string")),
    "a key twice": (('id = "stars"', 'id = "a"\nid = "b"'), (23, "book", "TOML", "Cannot overwrite a value")),
    "another book": (('"points"', '"score"'), (2, "book.book", "points", "score")),
    "a fraction": (("version = 1", "version = 1.5"), (3, "book.version", NUMBER, "1.5 (a float)")),
    "a truth": (("version = 1", "version = true"), (3, "book.version", NUMBER, "true")),
    "a version before the first": (("version = 1", "version = 0"), (3, "book.version", NUMBER, "0")),
    "no title": (('title = "积分细则"\n', ""), (1, "book.title", LABEL, "nothing")),
    "an empty title": (
        ('"积分细则"', '""'),
        (4, "book.title", LABEL, "an empty text"),
    ),
    "a field of no book": (
        ("version = 1", "version = 1\nmodel = 1"),
        (4, "book.model", "a known field", "model"),
    ),
    "no name": (('name_en = "Volunteering"\n', ""), (6, "V.name_en", LABEL, "nothing")),
    "no type of its own": (
        ('type = "award"', 'type = "gift"'),
        (8, "V.type", "award or deduct or honour or rate or redeem", "gift"),
    ),
    "a misspelt field": (
        ("points_units = 200", "point_units = 200"),
        (17, "V.point_units", "a known field, perhaps points_units", "point_units"),
    ),
    "a negative number": (("points_units = 200", "points_units = -1"), (17, "V.points_units", NUMBER, "-1")),
    "a number in quotes": (("points_units = 200", 'points_units = "200"'), (17, "V.points_units", NUMBER, "200")),
    "a number too large": (("= 200", f"= {MAX_INT + 1}"), (17, "V.points_units", NUMBER, str(MAX_INT + 1))),
    "a number that cannot be printed": (
        ("= 200", "= 0x" + "f" * 9000),
        (17, "V.points_units", NUMBER, "a number of 36000 bits"),
    ),
    "a day without quotes": (
        ("points_units = 200", "points_units = 200\nvalid_from = 2021-01-01"),
        (18, "V.valid_from", 'a day in quotes, such as "2021-01-31"', "2021-01-01 (a date)"),
    ),
    "a day that is none": (
        ("points_units = 200", 'points_units = 200\nvalid_from = "2021-02-30"'),
        (18, "V.valid_from", "a day of the calendar", "2021-02-30"),
    ),
    "an element of a list": (('"spend",  #', '"yuan",  #'), (14, "V.units.1", "merit or spend", "yuan")),
    "a text for a list": (
        ('["photo", "place"]', '"photo"'),
        (19, "V.evidence", f"a list of 1 to 16, each {NAME}", "photo"),
    ),
    "an empty list": (
        ('["photo", "place"]', "[]"),
        (19, "V.evidence", f"a list of 1 to 16, each {NAME}", "a list of 0"),
    ),
    "a field of an inline table": (
        ("day_units = 400", "dya_units = 400"),
        (18, "V.caps.dya_units", "a known field, perhaps day_units", "dya_units"),
    ),
    "a value for a table": (("{ day_units = 400, year_units = 8000 }", "400"), (18, "V.caps", "a table", "400")),
    "a table for a value": (("points_units = 200", "points_units = {}"), (17, "V.points_units", NUMBER, "a table")),
    "a table below a rule": (('name_zh = "金"\n', ""), (28, "T.name_zh", LABEL, "nothing")),
    "an id that is no name": (
        ('id = "volunteering"', 'id = "Volunteering"'),
        (7, "book.rules.0.id", NAME, "Volunteering"),
    ),
    "an id that goes on": (('"volunteering"', '"volunteering\\n"'), (7, "book.rules.0.id", NAME, "volunteering\n")),
    "a rule twice": (('id = "stars"', 'id = "volunteering"'), (22, "book.rules", "every rule id once", "volunteering")),
    "what the types do not say": (
        ('"merit",', '"spend",'),
        (12, "V.units", "units sorted and single", "spend, spend"),
    ),
    "a rule without what its type must have": (
        ("points_units = 200\n", ""),
        (6, "V.points_units", "points_units, for a rule of type award", "nothing"),
    ),
    "a control character": (('"Gold"', '"Go\\tld"'), (31, "T.name_en", "no control characters", "'\\t'")),
    "a text that is not NFC": (
        ('"Gold"', '"e\u0301"'),
        (31, "T.name_en", "a text in Unicode normal form C", "'e\\u0301'"),
    ),
    "no rules": ((RULES, "rules = []"), (6, "book.rules", "a list of 1 to 500, each a table", "a list of 0")),
    "a rule that is no table": ((RULES, "rules = [\n 7]"), (7, "book.rules.0", "a table", "7")),
    "rules that are no list": ((RULES, "rules = 7"), (6, "book.rules", "a list of 1 to 500, each a table", "7")),
}


@pytest.mark.parametrize("name", ONE)
def test_a_fault_is_told_with_its_line(name: str) -> None:
    change, fault = ONE[name]
    ((line, field, expected, got),) = faults(changed(change))
    for long, short in SHORT.items():
        field = field.replace(long, short)
    assert (line, field, expected, got) == fault


def test_the_first_fault_is_an_error_that_says_how_many_more_there_are() -> None:
    text = changed(("version = 1", "version = 0"), ("points_units = 200", "points_units = -1"))
    with pytest.raises(FormatError) as caught:
        parse_book(text.encode())
    error = caught.value
    assert (error.code, error.field, error.got) == ("bad_rulebook", "line 3: book.version", "0")
    assert error.message == "not a rule book, with 1 more fault"
    with pytest.raises(FormatError, match="line 1: book: not a rule book; expected TOML in UTF-8"):
        parse_book(b"\xff")


def test_all_faults_are_told_in_the_order_of_the_lines() -> None:
    text = changed(
        ("version = 1", "version = 0"),
        ("points_units = 200", "points = 200"),
        ('target = "household"', 'target = "group"'),
        ('name_en = "Gold"', 'name_en = "Gold"\nrank = 1'),
    )
    assert [(line, field.removeprefix("book.")) for line, field, _, _ in faults(text)] == [
        (3, "version"),
        (17, "rules.volunteering.points"),
        (27, "rules.stars.target"),
        (32, "rules.stars.tiers.0.rank"),
    ]


def test_rules_whose_types_are_right_are_checked_beside_others_that_are_not() -> None:
    text = changed(("day_units = 400, year_units = 8000", ""), ('target = "household"', 'target = "group"'))
    assert [(line, field) for line, field, _, _ in faults(text)] == [
        (18, "book.rules.volunteering.caps"),
        (27, "book.rules.stars.target"),
    ]


HONOUR = """
[[rules]]
id = "{0}"
type = "honour"
name_zh = "荣誉"
name_en = "Honour"
category = "{0}"
target = "{1}"
"""


def test_a_category_is_not_missed_while_a_rule_that_may_have_it_cannot_be_read() -> None:
    needy = HONOUR.format("pacesetter", "person") + 'needs_honours = { category = "star", count = 10 }\n'
    assert faults(TEXT + needy + HONOUR.format("star", "person")) == []
    assert [field for _, field, _, _ in faults(TEXT + needy + HONOUR.format("star", "group"))] == [
        "book.rules.star.target"
    ]
    missed = (40, "book.rules.pacesetter.needs_honours.category")
    assert [(line, field) for line, field, _, _ in faults(TEXT + needy)] == [missed]
    other = HONOUR.format("star", "group").replace('category = "star"', 'category = "yard"')
    assert [(line, field) for line, field, _, _ in faults(TEXT + needy + other)] == [
        missed,
        (48, "book.rules.star.target"),
    ]
    nameless = other.replace('category = "yard"\n', "")
    assert "needs_honours" not in str(faults(TEXT + needy + nameless)), "it may be the category that is missed"


def test_no_more_faults_are_told_than_can_be_read() -> None:
    text = TEXT + "".join(HONOUR.format(f"h{number}", "group") for number in range(30))
    found = faults(text)
    assert len(found) == FAULTS_MAX
    assert found[0][1] == "book.rules.h0.target"


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = 1" + "0" * 9000, "\x00", "=", "[[rules]]\n[rules]"])
def test_what_cannot_be_read_at_all_has_one_fault(text: str) -> None:
    ((line, field, expected, _),) = faults(text)
    assert line in (1, 2)
    assert (field, expected) == ("book", "TOML")


# Size -----------------------------------------------------------------------------------------------------------------


def _sized(size: int) -> str:
    """The text of a book of exactly so many canonical bytes."""
    rules = "".join(HONOUR.format(f"h{number}", "person") + 'legal_basis = "@"\n' for number in range(20))
    short = len(encode(parse_book((TEXT + rules).encode())))
    parts = [(size - short) // 20] * 19
    for part in [*parts, size - short - sum(parts)]:
        rules = rules.replace("@", "x" * (part + 1), 1)
    return TEXT + rules


def test_a_book_must_fit_into_an_event() -> None:
    book = parse_book(_sized(BOOK_MAX_BYTES).encode())
    assert len(encode(book)) == BOOK_MAX_BYTES
    ((line, field, expected, got),) = faults(_sized(BOOK_MAX_BYTES + 1))
    assert (line, field, got) == (1, "book", f"{BOOK_MAX_BYTES + 1} bytes")
    assert str(BOOK_MAX_BYTES) in expected


def test_the_largest_book_fits_whatever_the_event_says_beside_it() -> None:
    book = parse_book(_sized(BOOK_MAX_BYTES).encode())
    body = {
        "book": msgspec.to_builtins(book),
        "effective_on": "2021-11-20",
        "votes": dict.fromkeys(("eligible", "present", "in_favour", "against"), MAX_INT),
    }
    event = Village().event("rulebook_adopted", "council", body)
    event["ledger"] = "a" * 128
    event["device"] = {"id": "d" * 64, "seq": MAX_INT, "captured_at": 253_402_271_999_999}
    event["causes"] = [event["id"]] * 8
    data = event_bytes(parse_event(canonical(event)))
    assert EVENT_MAX_BYTES - ENVELOPE_BYTES < len(data) <= EVENT_MAX_BYTES


# Against msgspec, the judge of what may stand in an event -------------------------------------------------------------

SCALARS = st.sampled_from(
    [0, 1, -1, 10**20, True, 1.5, "", "x", "spend", "2021-01-01", "2021-1-1", "A", "x\n", [], {}, ["x"]]
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for name, item in items for inner in _paths(item, (*path, name)))]


@given(st.data())
def test_a_document_has_faults_if_and_only_if_its_book_would_be_refused(data: st.DataObject) -> None:
    needy = HONOUR.format("pacesetter", "person") + 'needs_honours = { category = "star", count = 10 }\n'
    value = copy.deepcopy(tomllib.loads(TEXT + needy + HONOUR.format("star", "person")))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(_paths(value)[1:]))
        table = value
        for part in path[:-1]:
            table = table[part]
        how = data.draw(st.sampled_from(["put", "drop", "add"]))
        if how == "drop":
            del table[path[-1]]
        elif how == "add" and isinstance(table, dict):
            table[data.draw(st.sampled_from(["evidence", "caps", "units", "tiers", "approvals", "zzz"]))] = data.draw(
                SCALARS
            )
        else:
            table[path[-1]] = data.draw(SCALARS)
    found = list(_faults_of(value))
    assert bool(found) == _refused(value), found


def _refused(value: Any) -> bool:
    try:
        check_book(msgspec.convert(value, Book))
    except (msgspec.ValidationError, LedgerError):
        return True
    return False
