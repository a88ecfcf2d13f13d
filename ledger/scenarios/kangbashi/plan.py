"""The figures that kangbashi must land on, its size at a scale, and what its stories are told with."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

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

NAME: Final = "kangbashi"


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The system's own figures, as published."""

    as_of: date
    residents_with_merit: int
    redeemed_over_units: int
    points_per_yuan: int
    bill_share_bp: list[int]
    one_score_units: int
    school_upgrades: int


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How the scenario splits them; ours, and adds up to what is stated."""

    redemptions: int
    redeemed_units: int
    book_adopted: date
    book_effective: date
    months: int
    grid_workers: int
    hazard_reports: int
    issues: int
    returned_redemptions: int
    bill_fen: int


class Doing(Struct, frozen=True, forbid_unknown_fields=True):
    """What the acts of one rule are called."""

    rule: str
    titles: list[str]


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """The scenario's data file."""

    name: str
    origin: str
    profile: str
    stated: Stated
    split: Split
    must: list[Sentence]
    names: Names
    doings: list[Doing]

    def titles(self, rule: str) -> list[str]:
        """What the acts of a rule are called."""
        return next(doing.titles for doing in self.doings if doing.rule == rule)


class Sources(NamedTuple):
    """Everything the scenario is made from, beside its seed and scale."""

    plan: Plan
    profile: Profile
    book: Book
    goods: list[Goods]
    departments: list[str]


def sources() -> Sources:
    """The scenario's data."""
    plan = read_data(NAME, Plan)
    return Sources(
        plan,
        read_profile(plan.profile),
        read_book(plan.profile),
        read_goods(plan.profile),
        msgspec.convert(read_part(plan.profile, "profile")["departments"], list[str]),
    )


class Size(NamedTuple):
    """The figures at a scale; at scale 1 exactly those of the plan. The school upgrades are 15 at every scale.

    ``redemptions`` and ``redeemed_units`` are those of the year, without the bills of the musts.
    """

    residents: int
    redemptions: int
    redeemed_units: int
    grid_workers: int
    hazard_reports: int
    issues: int
    returned: int


def size_at(plan: Plan, scale: float) -> Size:
    """The figures of a plan at a scale, never below what the story needs."""
    split = plan.split
    redemptions = part(split.redemptions, scale, 280)
    return Size(
        residents=part(plan.stated.residents_with_merit, scale, 64),
        redemptions=redemptions,
        redeemed_units=split.redeemed_units * redemptions // split.redemptions // 100 * 100,
        grid_workers=part(split.grid_workers, scale, 8),
        hazard_reports=part(split.hazard_reports, scale, 12),
        issues=part(split.issues, scale, 12),
        returned=part(split.returned_redemptions, scale, 2),
    )
