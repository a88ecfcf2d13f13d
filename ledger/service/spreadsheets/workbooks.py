"""Reading workbooks (.xlsx)."""

from __future__ import annotations

import io
import itertools
import math
import re
import zipfile
from datetime import date
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ledger.errors import FormatError
from ledger.service.spreadsheets.cells import Cell, exact
from ledger.service.spreadsheets.tables import COLUMNS_MAX, ROWS_MAX, Table

UNPACKED_MAX_BYTES: Final = 256 << 20
CELLS_MAX: Final = 2 * ROWS_MAX * COLUMNS_MAX
"""Cells of a worksheet from its first to its last: all of them take room, however few are written."""
_OLD_OR_LOCKED: Final = b"\xd0\xcf\x11\xe0"
_EPOCH_1900: Final = date(1899, 12, 30)
"""Day 0 of most workbooks, for every day after February 1900."""
_EPOCH_1904: Final = date(1904, 1, 1)
_COUNTS_FROM_1904: Final = re.compile(rb"<(?:\w+:)?workbookPr\b[^<>]*\bdate1904=[\"'](?:1|true)[\"']")
_ERROR_CELL: Final = re.compile(rb"<(?:\w+:)?c\b(?=[^<>]*\bt=[\"']e[\"'])[^<>]*\br=[\"']([A-Z]+[0-9]+)[\"']")

_ERRORS_SHOWN: Final = 20
_ROW_OR_CELL: Final = re.compile(rb"<(?:\w+:)?(?:(row)\b([^<>]*)>|c\b([^<>]*)(?<!/)>(?!</))")
"""The beginning of a row, or of a cell that holds something."""
_PLACE: Final = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]*)([0-9]{1,20})[\"']")


def read(data: bytes, path: str) -> list[Table]:
    """The visible worksheets of a workbook. Raises `FormatError`.

    A worksheet with a cell that holds an error, such as ``#REF!``, is refused: it would be read as an empty cell.
    """
    epoch = _look_through(data, path)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            shown = [
                one.name
                for one in book.sheets_metadata
                if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible
            ]
            return [_table(book.get_sheet_by_name(name), epoch, path) for name in shown]
    except CalamineError as error:
        raise _not_a_workbook(path, str(error)) from error


def _table(sheet: CalamineSheet, epoch: date, path: str) -> Table:
    rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    left_over = sum(map(len, rows))
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, min(right + 1, len(rows[row]))):
                if not left_over:
                    raise _not_a_workbook(path, "merged cells that overlap")
                left_over -= 1
                rows[row][column] = rows[top][left]
                if bottom > top:
                    merged[row, column] = (top, bottom)
    return Table(sheet.name, rows, epoch, merged)


def _cell(value: object) -> Cell:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # no spreadsheet writes such a number
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return exact(value)
    return value  # type: ignore[return-value] # whatever else is read is a cell already


def _look_through(data: bytes, path: str) -> date:
    """Day 0 of the workbook's number cells, after checking what reading it would not tell."""
    if data.startswith(_OLD_OR_LOCKED):
        raise _not_a_workbook(path, "an old .xls, or locked with a password; save it as .xlsx without one")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > UNPACKED_MAX_BYTES:
                raise FormatError(
                    "workbook too large",
                    code="too_large",
                    field=path,
                    expected=f"at most {UNPACKED_MAX_BYTES} bytes unpacked",
                    got=size,
                )
            for part in parts.infolist():  # a worksheet may lie anywhere
                if b"sheetData" in (xml := parts.read(part)):
                    _check_sheet(xml, part.filename.removeprefix("xl/worksheets/"), path)
            return _EPOCH_1904 if _COUNTS_FROM_1904.search(parts.read("xl/workbook.xml")) else _EPOCH_1900
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _not_a_workbook(path, str(error)) from error


def _check_sheet(xml: bytes, name: str, path: str) -> None:
    """Refuse a worksheet with a cell that holds an error, or with cells so far apart that reading it takes all room."""
    if found := [cell.decode() for cell in itertools.islice(_ERROR_CELL.findall(xml), _ERRORS_SHOWN + 1)]:
        more = " and more" if len(found) > _ERRORS_SHOWN else ""
        raise FormatError(
            "a cell holds an error such as #REF!; mend it",
            code="error_cell",
            field=path,
            got=f"cell {', '.join(found[:_ERRORS_SHOWN])}{more} of {name}",
        )
    row = last_row = last_column = 0
    for is_row, of_row, of_cell in _ROW_OR_CELL.findall(xml):
        letters, digits = place.groups() if (place := _PLACE.search(of_row or of_cell)) else (b"", b"")
        if is_row:
            row = int(digits) if digits else row + 1
        else:
            last_row = max(last_row, int(digits or row))
            last_column = max(last_column, _column(letters))
    if last_row * last_column > CELLS_MAX:
        raise FormatError(
            "table too large; divide it",
            code="too_large",
            field=f"{path}, {name}",
            expected=f"at most {CELLS_MAX} cells",
            got=f"{last_row} rows and {last_column} columns",
        )


def _column(letters: bytes) -> int:
    """The number of a column from 1; 1 where the cell does not say."""
    number = 0
    for letter in letters.upper()[:20]:
        number = number * 26 + letter - 64
    return number or 1


def _not_a_workbook(path: str, reason: str) -> FormatError:
    return FormatError("not a workbook", code="not_a_workbook", field=path, expected="an .xlsx file", got=reason)
