"""The people of the invented village: officers, shops, groups, households, residents with their cards."""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.data import Names
from ledger.scenarios.draw import Draw
from ledger.scenarios.foshan.plan import Size, Sources
from ledger.scenarios.people import (
    Household,
    Resident,
    draw_groups,
    draw_household,
    draw_officers,
    draw_resident,
    draw_shops,
)

HOUSEHOLD_MAX: Final = 6
"""Most residents of one household."""


class Village(NamedTuple):
    """Everybody. ``officers`` are by role, in order; the ``committee`` issues the points and has no key of its own."""

    officers: dict[str, list[Actor]]
    committee: Actor
    shops: list[Actor]
    groups: list[Actor]
    households: list[Household]
    residents: list[Resident]


def found_village(sources: Sources, size: Size, draw: Draw) -> Village:
    """A village of a size; the same for the same draw."""
    names = sources.plan.names
    groups = draw_groups(size.groups, draw)
    households = [draw_household(names, n, groups, draw.split("household", str(n))) for n in range(size.households)]
    return Village(
        officers=draw_officers(sources.profile, draw),
        committee=Actor.drawn(draw.split("committee"), names.committee_zh, "organisation"),
        shops=draw_shops(sources.profile, draw),
        groups=groups,
        households=households,
        residents=_residents(names, size, households, draw.split("residents")),
    )


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
        draw_resident(names, f"FS{number + 1:05}", households[home], draw.split(str(number)))
        for number, home in enumerate(sorted(homes))
    ]
