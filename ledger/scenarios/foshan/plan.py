"""The figures that foshan must land on, and its size at a scale."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from msgspec import Struct

from ledger.domain.rules import Book
from ledger.scenarios.catalogue import SCALE_MIN, part
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

NAME = "foshan"


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The system's own figures, as published."""

    as_of: date
    residents: int
    coverage_bp: int
    activities: int
    participations: int
    saved_over_fen: int
    bank: dict[str, int]


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How the scenario splits them; ours, and adds up to what is stated.

    ``participations_per_activity`` maps places to how many activities have so many.
    """

    participations_per_activity: dict[str, int]
    last_eligible_rank: int
    population: int
    households: int
    groups: int
    book_adopted: date
    book_effective: date
    months: int
    mistaken_awards: int
    mistaken_bills: int

    def places(self) -> dict[int, int]:
        """`participations_per_activity` with numbers as keys."""
        return {int(places): number for places, number in self.participations_per_activity.items()}


class Doing(Struct, frozen=True, forbid_unknown_fields=True):
    """Activities of one rule: how often, what they are called, at what hour."""

    rule: str
    weight: int
    titles: list[str]
    hour: str


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario's data file."""

    name: str
    origin: str
    profile: str
    stated: Stated
    split: Split
    must: list[Sentence]
    names: Names
    doings: list[Doing]


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
    """A scenario's figures at a scale; at scale 1 exactly those of the plan. ``target_fen`` must be exceeded."""

    residents: int
    households: int
    groups: int
    places: tuple[int, ...]
    target_fen: int
    mistaken_awards: int
    mistaken_bills: int

    @property
    def activities(self) -> int:
        """How many activities there are."""
        return len(self.places)

    @property
    def participations(self) -> int:
        """How many places all activities have together; every one is taken."""
        return sum(self.places)


def size_at(plan: Plan, scale: float) -> Size:
    """The figures of a plan at a scale from `SCALE_MIN` to 1, never below what the story needs.

    Raises `ValueError` for a scale out of range.
    """
    if not SCALE_MIN <= scale <= 1:
        raise ValueError(f"scale must lie within {SCALE_MIN} and 1, got {scale}")
    split, stated = plan.split, plan.stated

    places = tuple(
        size
        for size, number in sorted(split.places().items(), reverse=True)
        for _ in range(part(number, scale, split.months))
    )
    return Size(
        residents=part(stated.residents, scale, 60),
        households=part(split.households, scale, 20),
        groups=part(split.groups, scale, 2),
        places=places,
        target_fen=stated.saved_over_fen * sum(places) // stated.participations,
        mistaken_awards=part(split.mistaken_awards, scale, 1),
        mistaken_bills=part(split.mistaken_bills, scale, 1),
    )
