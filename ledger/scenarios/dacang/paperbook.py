"""The village's paper books, typed into spreadsheets by its clerks and imported as any village imports them.

Two sheets: the register of the last group (.xlsx), and the points book of the year before (.csv, in the encoding that
Chinese spreadsheets write). The clerk's people file says which party each number and name stands for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ledger.domain.fields import day_of
from ledger.errors import StateError
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.plan import Plan
from ledger.scenarios.dacang.village import Village
from ledger.scenarios.draw import Draw
from ledger.scenarios.errands import Desk, Errand
from ledger.service.spreadsheets.importing import Order, import_sheet
from ledger.service.spreadsheets.people import People, Person, write_people
from ledger.service.spreadsheets.writing import Page, Points, to_workbook
from ledger.service.storage import now_ms


class Line(NamedTuple):
    """A line of the points book: a household by its number in the village, its hundredths, the book's page."""

    home: int
    merit_units: int
    spend_units: int
    page: int


class PaperBook(NamedTuple):
    """The points book as a file, and what stands in it."""

    lines: list[Line]
    data: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, which every balance that comes from it names."""
        return sha256(self.data).hexdigest()


def write_book(village: Village, plan: Plan, draw: Draw) -> PaperBook:
    """The points book of the year before: of six households one has no page any more, and starts with nothing."""
    closed = plan.split.book_closed
    ended = {move.home for move in village.moves if move.action == "merge"}
    lines = []
    standing = sorted(village.households_on(closed), key=lambda home: village.homes[home].number)
    for place, home in enumerate(standing):
        if draw.below(6) and home not in ended:
            merit = 50 * (40 + draw.below(560))
            lines.append(Line(home, merit, merit - 50 * draw.below(merit // 50), 1 + place // 12))
    return PaperBook(lines, _points_file(village, lines, plan))


def _points_file(village: Village, lines: list[Line], plan: Plan) -> bytes:
    """The book as the clerk typed it: a title, headings, a line a household, the sums."""
    rows: list[Sequence[str]] = [
        [f"{plan.names.village_zh}道德积分册（{plan.split.book_closed.year}年）"],
        ["户号", "户主", "可兑换积分", "道德积分", "账册页码"],
    ]
    for line in lines:
        home = village.homes[line.home]
        amounts = (str(Points(line.spend_units)), str(Points(line.merit_units)))
        rows.append([home.number, home.actor.name, *amounts, f"第{line.page}页"])
    sums = (sum(line.spend_units for line in lines), sum(line.merit_units for line in lines))
    rows.append(["合计", "", *(str(Points(units)) for units in sums), ""])
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("gb18030")


def _register_file(village: Village, group: int, day: date) -> bytes:
    """The register of one group: a row a resident."""
    headings = ["序号", "户号", "户主", "小组", "地址", "姓名", "工分卡号", "与户主关系"]
    rows: list[list[str | int]] = []
    for home in homes_of(village, group, day):
        household = village.homes[home]
        for member in village.members_on(home, day):
            resident = village.people[member].resident
            head = "户主" if resident.actor.name == household.actor.name else "家人"
            shown = (
                household.number,
                household.actor.name,
                household.household.group.name,
                household.household.address,
            )
            rows.append([len(rows) + 1, *shown, resident.actor.name, resident.number, head])
    return to_workbook([Page("户籍登记", headings, rows)])


def homes_of(village: Village, group: int, day: date) -> list[int]:
    """The numbers of the households of a group on a day."""
    party = village.groups[group].party
    return [home for home in village.households_on(day) if village.homes[home].household.group.party == party]


def register_import(village: Village, plan: Plan) -> Errand:
    """Import the register of the last group, signed by two clerks."""
    day = plan.split.registered_on

    def data() -> bytes:
        return _register_file(village, len(village.groups) - 1, day)

    return _errand(village, data, "户籍登记.xlsx", "register", village.officers["clerk"][:2], day)


def book_import(village: Village, plan: Plan, book: PaperBook) -> Errand:
    """Import the points book as opening balances, signed by an issuer and the oversight committee."""
    keys = [village.officers["issuer"][0], village.officers["oversight"][0]]
    return _errand(village, lambda: book.data, "期初结转.csv", "opening", keys, plan.split.book_closed)


def _errand(
    village: Village, data: Callable[[], bytes], name: str, sheet: str, signers: Sequence[Actor], day: date
) -> Errand:
    """Lay sheet and people file into a folder and import them; any fault in them ends the run."""

    def run(desk: Desk) -> None:
        with TemporaryDirectory(prefix="gongfen-sheets-") as folder:
            path, people = Path(folder, name), Path(folder, "people.csv")
            path.write_bytes(data())
            write_people(people, People(people_of(village)))
            report = import_sheet(
                Order(
                    path=path,
                    people=people,
                    keys=[signer.key_file() for signer in signers],
                    today=day_of(now_ms()),
                    sheet=sheet,
                    day=day.isoformat(),
                ),
                desk,
            )
        wrong = [*report.faults, *report.refused]
        if wrong or report.lost:
            said = report.lost or f"row {wrong[0].row}, {wrong[0].column}: {wrong[0].reason}, got {wrong[0].got}"
            raise StateError(f"{name} was not imported: {said}", code="not_imported")

    return Errand(run)


def people_of(village: Village) -> list[Person]:
    """The clerk's people file: everybody, also those who come in the course of the year."""
    rows = [Person("group", "", group.name, "", "", group.party) for group in village.groups]
    for home in village.homes:
        rows.append(Person("household", home.number, home.actor.name, "", home.household.group.name, home.party))
    for person in village.people:
        number = village.homes[person.stays[0].home].number
        rows.append(Person("resident", person.resident.number, person.actor.name, number, "", person.party))
    return rows
