"""The people of an invented village: officers, shops, groups, households, residents with their cards."""

from __future__ import annotations

from typing import NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.draw import Draw
from ledger.scenarios.figures import Names, Profile, Size, Sources

_NUMERALS = "一二三四五六七八九十"
HOUSEHOLD_MAX = 6
"""Most residents of one household."""


class Household(NamedTuple):
    """A household: its party, its address in the village, its surname."""

    actor: Actor
    address: str
    surname: str


class Resident(NamedTuple):
    """A resident: the party, whose key is the paper card's, the number on the card, the household."""

    actor: Actor
    number: str
    household: Household


class Village(NamedTuple):
    """Everybody. ``officers`` are by role, in order; the ``committee`` issues the points and has no key of its own."""

    officers: dict[str, list[Actor]]
    committee: Actor
    shops: list[Actor]
    groups: list[Actor]
    households: list[Household]
    residents: list[Resident]

    def officer(self, role: str, place: int = 0) -> Actor:
        """An officer of a role; places go round, so that all of them get work."""
        found = self.officers[role]
        return found[place % len(found)]


def draw_officers(profile: Profile, draw: Draw) -> dict[str, list[Actor]]:
    """The officers of a profile by role; they are the same at every size of the village."""
    return {
        post.role: [
            Actor.drawn(draw.split("officer", post.role, str(n)), f"{post.name_zh}{_numeral(n)}号", post.role)
            for n in range(post.number)
        ]
        for post in profile.officers
    }


def found_village(sources: Sources, size: Size, draw: Draw) -> Village:
    """A village of a size; the same for the same draw."""
    names = sources.plan.names
    groups = [Actor.drawn(draw.split("group", str(n)), f"第{_numeral(n)}村民小组", "group") for n in range(size.groups)]
    households = [_household(names, n, groups, draw.split("household", str(n))) for n in range(size.households)]
    return Village(
        officers=draw_officers(sources.profile, draw),
        committee=Actor.drawn(draw.split("committee"), names.committee_zh, "organisation"),
        shops=[
            Actor.drawn(draw.split("shop", str(n)), shop.name_zh, "shop")
            for n, shop in enumerate(sources.profile.shops)
        ],
        groups=groups,
        households=households,
        residents=_residents(names, size, households, draw.split("residents")),
    )


def _household(names: Names, number: int, groups: list[Actor], draw: Draw) -> Household:
    surname = names.surnames[draw.below(len(names.surnames))]
    group = groups[number % len(groups)]
    address = f"{names.village_zh}{group.name}{number // len(groups) + 1}号"
    return Household(Actor.drawn(draw, f"{surname}家", "household"), address, surname)


def _residents(names: Names, size: Size, households: list[Household], draw: Draw) -> list[Resident]:
    """One resident to each household first, the rest where there is room."""
    members = [1] * len(households)
    homes = list(range(len(households)))
    while len(homes) < size.residents:
        home = draw.below(len(households))
        if members[home] < HOUSEHOLD_MAX:
            members[home] += 1
            homes.append(home)
    return [
        _resident(names, number, households[home], draw.split(str(number))) for number, home in enumerate(sorted(homes))
    ]


def _resident(names: Names, number: int, household: Household, draw: Draw) -> Resident:
    """A resident; three of four bear the name of the house."""
    surname = household.surname if draw.below(4) else names.surnames[draw.below(len(names.surnames))]
    given = names.given_first[draw.below(len(names.given_first))]
    if draw.below(5):
        given += names.given_second[draw.below(len(names.given_second))]
    return Resident(Actor.drawn(draw, surname + given, "card"), f"FS{number + 1:05}", household)


def _numeral(number: int) -> str:
    """1 to 10 in Chinese, for ``number`` 0 to 9."""
    return _NUMERALS[number] if number < len(_NUMERALS) else str(number + 1)
