"""Writing tables for people: text files (.csv) and workbooks (.xlsx).

What villagers wrote must not become a formula on the machine of whoever opens the file: a text that begins like one
gets an apostrophe in front, which the import takes off again. Amounts are exact, with two decimals.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ledger.errors import FormatError
from ledger.service.spreadsheets.cells import DIGITS_KEPT, FORMULA_MARKS
from ledger.service.spreadsheets.textfiles import MARK

WIDTH_MAX: Final = 40
"""Characters of a column's width."""
ROWS_MAX: Final = 1_048_575
"""Rows that a worksheet holds below its headings."""
CELL_MAX: Final = 32_767
"""Characters that a cell of a workbook holds."""


class Points(NamedTuple):
    """Hundredths of a point, written with two decimals."""

    units: int

    def __str__(self) -> str:
        sign, amount = "-" if self.units < 0 else "", abs(self.units)
        return f"{sign}{amount // 100}.{amount % 100:02}"


Value = str | int | Points
"""A text, a whole number, an amount."""


class Page(NamedTuple):
    """A table to be written: its title, headings and rows."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] and text[0] in FORMULA_MARKS else text


def to_text(rows: Sequence[Sequence[Value]]) -> bytes:
    """Rows as a text file in UTF-8 with a mark, which every spreadsheet opens rightly."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(
        [harmless(value) if isinstance(value, str) else str(value) for value in row] for row in rows
    )
    return MARK + out.getvalue().encode()


def to_workbook(pages: Sequence[Page]) -> bytes:
    """Pages as a workbook, a worksheet each; the headings stay in sight. Raises `FormatError` if one is too long."""
    if (longest := max(len(page.rows) for page in pages)) > ROWS_MAX:
        raise FormatError(
            "too many rows for a workbook; write a .csv", code="too_large", expected=f"at most {ROWS_MAX}", got=longest
        )
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        head, amount = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "0.00"})
        for page in pages:
            sheet = book.add_worksheet(page.title)
            for place, heading in enumerate(page.headings):
                sheet.write_string(0, place, heading, head)
                sheet.set_column(place, place, _width(page, place))
            for line, row in enumerate(page.rows, 1):
                for place, value in enumerate(row):
                    _write(sheet, line, place, value, amount)
            sheet.freeze_panes(1, 0)
    return out.getvalue()


def _write(sheet: Worksheet, line: int, place: int, value: Value, amount: Format) -> None:
    if isinstance(value, str):
        if value:
            sheet.write_string(line, place, harmless(value)[:CELL_MAX])
    elif len(str(abs(value.units if isinstance(value, Points) else value))) > DIGITS_KEPT:
        sheet.write_string(line, place, str(value))  # a number cell would lose its last digits
    elif isinstance(value, Points):
        sheet.write_number(line, place, Decimal(str(value)), amount)
    else:
        sheet.write_number(line, place, value)


def _width(page: Page, place: int) -> int:
    texts = [page.headings[place], *(str(row[place]) for row in page.rows[:200])]
    return min(WIDTH_MAX, 2 + max(sum(1 + (ord(character) > 0x2E7F) for character in text) for text in texts))
