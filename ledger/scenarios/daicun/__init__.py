"""Scenario daicun: the first day of 戴村工分宝 in two villages, each with a ledger of its own.

Everything follows from the seed: parties, keys, ids, salts, bytes. The keys are for demonstration only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from ledger.scenarios.actors import Actor
from ledger.scenarios.daicun import after, attempts
from ledger.scenarios.daicun.checks import CHECKS, Watch, further
from ledger.scenarios.daicun.day import Day, Purchase, earned, plan_day, plan_purchases
from ledger.scenarios.daicun.plan import NAME, Hamlet, Size, Sources, size_at, sources
from ledger.scenarios.daicun.story import Story
from ledger.scenarios.daicun.village import Village, found_village
from ledger.scenarios.draw import Draw
from ledger.scenarios.people import draw_officers
from ledger.scenarios.scenario import Answers, Chronicle, Must, Scenario, Told
from ledger.scenarios.scribe import told

SEED: Final = 20200809
"""The seed unless another is asked for: the first day."""


class Composed(NamedTuple):
    """One village and all that is to happen there. ``apart`` are the residents of the attempts, by number."""

    found: Sources
    hamlet: Hamlet
    size: Size
    village: Village
    day: Day
    purchases: list[Purchase]
    apart: list[int]
    seed: int

    def tell(self, answers: Answers) -> Told:
        """The story of the village, from its beginning."""
        draw = _draw(self.hamlet, self.seed)
        story = Story(self.found, self.hamlet, self.size, self.village, self.day, draw)
        return told(story.scribe, _story(self, story, answers))


def compose(seed: int = SEED, scale: float = 1.0) -> list[Composed]:
    """Both villages, at a scale from 0.01 to 1."""
    found = sources()
    township = draw_officers(found.profile, Draw(NAME, str(seed), "town"))["township"]
    return [_compose(found, hamlet, seed, scale, township) for hamlet in found.plan.split.villages]


def _compose(found: Sources, hamlet: Hamlet, seed: int, scale: float, township: list[Actor]) -> Composed:
    size, draw = size_at(hamlet, scale), _draw(hamlet, seed)
    village = found_village(found, hamlet, size, draw.split("village"), township)
    day = plan_day(found, hamlet, size, village, draw.split("day"))
    held = earned(found, day)
    apart = attempts.richest(held, village.with_card)
    purchases = plan_purchases(found, size, held, village.with_card, apart, draw.split("shopping"))
    return Composed(found, hamlet, size, village, day, purchases, apart, seed)


def _draw(hamlet: Hamlet, seed: int) -> Draw:
    return Draw(NAME, str(seed), hamlet.code)


def _story(made: Composed, story: Story, answers: Answers) -> Iterator[bool | None]:
    story.open_office()
    yield from story.register()
    story.empower_workers()
    yield from story.hold_sessions()
    story.award_families()
    story.sync_scans()
    yield True
    attempts.scan_twice(story)
    attempts.scan_oneself(story)
    after.declare_honours(story)
    after.speak_up(story)
    yield None
    paid = attempts.end_cards(story, made.apart)
    attempts.overspend(story, made.apart[-1])
    after.shop(story, made.purchases)
    yield from after.offer_benefits(story)
    yield True
    after.settle(story, [*paid, *made.purchases], answers)


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures."""
    return scenario_of(compose(seed, scale), seed, scale)


def scenario_of(villages: list[Composed], seed: int, scale: float) -> Scenario:
    """The scenario as it is driven and judged."""
    plan = villages[0].found.plan
    return Scenario(
        name=NAME,
        seed=seed,
        scale=scale,
        chronicles=[
            Chronicle(one.hamlet.origin, plan.profile, one.village.officers["township"], partial(Composed.tell, one))
            for one in villages
        ],
        musts=[Must(sentence.says, CHECKS.get(sentence.id)) for sentence in plan.must],
        lands=_lands(villages),
        watch=lambda _: Watch(),
        further=further,
    )


def _lands(villages: list[Composed]) -> dict[str, int]:
    """The figures that must come out exactly, of all villages together."""
    sizes, plan = [one.size for one in villages], villages[0].found.plan
    voices = len(villages) * len(plan.voices)
    return {
        "ledgers": len(villages),
        "residents": sum(size.residents for size in sizes),
        "households": sum(size.households for size in sizes),
        "groups": sum(size.groups for size in sizes),
        "activities": sum(len(one.day.sessions) for one in villages),
        "participations": sum(size.attendances for size in sizes),
        "awarded_units": sum(size.total_units for size in sizes),
        "awards": sum(size.awards for size in sizes),
        "paper_card_awards": sum(size.card_awards for size in sizes),
        "paper_card_units": sum(size.card_units for size in sizes),
        "by_paper_card_bp": plan.split.by_paper_card_bp,
        "categories": plan.stated.categories,
        "suggestions": voices,
        "replies": voices,
    }
