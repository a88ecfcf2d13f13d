"""What is done in the year, planned before a line of it is written: awards, meetings of the houses, deductions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from ledger.scenarios.dacang.plan import MONTHS, Doing, Size, Sources
from ledger.scenarios.dacang.village import Village, day_before
from ledger.scenarios.draw import Draw

DOINGS_UNTIL: Final = 22
"""The last day of a month on which something is done by plan; then come the meeting, the stars and the co-op."""
MEETING_DAY: Final = 23
STARS_DAY: Final = 25
OF_PERSONS: Final = ("volunteering", "neighbour_help", "forest_patrol", "good_deed")
"""Rules that reward residents; the others reward households."""
YEARLY: Final = frozenset({"new_customs"})
"""Rules by which a household is planned once a year; by the others once a month."""


class Deed(NamedTuple):
    """An award. ``subject`` is the number of a resident or household, as the rule is for; ``mistaken`` is the household
    for which it is entered first, by mistake."""

    day: date
    rule: str
    subject: int
    matter: str
    place: str
    hour: str
    mistaken: int | None = None

    @property
    def of_person(self) -> bool:
        """Whether it is a resident's and not a household's."""
        return self.rule in OF_PERSONS


class Meeting(NamedTuple):
    """A meeting of the houses, and the residents who came."""

    day: date
    place: str
    people: list[int]


class Dumping(NamedTuple):
    """A household that dumped waste; the notice comes ``noticed`` days later."""

    day: date
    home: int
    place: str
    noticed: int = 3


class Year(NamedTuple):
    """The year's plan; ``stars`` are the households of each month, by month from 1."""

    deeds: list[Deed]
    meetings: list[Meeting]
    stars: dict[int, list[int]]
    dumpings: list[Dumping]


def plan_year(found: Sources, size: Size, village: Village, draw: Draw) -> Year:
    """The year: everybody is there on the day of what they do."""
    months = [date(found.plan.split.book_effective.year, month, 1) for month in range(1, MONTHS + 1)]
    planner = _Planner(found, village, draw.split("deeds"))
    for month in months:
        for doing in found.plan.doings:
            planner.month(month, doing, size.part(doing.monthly, 2))
    planner.around_moves()
    planner.mistake(size.part(found.plan.split.mistaken_awards, 1))
    return Year(
        deeds=sorted(planner.deeds, key=lambda deed: deed.day),
        meetings=list(_meetings(found, size, village, months, draw.split("meetings"))),
        stars=_stars(found, size, village, months, draw.split("stars")),
        dumpings=_dumpings(found, size, village, months, draw.split("dumpings")),
    )


class _Planner:
    """Deeds as they are planned, so that nobody comes over a cap: each once a month, or once a year, by each rule."""

    def __init__(self, found: Sources, village: Village, draw: Draw) -> None:
        self.deeds: list[Deed] = []
        self._places = found.plan.names.places
        self._doings = {doing.rule: doing for doing in found.plan.doings}
        self._village = village
        self._draw = draw
        self._done: set[tuple[str, int, int]] = set()

    def month(self, month: date, doing: Doing, number: int) -> None:
        """So many awards by one rule, each on a day of its own."""
        days = sorted(month.replace(day=2 + self._draw.below(DOINGS_UNTIL - 1)) for _ in range(number))
        of_person = doing.rule in OF_PERSONS
        present = self._village.residents_on if of_person else self._village.households_on
        first, last = set(present(month)), set(present(month.replace(day=DOINGS_UNTIL)))
        free = [n for n in self._draw.shuffled(sorted(first & last)) if self._take(doing.rule, n, month, keep=False)]
        for day, subject in zip(days, free, strict=False):
            self._take(doing.rule, subject, month, keep=True)
            self._add(day, doing, subject)

    def around_moves(self) -> None:
        """Whoever moves helped somebody a week and a day before, and, if they stay, on that day and a week later."""
        helping, week = self._doings["neighbour_help"], timedelta(days=7)
        for move in self._village.moves:
            days = (move.day - week, day_before(move.day), move.day, move.day + week)
            if move.action in ("arrive", "death"):
                continue  # a child that is born, somebody at the end of their life
            for person in move.people:
                stays = self._village.people[person]
                for day in days:
                    if stays.home_on(day) is not None:
                        self._add(day, helping, person)
            if move.action == "merge":
                for day in (day_before(move.day), move.day - week):
                    self._add(day, self._doings["waste_sorting"], move.home)

    def mistake(self, number: int) -> None:
        """So many of the clean yards are entered for a household first that got nothing for its yard that month."""
        yards = [place for place, deed in enumerate(self.deeds) if deed.rule == "clean_yard"]
        for place in (yards[(2 * n + 1) * len(yards) // (2 * number)] for n in range(number)):
            deed = self.deeds[place]
            others = self._village.households_on(deed.day)
            wrong = next(n for n in others if ("clean_yard", n, deed.day.month) not in self._done)
            self._done.add(("clean_yard", wrong, deed.day.month))
            self.deeds[place] = deed._replace(mistaken=wrong)

    def _take(self, rule: str, subject: int, month: date, *, keep: bool) -> bool:
        """Whether a subject is free for one more award by a rule; ``keep`` takes the place."""
        place = (rule, subject, 0 if rule in YEARLY else month.month)
        free = place not in self._done
        if keep:
            self._done.add(place)
        return free

    def _add(self, day: date, doing: Doing, subject: int) -> None:
        matter, place = self._draw.pick(doing.matters), self._draw.pick(self._places)
        self.deeds.append(Deed(day, doing.rule, subject, matter, place, doing.hour))


def _meetings(found: Sources, size: Size, village: Village, months: list[date], draw: Draw) -> Iterator[Meeting]:
    for month in months:
        for _ in range(size.part(found.plan.split.meetings, 1)):
            day = month.replace(day=MEETING_DAY)
            people = draw.shuffled(village.residents_on(day))[: size.part(found.plan.split.places, 4)]
            yield Meeting(day, draw.pick(found.plan.names.places), people)


def _stars(found: Sources, size: Size, village: Village, months: list[date], draw: Draw) -> dict[int, list[int]]:
    number = size.part(found.plan.split.stars, 2)
    return {
        month.month: sorted(draw.shuffled(village.households_on(month.replace(day=STARS_DAY)))[:number])
        for month in months
    }


def _dumpings(found: Sources, size: Size, village: Village, months: list[date], draw: Draw) -> list[Dumping]:
    """At most one a month, by households that stand all year."""
    standing = set(village.households_on(months[0])) & set(village.households_on(months[-1]))
    homes = draw.shuffled(sorted(standing))[: size.part(found.plan.split.dumpings, 1)]
    days = [month.replace(day=11) for month in months[:: max(1, MONTHS // len(homes))]]
    places = found.plan.names.places
    return [Dumping(day, home, draw.pick(places)) for day, home in zip(days, homes, strict=False)]
