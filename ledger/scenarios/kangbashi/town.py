"""The people of the invented town: officers, departments, partner shops, residents with their phones."""

from __future__ import annotations

from typing import NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.data import Names
from ledger.scenarios.draw import Draw
from ledger.scenarios.kangbashi.plan import Size, Sources
from ledger.scenarios.people import draw_officers, draw_shops, given_name

REGISTERED_ON = "2023-12-20"


class People(NamedTuple):
    """Everybody. ``officers`` are by role; the ``centre`` issues the points and has no key of its own."""

    officers: dict[str, list[Actor]]
    centre: Actor
    departments: list[Actor]
    shops: list[Actor]
    residents: list[Actor]


def gather(found: Sources, size: Size, draw: Draw) -> People:
    """The town of a size; the same for the same draw."""
    names = found.plan.names
    return People(
        officers=draw_officers(found.profile, draw),
        centre=Actor.drawn(draw.split("centre"), names.committee_zh, "organisation"),
        departments=[
            Actor.drawn(draw.split("department", str(n)), name, "department")
            for n, name in enumerate(found.departments)
        ],
        shops=draw_shops(found.profile, draw),
        residents=[_resident(names, draw.split("resident", str(n))) for n in range(size.residents)],
    )


def number_of(place: int) -> str:
    """The number of a resident in the town's register."""
    return f"KB{place + 1:06}"


def _resident(names: Names, draw: Draw) -> Actor:
    surname = draw.pick(names.surnames)
    return Actor.drawn(draw, surname + given_name(names, draw), "phone")
