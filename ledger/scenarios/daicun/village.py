"""The people of one invented village: officers, shops, households with family numbers, residents, social workers."""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.daicun.plan import Hamlet, Size, Sources
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

HOUSEHOLD_MAX: Final = 6
"""Most residents of one household."""


class Worker(NamedTuple):
    """A social worker: an officer's key, and the resident who holds it, by number."""

    actor: Actor
    person: int


class Village(NamedTuple):
    """Everybody. ``officers`` are by role; the ``committee`` issues the points and has no key of its own.

    ``with_card`` are the numbers of the residents without a smartphone; everybody else holds a phone.
    """

    officers: dict[str, list[Actor]]
    committee: Actor
    shops: list[Actor]
    groups: list[Actor]
    households: list[Household]
    residents: list[Resident]
    with_card: frozenset[int]
    workers: list[Worker]

    def party(self, resident: int) -> str:
        """The party of a resident by number."""
        return self.residents[resident].actor.party


def found_village(found: Sources, hamlet: Hamlet, size: Size, draw: Draw, township: list[Actor]) -> Village:
    """A village of a size; the same for the same draw. The ``township`` is that of all villages."""
    names = found.plan.names(hamlet)
    groups = draw_groups(size.groups, draw)
    households = [draw_household(names, n, groups, draw.split("household", str(n))) for n in range(size.households)]
    chosen = draw.split("without a smartphone").shuffled(range(size.residents))
    with_card = frozenset(chosen[: size.card_holders])
    return Village(
        officers={**draw_officers(found.profile, draw), "township": township},
        committee=Actor.drawn(draw.split("committee"), names.committee_zh, "organisation"),
        shops=draw_shops(found.profile, draw),
        groups=groups,
        households=households,
        residents=_residents(names, hamlet, size, households, with_card, draw.split("residents")),
        with_card=with_card,
        workers=[
            Worker(Actor.drawn(draw.split("worker", str(n)), f"社工{numeral(n)}号", "issuer"), chosen[-1 - n])
            for n in range(size.social_workers)
        ],
    )


def family_number(hamlet: Hamlet, household: int) -> str:
    """The family number, which stands on the card of every member."""
    return f"DC-{hamlet.code}-{household + 1:04}"


def _residents(
    names: Names, hamlet: Hamlet, size: Size, households: list[Household], with_card: frozenset[int], draw: Draw
) -> list[Resident]:
    """One resident to each household first, the rest where there is room; numbers follow the households."""
    members = [1] * len(households)
    while sum(members) < size.residents:
        home = draw.below(len(households))
        members[home] += members[home] < HOUSEHOLD_MAX
    residents: list[Resident] = []
    for home, count in enumerate(members):
        for place in range(count):
            number = len(residents)
            medium = "card" if number in with_card else "phone"
            label = f"{family_number(hamlet, home)}-{place + 1}"
            stream = draw.split(str(number))
            residents.append(draw_resident(names, label, households[home], stream, medium=medium))
    return residents
