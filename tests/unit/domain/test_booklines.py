"""Where in a TOML text a value stands, whatever comments, strings and arrays surround it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.booklines import Path, line_of, lines_of

TEXT = '''\
# [[rules]] in a comment
title = """
[[rules]]
id = "not this one"
an escaped \\""" and two more at the end"""""
note = \'\'\'
[[rules]] # ' ''
\'\'\'

[[rules]]  # [[rules]]
id = "a # not a comment"
units = [ # ]
  "merit",  # the first ]
  'sp[nd',

  """x
]""", "last",
]
caps = { day_units = 4, year_units = [1,
  2], text = "}" }

  [ rules . deep ]
  below = 2021-01-31 07:32:00

[["rules"]]
'id' = 'b'
caps.day_units = 5
"a \\u0041" = 1e3
[[rules.tiers]]
id = "t"
[[rules.tiers]]
id = "u"
[other]
rules.id = 1
'''

PLACES: dict[Path, int] = {
    ("title",): 2,
    ("note",): 6,
    ("rules",): 10,
    ("rules", 0): 10,
    ("rules", 0, "id"): 11,
    ("rules", 0, "units"): 12,
    ("rules", 0, "units", 0): 13,
    ("rules", 0, "units", 1): 14,
    ("rules", 0, "units", 2): 16,
    ("rules", 0, "units", 3): 17,
    ("rules", 0, "caps"): 19,
    ("rules", 0, "caps", "day_units"): 19,
    ("rules", 0, "caps", "year_units"): 19,
    ("rules", 0, "caps", "year_units", 0): 19,
    ("rules", 0, "caps", "year_units", 1): 20,
    ("rules", 0, "caps", "text"): 20,
    ("rules", 0, "deep"): 22,
    ("rules", 0, "deep", "below"): 23,
    ("rules", 1): 25,
    ("rules", 1, "id"): 26,
    ("rules", 1, "caps"): 27,
    ("rules", 1, "caps", "day_units"): 27,
    ("rules", 1, "a A"): 28,
    ("rules", 1, "tiers"): 29,
    ("rules", 1, "tiers", 0): 29,
    ("rules", 1, "tiers", 0, "id"): 30,
    ("rules", 1, "tiers", 1): 31,
    ("rules", 1, "tiers", 1, "id"): 32,
    ("other",): 33,
    ("other", "rules"): 34,
    ("other", "rules", "id"): 34,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_value_has_the_line_of_its_key(newline: str) -> None:
    text = TEXT.replace("\n", newline)
    tomllib.loads(text)
    assert lines_of(text) == PLACES


def test_what_is_missing_stands_where_its_table_begins() -> None:
    assert line_of(PLACES, ("rules", 1, "units")) == 25
    assert line_of(PLACES, ("rules", 0, "caps", "month_units")) == 19
    assert line_of(PLACES, ("rules", 0, "units", 9)) == 12
    assert line_of(PLACES, ("version",)) == line_of(PLACES, ()) == 1


def test_an_empty_text_has_no_lines() -> None:
    assert lines_of("") == lines_of("# nothing\n\n") == {}


# Random documents: every scalar is a number of its own, which must stand on the line that is told ---------------------

SPACES = st.sampled_from(["", " ", "\t", "  "])
NEWLINES = st.sampled_from(["\n", "\r\n", "\n\n", ' # ] } """ = [[x]]\n', '  # "\n\n\t'])
STRINGS = st.sampled_from(['"@"', "'@'", '"""@"""', '"""\n\n@\\""" """""', "'''@\n'''", "'''@\n]''''", '"@\\"#]"'])
KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f#'", "7", '"="', '"]"'])


class Writer:
    """Writes a random document; ``marks`` says which mark stands at which path."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.marks: dict[Path, str] = {}

    def put(self, text: str) -> None:
        self.text += text

    def gap(self) -> str:
        return str(self.draw(SPACES)) + (str(self.draw(NEWLINES)) if self.draw(st.booleans()) else "")

    def value(self, path: Path, depth: int, *, inline: bool) -> None:
        shape = self.draw(st.sampled_from(["number", "string", "array", "table"] if depth else ["number", "string"]))
        if shape in ("number", "string"):
            mark = f"{1000 + len(self.marks)}"
            self.marks[path] = mark
            self.put(mark if shape == "number" else str(self.draw(STRINGS)).replace("@", mark))
        elif shape == "array":
            self.put("[")
            for place in range(count := self.draw(st.integers(0, 3))):
                self.put(self.gap())
                self.value((*path, place), depth - 1, inline=inline)
                self.put(self.gap() + ("," if place < count - 1 or self.draw(st.booleans()) else ""))
            self.put(self.gap() + "]")
        else:
            self.put("{")
            for place, name in enumerate(self.draw(st.lists(KEYS, max_size=3, unique=True))):
                self.put((", " if place else " ") + name + " =" + self.draw(SPACES))
                self.value((*path, _plain(name)), depth - 1, inline=True)
            self.put(" }")

    def table(self, path: Path) -> None:
        for name in self.draw(st.lists(KEYS, max_size=4, unique=True)):
            self.put(self.draw(SPACES) + name + self.draw(SPACES) + "=" + self.draw(SPACES))
            self.value((*path, _plain(name)), 3, inline=False)
            self.put(self.draw(NEWLINES))


def _plain(name: str) -> str:
    return name.strip("\"'")


@st.composite
def documents(draw: Any) -> Writer:
    writer = Writer(draw)
    writer.table(())
    for place in range(draw(st.integers(0, 3))):
        writer.put("[[ rules ]]" + draw(NEWLINES))
        writer.table(("rules", place))
        if draw(st.booleans()):
            writer.put("[rules.inner]" + draw(NEWLINES))
            writer.table(("rules", place, "inner"))
    return writer


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


@given(documents())
def test_in_any_document_a_value_stands_on_its_line(written: Writer) -> None:
    value, lines, rows = tomllib.loads(written.text), lines_of(written.text), written.text.split("\n")
    for path, mark in written.marks.items():
        assert mark in str(_at(value, path))
        assert mark in "\n".join(rows[lines[path] - 1 :][:3]), "a string of many lines begins on the line that is told"
        if isinstance(_at(value, path), int):
            assert mark in rows[lines[path] - 1]
