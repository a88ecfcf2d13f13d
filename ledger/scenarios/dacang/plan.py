"""The figures that dacang must land on, and its size at a scale."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from msgspec import Struct

from ledger.domain.rules import Book
from ledger.scenarios.catalogue import part
from ledger.scenarios.data import (
    Goods,
    Names,
    Profile,
    Sentence,
    read_book,
    read_data,
    read_goods,
    read_profile,
)

NAME = "dacang"
MONTHS = 12
GROUPS_LEAST = 2
HOUSEHOLDS_LEAST = 26
"""Below these a village is too small for all that happens to its register."""


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The system's own figures, as published. A listing is goods, quantity and measure."""

    groups: int
    households: int
    residents: int
    listings: list[tuple[str, int, str]]


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How the scenario splits them; ours, and adds up to what is stated.

    ``residents_per_household`` and ``households_per_group`` map a size to how many have it. Numbers of visits, stars
    and meetings are those of a month.
    """

    residents_per_household: dict[str, int]
    households_per_group: dict[str, int]
    registered_on: date
    book_adopted: date
    book_effective: date
    book_closed: date
    as_of: date
    meetings: int
    places: int
    stars: int
    visits_of_households: int
    visits_of_residents: int
    mistaken_awards: int
    dumpings: int
    honoured_households: int
    honoured_residents: int
    phones_of_residents: int


class Moves(Struct, frozen=True, forbid_unknown_fields=True):
    """The days on which the register changes."""

    brothers_part: date
    moves_out: date
    dies: date
    weds: date
    marries_off: date
    moves_out_too: date
    dies_too: date
    merges: date
    is_born: date


class Organisation(Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation with a key of its own that posts in its name."""

    id: str
    name_zh: str
    role: str


class Doing(Struct, frozen=True, forbid_unknown_fields=True):
    """What is awarded by one rule: how often in a month, what it is called, at what hour."""

    rule: str
    monthly: int
    matters: list[str]
    hour: str


class Suggestion(Struct, frozen=True, forbid_unknown_fields=True):
    """A suggestion, the village's reply, and the organisation that it is referred to, with that one's answer."""

    day: date
    named: bool
    title: str
    text: str
    reply: str
    refer_to: str = ""
    answer: str = ""


class Want(Struct, frozen=True, forbid_unknown_fields=True):
    """Farm goods that somebody looks for."""

    goods: str
    quantity: int
    measure: str


class Notice(Struct, frozen=True, forbid_unknown_fields=True):
    """A notice by an organisation, or by the village ``committee``."""

    day: date
    by: str
    title: str
    text: str


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario's data file."""

    name: str
    origin: str
    profile: str
    stated: Stated
    split: Split
    moves: Moves
    must: list[Sentence]
    names: Names
    organisations: list[Organisation]
    doings: list[Doing]
    suggestions: list[Suggestion]
    wants: list[Want]
    notices: list[Notice]


class Sources(NamedTuple):
    """Everything the scenario is made from, beside its seed and scale."""

    plan: Plan
    profile: Profile
    book: Book
    goods: list[Goods]


def sources() -> Sources:
    """The scenario's data."""
    plan = read_data(NAME, Plan)
    return Sources(plan, read_profile(plan.profile), read_book(plan.profile), read_goods(plan.profile))


class Size(NamedTuple):
    """The figures at the end of the year at a scale; at scale 1 exactly those stated.

    ``homes_per_group`` and ``people_per_home`` are sizes in order; ``scale`` is for whatever else there is.
    """

    homes_per_group: list[int]
    people_per_home: list[int]
    scale: float

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.homes_per_group)

    @property
    def households(self) -> int:
        """How many households stand at the end."""
        return len(self.people_per_home)

    @property
    def residents(self) -> int:
        """How many residents there are at the end."""
        return sum(self.people_per_home)

    def part(self, number: int, least: int = 1) -> int:
        """A number of the plan at this scale."""
        return part(number, self.scale, least)


def size_at(plan: Plan, scale: float) -> Size:
    """The figures of a plan at a scale.

    Household n is in group n modulo their number, so the first groups have one more; the last households have one
    resident more.
    """
    stated = plan.stated
    groups = part(stated.groups, scale, GROUPS_LEAST)
    households = part(stated.households, scale, HOUSEHOLDS_LEAST)
    usual = stated.residents // stated.households
    larger = part(stated.residents - usual * stated.households, scale, 1)
    return Size(
        homes_per_group=[households // groups + (number < households % groups) for number in range(groups)],
        people_per_home=[usual] * (households - larger) + [usual + 1] * larger,
        scale=scale,
    )
