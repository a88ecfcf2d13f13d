"""Scenario dacang: a year of 一户一码 道德积分 in 大苍村, with its register, its paper book, its voices.

Everything but settlements follows from the seed; those name places in the log. The keys are for demonstration only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.scenarios.dacang.checks import checks
from ledger.scenarios.dacang.ending import Ending
from ledger.scenarios.dacang.figures import further, lands
from ledger.scenarios.dacang.paperbook import write_book
from ledger.scenarios.dacang.plan import NAME, Size, size_at, sources
from ledger.scenarios.dacang.story import Composed, Story
from ledger.scenarios.dacang.village import Village, found_village
from ledger.scenarios.dacang.watcher import Watcher
from ledger.scenarios.dacang.year import plan_year
from ledger.scenarios.draw import Draw
from ledger.scenarios.errands import Errand
from ledger.scenarios.scenario import Answers, Chronicle, Must, Scenario, Told
from ledger.scenarios.scribe import Scribe, told

SEED: Final = 4361765
"""The seed unless another is asked for: the households and residents."""
POSTERS_LEAST: Final = 24
"""As many residents with a phone as there are posts under a name, and more."""


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures."""
    return scenario_of(compose(seed, scale), seed)


def compose(seed: int = SEED, scale: float = 1.0) -> Composed:
    """The village, its year, its paper book."""
    found, draw = sources(), Draw(NAME, str(seed))
    size = size_at(found.plan, scale)
    village = found_village(found, size, draw.split("village"))
    return Composed(
        found=found,
        size=size,
        village=village,
        year=plan_year(found, size, village, draw.split("year")),
        book=write_book(village, found.plan, draw.split("paper book")),
        posters=_posters(village, size, found.plan.split.phones_of_residents, draw.split("posters")),
    )


def _posters(village: Village, size: Size, number: int, draw: Draw) -> list[int]:
    """Residents with a phone of their own: nobody who moves in the course of the year."""
    settled = [n for n, person in enumerate(village.people) if person.stays[0].until is None]
    moved = {n for move in village.moves for n in move.people}
    free = [n for n in settled if n not in moved]
    return sorted(draw.shuffled(free)[: size.part(number, POSTERS_LEAST)])


def scenario_of(made: Composed, seed: int = SEED) -> Scenario:
    """The scenario as it is driven and judged."""
    plan, draw = made.found.plan, Draw(NAME, str(seed))

    def tell(answers: Answers) -> Told:
        scribe = Scribe(plan.origin, draw.split("events"))
        return told(scribe, _tell(Story(made, scribe, draw.split("story"), answers), draw.split("ending")))

    verify = checks(made)
    return Scenario(
        name=NAME,
        seed=seed,
        scale=made.size.scale,
        chronicles=[Chronicle(plan.origin, plan.profile, made.village.officers["township"], tell)],
        musts=[Must(must.says, verify.get(must.id)) for must in plan.must],
        lands=lands(made),
        watch=lambda _: Watcher(),
        further=lambda found: further(found, made),
    )


def _tell(story: Story, draw: Draw) -> Iterator[bool | Errand | None]:
    yield from story.tell()
    yield from Ending(story, draw).tell()
