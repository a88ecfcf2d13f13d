"""The register of households and residents (户籍登记): a row a resident, or a household alone."""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger.core.encoding import JSON
from ledger.domain.kinds.parties import PartyChanged
from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.columns import Sheet
from ledger.service.spreadsheets.drafts import Draft
from ledger.service.spreadsheets.faults import Flaw
from ledger.service.spreadsheets.people import People, Person
from ledger.service.spreadsheets.planning import Plan, Setting, day_of_row, number_of_row, plan_of
from ledger.service.spreadsheets.rows import Row, Rows

HEADS: Final = frozenset({"户主", "本人", "户主本人", "head"})
"""What the column of relations says of the head of a household."""


class _Line(NamedTuple):
    """A row as it was read; what is not written is empty."""

    row: Row
    day: str
    household: str
    head: str
    group: str
    address: str
    name: str
    number: str


class _Home(NamedTuple):
    """A household as its rows say it, in the order of the sheet; ``day`` is the earliest of theirs."""

    line: _Line
    day: str


def plan_register(sheet: Sheet, setting: Setting) -> Plan:
    """Groups, households and residents that the ledger does not have yet, in an order in which it takes them."""
    rows = Rows(sheet)
    lines = [line for row in rows if (line := _read(row, setting, sheet)) is not None]
    homes = _homes(lines)
    _check_residents(lines)
    book = _Book(setting)
    for name, day, row in _groups(homes):
        book.register("group", Person("group", "", name, "", "", ""), day, row, {"name": name})
    for home in homes.values():
        book.household(home)
    for line in lines:
        if line.name and line.row.sound:
            book.resident(line)
    return plan_of(rows, book.drafts, standing=book.standing)._replace(newcomers=book.newcomers)


def _read(row: Row, setting: Setting, sheet: Sheet) -> _Line | None:
    day = day_of_row(row, setting, sheet)
    household = row.take("household", cells.number) or ""
    name, head = row.take("name", cells.name) or "", row.take("head", cells.name) or ""
    relation = row.take("relation", cells.name) or ""
    group, address = row.take("group", cells.name) or "", row.take("address", cells.text) or ""
    number = number_of_row(row)
    if not row.sound or day is None or number is None:
        return None
    if not name and not household:
        row.fault(Flaw("nobody_named"), "name")
        return None
    if number and not name:
        row.fault(Flaw("missing"), "name")
        return None
    if relation in HEADS and name:
        if head and head != name:
            row.fault(Flaw("contradicts_row", got=name, other=row.number, said=head), "head")
            return None
        head = name
    return _Line(row, day, household, head, group, address, name, number)


def _homes(lines: list[_Line]) -> dict[str, _Home]:
    """The households of the sheet by number; rows that say different things of one are faults."""
    homes: dict[str, _Home] = {}
    for line in lines:
        if not line.household:
            continue
        known = homes.get(line.household)
        if known is None:
            homes[line.household] = _Home(line, line.day)
            continue
        said = known.line
        for column in ("head", "group", "address"):
            before, now = getattr(said, column), getattr(line, column)
            if before and now and before != now:
                line.row.fault(Flaw("contradicts_row", got=now, other=said.row.number, said=before), column)
            elif now and not before:
                said = said._replace(**{column: now})
        homes[line.household] = _Home(said, min(known.day, line.day))
    return homes


def _groups(homes: dict[str, _Home]) -> list[tuple[str, str, Row]]:
    """The groups of the sheet, each with its earliest day and the first row that names it."""
    groups: dict[str, tuple[str, Row]] = {}
    for home in homes.values():
        if name := home.line.group:
            day, row = groups.get(name, (home.day, home.line.row))
            groups[name] = (min(day, home.day), row)
    return [(name, day, row) for name, (day, row) in groups.items()]


def _check_residents(lines: list[_Line]) -> None:
    """Nobody stands twice: no number, and nobody without one, by name and household."""
    seen: dict[tuple[str, ...], Row] = {}
    for line in lines:
        if not line.name:
            continue
        who = (line.number,) if line.number else (line.name, line.household)
        if before := seen.get(who):
            column = "number" if line.number else "name"
            line.row.fault(Flaw("repeated_person", got=who[0], other=before.number), column)
        seen.setdefault(who, line.row)


class _Book:
    """The register as it grows: whom the people file knows keeps the id it has there."""

    def __init__(self, setting: Setting) -> None:
        self.drafts: list[Draft] = []
        self.newcomers: list[Person] = []
        self.standing = 0
        self._setting = setting
        self._people = People(setting.people.rows)

    def household(self, home: _Home) -> None:
        """Register a household, unless it is."""
        line = home.line
        known = self._people.numbered("household", line.household)
        if known is not None:
            self._compare(line.row, known, head=line.head)
        elif near := self._people.but_for_zeros("household", line.household):
            line.row.fault(Flaw("lost_zeros", got=line.household, other=near), "household")
        body: dict[str, JSON] = {}
        if line.group:
            body["group"] = group = self._people.find("group", "", line.group).party
            standing = self._setting.view.parties.get(known.party) if known else None
            if standing is not None and standing.group != group:
                said = self._people.of_party(standing.group or "")
                self._contradicted(line.row, "group", line.group, said.name if said else "—")
        details = {"number": line.household, "name": line.head, "address": line.address}
        person = Person("household", line.household, line.head, "", line.group, "")
        self.register("household", person, home.day, line.row, details, body)

    def resident(self, line: _Line) -> None:
        """Register a resident, unless they are."""
        known = self._known_resident(line)
        body: dict[str, JSON] = {}
        home = self._people.numbered("household", line.household)
        if home is not None:
            body["household"] = home.party
        if known is not None:
            self._compare(line.row, known, name=line.name)
            standing = self._setting.view.parties.get(known.party)
            if standing is not None and standing.household != body.get("household"):
                said = self._people.of_party(standing.household or "")
                self._contradicted(line.row, "household", line.household, said.number if said else "—")
        elif near := self._people.but_for_zeros("resident", line.number) if line.number else "":
            line.row.fault(Flaw("lost_zeros", got=line.number, other=near), "number")
        person = Person("resident", line.number, line.name, line.household, "", known.party if known else "")
        self.register("resident", person, line.day, line.row, {"number": line.number, "name": line.name}, body)

    def register(
        self,
        kind: str,
        person: Person,
        day: str,
        row: Row,
        details: dict[str, str],
        body: dict[str, JSON] | None = None,
    ) -> None:
        """Draft a registration of a party that the ledger does not have yet, under its old id or a new one."""
        known = self._known(person)
        party = known.party if known else self._setting.new_party()
        if known is None:
            newcomer = person._replace(party=party)
            self._people.add(newcomer)
            self.newcomers.append(newcomer)
        standing = self._setting.view.parties.get(party)
        if standing is not None:
            if standing.status != "active":
                row.fault(Flaw("not_active", got=person.number or person.name, status=standing.status))
            self.standing += 1
            return
        private = {name: value for name, value in details.items() if value}
        whole: dict[str, JSON] = {"action": "register", "party": party, "type": kind, **(body or {})}
        self.drafts.append(Draft((row.number,), PartyChanged.kind, day, whole, private))

    def _known(self, person: Person) -> Person | None:
        if person.party:
            return self._people.of_party(person.party)
        if person.number:
            return self._people.numbered(person.kind, person.number)
        if person.kind == "resident":
            return None
        return next(iter(self._people.named(person.kind, person.name)), None)

    def _known_resident(self, line: _Line) -> Person | None:
        """The resident of a row in the people file: by number, else by name and household."""
        if line.number and (known := self._people.numbered("resident", line.number)):
            return known
        same = [one for one in self._setting.people.named("resident", line.name) if one.household == line.household]
        if line.number:
            for one in same:
                if not one.number:
                    line.row.fault(Flaw("contradicts_people", got=line.number, said="—"), "number")
            return None
        if len(same) > 1:
            numbers = ", ".join(one.number for one in same)
            line.row.fault(Flaw("ambiguous_name", got=line.name, several=numbers), "name")
        return same[0] if same else None

    def _compare(self, row: Row, known: Person, **said: str) -> None:
        """Rows may leave a name out, but not contradict the people file."""
        for column, now in said.items():
            if now and known.name and known.name != now:
                row.fault(Flaw("contradicts_people", got=now, said=known.name), column)

    def _contradicted(self, row: Row, column: str, now: str, before: str) -> None:
        """A register says where somebody belongs; a move from there is an event of its own."""
        row.fault(Flaw("contradicts_ledger", got=now, said=before), column)
