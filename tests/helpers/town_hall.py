"""A village in memory that takes sheets: the clerk's folder on one side, a ledger on the other."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ledger.domain.append import Appended, Replayed
from ledger.domain.fields import day_of
from ledger.errors import LedgerError
from ledger.keys import KeyFile, new_event_key
from ledger.service.spreadsheets.faults import Fault
from ledger.service.spreadsheets.importing import Order, Report, import_sheet
from ledger.service.spreadsheets.people import People, read_people
from tests.helpers import sheets
from tests.helpers.village import OFFICERS, Village, person

REGISTER: sheets.Rows = [
    ["户号", "小组", "户主", "姓名", "工分卡号"],
    ["0012", "三组", "张三", "张三", "0012001"],
    ["0012", "三组", "张三", "李四", "0012002"],
    ["0013", "一组", "王五", "王五", "0013001"],
    ["0014", "一组", "赵六", "张三", "0014001"],
    ["0015", "", "孙七", "", ""],
]
"""Two of the residents have one name; the last household has no resident."""


class TownHall:
    """Officers, an organisation, a rule book; nobody is registered yet. It is the server of its own imports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people_path = folder / "village.people.csv"
        self.village = village = Village()
        coop = person("coop").party
        village.must(village.found())
        for name in OFFICERS:
            village.must(village.role(name, name.split()[0], scope="*" if name in ("council", "oversight") else coop))
        for name in ("clerk", "clerk two"):
            village.must(village.role(name, "clerk"))
        village.must(village.party("register", "coop", type="organisation", day="2021-01-01"))
        village.must(village.adopt(sheets.BOOK, "2021-01-01"))
        self.checked = 0
        self.between: list[bytes] = []
        """What somebody else submits after the next check."""

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.village.head.size

    @property
    def people(self) -> People:
        """The people file."""
        return read_people(self.people_path)

    def party(self, number: str, kind: str = "resident") -> str:
        """The party of a number."""
        found = self.people.numbered(kind, number)
        assert found is not None, number
        return found.party

    # As a server --------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[bytes]:
        return iter(list(self.village.entries))

    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]:
        self.checked += 1
        answers = self._answers(copy.deepcopy(self.village), submissions)
        for line in self.between:
            self.village.must(line)
        self.between = []
        return answers

    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        yield from self._answers(self.village, submissions)

    def _answers(self, village: Village, submissions: Sequence[bytes]) -> list[dict[str, Any] | LedgerError]:
        outcomes = village.submit(*submissions)
        answers: list[dict[str, Any] | LedgerError] = []
        for outcome in outcomes:
            if isinstance(outcome, Appended | Replayed):
                answers.append({"seq": outcome.seq, "replayed": isinstance(outcome, Replayed)})
            else:
                answers.append(outcome)
        return answers

    # Importing ----------------------------------------------------------------------------------------------------

    def order(self, rows: sheets.Rows, sheet: str, *signers: str, **more: Any) -> Order:
        """An order to import rows as a text file."""
        path = self.folder / "sheet.csv"
        path.write_bytes(sheets.text(rows).encode())
        return self.order_of(path, sheet, *signers, **more)

    def order_of(self, path: Path, sheet: str | None, *signers: str, **more: Any) -> Order:
        """An order to import a file."""
        given: dict[str, Any] = {"today": day_of(self.village.now_ms), "people": self.people_path, **more}
        return Order(path=path, keys=[key_of(name) for name in signers], sheet=sheet, **given)

    def register(self, rows: sheets.Rows = REGISTER, **more: Any) -> Report:
        """Import the register."""
        more = {"day": "2021-01-01", **more}
        return import_sheet(self.order(rows, "register", "clerk", "clerk two", **more), self)

    def opening(self, rows: sheets.Rows, **more: Any) -> Report:
        """Import opening balances."""
        more = {"day": "2021-01-01", **more}
        return import_sheet(self.order(rows, "opening", "issuer", "oversight", **more), self)

    def awards(self, rows: sheets.Rows, *signers: str, **more: Any) -> Report:
        """Import awards."""
        return import_sheet(self.order(rows, "awards", *(signers or ("issuer",)), **more), self)

    def deductions(self, rows: sheets.Rows, **more: Any) -> Report:
        """Import deductions."""
        return import_sheet(self.order(rows, "deductions", "issuer", "reviewer", **more), self)


def key_of(name: str) -> KeyFile:
    """The key file of an officer."""
    one = person(name)
    return new_event_key(one.party, seed=one.seed)


def told(faults: Sequence[Fault]) -> list[tuple[int, str, str]]:
    """Faults as row, column and code."""
    return [(fault.row, fault.column, fault.code) for fault in faults]
