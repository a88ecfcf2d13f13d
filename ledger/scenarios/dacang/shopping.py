"""Points exchanged at the village co-op, which the committee settles with every quarter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.plan import Sources
from ledger.scenarios.dacang.register import has_paper_card
from ledger.scenarios.dacang.village import Village
from ledger.scenarios.data import Goods
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import Office, units_for
from ledger.scenarios.scenario import Answers

TILL: Final = "last at the co-op"
"""The mark of every redemption; the last one is what a settlement goes up to."""
BASKET_MAX: Final = 4
"""Kinds of goods that somebody takes at a visit."""


class Shopping:
    """Visits to the co-op. ``spend`` is what everybody has; a paper card's daily cap bounds all that it spends here."""

    def __init__(self, found: Sources, office: Office, village: Village, spend: Counter[str], draw: Draw) -> None:
        self._office = office
        self._village = village
        self._goods = sorted(found.goods, key=lambda goods: goods.price_fen)
        self._spend = spend
        self._draw = draw
        self._card_cap = found.profile.card_daily_cap_units
        self._by_card: Counter[str] = Counter()
        self._unsettled = 0

    def households(self, day: date, number: int) -> None:
        """So many visits of households that have something to spend."""
        standing = self._village.households_on(day)
        for home in self._draw.shuffled(standing):
            if number == 0:
                return
            actor, room = self._village.homes[home].actor, self._spend[self._village.homes[home].party]
            if has_paper_card(home):
                room = min(room, self._card_cap - self._by_card[actor.party])
            bill = self._buy(actor, room, "exchange_household", day)
            if has_paper_card(home):
                self._by_card[actor.party] += bill
            number -= bill > 0

    def residents(self, day: date, people: Sequence[int], number: int) -> None:
        """So many visits of residents with a phone of their own."""
        for person in self._draw.shuffled(people):
            if number == 0:
                return
            actor = self._village.people[person].actor
            number -= self._buy(actor, self._spend[actor.party], "exchange", day) > 0

    def settle(self, day: date, answers: Answers) -> None:
        """The committee settles with the co-op for all that it took in."""
        self._office.settle(self._village.shop, self._unsettled, answers[TILL].seq, day.isoformat())
        self._unsettled = 0

    def _buy(self, holder: Actor, room_units: int, rule: str, day: date) -> int:
        """A basket of equal value to the points; answers its hundredths, 0 if nothing fits."""
        rate = units_for(self._office.rule(rule), 100)
        basket: list[Goods] = []
        for _ in range(1 + self._draw.below(BASKET_MAX)):
            left = room_units * 100 // rate - sum(goods.price_fen for goods in basket)
            fitting = [goods for goods in self._goods if goods.price_fen <= left]
            if fitting:
                basket.append(self._draw.pick(fitting))
        if not basket:
            return 0
        bill_fen = sum(goods.price_fen for goods in basket)
        units = units_for(self._office.rule(rule), bill_fen)
        self.redeem(holder, bill_fen, rule, day.isoformat(), "、".join(goods.name_zh for goods in basket), mark=TILL)
        self._spend[holder.party] -= units
        self._unsettled += units
        return units

    def redeem(self, holder: Actor, bill_fen: int, rule: str, day: str, goods: str = "食盐", *, mark: str = "") -> None:
        """Goods of equal value to the points, signed by the co-op and by the holder's phone or card."""
        units = units_for(self._office.rule(rule), bill_fen)
        details: dict[str, JSON] = {"goods": goods, "place": self._village.shop.name}
        self._office.redeem(self._village.shop, holder, units, bill_fen, rule, day, details, mark=mark)
