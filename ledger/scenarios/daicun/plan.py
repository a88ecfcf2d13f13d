"""The figures that daicun must land on, its size at a scale, and what its stories are told with."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from ledger.domain.rules import Book, Rule
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
from ledger.scenarios.office import points_of

NAME: Final = "daicun"
TENTH: Final = 10
"""A tenth of the awards, and of their points, comes by paper card."""


class Stated(Struct, frozen=True, forbid_unknown_fields=True):
    """The system's own figures, as published."""

    launched: date
    villages: list[str]
    points_over_units: int
    categories: int


class Hamlet(Struct, frozen=True, forbid_unknown_fields=True):
    """One village: its own ledger, how many there are of everything, and what its points add up to."""

    name_zh: str
    committee_zh: str
    origin: str
    code: str
    residents: int
    households: int
    groups: int
    card_holders: int
    social_workers: int
    attendances: int
    safe_families: int
    honours: int
    total_units: int
    buyers: int
    mistyped: int
    places: list[str]

    @property
    def awards(self) -> int:
        """How many awards stand at full size."""
        return self.attendances + self.safe_families + self.honours


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """How the scenario splits them; ours, and adds up to what is stated."""

    total_units: int
    by_paper_card_bp: int
    book_adopted: date
    book_effective: date
    settled_on: date
    places_per_session: int
    resent_scans: int
    villages: list[Hamlet]


class People(Struct, frozen=True, forbid_unknown_fields=True):
    """What invented names are made of."""

    surnames: str
    given_first: str
    given_second: str


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the first day; its sessions follow the ``sequence`` of rules again and again."""

    starts: str
    sequence: list[str]


class Doing(Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions of one rule: what they are called, how long they take, what one counts for.

    Without a ``length`` each resident stays as long as he or she likes, and a minute counts for one.
    """

    rule: str
    titles: list[str]
    quantity: int = 1
    length: str = ""


class Voice(Struct, frozen=True, forbid_unknown_fields=True):
    """A suggestion, by whom, and the village's reply."""

    by: Literal["phone", "card", "nobody"]
    title: str
    text: str
    reply: str


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """A benefit that is offered, what the resident answers, why it is granted, and why it was taken back, if it was."""

    product: str
    terms: str
    answer: Literal["accept", "decline"]
    reason: str
    revoked: str = ""


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """The scenario's data file."""

    name: str
    profile: str
    stated: Stated
    split: Split
    must: list[Sentence]
    people: People
    parts: list[Part]
    doings: list[Doing]
    voices: list[Voice]
    offers: list[Offer]

    def doing(self, rule: str) -> Doing:
        """The sessions of a rule."""
        return next(doing for doing in self.doings if doing.rule == rule)

    def names(self, hamlet: Hamlet) -> Names:
        """What names in a village are made of."""
        people = self.people
        return Names(
            hamlet.name_zh,
            hamlet.committee_zh,
            people.surnames,
            people.given_first,
            people.given_second,
            hamlet.places,
        )


class Sources(NamedTuple):
    """Everything the scenario is made from, beside its seed and scale."""

    plan: Plan
    profile: Profile
    book: Book
    goods: list[Goods]

    def rule(self, rule_id: str) -> Rule:
        """A rule of the book."""
        return next(rule for rule in self.book.rules if rule.id == rule_id)

    def points(self, rule_id: str) -> int:
        """What one quantity of a rule gives, in hundredths."""
        return points_of(self.rule(rule_id))


def sources() -> Sources:
    """The scenario's data."""
    plan = read_data(NAME, Plan)
    return Sources(plan, read_profile(plan.profile), read_book(plan.profile), read_goods(plan.profile))


class Size(NamedTuple):
    """A village's figures at a scale; at scale 1 exactly those of the plan.

    A tenth of the awards, and of their points, is by paper card.
    """

    residents: int
    households: int
    groups: int
    card_holders: int
    social_workers: int
    attendances: int
    safe_families: int
    honours: int
    total_units: int
    buyers: int
    mistyped: int

    @property
    def awards(self) -> int:
        """Awards that stand."""
        return self.attendances + self.safe_families + self.honours

    @property
    def card_awards(self) -> int:
        """Those of them that a scan of a paper card captured."""
        return self.awards // TENTH

    @property
    def card_units(self) -> int:
        """What these award, in hundredths."""
        return self.total_units // TENTH


def size_at(hamlet: Hamlet, scale: float) -> Size:
    """The figures of a village at a scale, never below what the story needs."""
    safe, honours = part(hamlet.safe_families, scale, 18), part(hamlet.honours, scale, 4)
    awards = part(hamlet.awards // TENTH, scale, 18) * TENTH
    return Size(
        residents=part(hamlet.residents, scale, 68),
        households=part(hamlet.households, scale, 24),
        groups=part(hamlet.groups, scale, 2),
        card_holders=part(hamlet.card_holders, scale, 8),
        social_workers=hamlet.social_workers,
        attendances=awards - safe - honours,
        safe_families=safe,
        honours=honours,
        total_units=hamlet.total_units * awards // hamlet.awards // 100 * 100,
        buyers=part(hamlet.buyers, scale, 20),
        mistyped=part(hamlet.mistyped, scale, 1),
    )
