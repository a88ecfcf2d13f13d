"""Scenario foshan: the year 2021 of 佛山村, told as signed events in the order in which the ledger takes them.

Everything follows from the seed: parties, keys, ids, salts, bytes. The keys are for demonstration only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.draw import Draw
from ledger.scenarios.foshan.plan import NAME, Size, Sources, size_at, sources
from ledger.scenarios.foshan.refusals import write_refusals
from ledger.scenarios.foshan.story import Story
from ledger.scenarios.foshan.village import Village, found_village
from ledger.scenarios.foshan.year import plan_year
from ledger.scenarios.people import draw_officers
from ledger.scenarios.reading import Figures, Found
from ledger.scenarios.scenario import Chronicle, Must, Scenario
from ledger.scenarios.scribe import Scribe, Signed

SEED: Final = 20211217
"""The seed unless another is asked for: the day of the figures."""


class Composed(NamedTuple):
    """The scenario with everything that it was made from."""

    seed: int
    scale: float
    size: Size
    sources: Sources
    village: Village
    submissions: list[Signed]


def roots_of(seed: int = SEED) -> list[Actor]:
    """The township's keys that found the ledger; the same at every scale."""
    return draw_officers(sources().profile, _people(seed))["township"]


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures. Raises `ValueError` for a scale out of range."""
    return scenario_of(compose(seed, scale))


def compose(seed: int = SEED, scale: float = 1.0) -> Composed:
    """The village, its year and its events. Raises `ValueError` for a scale out of range."""
    found = sources()
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
    return Composed(seed, scale, size, found, village, scribe.written)


def scenario_of(made: Composed) -> Scenario:
    """The scenario as it is driven and judged."""
    size, plan = made.size, made.sources.plan
    roots = made.village.officers["township"]
    checks = {"counts": lambda found: found.only.agree and lands(found.only.figures, size)}
    return Scenario(
        name=NAME,
        seed=made.seed,
        scale=made.scale,
        chronicles=[Chronicle(plan.origin, plan.profile, roots, lambda _: iter(made.submissions))],
        musts=[Must(must.says, checks.get(must.id)) for must in plan.must],
        lands={
            "residents": size.residents,
            "households": size.households,
            "groups": size.groups,
            "activities": size.activities,
            "participations": size.participations,
        },
        further=lambda found: _further(found, made),
    )


def lands(figures: Figures, size: Size) -> bool:
    """Whether the ledger holds exactly the scenario's figures."""
    return (
        figures.residents == size.residents
        and figures.households == size.households
        and figures.groups == size.groups
        and figures.activities == size.activities
        and figures.participations == size.participations
        and figures.places == {places: size.places.count(places) for places in sorted(set(size.places))}
        and figures.saved_fen > size.target_fen
    )


def _further(found: Found, made: Composed) -> Mapping[str, int]:
    """The population, of which only the share is stated."""
    population = made.sources.plan.split.population * made.size.residents // made.sources.plan.stated.residents
    residents = found.only.figures.residents
    return {"population": population, "coverage_bp": residents * 10_000 // population}


def _people(seed: int) -> Draw:
    return Draw(NAME, str(seed), "village")
