"""Telling the village's year as signed events, in the order in which the ledger takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ledger.core.encoding import JSON
from ledger.scenarios.foshan.plan import Sources
from ledger.scenarios.foshan.village import Village
from ledger.scenarios.foshan.year import Activity, Month, Purchase
from ledger.scenarios.office import Office, points_of, units_for
from ledger.scenarios.people import Resident
from ledger.scenarios.scribe import Scribe


class Story:
    """The village's doings, told with its `Office`."""

    def __init__(self, found: Sources, village: Village, scribe: Scribe) -> None:
        self.sources = found
        self.village = village
        self.scribe = scribe
        self.office = Office(scribe, found.profile, village.officers, village.committee)
        self.tasks: dict[int, str] = {}
        """Task ids by the activity's number in the year."""
        self.cards = [resident.actor for resident in village.residents]

    def open_office(self) -> None:
        """Powers first, then the book by vote, the organisation, the shops and their powers."""
        split = self.sources.plan.split
        before = (split.book_adopted - timedelta(days=7)).isoformat()
        self.scribe.phase = "roles"
        self.office.empower(before)
        self.scribe.phase = "book"
        eligible = 4 * len(self.village.residents) // 5
        self.office.adopt_book(
            self.sources.book, day=split.book_adopted, effective=split.book_effective, eligible=eligible
        )
        self.scribe.phase = "organisation"
        self.office.register_party(self.village.committee, "organisation", before)
        for shop in self.village.shops:
            self.office.open_shop(shop, before)

    def register(self) -> None:
        """Groups, households, residents, each by two clerks; then a card for every resident."""
        day = (self.sources.plan.split.book_adopted - timedelta(days=3)).isoformat()
        village = self.village
        self.scribe.phase = "groups and households"
        for group in village.groups:
            self.office.register_party(group, "group", day)
        for home in village.households:
            self.office.register_party(home.actor, "household", day, address=home.address)
        self.scribe.phase = "residents"
        for resident in village.residents:
            home_party = resident.household.actor.party
            self.office.register_party(resident.actor, "resident", day, household=home_party, number=resident.number)
        self.scribe.phase = "cards"
        for card in self.cards:
            self.office.issue_card(card, day)

    def tell(self, month: Month) -> None:
        """One month: its activities are published, rewarded, put right where wrong, and points are exchanged."""
        name = f"month {month.number:02}"
        first = len(self.tasks)
        self.scribe.phase = f"{name}: activities"
        for number, activity in enumerate(month.activities, first):
            self.tasks[number] = self._publish(activity)
        self.scribe.phase = f"{name}: awards"
        wrong = [found for n, a in enumerate(month.activities, first) if (found := self._reward(n, a)) is not None]
        if wrong:
            self.scribe.phase = f"{name}: corrections"
        for number, activity, event in wrong:
            self._correct_award(number, activity, event)
        self.scribe.phase = f"{name}: exchange"
        for purchase in month.purchases:
            self._sell(purchase)

    def _publish(self, activity: Activity) -> str:
        day = activity.day.isoformat()
        places = len(activity.taking_part)
        return self.office.publish(
            activity.rule.id,
            day=(activity.day - timedelta(days=2)).isoformat() if activity.day.day > 2 else day,
            starts_on=day,
            ends_on=day,
            capacity=places,
            budget_units=places * points_of(activity.rule),
            title=activity.title,
            place=activity.place,
        )

    def _reward(self, number: int, activity: Activity) -> tuple[int, Activity, str] | None:
        """Award everybody who took part. Answers the event that was entered for the wrong person, if one was."""
        people = list(activity.taking_part)
        if activity.mistaken is not None:
            people[-1] = activity.mistaken
        events = [self.award(number, activity, resident) for resident in people]
        return None if activity.mistaken is None else (number, activity, events[-1])

    def award(
        self, number: int, activity: Activity, resident: int, *, event_id: str = "", causes: Sequence[str] = ()
    ) -> str:
        """Points for one resident's part in an activity."""
        return self.office.award(
            self.cards[resident].party,
            activity.rule.id,
            activity.day.isoformat(),
            details_of(activity),
            task=self.tasks[number],
            event_id=event_id,
            causes=causes,
        )

    def award_body(self, number: int, activity: Activity, resident: int) -> dict[str, JSON]:
        """The body of an award."""
        return self.office.award_body(self.cards[resident].party, activity.rule.id, task=self.tasks[number])

    def _correct_award(self, number: int, activity: Activity, event: str) -> None:
        assert activity.mistaken is not None, "only mistaken awards are corrected"
        replacement = self.scribe.new_id()
        reversal = self.office.reverse_award(
            event,
            self.cards[activity.mistaken].party,
            activity.rule.id,
            activity.day.isoformat(),
            "登记时认错了人，改给实际参加的村民",
            task=self.tasks[number],
            replacement=replacement,
        )
        self.award(number, activity, activity.taking_part[-1], event_id=replacement, causes=[reversal])

    def _sell(self, purchase: Purchase) -> None:
        """A purchase; where the till erred, the wrong bill, its reversal and the right one."""
        if purchase.charged_fen == purchase.bill_fen:
            self.redeem(purchase, purchase.bill_fen)
            return
        event = self.redeem(purchase, purchase.charged_fen)
        replacement = self.scribe.new_id()
        reversal = self.office.reverse_redemption(
            event,
            self.village.shops[purchase.shop],
            self.cards[purchase.resident].party,
            self.units_for(purchase.charged_fen),
            "exchange",
            purchase.day.isoformat(),
            "收银少算了一件，按实际金额重记",
            replacement=replacement,
        )
        self.redeem(purchase, purchase.bill_fen, event_id=replacement, causes=[reversal])

    def redeem(self, purchase: Purchase, bill_fen: int, *, event_id: str = "", causes: Sequence[str] = ()) -> str:
        """Goods of equal value, signed by the shop and by the resident's card."""
        shop = self.village.shops[purchase.shop]
        return self.office.redeem(
            shop,
            self.cards[purchase.resident],
            self.units_for(bill_fen),
            bill_fen,
            "exchange",
            purchase.day.isoformat(),
            {"goods": purchase.goods, "place": shop.name},
            event_id=event_id,
            causes=causes,
        )

    def lose_a_card(self, resident: Resident) -> None:
        """A card is reported lost and a new one issued; the old key signs for nobody any more."""
        self.scribe.phase = "a lost card"
        place = self.village.residents.index(resident)
        day = self.sources.plan.stated.as_of.isoformat()
        self.office.end_credential("lost", "card", self.cards[place], day)
        self.cards[place] = self.cards[place].with_new_key()
        self.office.issue_card(self.cards[place], day)

    def units_for(self, bill_fen: int) -> int:
        """The points (hundredths) that are worth a bill."""
        return units_for(self.office.rule("exchange"), bill_fen)


def details_of(activity: Activity) -> dict[str, JSON]:
    """Place, matter and time of an award, which only its subject reads."""
    return {"matter": activity.title, "place": activity.place, "time": f"{activity.day.isoformat()} {activity.hour}"}
