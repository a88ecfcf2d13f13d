"""The people file: which number and name stands for which party. It lies with the clerk, and nowhere else.

The ledger knows parties by random ids; names and numbers are disclosures, sealed in the vault. So whoever writes points
down from a paper book needs this list. It is a text file that a spreadsheet can open, one party a row, for its owner's
eyes only (mode 600). `gongfen export --what register --disclose` writes it anew from the ledger, should it be lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ledger.core.types import parse_party
from ledger.errors import FormatError
from ledger.files import read_secret, replace_file
from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.cells import Cell, is_empty
from ledger.service.spreadsheets.columns import find_headings, heading_of_all
from ledger.service.spreadsheets.faults import Flaw
from ledger.service.spreadsheets.tables import read_tables
from ledger.service.spreadsheets.writing import to_text

COLUMNS: Final = ("kind", "number", "name", "household", "group", "party")
KINDS: Final = {
    "resident": ("村民", "resident"),
    "household": ("户", "household"),
    "group": ("小组", "group"),
    "organisation": ("组织", "organisation"),
    "shop": ("兑换点", "shop"),
    "officer": ("干部", "officer"),
}
"""Types of parties and what they are called in the file, in Chinese and English."""
NOTICE: Final = "人员名册：含个人信息，请妥善保管，勿转发 · People file: personal data; keep it to yourself"
_KIND_OF: Final = {word: kind for kind, words in KINDS.items() for word in words}


class Person(NamedTuple):
    """A party as the village knows it: ``number`` of card or household, ``household`` its number, ``group`` its name.

    What is not known is empty.
    """

    kind: str
    number: str
    name: str
    household: str
    group: str
    party: str


class People:
    """A people file. Numbers decide; a name counts only where nobody else of the same kind has it.

    ``lenient`` takes a number that stands twice: the ledger does not know numbers, and cannot forbid it.
    """

    def __init__(self, people: Iterable[Person] = (), *, lenient: bool = False) -> None:
        self.rows: list[Person] = []
        self._numbers: dict[tuple[str, str], Person] = {}
        self._names: defaultdict[tuple[str, str], list[Person]] = defaultdict(list)
        self._parties: dict[str, Person] = {}
        self._bare: dict[tuple[str, str], str] = {}
        for person in people:
            self.add(person, lenient=lenient)

    def add(self, person: Person, *, lenient: bool = False) -> None:
        """Take up a party. Raises `FormatError` if its number or its id stands there already."""
        number = (person.kind, person.number)
        if person.party in self._parties or (person.number and number in self._numbers and not lenient):
            raise FormatError(
                "a number or a party stands twice in the people file",
                code="bad_people",
                field="people",
                got=f"{person.number} {person.party}".strip(),
            )
        self.rows.append(person)
        self._parties[person.party] = person
        self._names[person.kind, person.name].append(person)
        if person.number:
            self._numbers.setdefault(number, person)
            self._bare.setdefault((person.kind, person.number.lstrip("0")), person.number)

    def of_party(self, party: str) -> Person | None:
        """Whom a party id stands for."""
        return self._parties.get(party)

    def numbered(self, kind: str, number: str) -> Person | None:
        """Whose number it is."""
        return self._numbers.get((kind, number))

    def but_for_zeros(self, kind: str, number: str) -> str:
        """A number that differs in the zeros in front alone, as a spreadsheet drops them; empty if there is none."""
        near = self._bare.get((kind, number.lstrip("0")), "")
        return "" if (kind, number) in self._numbers else near

    def unknown(self, kind: str, number: str, *, field: str) -> Flaw:
        """What is wrong with a number that nobody has."""
        if near := self.but_for_zeros(kind, number):
            return Flaw("lost_zeros", field=field, got=number, other=near)
        return Flaw("unknown_person", field=field, got=number)

    def named(self, kind: str, name: str, household: str = "") -> list[Person]:
        """Everybody of this name, of one household if it is given."""
        found = self._names.get((kind, name), [])
        return [one for one in found if not household or household in (one.household, one.number)]

    def find(self, kind: str, number: str, name: str, household: str = "") -> Person:
        """The one that number and name mean. Raises `Flaw` where that is nobody, or not plain."""
        if number:
            found = self.numbered(kind, number)
            if found is None:
                raise self.unknown(kind, number, field="number")
            if name and found.name and found.name != name:
                raise Flaw("number_of_another", field="name", got=name, other=found.name)
            return found
        several = self.named(kind, name, household)
        if not several:
            raise Flaw("unknown_person", field="name", got=name)
        if len(several) > 1:
            raise Flaw("ambiguous_name", field="name", got=name, several=_several(several))
        return several[0]


def read_people(path: Path) -> People:
    """The people of a file; nobody, if it is not there. Raises `ConfigError` if it is open to others, `FormatError`."""
    if not path.exists():
        return People()
    data = read_secret(path, "people file")
    sheet = find_headings(read_tables(data, str(path))[0], COLUMNS, [("kind",), ("name",), ("party",)])
    people = People()
    for place in range(sheet.first, len(sheet.table.rows)):
        row = sheet.table.rows[place]
        given = {column: row[at] if at < len(row) else "" for column, at in sheet.places.items()}
        if all(map(is_empty, given.values())):
            continue
        try:
            people.add(_person(given))
        except FormatError as error:
            text = f"row {place + 1} of the people file: {error.message}"
            raise FormatError(text, code="bad_people", field=str(path), got=error.got) from error
    return people


def write_people(path: Path, people: People) -> None:
    """Write the whole file anew, durably, for its owner only."""
    replace_file(path, to_text([[NOTICE], [heading_of_all(column) for column in COLUMNS], *map(_row, people.rows)]))


def _row(person: Person) -> list[str]:
    return [KINDS[person.kind][0], *person[1:]]


def _person(given: dict[str, Cell]) -> Person:
    kind = _KIND_OF.get(cells.quoted(given["kind"]))
    if kind is None:
        raise FormatError("not a kind of party", expected=", ".join(_KIND_OF), got=cells.plain(given["kind"]))

    def optional(column: str, read: Callable[[Cell], str]) -> str:
        cell = given.get(column, "")
        return "" if is_empty(cell) else read(cell)

    return Person(
        kind,
        optional("number", cells.number),
        optional("name", cells.name),
        optional("household", cells.number),
        optional("group", cells.name),
        parse_party(cells.plain(given["party"])),
    )


def _several(people: Sequence[Person]) -> str:
    return ", ".join(one.number or f"{one.household or '?'}" for one in people)
