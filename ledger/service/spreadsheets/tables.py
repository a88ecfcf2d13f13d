"""Reading files into tables of cells: workbooks (.xlsx) and text (.csv).

A table keeps the row numbers that the clerk sees. Nothing is known here of what the columns mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Final, NamedTuple

from ledger.errors import FormatError
from ledger.service.spreadsheets.cells import Cell, is_empty

FILE_MAX_BYTES: Final = 32 << 20
ROWS_MAX: Final = 20_000
COLUMNS_MAX: Final = 200


class Table(NamedTuple):
    """One worksheet, or one text file. ``rows`` [0] is row 1; ``title`` is the worksheet's, or the file's own name.

    ``epoch`` is the day 0 of bare number cells, where the file has such. ``merged`` says of a cell that is merged over
    several rows, by (row, column) from 0, which rows those are: first and last.
    """

    title: str
    rows: list[list[Cell]]
    epoch: date | None
    merged: Mapping[tuple[int, int], tuple[int, int]]


def read_tables(data: bytes, path: str) -> list[Table]:
    """The tables of a file that are not empty. Raises `FormatError` if it is none, or larger than the bounds."""
    from ledger.service.spreadsheets import textfiles, workbooks

    name = PurePath(path)
    if len(data) > FILE_MAX_BYTES:
        raise FormatError(
            "file too large", code="too_large", field=path, expected=f"at most {FILE_MAX_BYTES} bytes", got=len(data)
        )
    suffix = name.suffix.lower()
    if suffix == ".xlsx":
        tables = workbooks.read(data, path)
    elif suffix == ".csv":
        tables = [textfiles.read(data, name.stem, path)]
    else:
        raise FormatError(
            "not a kind of file that is read here; save it as one", field=path, expected=".xlsx or .csv", got=suffix
        )
    kept = [table for table in tables if any(not is_empty(cell) for row in table.rows for cell in row)]
    for table in kept:
        _check_size(table, path)
    if not kept:
        raise FormatError("nothing is written in this file", code="empty", field=path)
    return kept


def _check_size(table: Table, path: str) -> None:
    wide = max(len(row) for row in table.rows)
    if len(table.rows) > ROWS_MAX or wide > COLUMNS_MAX:
        raise FormatError(
            "table too large; divide it",
            code="too_large",
            field=f"{path}, {table.title}",
            expected=f"at most {ROWS_MAX} rows and {COLUMNS_MAX} columns",
            got=f"{len(table.rows)} rows and {wide} columns",
        )
