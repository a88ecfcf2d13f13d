"""Going through the rows of a sheet: each cell read or found faulty, every fault of every row noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from ledger.service.spreadsheets.cells import Cell, is_empty, plain
from ledger.service.spreadsheets.columns import Sheet, heading
from ledger.service.spreadsheets.faults import Fault, Flaw

T = TypeVar("T")
EXAMPLE_MARKS: Final = frozenset({"示例", "例", "example"})
"""What the first column of a template's example says; such a row is passed over."""
TOTAL_MARKS: Final = frozenset({"合计", "总计", "共计", "total"})
"""What a row says that adds up the rows above it; it is passed over, its sums are checked where that makes sense."""
SUBTOTAL_MARKS: Final = ("小计", "本页合计", "承前页", "过次页", "subtotal")
"""How a word ends in a row that adds up some of them, such as 三组小计; it is passed over."""
OWN_COLUMNS: Final = frozenset({"name", "number", "identity", "quantity", "points", "spend", "merit"})
"""Columns whose cells belong to one row: merged over several, nobody can tell whose they are."""


class Row:
    """One row. ``number`` is the one the clerk sees, ``faulty`` names the columns in which a fault was found."""

    def __init__(self, sheet: Sheet, place: int, faults: list[Fault]) -> None:
        self.number = place + 1
        self.faulty: set[str] = set()
        self._sheet = sheet
        self._place = place
        self._faults = faults

    @property
    def sound(self) -> bool:
        """Whether no fault was found in it so far."""
        return not self.faulty

    def cell(self, column: str) -> Cell:
        """What is written in a column; the empty text where there is no such column."""
        at = self._sheet.places.get(column)
        row = self._sheet.table.rows[self._place]
        return row[at] if at is not None and at < len(row) else ""

    def has(self, column: str) -> bool:
        """Whether anything is written in a column."""
        return not is_empty(self.cell(column))

    def take(self, column: str, read: Callable[[Cell], T]) -> T | None:
        """The value of a column, or None if it is empty or faulty; a fault is noted."""
        if not self.has(column):
            return None
        if column in OWN_COLUMNS and (self._place, self._sheet.places[column]) in self._sheet.table.merged:
            self.fault(Flaw("merged", got=plain(self.cell(column))), column)
            return None
        try:
            return read(self.cell(column))
        except Flaw as flaw:
            self.fault(flaw, column)
            return None

    def need(self, column: str, read: Callable[[Cell], T]) -> T | None:
        """As `take`, but an empty cell is a fault."""
        if not self.has(column):
            self.fault(Flaw("missing"), column)
            return None
        return self.take(column, read)

    def fault(self, flaw: Flaw, column: str = "") -> None:
        """Note a fault; the flaw's own column counts first."""
        name = flaw.field or column
        self.faulty.add(name)
        self._faults.append(Fault.of(flaw, self.number, self._sheet.headings.get(name) or _headed(name)))


class Rows:
    """The rows of a sheet that say something, and what was found in them.

    ``totals`` are the rows that add up; ``passed_over`` counts these, subtotals and the template's examples.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.faults: list[Fault] = []
        self.count = 0
        self.passed_over = 0
        self.totals: list[Row] = []

    def __iter__(self) -> Iterator[Row]:
        mark = self.sheet.places.get("mark")
        for place in range(self.sheet.first, len(self.sheet.table.rows)):
            row = Row(self.sheet, place, self.faults)
            words = [
                cell
                for column, cell in enumerate(self.sheet.table.rows[place])
                if column != mark and not is_empty(cell)
            ]
            if not words:  # a row that was numbered beforehand says nothing yet
                continue
            marks = [_mark(word) for word in (row.cell("mark"), *words[:2])]
            if marks[0] in EXAMPLE_MARKS or any(mark.endswith(SUBTOTAL_MARKS) for mark in marks):
                self.passed_over += 1
            elif any(mark in TOTAL_MARKS for mark in marks):
                self.totals.append(row)
                self.passed_over += 1
            else:
                self.count += 1
                self._check_width(row, place)
                yield row

    def _check_width(self, row: Row, place: int) -> None:
        """In a text file a separator too many moves what follows to the right, and out of the table."""
        table = self.sheet.table
        if table.epoch is None:
            headings = table.rows[self.sheet.first - 1]
            width = max(index for index, cell in enumerate(headings, 1) if not is_empty(cell))
            for cell in table.rows[place][width:]:
                if not is_empty(cell):
                    row.fault(Flaw("beyond_columns", got=plain(cell)))


def _mark(cell: Cell) -> str:
    """A word without spaces and colons: ``合 计：`` is 合计."""
    return "".join(plain(cell).replace("：", "").replace(":", "").split()).casefold()


def _headed(column: str) -> str:
    return heading(column) if column else ""
