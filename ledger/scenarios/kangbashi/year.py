"""The year planned before a line of it is written: who earns how much and when, who pays how much of which bill.

A resident has a number, from 0. Each answers surveys early in the year and quizzes later, and gets for it just what the
own bills take; each volunteers in one month. Everything here is a number; events are made from it one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from ledger.scenarios.draw import Draw
from ledger.scenarios.kangbashi.plan import Size, Sources
from ledger.scenarios.office import points_of

EARLY: Final = 2
"""A resident's first bills, which are paid with what the surveys earn; the others with what the quizzes earn."""
TASK_MAX: Final = 100
"""Most places of one activity."""
FEN_UNITS: Final = 100
"""A point, in hundredths, pays a fen."""
ONE_SCORE_HOURS: Final = (8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7)
"""Hours that the resident with the stated score volunteered in each month: 86 of 2.20 points."""
ONE_SCORE_HAZARDS: Final = 20
"""Hazards that this resident reported besides, of 1.10 points: 211.20 in all."""
SPARE_UNITS: Final = 500_000
"""What resident 0 earns beyond the own bills, for the bills of the musts."""


class Bill(NamedTuple):
    """A bill at a partner shop, by the numbers of resident and shop: what it comes to, and the points that pay part."""

    resident: int
    shop: int
    day: str
    bill_fen: int
    amount_units: int


class Year:
    """The plan of the whole year."""

    def __init__(self, found: Sources, size: Size, draw: Draw) -> None:
        self.size = size
        self._shops = len(found.profile.shops)
        self._year = found.plan.split.book_effective.year
        self._as_of = found.plan.stated.as_of
        rules = {rule.id: rule for rule in found.book.rules}
        self.shares = [rules[name] for name in ("share_20", "share_25", "share_30")]
        self._survey_units, self._quiz_units = (points_of(rules[name]) for name in ("survey", "quiz"))
        self._amounts = _amounts(size, draw)

    def day(self, month: int, day: int) -> str:
        """A day of a month; the last month ends at the scenario's date."""
        found = date(self._year, month, day)
        return min(found, self._as_of).isoformat()

    def surveys(self, month: int) -> Iterator[tuple[int, int]]:
        """Who is awarded for surveys in a month, and for how many."""
        if month <= 3:
            for resident in range(month - 1, self.size.residents, 3):
                spare = SPARE_UNITS if resident == 0 else 0
                yield resident, -(-(sum(self._of(resident)[:EARLY]) + spare) // self._survey_units)

    def quizzes(self, month: int) -> Iterator[tuple[int, int]]:
        """Who is awarded for quizzes in a month, and for how many."""
        if 7 <= month <= 9:
            for resident in range(month - 7, self.size.residents, 3):
                yield resident, -(-sum(self._of(resident)[EARLY:]) // self._quiz_units)

    def volunteers(self, month: int) -> Iterator[list[tuple[int, int]]]:
        """The activities of a month: who took part, and for how many hours. Resident 0 is told apart."""
        people = [resident for resident in range(month - 1, self.size.residents, 12) if resident]
        for start in range(0, len(people), TASK_MAX):
            yield [(resident, 1 + resident * 7 % 40) for resident in people[start : start + TASK_MAX]]

    def bills(self, month: int) -> Iterator[Bill]:
        """The bills of a month, each resident's in order."""
        for resident in range(self.size.residents):
            amounts = self._of(resident)
            for place, amount in enumerate(amounts):
                if _month_of(resident, place) == month:
                    yield self._bill(resident, place, amount, month)

    def last_bill(self, month: int) -> Bill | None:
        """The last bill of a month."""
        last = None
        for bill in self.bills(month):
            last = bill
        return last

    def _of(self, resident: int) -> list[int]:
        """What a resident's bills take, in hundredths."""
        return self._amounts[resident :: self.size.residents]

    def _bill(self, resident: int, place: int, amount: int, month: int) -> Bill:
        """The smallest bill of whole fen that may take the amount."""
        shop = (resident + place) % self._shops
        share: int = self.shares[shop % 3].bill_share_bp or 0
        day = self.day(month, 16 + (resident + 5 * place) % 12)
        return Bill(resident, shop, day, -(-amount * 100 // share), amount)


def _month_of(resident: int, place: int) -> int:
    """When a resident's bill of a place is paid: after the points for it came in."""
    return (1 + resident % 3 + resident // 3 % 2, 4 + resident % 3, 9 + resident % 2, 11, 12)[place]


def _amounts(size: Size, draw: Draw) -> list[int]:
    """What each bill takes: from three fifths to seven fifths of the mean, whole points, adding up exactly."""
    weights = [60 + draw.below(81) for _ in range(size.redemptions)]
    points, total = size.redeemed_units // FEN_UNITS, sum(weights)
    amounts = [points * weight // total for weight in weights]
    for place in range(points - sum(amounts)):
        amounts[place] += 1
    return [amount * FEN_UNITS for amount in amounts]
