"""Reading text files (.csv): which encoding, which separator. Both are found, never guessed.

Villages have files in UTF-8, with and without a mark at the start, and in GB18030, which Chinese spreadsheets write.
"""

from __future__ import annotations

import csv
import io
from typing import Final

from ledger.errors import FormatError
from ledger.service.spreadsheets.cells import Cell
from ledger.service.spreadsheets.columns import HEADINGS_LEAST, HEADINGS_WITHIN, known_headings
from ledger.service.spreadsheets.tables import Table

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
MARK: Final = b"\xef\xbb\xbf"
"""What a text in UTF-8 may begin with."""
_THREE_BYTES: Final = "\u0800"
"""From here on a character takes three bytes or more in UTF-8, Chinese ones among them."""


def read(data: bytes, title: str, path: str) -> Table:
    """The table of a text file. Raises `FormatError` where encoding or separator are in doubt."""
    return Table(title, _split(decode(data, path), path), None, {})


def decode(data: bytes, path: str) -> str:
    """The text of bytes in UTF-8 or GB18030. Raises `FormatError` for any other, and where both would do.

    Chinese in GB18030 is next to never valid UTF-8, and if it is, it looks like letters of two bytes each; those are
    taken for UTF-8 only where GB18030 would make no sense of them.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise _bad_encoding(path, "UTF-16 or no text at all")
    if data.startswith(MARK):
        text = _decoded(data, "utf-8-sig")
        if text is None:
            raise _bad_encoding(path, "a mark of UTF-8, and then something else")
        return text
    utf8, chinese = _decoded(data, "utf-8"), _decoded(data, "gb18030")
    if utf8 is None and chinese is None:
        raise _bad_encoding(path, "neither")
    if utf8 is not None and chinese is not None and not utf8.isascii() and max(utf8) < _THREE_BYTES:
        raise _bad_encoding(path, "a text that could be either")
    return utf8 if utf8 is not None else str(chinese)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _split(text: str, path: str) -> list[list[Cell]]:
    """The cells of a text, by the one separator that shows headings which are known."""
    found: list[tuple[int, str, list[list[Cell]]]] = []
    unread: list[str] = []
    for separator in SEPARATORS:
        try:
            rows = _rows(text, separator)
        except csv.Error as error:
            unread.append(str(error))
            continue
        found.append((max(map(known_headings, rows[:HEADINGS_WITHIN]), default=0), separator, rows))
    most = max((known for known, _, _ in found), default=0)
    if most < HEADINGS_LEAST:
        raise FormatError(
            "no row of known headings is found",
            code="no_headings",
            field=path,
            expected="headings such as 姓名, separated by commas, semicolons or tabs",
            got="; ".join(dict.fromkeys(unread)) or None,
        )
    best = [(separator, rows) for known, separator, rows in found if known == most]
    if len(best) > 1:
        raise FormatError(
            "the cells could be separated in two ways",
            code="bad_separator",
            field=path,
            expected="one separator throughout",
            got=" and ".join(SEPARATORS[separator] for separator, _ in best),
        )
    return best[0][1]


def _rows(text: str, separator: str) -> list[list[Cell]]:
    return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)]


def _bad_encoding(path: str, got: str) -> FormatError:
    return FormatError(
        "not plain which encoding this text is in; save it as CSV UTF-8",
        code="bad_encoding",
        field=path,
        expected="UTF-8 or GB18030",
        got=got,
    )
