"""What every plan of a sheet shares: what it is given, what it makes, and whom a row is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.columns import Sheet
from ledger.service.spreadsheets.drafts import Draft
from ledger.service.spreadsheets.faults import Fault, Flaw
from ledger.service.spreadsheets.logview import LogView
from ledger.service.spreadsheets.people import KINDS, People, Person
from ledger.service.spreadsheets.rows import Row, Rows

WHO: Final = ("name", "number", "identity", "household", "head")
"""The columns that say whom a row is about."""


class Setting(NamedTuple):
    """What a sheet is planned against.

    ``today`` is the day in Shanghai, ``default_day`` the day of rows that name none, ``book_digest`` the SHA-256 of the
    file in hex. ``new_party`` makes a random party id, ``photo`` the digest of a file beside the sheet, or a `Flaw`.
    """

    view: LogView
    people: People
    issuer: str
    today: str
    default_day: str | None
    book_digest: str
    allow_alike: bool
    new_party: Callable[[], str]
    photo: Callable[[str], str]


class Plan(NamedTuple):
    """What a sheet says, once every row was read: events to send, in order, or faults.

    ``rows`` counts the rows that say something, ``passed_over`` examples and sums; ``standing`` how many events stand
    in the ledger already and are not sent again; ``nothing`` the rows that give nothing to enter; ``newcomers`` are new
    lines of the people file.
    """

    drafts: Sequence[Draft]
    faults: Sequence[Fault]
    rows: int
    passed_over: int
    standing: int = 0
    nothing: int = 0
    newcomers: Sequence[Person] = ()


def day_of_row(row: Row, setting: Setting, sheet: Sheet) -> str | None:
    """The day of a row: its own, else the one given for all; never one that has not come yet."""
    if not row.has("day") and setting.default_day is not None:
        return setting.default_day
    if not row.has("day"):
        row.fault(Flaw("no_day_given"), "day")
        return None
    found = row.take("day", lambda cell: cells.day(cell, epoch=sheet.table.epoch))
    if found is not None and found > setting.today:
        row.fault(Flaw("future_day", got=found), "day")
        return None
    return found


def number_of_row(row: Row) -> str | None:
    """The number of the person of a row; an identity number only where there is no other. None if it is faulty."""
    if row.has("number") or not row.has("identity"):
        found = row.take("number", cells.number)
        return found if found is not None or "number" in row.faulty else ""
    return row.take("identity", cells.identity_number)


def subject_of_row(row: Row, setting: Setting, kind: str | None) -> Person | None:
    """Whom a row is about: a person of a type, or, without one, the resident it names, else the household.

    None if that is not plain, which is noted.
    """
    person, household = row.take("name", cells.name), row.take("household", cells.number)
    head, number = row.take("head", cells.name), number_of_row(row)
    if number is None or not row.faulty.isdisjoint(WHO):
        return None
    wanted = kind or ("resident" if person or number else "household")
    try:
        if wanted == "household":
            found = _household(setting.people, household or "", head or person or "")
        elif wanted == "resident":
            found = _found(setting.people, wanted, number, person or "", household or "")
        else:
            found = _found(setting.people, wanted, number, person or head or "", "")
        _check_standing(found, setting.view)
    except Flaw as flaw:
        row.fault(flaw, "household" if wanted == "household" else "name")
        return None
    return found


def _household(people: People, number: str, head: str) -> Person:
    """A household by its number, else by its head. A member's name beside the number does no harm."""
    if number:
        found = people.numbered("household", number)
        if found is None:
            raise people.unknown("household", number, field="household")
        known = {found.name, *(one.name for one in people.rows if one.household == number)}
        if head and found.name and head not in known:
            raise Flaw("number_of_another", got=head, other=found.name)
        return found
    return _found(people, "household", "", head, "")


def _found(people: People, kind: str, number: str, name: str, household: str) -> Person:
    if not number and not name:
        raise Flaw("nobody_named")
    return people.find(kind, number, name, household)


def _check_standing(person: Person, view: LogView) -> None:
    standing = view.parties.get(person.party)
    shown = person.number or person.name
    if standing is None:
        raise Flaw("not_registered", got=shown)
    if standing.status != "active":
        raise Flaw("not_active", got=shown, status=standing.status)
    if standing.type != person.kind:
        raise Flaw("contradicts_ledger", got=shown, said="/".join(KINDS.get(standing.type, (standing.type,))))


def details_of_row(row: Row, columns: Mapping[str, Callable[[cells.Cell], str]]) -> dict[str, str]:
    """The private details that a row gives, by name."""
    taken = {name: row.take(name, read) for name, read in columns.items()}
    return {name: value for name, value in taken.items() if value is not None}


def plan_of(rows: Rows, drafts: Sequence[Draft], *, standing: int = 0, nothing: int = 0) -> Plan:
    """The plan of what was read; without drafts if there is any fault."""
    kept = [] if rows.faults else drafts
    return Plan(kept, sorted(rows.faults), rows.count, rows.passed_over, standing, nothing)
