"""The figures a scenario must land on, its invented names, and the profile it uses: read from the package's data."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ledger.domain.rules import Book, parse_book
from ledger.errors import NotFoundError

SCALE_MIN = 0.01
"""The smallest scale: below it a village is too small for its activities."""


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


class Must(Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence that must hold after the run."""

    id: str
    says: str


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """What invented names are made of."""

    village_zh: str
    committee_zh: str
    surnames: str
    given_first: str
    given_second: str
    places: list[str]


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
    must: list[Must]
    names: Names
    doings: list[Doing]


class Officers(Struct, frozen=True, forbid_unknown_fields=True):
    """How many keys hold a role, and for what: ``*``, ``organisation`` or ``self``."""

    role: str
    name_zh: str
    number: int
    scope: str


class Shop(Struct, frozen=True, forbid_unknown_fields=True):
    name_zh: str


class Goods(Struct, frozen=True, forbid_unknown_fields=True):
    """Something a village shop sells."""

    name_zh: str
    price_fen: int


class Profile(Struct, frozen=True):
    """A profile's roles, shops and card, as data."""

    name: str
    units: list[str]
    card_daily_cap_units: int
    officers: list[Officers]
    shops: list[Shop]


class Sources(NamedTuple):
    """Everything a scenario is made from, beside its seed and scale."""

    plan: Plan
    profile: Profile
    book: Book
    goods: list[Goods]


@lru_cache(maxsize=8)
def sources(name: str) -> Sources:
    """The data of a scenario. Raises `NotFoundError` if there is no scenario of this name."""
    path = files("ledger.scenarios").joinpath("data", f"{name}.toml")
    if not name.isidentifier() or not path.is_file():
        raise NotFoundError("no such scenario", field="name", expected=", ".join(names()), got=name)
    plan = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Plan)
    folder = files("ledger.domain.profiles").joinpath(plan.profile)
    return Sources(
        plan,
        msgspec.convert(_toml(folder.joinpath("profile.toml").read_bytes()), Profile),
        parse_book(folder.joinpath("points.toml").read_bytes()),
        msgspec.convert(_toml(folder.joinpath("products.toml").read_bytes())["goods"], list[Goods]),
    )


def names() -> list[str]:
    """The scenarios there are."""
    folder = files("ledger.scenarios").joinpath("data")
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


def _toml(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode("utf-8"))


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

    def part(number: int, least: int) -> int:
        return max(least, round(number * scale))

    places = tuple(
        size for size, number in sorted(split.places().items(), reverse=True) for _ in range(part(number, split.months))
    )
    return Size(
        residents=part(stated.residents, 60),
        households=part(split.households, 20),
        groups=part(split.groups, 2),
        places=places,
        target_fen=stated.saved_over_fen * sum(places) // stated.participations,
        mistaken_awards=part(split.mistaken_awards, 1),
        mistaken_bills=part(split.mistaken_bills, 1),
    )
