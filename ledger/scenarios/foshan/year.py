"""A year of village life, planned before a line of it is written: who took part in what, who bought what."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from msgspec import UnsetType

from ledger.domain.rules import PERIODS, Book, Rule
from ledger.errors import StateError
from ledger.scenarios.data import Goods
from ledger.scenarios.draw import Draw
from ledger.scenarios.foshan.plan import Doing, Plan, Size, Sources
from ledger.scenarios.office import points_of

SHOPPING_FROM: Final = 26
"""The day of the month from which points are exchanged; activities come before."""


class Activity(NamedTuple):
    """An activity and who took part, by the residents' numbers.

    ``mistaken`` is entered in place of the last of ``taking_part``, reversed, and replaced.
    """

    day: date
    rule: Rule
    title: str
    place: str
    hour: str
    taking_part: list[int]
    mistaken: int | None


class Purchase(NamedTuple):
    """Goods exchanged by a resident at a shop. ``charged_fen`` differs from ``bill_fen`` where the till erred first."""

    day: date
    resident: int
    shop: int
    goods: str
    bill_fen: int
    charged_fen: int


class Month(NamedTuple):
    """What happened in one month, in order."""

    number: int
    activities: list[Activity]
    purchases: list[Purchase]


class CapBook:
    """What each resident got by each rule in each period, so that nobody is planned over a cap of the book."""

    def __init__(self) -> None:
        self._got: Counter[tuple[str, int, str]] = Counter()

    def has_room(self, rule: Rule, resident: int, day: date) -> bool:
        """Whether one more award fits under every cap."""
        return all(self._got[rule.id, resident, period] + points_of(rule) <= cap for cap, period in _caps(rule, day))

    def take(self, rule: Rule, resident: int, day: date) -> None:
        """Count one award."""
        for _, period in _caps(rule, day):
            self._got[rule.id, resident, period] += points_of(rule)


def _caps(rule: Rule, day: date) -> Iterator[tuple[int, str]]:
    if isinstance(rule.caps, UnsetType):
        return
    for field, length in PERIODS:
        cap: int | UnsetType = getattr(rule.caps, field)
        if not isinstance(cap, UnsetType):
            yield cap, day.isoformat()[:length]


def plan_year(sources: Sources, size: Size, draw: Draw) -> list[Month]:
    """The months of the year, so that every place is taken and the purchases pass the target by less than one bill."""
    activities = _activities(sources, size, draw.split("activities"))
    months = sources.plan.split.months
    shopping = _Shopping(sources, size, draw.split("shopping"))
    year: list[Month] = []
    held = 0
    for number in range(1, months + 1):
        these = [activity for activity in activities if activity.day.month == number]
        for activity in these:
            shopping.earn(activity)
        held += sum(len(activity.taking_part) for activity in these)
        goal = size.target_fen * held // size.participations
        year.append(Month(number, these, shopping.go(number, goal, last=number == months)))
    return year


def _activities(sources: Sources, size: Size, draw: Draw) -> list[Activity]:
    """Activities in order of their days, spread evenly over the year."""
    plan, caps = sources.plan, CapBook()
    rules = {rule.id: rule for rule in sources.book.rules}
    bag = [doing for doing in plan.doings for _ in range(doing.weight)]
    eager = [number for number in range(size.residents) for _ in range(1 + draw.below(8))]
    first = plan.split.book_effective
    last = plan.stated.as_of - timedelta(days=5)
    span = (last - first).days
    erring = {(2 * n + 1) * size.activities // (2 * size.mistaken_awards) for n in range(size.mistaken_awards)}
    found = []
    for number, places in enumerate(draw.shuffled(size.places)):
        day = first + timedelta(days=3 + number * (span - 3) // size.activities)
        day = day.replace(day=min(day.day, SHOPPING_FROM - 1))
        doing = draw.pick(bag)
        rule = rules[doing.rule]
        people = _choose(rule, day, places + (number in erring), eager, caps, draw)
        for resident in people:
            caps.take(rule, resident, day)
        found.append(_activity(plan, doing, rule, day, people, places, draw))
    return found


def _activity(plan: Plan, doing: Doing, rule: Rule, day: date, people: list[int], places: int, draw: Draw) -> Activity:
    mistaken = people[places] if len(people) > places else None
    return Activity(
        day, rule, draw.pick(doing.titles), draw.pick(plan.names.places), doing.hour, people[:places], mistaken
    )


def _choose(rule: Rule, day: date, number: int, eager: Sequence[int], caps: CapBook, draw: Draw) -> list[int]:
    """Different residents under every cap, the eager more often. Raises `StateError` if there are too few."""
    chosen: list[int] = []
    for _ in range(200 * number):
        resident = draw.pick(eager)
        if resident not in chosen and caps.has_room(rule, resident, day):
            chosen.append(resident)
            if len(chosen) == number:
                return chosen
    raise StateError("too few residents have room under the caps", field=rule.id, expected=number, got=len(chosen))


class _Shopping:
    """Residents' balances through the year, and what they buy. Nobody spends more than is there, or than a card may."""

    def __init__(self, sources: Sources, size: Size, draw: Draw) -> None:
        self._goods = sorted(sources.goods, key=lambda goods: goods.price_fen)
        self._shops = len(sources.profile.shops)
        self._year = sources.plan.split.book_effective.year
        self._as_of = sources.plan.stated.as_of
        self._balance = [0] * size.residents
        self._card = [sources.profile.card_daily_cap_units] * size.residents
        self._units_per_yuan = _exchange(sources.book)
        self._erring = [(2 * n + 1) * size.target_fen // (2 * size.mistaken_bills) for n in range(size.mistaken_bills)]
        self._draw = draw
        self._spent_fen = 0

    def earn(self, activity: Activity) -> None:
        """Put an activity's points on the balances of those who took part."""
        for resident in activity.taking_part:
            self._balance[resident] += points_of(activity.rule)

    def go(self, month: int, goal_fen: int, *, last: bool) -> list[Purchase]:
        """Purchases of a month until all purchases so far pass ``goal_fen``; in the ``last`` month, without fail."""
        bought: list[Purchase] = []
        while self._spent_fen <= goal_fen:
            before = len(bought)
            for resident in self._draw.shuffled(range(len(self._balance))):
                if self._spent_fen > goal_fen:
                    break
                if (purchase := self._buy(resident, month)) is not None:
                    bought.append(purchase)
            if len(bought) == before:
                break
        if last and self._spent_fen <= goal_fen:
            raise StateError("the points do not buy what they should", expected=goal_fen, got=self._spent_fen)
        return sorted(bought, key=lambda purchase: purchase.day)

    def _buy(self, resident: int, month: int) -> Purchase | None:
        """A basket of up to four kinds of goods, of equal value to the points."""
        basket: list[Goods] = []
        for _ in range(1 + self._draw.below(4)):
            room = self._room_fen(resident) - sum(goods.price_fen for goods in basket)
            fitting = [goods for goods in self._goods if goods.price_fen <= room]
            if not fitting:
                break
            basket.append(fitting[-1 - self._draw.below(min(len(fitting), 10))])
        if not basket:
            return None
        bill = sum(goods.price_fen for goods in basket)
        charged = self._charge(bill, resident)
        self._balance[resident] -= self._units(bill)
        self._card[resident] -= self._units(bill) + (self._units(charged) if charged != bill else 0)
        self._spent_fen += bill
        shop = self._draw.below(self._shops)
        text = "、".join(goods.name_zh for goods in basket)
        return Purchase(self._day(month), resident, shop, text, bill, charged)

    def _charge(self, bill: int, resident: int) -> int:
        """What the till took first: at set moments of the year a third too little, which is then put right."""
        due = bool(self._erring) and self._spent_fen >= self._erring[0]
        if not due or self._card[resident] < 2 * self._units(bill):
            return bill
        self._erring.pop(0)
        return bill - bill // 3

    def _room_fen(self, resident: int) -> int:
        return min(self._balance[resident], self._card[resident]) * 100 // self._units_per_yuan

    def _units(self, fen: int) -> int:
        return fen * self._units_per_yuan // 100

    def _day(self, month: int) -> date:
        """A day at the month's end, after its activities; in the last month just before the scenario's date."""
        if (self._year, month) == (self._as_of.year, self._as_of.month):
            return self._as_of - timedelta(days=self._draw.below(3))
        length = monthrange(self._year, month)[1]
        return date(self._year, month, SHOPPING_FROM + self._draw.below(length - SHOPPING_FROM + 1))


def _exchange(book: Book) -> int:
    """Hundredths of a point for one yuan of goods."""
    rate = next(rule.units_per_yuan for rule in book.rules if rule.type == "redeem")
    assert not isinstance(rate, UnsetType), "a redeem rule has a rate"
    return rate
