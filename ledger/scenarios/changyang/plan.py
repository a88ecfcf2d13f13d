"""The figures that changyang must land on, and the size of each of its villages at a scale."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec
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
    read_part,
    read_profile,
)
from ledger.scenarios.draw import Draw

NAME = "changyang"
VILLAGES_MIN = 2


class Exchange(Struct, frozen=True, forbid_unknown_fields=True):
    """What an old person took for points (hundredths)."""

    units: int
    goods: str = msgspec.field(name="for")


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The system's own figures, as published. ``rules_units`` of a deduction are below zero."""

    villages: int
    net_units: int
    rules_units: dict[str, int]
    exchange: Exchange
    helpers_in_one_village: int


class Span(Struct, frozen=True, forbid_unknown_fields=True):
    """A number that differs from village to village, and what it is in the first, where that is another."""

    most: int
    least: int = 0
    first: int | None = None

    def drawn(self, draw: Draw) -> int:
        """The number of some village."""
        return self.least + draw.below(self.most - self.least + 1)


class Days(Struct, frozen=True, forbid_unknown_fields=True):
    """When things happened."""

    founded: date
    projects: list[date]
    planted_from: date
    tidy: list[date]
    late: date
    volunteering: list[date]
    before_the_rice: list[date]
    fined_from: date
    stars: date
    pacesetters: date
    benefits: date
    exchange: date


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How the scenario splits them; ours, and adds up to what is stated.

    ``net_points_per_village`` maps whole points to how many villages have so many. ``rice`` counts the acts of the old
    person who takes the rice; ``bought`` is what others take. ``…_every``: one village in so many.
    """

    net_points_per_village: dict[str, int]
    book_voted: date
    book_effective: date
    second_voted: date
    second_effective: date
    second_every: int
    appeal_every: int
    return_every: int
    as_of: date
    groups: int
    households_per_project: int
    plantings: int
    planted_mu: Span
    volunteers: int
    volunteering_most: int
    rice: dict[str, int]
    bought: dict[str, str]
    households: Span
    residents: Span
    helpers: Span
    days: Days


class VillageNames(Struct, frozen=True, forbid_unknown_fields=True):
    """What invented names are made of; each village takes one of ``village_first`` and one of ``village_last``."""

    village_first: list[str]
    village_last: list[str]
    surnames: str
    given_first: str
    given_second: str
    places: list[str]

    def of_village(self, number: int) -> Names:
        """The names of one village."""
        first = self.village_first[number % len(self.village_first)]
        village = first + self.village_last[number // len(self.village_first)]
        return Names(
            village_zh=village,
            committee_zh=f"{village}村民委员会",
            surnames=self.surnames,
            given_first=self.given_first,
            given_second=self.given_second,
            places=self.places,
        )


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario's data file."""

    name: str
    origin: str
    profile: str
    stated: Stated
    split: Split
    must: list[Sentence]
    names: VillageNames
    matters: dict[str, list[str]]


class Benefit(Struct, frozen=True, forbid_unknown_fields=True):
    """What a pacesetter may be offered."""

    id: str
    name_zh: str
    terms_zh: str


class Sources(NamedTuple):
    """Everything the scenario is made from, beside its seed and scale. ``books`` are the versions, in order."""

    plan: Plan
    profile: Profile
    books: list[Book]
    goods: list[Goods]
    benefits: list[Benefit]


def sources() -> Sources:
    """The scenario's data."""
    plan = read_data(NAME, Plan)
    products = read_part(plan.profile, "products")
    return Sources(
        plan,
        read_profile(plan.profile),
        [read_book(plan.profile), read_book(plan.profile, "points-2")],
        read_goods(plan.profile),
        msgspec.convert(products["benefits"], list[Benefit]),
    )


class Size(NamedTuple):
    """One village. ``net_units`` is what its awards less its deductions come to, exactly.

    ``votes_again``: it adopts a second version of the book. ``burnings`` and ``messes`` are deductions that stand,
    ``appealed``: one more was taken back. ``returns``: a declaration was returned and made again.
    """

    number: int
    net_units: int
    households: int
    residents: int
    helpers: int
    votes_again: bool
    burnings: int
    messes: int
    appealed: bool
    returns: bool


def sizes_at(plan: Plan, seed: int, scale: float) -> list[Size]:
    """The villages at a scale: fewer of them, each of its full size."""
    villages = part(plan.stated.villages, scale, VILLAGES_MIN)
    low, high = sorted(int(points) for points in plan.split.net_points_per_village)
    of_high = part(plan.split.net_points_per_village[str(high)], scale, 1)
    return [
        _size(plan, number, high if number * of_high % villages < of_high else low, Draw(NAME, str(seed), "size"))
        for number in range(villages)
    ]


def _size(plan: Plan, number: int, net_points: int, draw: Draw) -> Size:
    split, own = plan.split, draw.split(str(number))
    households, more, helpers = (span.drawn(own) for span in (split.households, split.residents, split.helpers))
    if number == 0:
        households = split.households.first or households
        more, helpers = split.residents.first or more, plan.stated.helpers_in_one_village
    return Size(
        number=number,
        net_units=net_points * 100,
        households=households,
        residents=2 * households + more,
        helpers=helpers,
        votes_again=number % split.second_every == 0,
        burnings=1 if net_points % 2 else 2 * own.below(2),  # 5 points each: they make a sum odd, or leave it even
        messes=own.below(2),
        appealed=number % split.appeal_every == 0,
        returns=number % split.return_every == 0,
    )
