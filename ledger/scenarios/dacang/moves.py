"""What happens to the register in the year, planned from its end: brothers part, a wedding, a merger, two move-outs.

Each household that takes part has a place of its own in its group. The last group has none of them: its register comes
in from a spreadsheet.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from ledger.scenarios.dacang.plan import Plan, Size

Span = tuple[int, date, date | None]
"""A stay: household, since, until."""
_AFAR = 40
"""Places between the household that ends and the one it joins, so that its number is nobody else's."""


class Move(NamedTuple):
    """A change of the register on a day. People and households are numbers.

    ``found`` a household; ``arrive``: a new resident is registered in ``home``; ``join``: out of ``other`` into
    ``home``; ``move_out`` and ``death``: out of ``home``; ``merge``: ``home`` ends in ``other`` with all ``people``.
    """

    day: date
    action: Literal["found", "arrive", "join", "move_out", "death", "merge"]
    home: int
    people: tuple[int, ...] = ()
    other: int = -1


class Founding(NamedTuple):
    """Where everybody lives, and when.

    ``places`` give each household's group (modulo ``groups``) and place in it; ``stays`` are each resident's.
    ``erased`` is the resident whose details are erased in the end, ``wedded`` the one who marries into another
    household.
    """

    groups: int
    places: list[int]
    stays: list[list[Span]]
    moves: list[Move]
    erased: int
    wedded: int

    def since(self, home: int, first: date) -> date:
        """Since when there is a household; ``first`` for those of the beginning."""
        return next((move.day for move in self.moves if move.action == "found" and move.home == home), first)


class _Register:
    """The register as it is planned: everybody of the end first."""

    def __init__(self, plan: Plan, size: Size) -> None:
        self.first = plan.split.registered_on
        self.moves: list[Move] = []
        self.stays: list[list[Span]] = []
        self.members: list[list[int]] = []
        for home, number in enumerate(size.people_per_home):
            self.members.append([self.add(home) for _ in range(number)])

    def add(self, home: int, since: date | None = None, until: date | None = None) -> int:
        """One more resident, who is registered with a household."""
        self.stays.append([(home, since or self.first, until)])
        return len(self.stays) - 1

    def leave(self, action: Literal["move_out", "death"], home: int, day: date) -> int:
        """One more resident, who is gone at the end."""
        person = self.add(home, until=day)
        self.moves.append(Move(day, action, home, (person,)))
        return person

    def came(self, person: int, other: int, day: date) -> None:
        """A resident of the end lived in another household until a day."""
        home = self.stays[person][0][0]
        self.stays[person] = [(other, self.first, day), (home, day, None)]

    def join(self, person: int, other: int, day: date) -> None:
        """As `came`, by an event of their own."""
        self.came(person, other, day)
        self.moves.append(Move(day, "join", self.stays[person][1][0], (person,), other))

    def arrive(self, person: int, day: date) -> None:
        """A resident of the end is registered on a day only."""
        home = self.stays[person][0][0]
        self.stays[person] = [(home, day, None)]
        self.moves.append(Move(day, "arrive", home, (person,)))


def plan_moves(plan: Plan, size: Size) -> Founding:
    """The register of the year, at whose end there are exactly the households and residents of the size."""
    days, book = plan.moves, _Register(plan, size)

    def at(group: int, place: int) -> int:
        """The household at a place of a group that is not the last; every place is used once."""
        return group % (size.groups - 1) + place * size.groups

    _part(book, at(0, 0), at(0, 1), days.brothers_part)
    book.leave("move_out", at(1, 2), days.moves_out)
    book.leave("death", at(2, 3), days.dies)
    _wed(book, at(3, 4), at(3, 5), days.weds, days.is_born)
    wedded = book.members[at(5, 6)][-1]
    book.join(wedded, at(4, 7), days.marries_off)
    erased = book.leave("move_out", at(6, 8), days.moves_out_too)
    book.leave("death", at(7, 9), days.dies_too)
    ended, children = size.households, at(8, 10)
    _merge(book, ended, children, days.merges)
    return Founding(
        groups=size.groups,
        places=[*range(size.households), children + _AFAR * size.groups],
        stays=book.stays,
        moves=sorted(book.moves, key=lambda move: move.day),
        erased=erased,
        wedded=wedded,
    )


def _part(book: _Register, home: int, founded: int, day: date) -> None:
    """All members of a household lived in another one, which was twice as large."""
    book.moves.append(Move(day, "found", founded))
    for person in book.members[founded]:
        book.join(person, home, day)


def _wed(book: _Register, home: int, founded: int, day: date, birthday: date) -> None:
    """A new household of two from one household, a bride from another village, and later a child."""
    book.moves.append(Move(day, "found", founded))
    first, second, bride, child, *rest = book.members[founded]
    for person in (first, second, *rest):
        book.join(person, home, day)
    book.arrive(bride, day)
    book.arrive(child, birthday)


def _merge(book: _Register, ended: int, children: int, day: date) -> None:
    """An old couple of the end had a household of its own."""
    old = book.members[children][-2:]
    for person in old:
        book.came(person, ended, day)
    book.moves.append(Move(day, "merge", ended, tuple(old), children))
