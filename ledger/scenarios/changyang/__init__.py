"""Scenario changyang: a year of points of good faith in 68 villages, a ledger for each.

Everything follows from the seed: parties, keys, ids, salts, bytes. The keys are for demonstration only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from ledger.scenarios.changyang.checks import checks, watch_of
from ledger.scenarios.changyang.plan import NAME, Plan, Size, Sources, sizes_at, sources
from ledger.scenarios.changyang.story import tell_village
from ledger.scenarios.changyang.village import township
from ledger.scenarios.changyang.watching import Watch
from ledger.scenarios.reading import Found
from ledger.scenarios.scenario import Chronicle, Must, Scenario

SEED: Final = 20221220
"""The seed unless another is asked for: the last day of the story."""


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures. At a smaller one there are fewer villages."""
    found = sources()
    sizes = sizes_at(found.plan, seed, scale)
    judged = checks(found.plan.stated)
    return Scenario(
        name=NAME,
        seed=seed,
        scale=scale,
        chronicles=[_chronicle(found, size, seed) for size in sizes],
        musts=[Must(sentence.says, judged.get(sentence.id)) for sentence in found.plan.must],
        lands=_lands(found.plan, sizes),
        watch=lambda _: Watch(),
        further=_further,
    )


def _chronicle(found: Sources, size: Size, seed: int) -> Chronicle:
    """One village; its ledger is named by its number, as names of villages say more than a log should."""
    origin = f"{found.plan.origin}-{size.number + 1:02}"
    return Chronicle(
        origin,
        found.plan.profile,
        township(found, seed),
        lambda answers: tell_village(found, size, seed, origin, answers),
    )


def _lands(plan: Plan, sizes: list[Size]) -> dict[str, int]:
    """What must come out exactly."""
    split = plan.split
    projects = len(split.days.projects)
    return {
        "ledgers": len(sizes),
        "net_units": sum(size.net_units for size in sizes),
        "residents": sum(size.residents for size in sizes),
        "households": sum(size.households for size in sizes),
        "groups": split.groups * len(sizes),
        "activities": projects * len(sizes),
        "participations": projects * split.households_per_project * len(sizes),
        "helpers_in_one_village": plan.stated.helpers_in_one_village,
        "pacesetters": len(sizes),
        **_villages_by_points(Counter(size.net_units for size in sizes)),
    }


def _further(found: Found) -> Mapping[str, int]:
    """Figures of this system: its villages by their points, helpers, declarations, reviews, pacesetters."""
    watches = [watch_of(ledger) for ledger in found.ledgers]
    return {
        **_villages_by_points(Counter(ledger.figures.net_units for ledger in found.ledgers)),
        "helpers_in_one_village": max(len(watch.helpers) for watch in watches),
        "declarations": sum(watch.declared for watch in watches),
        "reviews": sum(watch.reviews for watch in watches),
        "pacesetters": sum(len(watch.pacesetters) for watch in watches),
    }


def _villages_by_points(villages: Counter[int]) -> dict[str, int]:
    """How many villages came to each sum, named by its whole points."""
    return {f"villages_with_{units // 100}_points": number for units, number in sorted(villages.items())}
