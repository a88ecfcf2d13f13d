"""Invented people: officers, groups, households, residents, by the seed."""

from __future__ import annotations

from typing import NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.data import Names, Profile
from ledger.scenarios.draw import Draw

_NUMERALS = "一二三四五六七八九十"


class Household(NamedTuple):
    """A household: its party, its address in the village, its surname, its group."""

    actor: Actor
    address: str
    surname: str
    group: Actor


class Resident(NamedTuple):
    """A resident: the party, whose key is the card's or phone's, the number on the card, the household."""

    actor: Actor
    number: str
    household: Household


def draw_officers(profile: Profile, draw: Draw) -> dict[str, list[Actor]]:
    """The officers of a profile by role; they are the same at every size of the village."""
    return {
        post.role: [
            Actor.drawn(draw.split("officer", post.role, str(n)), f"{post.name_zh}{numeral(n)}号", post.role)
            for n in range(post.number)
        ]
        for post in profile.officers
    }


def draw_shops(profile: Profile, draw: Draw) -> list[Actor]:
    """The shops of a profile."""
    return [Actor.drawn(draw.split("shop", str(n)), shop.name_zh, "shop") for n, shop in enumerate(profile.shops)]


def draw_groups(number: int, draw: Draw) -> list[Actor]:
    """The groups of a village."""
    return [Actor.drawn(draw.split("group", str(n)), f"第{numeral(n)}村民小组", "group") for n in range(number)]


def draw_household(names: Names, number: int, groups: list[Actor], draw: Draw) -> Household:
    """The household of a number; groups go round."""
    surname = names.surnames[draw.below(len(names.surnames))]
    group = groups[number % len(groups)]
    address = f"{names.village_zh}{group.name}{number // len(groups) + 1}号"
    return Household(Actor.drawn(draw, f"{surname}家", "household"), address, surname, group)


def draw_resident(names: Names, number: str, household: Household, draw: Draw, *, medium: str = "card") -> Resident:
    """A resident; three of four bear the name of the house. ``medium`` is what carries the key."""
    surname = household.surname if draw.below(4) else names.surnames[draw.below(len(names.surnames))]
    return Resident(Actor.drawn(draw, surname + given_name(names, draw), medium), number, household)


def given_name(names: Names, draw: Draw) -> str:
    """A given name, mostly of two characters."""
    given = names.given_first[draw.below(len(names.given_first))]
    return given + names.given_second[draw.below(len(names.given_second))] if draw.below(5) else given


def numeral(number: int) -> str:
    """1 to 10 in Chinese, for ``number`` 0 to 9; digits beyond."""
    return _NUMERALS[number] if number < len(_NUMERALS) else str(number + 1)
