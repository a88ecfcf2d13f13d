"""What every part of a village's story is told with."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from ledger.scenarios.changyang.deeds import Year
from ledger.scenarios.changyang.office import VillageOffice
from ledger.scenarios.changyang.plan import Days, Size, Sources
from ledger.scenarios.changyang.village import Village

ATTEMPTS: Final = ("own act", "own declaration", "not reviewed", "nine stars", "short appeal", "another decides")
"""What is tried on purpose and refused, beside the old act: all in the first village, at most one in each other."""


class Stage(NamedTuple):
    """One village, its year, and its office."""

    found: Sources
    size: Size
    village: Village
    year: Year
    office: VillageOffice

    @property
    def days(self) -> Days:
        """When things happened."""
        return self.found.plan.split.days

    def tries(self, attempt: str) -> bool:
        """Whether this village tries one of `ATTEMPTS`."""
        return self.size.number == 0 or self.size.number % len(ATTEMPTS) == ATTEMPTS.index(attempt)

    def vote(self, place: int) -> None:
        """The villagers vote for a version of the book, 0 for the first."""
        split = self.found.plan.split
        days: list[tuple[date, date]] = [
            (split.book_voted, split.book_effective),
            (split.second_voted, split.second_effective),
        ]
        voted, effective = days[place]
        eligible = 4 * self.size.residents // 5
        self.office.adopt_book(self.found.books[place], day=voted, effective=effective, eligible=eligible)
