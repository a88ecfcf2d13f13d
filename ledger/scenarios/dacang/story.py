"""Telling the village's year as signed events, day by day, in the order in which the ledger takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple

from ledger.scenarios.dacang.moves import Move
from ledger.scenarios.dacang.paperbook import PaperBook, book_import, register_import
from ledger.scenarios.dacang.plan import MONTHS, Size, Sources
from ledger.scenarios.dacang.register import EVERY, Register
from ledger.scenarios.dacang.rewards import Rewards
from ledger.scenarios.dacang.shopping import Shopping
from ledger.scenarios.dacang.village import Village
from ledger.scenarios.dacang.voices import Goods, Voices
from ledger.scenarios.dacang.year import STARS_DAY, Year
from ledger.scenarios.draw import Draw
from ledger.scenarios.errands import Errand
from ledger.scenarios.office import Office
from ledger.scenarios.scenario import Answers
from ledger.scenarios.scribe import Scribe

SHOPPING_DAY: Final = 27
QUARTER: Final = 3
"""Months after which the co-op is settled with."""


Item = tuple[date, int, Callable[[], None]]
"""Something that happens: the day, the order within the day, what to do."""


class Composed(NamedTuple):
    """Everything that is the same each time the story is told. ``posters`` are residents with a phone of their own."""

    found: Sources
    size: Size
    village: Village
    year: Year
    book: PaperBook
    posters: list[int]


class Story:
    """The village's doings, told with its `Office`. ``spend`` is what everybody has, in hundredths, by party."""

    def __init__(self, made: Composed, scribe: Scribe, draw: Draw, answers: Answers) -> None:
        found, village = made.found, made.village
        self.made = made
        self.scribe = scribe
        self.answers = answers
        self.spend: Counter[str] = Counter()
        self.office = Office(scribe, found.profile, village.officers, village.committee)
        self.register = Register(self.office, village, found.plan.split.registered_on)
        self.voices = Voices(self.office, village, made.posters, draw.split("voices"))
        self.rewards = Rewards(self.office, village, self.spend)
        self.shopping = Shopping(made.found, self.office, village, self.spend, draw.split("shopping"))

    def tell(self) -> Iterator[bool | Errand | None]:
        """The whole story but its end (see `ledger.scenarios.dacang.ending`)."""
        yield from self._open()
        for month in range(1, MONTHS + 1):
            self.scribe.phase = f"month {month:02}"
            for _, _, act in sorted(self._agenda(month), key=lambda item: item[:2]):
                act()
            yield None
            last = date(self.made.found.plan.split.book_effective.year, month, SHOPPING_DAY)
            self._visit(month, last)
            yield None
            if month % QUARTER == 0:
                yield True
                self.scribe.phase = f"month {month:02}: settlement"
                self.shopping.settle(last, self.answers)

    # The office opens ---------------------------------------------------------------------------------------------

    def _open(self) -> Iterator[bool | Errand | None]:
        """Powers, the organisations, the register, what everybody carries, the rule book, the old points book."""
        split, village = self.made.found.plan.split, self.made.village
        first = split.registered_on
        before = (first - timedelta(days=7)).isoformat()
        self.scribe.phase = "roles"
        self.office.empower(before)
        self.scribe.phase = "organisations"
        for one in (village.committee, *village.organisations.values()):
            self.office.register_party(one, "organisation", before)
        for one in village.organisations.values():
            self.office.grant(one, one.role, one.party, before)
        self.office.open_shop(village.shop, before)
        self.scribe.phase = "register"
        self.register.groups()
        yield from self.register.everybody()
        yield register_import(village, self.made.found.plan)
        self.scribe.phase = "doors"
        for place, home in enumerate(village.households_on(first)):
            self.register.equip(home, first)
            if place % EVERY == 0:
                yield None
        self.scribe.phase = "phones"
        for person in self.made.posters:
            self.office.issue_phone(village.people[person].actor, first.isoformat())
        self.scribe.phase = "book"
        eligible = 4 * self.made.size.residents // 5
        self.office.adopt_book(
            self.made.found.book, day=split.book_adopted, effective=split.book_effective, eligible=eligible
        )
        yield book_import(village, self.made.found.plan, self.made.book)
        for line in self.made.book.lines:
            self.spend[village.homes[line.home].party] += line.spend_units

    # Month by month -----------------------------------------------------------------------------------------------

    def _agenda(self, month: int) -> Iterator[Item]:
        """What happens in a month, in no order."""
        made, plan = self.made, self.made.found.plan
        for move in made.village.moves:
            if move.day.month == month:
                yield move.day, 0, partial(self._move, move)
        for deed in made.year.deeds:
            if deed.day.month == month:
                yield deed.day, 1, partial(self.rewards.deed, deed)
        for meeting in made.year.meetings:
            if meeting.day.month == month:
                yield meeting.day, 1, partial(self.rewards.meeting, meeting)
        for dumping in made.year.dumpings:
            if dumping.day.month == month:
                yield dumping.day, 1, partial(self.rewards.deduct, dumping)
        year = plan.split.book_effective.year
        stars = date(year, month, STARS_DAY)
        yield stars, 1, partial(self.rewards.rate, stars, made.year.stars[month])
        yield from self._posts(month)

    def _posts(self, month: int) -> Iterator[Item]:
        plan = self.made.found.plan
        year = plan.split.book_effective.year
        if month == 1:
            day = date(year, 1, 3)
            yield day, 2, partial(self.voices.notices, day)
        for notice in plan.notices:
            if notice.day.month == month:
                yield notice.day, 2, partial(self.voices.announce, notice)
        for number, suggestion in enumerate(plan.suggestions):
            if suggestion.day.month == month:
                yield suggestion.day, 2, partial(self.voices.suggest, number, suggestion)
        for number, (trade, goods) in enumerate(listings_of(self.made.found)):
            if number % MONTHS + 1 == month:
                day = date(year, month, 14)
                yield day, 2, partial(self.voices.offer, number, day, goods, trade)

    def _move(self, move: Move) -> None:
        self.register.tell(move)
        if move.action == "merge":
            homes = self.made.village.homes
            self.spend[homes[move.other].party] += self.spend.pop(homes[move.home].party, 0)

    def _visit(self, month: int, day: date) -> None:
        """Points are exchanged at the co-op."""
        self.scribe.phase = f"month {month:02}: co-op"
        split, size = self.made.found.plan.split, self.made.size
        self.shopping.households(day, size.part(split.visits_of_households, 2))
        self.shopping.residents(day, self.made.posters, size.part(split.visits_of_residents, 2))


def listings_of(found: Sources) -> list[tuple[str, Goods]]:
    """Farm goods, each offered or wanted."""
    offers = [("offer", listing) for listing in found.plan.stated.listings]
    return offers + [("want", (want.goods, want.quantity, want.measure)) for want in found.plan.wants]
