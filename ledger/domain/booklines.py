"""On which line of a TOML text a value stands: for a rule book, whose faults are told with their line.

`tomllib` says what a text means, and nothing of where. This reads a text that `tomllib` accepts once more, for the
places alone: headers, keys and elements, past comments, strings and arrays of any number of lines.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys, and places in arrays from 0, such as ``("rules", 3, "units", 0)``."""

_GAP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_QUOTED: Final = (
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})',
    r"'''.*?'''(?:'{0,2})",
    r'"(?:\\.|[^"\\\n])*"',
    r"'[^'\n]*'",
)
"""A string ends with the quotes it began with; one of many lines may have two more of them before its end."""
_KEY: Final = re.compile(r"[ \t]*([A-Za-z0-9_-]+|" + "|".join(_QUOTED[2:]) + r")[ \t]*(\.)?")
_HEADER: Final = re.compile(r"\[\[?")
_HEADER_END: Final = re.compile(r"\]\]?")
_SCALAR: Final = re.compile("|".join(_QUOTED) + r"|[^,\]}#\r\n]+", re.S)


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, header and array element of a TOML text that `tomllib` accepts."""
    return _Scanner(text).lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a value, or of the nearest that holds it: a key that is missing stands at its table's header."""
    for length in range(len(path), 0, -1):
        line = lines.get(path[:length])
        if line is not None:
            return line
    return 1


class _Scanner:
    """Goes through a text once, noting the line of whatever has a path."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._place = 0
        self._line = 1
        self._tables: dict[Path, int] = {}
        """The place of the newest table of each array of tables."""
        self._document()

    def _document(self) -> None:
        table: Path = ()
        self._take(_GAP)
        while self._place < len(self._text):
            line = self._line
            if header := self._take(_HEADER):
                table = self._table(self._key(), is_array=header == "[[")
                self._take(_HEADER_END)
                self.lines[table] = line
            else:
                self._pair(table)
            self._take(_GAP)

    def _table(self, key: list[str], *, is_array: bool) -> Path:
        """The path of a header's table, which may lie in the newest table of an array of tables."""
        path: Path = ()
        for depth, name in enumerate(key, 1):
            path = (*path, name)
            self.lines.setdefault(path, self._line)
            if is_array and depth == len(key):
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
        return path

    def _pair(self, table: Path) -> None:
        """One ``key = value`` within a table."""
        line, path = self._line, table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._place += 1  # the equals sign
        self._take(_GAP)
        self._value(path)

    def _key(self) -> list[str]:
        """The names of a dotted key."""
        names, dot = [], "."
        while dot:
            found = _KEY.match(self._text, self._place)
            assert found, "a text that tomllib accepts has a key here"
            self._place = found.end()
            name, dot = found[1], found[2]
            names.append(next(iter(tomllib.loads(f"{name} = 0"))))
        return names

    def _value(self, path: Path) -> None:
        opening = self._text[self._place]
        if opening not in "[{":
            self._take(_SCALAR)
            return
        self._place += 1
        self._take(_GAP)
        index = 0
        while self._text[self._place] not in "]}":
            if opening == "{":
                self._pair(path)
            else:
                self.lines[*path, index] = self._line
                self._value((*path, index))
            index += 1
            self._take(_GAP)
            if self._text[self._place] == ",":
                self._place += 1
                self._take(_GAP)
        self._place += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        """What a pattern matches here, or nothing; counts the lines that it passes."""
        found = pattern.match(self._text, self._place)
        if found is None:
            return ""
        self._place = found.end()
        self._line += found[0].count("\n")
        return found[0]
