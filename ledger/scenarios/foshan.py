"""Scenario foshan: the year 2021 of 佛山村, told as signed events in the order in which the ledger takes them.

Everything follows from the seed: parties, keys, ids, salts, bytes. The keys are for demonstration only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.draw import Draw
from ledger.scenarios.figures import Size, Sources, size_at, sources
from ledger.scenarios.refusals import write_refusals
from ledger.scenarios.scribe import Scribe, Signed
from ledger.scenarios.story import Story
from ledger.scenarios.village import Village, draw_officers, found_village
from ledger.scenarios.year import plan_year

NAME: Final = "foshan"
SEED: Final = 20211217
"""The seed unless another is asked for: the day of the figures."""


class Scenario(NamedTuple):
    """A scenario, ready to be driven. ``roots`` sign entry 0, all of them; the ledger itself is made by the server."""

    name: str
    origin: str
    profile: str
    seed: int
    scale: float
    size: Size
    sources: Sources
    village: Village
    roots: list[Actor]
    submissions: list[Signed]


def roots_of(seed: int = SEED) -> list[Actor]:
    """The township's keys that found the ledger; the same at every scale."""
    return draw_officers(sources(NAME).profile, _people(seed))["township"]


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures. Raises `ValueError` for a scale out of range."""
    found = sources(NAME)
    size = size_at(found.plan, scale)
    village = found_village(found, size, _people(seed))
    draw = Draw(NAME, str(seed))
    scribe = Scribe(found.plan.origin, draw.split("events"))
    story = Story(found, village, scribe)
    story.open_office()
    story.register()
    year = plan_year(found, size, draw.split("year"))
    for month in year:
        story.tell(month)
    story.lose_a_card(village.residents[0])
    write_refusals(story, year)
    return Scenario(
        NAME,
        found.plan.origin,
        found.plan.profile,
        seed,
        scale,
        size,
        found,
        village,
        village.officers["township"],
        scribe.written,
    )


def _people(seed: int) -> Draw:
    return Draw(NAME, str(seed), "village")
