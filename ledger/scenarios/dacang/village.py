"""The people of the invented village through the year: who lives in which household, from when to when.

What stands at the end is the stated figure. So the plan begins there: each household of the end gets its residents, and
whoever came in the course of the year is put back to where they came from; those who leave are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from ledger.core.hashing import door_digest
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.moves import Founding, Move, plan_moves
from ledger.scenarios.dacang.plan import Size, Sources
from ledger.scenarios.draw import Draw
from ledger.scenarios.people import (
    Household,
    Resident,
    draw_groups,
    draw_household,
    draw_officers,
    draw_resident,
    draw_shops,
)


class Door(NamedTuple):
    """The secret of the QR plate at a household's door; no event holds it."""

    secret: bytes

    @property
    def digest(self) -> str:
        """What the log knows of it."""
        return door_digest(self.secret)


class Home(NamedTuple):
    """A household: its number in the village, since when there is one, its door. Its actor bears the head's name."""

    household: Household
    number: str
    since: date
    door: Door
    next_door: Door

    @property
    def actor(self) -> Actor:
        """The household's party, with the key of its phone or card."""
        return self.household.actor

    @property
    def party(self) -> str:
        """The household's party."""
        return self.household.actor.party


class Stay(NamedTuple):
    """A stay in the household of a number, half-open in time; ``until`` is None as long as it lasts."""

    home: int
    since: date
    until: date | None


class Person(NamedTuple):
    """A resident, with every household that they live in."""

    resident: Resident
    stays: list[Stay]

    @property
    def actor(self) -> Actor:
        """The resident's party, with the key of a phone or card."""
        return self.resident.actor

    @property
    def party(self) -> str:
        """The resident's party."""
        return self.resident.actor.party

    @property
    def since(self) -> date:
        """When they are registered."""
        return self.stays[0].since

    def home_on(self, day: date) -> int | None:
        """The household on a day, None before and after."""
        for stay in self.stays:
            if stay.since <= day and (stay.until is None or day < stay.until):
                return stay.home
        return None


class Village(NamedTuple):
    """Everybody of the year. ``officers`` are by role, ``organisations`` by id; the ``committee`` has no key.

    ``homes`` are all households that there ever are, ``people`` all residents; ``moves`` change the register, in order.
    """

    officers: dict[str, list[Actor]]
    committee: Actor
    organisations: dict[str, Actor]
    shop: Actor
    groups: list[Actor]
    homes: list[Home]
    people: list[Person]
    moves: list[Move]
    founding: Founding

    def residents_on(self, day: date) -> list[int]:
        """The numbers of those who live in the village on a day."""
        return [number for number, person in enumerate(self.people) if person.home_on(day) is not None]

    def households_on(self, day: date) -> list[int]:
        """The numbers of the households that stand on a day."""
        ended = {move.home for move in self.moves if move.action == "merge" and move.day <= day}
        return [n for n, home in enumerate(self.homes) if home.since <= day and n not in ended]

    def members_on(self, home: int, day: date) -> list[int]:
        """The numbers of a household's members on a day."""
        return [number for number, person in enumerate(self.people) if person.home_on(day) == home]


def found_village(found: Sources, size: Size, draw: Draw) -> Village:
    """A village of a size; the same for the same draw."""
    plan = found.plan
    founding = plan_moves(plan, size)
    groups = draw_groups(size.groups, draw)
    rooms = [
        draw_household(plan.names, place, groups, draw.split("household", str(place))) for place in founding.places
    ]
    people = list(_people(found, founding, rooms, draw.split("residents")))
    officers = draw_officers(found.profile, draw)
    return Village(
        officers=officers,
        committee=Actor.drawn(draw.split("committee"), plan.names.committee_zh, "organisation"),
        organisations={
            one.id: Actor.drawn(draw.split("organisation", one.id), one.name_zh, one.role) for one in plan.organisations
        },
        shop=draw_shops(found.profile, draw)[0],
        groups=groups,
        homes=[_home(found, founding, number, room, people, draw) for number, room in enumerate(rooms)],
        people=people,
        moves=founding.moves,
        founding=founding,
    )


def _people(found: Sources, founding: Founding, rooms: list[Household], draw: Draw) -> Iterator[Person]:
    for number, stays in enumerate(founding.stays):
        room = rooms[stays[0][0]]
        resident = draw_resident(found.plan.names, f"DC{number + 1:06}", room, draw.split(str(number)), medium="phone")
        yield Person(resident, [Stay(*stay) for stay in stays])


def _home(found: Sources, founding: Founding, number: int, room: Household, people: list[Person], draw: Draw) -> Home:
    """A household, called by its head: the first of those who live there when it is founded."""
    since = founding.since(number, found.plan.split.registered_on)
    head = next(person for person in people if person.home_on(since) == number)
    group, place = founding.places[number] % founding.groups, founding.places[number] // founding.groups
    doors = draw.split("door", str(number))
    return Home(
        household=room._replace(actor=replace(room.actor, name=head.actor.name)),
        number=f"DC{group + 1:02}{place + 1:02}",
        since=since,
        door=Door(doors.take(16)),
        next_door=Door(doors.take(16)),
    )


def day_before(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)
