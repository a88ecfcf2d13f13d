"""The people of one village: officers, helpers, households with a card, residents with a phone or card."""

from __future__ import annotations

from typing import NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.changyang.plan import NAME, Size, Sources
from ledger.scenarios.data import Names
from ledger.scenarios.draw import Draw
from ledger.scenarios.people import (
    Household,
    Resident,
    draw_groups,
    draw_household,
    draw_officers,
    draw_resident,
    draw_shops,
    numeral,
)


class Post(NamedTuple):
    """A reviewer's or helper's key, and the resident who holds it."""

    actor: Actor
    person: Resident


class Helper(NamedTuple):
    """A helper's post, and the old person for whom it declares."""

    post: Post
    elder: Resident


class Village(NamedTuple):
    """Everybody of one village. The ``committee`` issues the points and has no key of its own.

    Every household has a ``householder``, who carries a phone; the old people carry a card.
    """

    names: Names
    officers: dict[str, list[Actor]]
    committee: Actor
    shop: Actor
    groups: list[Actor]
    households: list[Household]
    residents: list[Resident]
    householders: list[Resident]
    reviewers: list[Post]
    helpers: list[Helper]


def township(found: Sources, seed: int) -> list[Actor]:
    """The township's keys; the same in every village and at every scale."""
    return draw_officers(found.profile, Draw(NAME, str(seed), "township"))["township"]


def found_village(found: Sources, size: Size, seed: int) -> Village:
    """A village of a size; the same for the same seed."""
    draw = Draw(NAME, str(seed), "village", str(size.number))
    names = found.plan.names.of_village(size.number)
    officers = {**draw_officers(found.profile, draw), "township": township(found, seed)}
    groups = draw_groups(found.plan.split.groups, draw)
    households = [draw_household(names, n, groups, draw.split("household", str(n))) for n in range(size.households)]
    residents = _residents(names, size, households, draw.split("residents"))
    householders, second = residents[: size.households], residents[size.households :]
    return Village(
        names=names,
        officers=officers,
        committee=Actor.drawn(draw.split("committee"), names.committee_zh, "organisation"),
        shop=draw_shops(found.profile, draw)[0],
        groups=groups,
        households=households,
        residents=residents,
        householders=householders,
        # The last households review; the last also helps, so that one person may hold two posts.
        reviewers=[Post(*pair) for pair in zip(officers["reviewer"], reversed(householders), strict=False)],
        helpers=[_helper(n, second[n], householders[-1 - n], draw) for n in range(size.helpers)],
    )


def _helper(number: int, elder: Resident, person: Resident, draw: Draw) -> Helper:
    actor = Actor.drawn(draw.split("helper", str(number)), f"代办员{numeral(number)}号", "helper")
    return Helper(Post(actor, person), elder)


def _residents(names: Names, size: Size, households: list[Household], draw: Draw) -> list[Resident]:
    """The householders first, then one more of each household, then the rest."""
    return [
        draw_resident(
            names,
            f"CY{size.number + 1:02}{number + 1:03}",
            households[number % len(households)],
            draw.split(str(number)),
            medium="phone" if number < len(households) else "card",
        )
        for number in range(size.residents)
    ]
