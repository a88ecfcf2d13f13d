"""Telling a village's year as signed events, in the order in which its ledger takes them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.scenarios.changyang.acts import leave_one_open, tell_deeds, tell_fines, vote_again
from ledger.scenarios.changyang.deeds import plan_year
from ledger.scenarios.changyang.office import VillageOffice
from ledger.scenarios.changyang.opening import open_ledger
from ledger.scenarios.changyang.plan import NAME, Size, Sources
from ledger.scenarios.changyang.rewards import give_benefit, give_stars, sell, settle
from ledger.scenarios.changyang.stage import Stage
from ledger.scenarios.changyang.village import found_village
from ledger.scenarios.draw import Draw
from ledger.scenarios.scenario import Answers, Told
from ledger.scenarios.scribe import Scribe, told


def tell_village(found: Sources, size: Size, seed: int, origin: str, answers: Answers) -> Told:
    """The story of one village, from its first officer to its shop's settlement."""
    scribe = Scribe(origin, Draw(NAME, str(seed), "story", str(size.number)))
    return told(scribe, _story(stage_of(found, size, seed, scribe), answers))


def stage_of(found: Sources, size: Size, seed: int, scribe: Scribe) -> Stage:
    """A village, its year and its office, the same for the same seed."""
    village = found_village(found, size, seed)
    year = plan_year(found, village, size, Draw(NAME, str(seed), "year", str(size.number)))
    photos = Draw(NAME, str(seed), "photos", str(size.number))
    return Stage(found, size, village, year, VillageOffice(scribe, found, village, photos))


def _story(stage: Stage, answers: Answers) -> Iterator[bool | None]:
    """Everything in order; the shop settles when it is known where its last sale stands."""
    open_ledger(stage)
    yield None
    tell_deeds(stage, "spring", stage.year.spring)
    if stage.size.votes_again:
        vote_again(stage)
    tell_deeds(stage, "autumn", stage.year.autumn)
    tell_fines(stage)
    leave_one_open(stage)
    yield None
    give_stars(stage)
    give_benefit(stage)
    taken = sell(stage)
    yield True
    settle(stage, taken, answers["last sale"].seq)
