"""Scenario kangbashi: the year 2024 of 多多评·码上生活, with material and moral points, partner shops and departments.

Everything but settlements follows from the seed; those name places in the log. The keys are for demonstration only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.scenarios.draw import Draw
from ledger.scenarios.kangbashi.checks import SHARES, Watcher, checks, further
from ledger.scenarios.kangbashi.plan import NAME, Size, size_at, sources
from ledger.scenarios.kangbashi.story import RETURN_MONTHS, Story
from ledger.scenarios.kangbashi.town import gather
from ledger.scenarios.kangbashi.works import (
    UPGRADES_MONTH,
    grab_issues,
    raise_school_places,
    rate_grid_workers,
    report_hazards,
)
from ledger.scenarios.kangbashi.year import Year
from ledger.scenarios.office import units_for
from ledger.scenarios.scenario import Answers, Chronicle, Must, Scenario, Told
from ledger.scenarios.scribe import Scribe, told

SEED: Final = 20241218
"""The seed unless another is asked for: the day of the figures."""


def generate(seed: int = SEED, scale: float = 1.0) -> Scenario:
    """The whole scenario; at scale 1 with exactly the stated figures."""
    found = sources()
    plan, size = found.plan, size_at(found.plan, scale)
    people = gather(found, size, Draw(NAME, str(seed), "town"))
    year = Year(found, size, Draw(NAME, str(seed), "year"))

    def tell(answers: Answers) -> Told:
        scribe = Scribe(plan.origin, Draw(NAME, str(seed), "events"))
        return told(scribe, _tell(Story(found, people, year, scribe, answers), plan.split.months))

    verify = checks(plan, people.residents[0].party, size.issues)
    return Scenario(
        name=NAME,
        seed=seed,
        scale=scale,
        chronicles=[Chronicle(plan.origin, plan.profile, people.officers["township"], tell)],
        musts=[Must(must.says, verify.get(must.id)) for must in plan.must],
        lands=_lands(size, year, plan.split.bill_fen),
        watch=lambda _: Watcher(),
        further=further,
    )


def _tell(story: Story, months: int) -> Iterator[bool | None]:
    story.open_office()
    yield from story.register()
    for month in range(1, months + 1):
        yield from story.earn(month)
        yield from story.volunteer(month)
        report_hazards(story, month)
        rate_grid_workers(story, month)
        grab_issues(story, month)
        if month == UPGRADES_MONTH:
            yield from raise_school_places(story)
        if month == months:
            story.try_bills(month)
        yield from story.spend(month)


def _lands(size: Size, year: Year, bill_fen: int) -> dict[str, int]:
    """What the report must say; the bills of the musts come on top of the year's own."""
    limits = sum(units_for(rule, bill_fen) for rule in year.shares)
    redeemed = size.redeemed_units + limits
    returned = [bill for month in RETURN_MONTHS[: size.returned] if (bill := year.last_bill(month)) is not None]
    netted = sum(bill.amount_units for bill in returned)
    return {
        "residents": size.residents,
        "redemptions": size.redemptions + SHARES,
        "redeemed_units": redeemed,
        "settled_units": redeemed + netted,
        "netted_units": netted,
        "reversals": len(returned),
        "ratings": size.grid_workers * 12,
        "school_upgrades": 15,
        "refusals": SHARES + size.issues,
    }
