"""Telling a village's year as signed events, in the order in which the ledger takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import UnsetType

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.figures import Sources
from ledger.scenarios.scribe import Scribe
from ledger.scenarios.village import Resident, Village
from ledger.scenarios.year import Activity, Month, Purchase


class Story:
    """Writes the village's doings with a `Scribe`; officers of one role take turns."""

    def __init__(self, found: Sources, village: Village, scribe: Scribe) -> None:
        self.sources = found
        self.village = village
        self.scribe = scribe
        self.tasks: dict[int, str] = {}
        """Task ids by the activity's number in the year."""
        self.cards = [resident.actor for resident in village.residents]
        self._acts = 0

    def open_office(self) -> None:
        """Powers first, then the book by vote, the organisation, the shops and their powers."""
        adopted = self.sources.plan.split.book_adopted
        before = (adopted - timedelta(days=7)).isoformat()
        committee = self.village.committee
        self.scribe.phase = "roles"
        for post in self.sources.profile.officers:
            scope = "*" if post.scope == "*" else committee.party
            for officer in self.village.officers[post.role]:
                if post.role != "township":  # entry 0 granted it
                    self.grant(officer, post.role, scope, before)
        self.scribe.phase = "book"
        self._adopt_book(adopted)
        self.scribe.phase = "organisation"
        self.register_party(committee, "organisation", before)
        for shop in self.village.shops:
            self.register_party(shop, "shop", before)
            self.grant(shop, "shop", shop.party, before)

    def grant(self, actor: Actor, role: str, scope: str, day: str) -> None:
        """Grant a role to an actor's key; the township signs with all its keys."""
        body: dict[str, JSON] = {
            "action": "grant",
            "party": actor.party,
            "role": role,
            "scope": scope,
            "key": dict(actor.reference()),
        }
        self.scribe.write("role_changed", self.village.officers["township"], body, day=day, alone=True)

    def _adopt_book(self, day: date) -> None:
        """Nearly all of the assembly voted for it; more than half must be there, more than half of those in favour.

        The year is told afterwards, so the township signs as well: the book reaches back.
        """
        eligible = 4 * len(self.village.residents) // 5
        present = 9 * eligible // 10
        against = present // 50
        votes: dict[str, JSON] = {
            "eligible": eligible,
            "present": present,
            "in_favour": present - against,
            "against": against,
        }
        body: dict[str, JSON] = {
            "book": msgspec.to_builtins(self.sources.book),
            "effective_on": self.sources.plan.split.book_effective.isoformat(),
            "votes": votes,
        }
        signers = [self.village.officer(role) for role in ("council", "oversight", "township")]
        self.scribe.write("rulebook_adopted", signers, body, day=day.isoformat(), alone=True)

    def register(self) -> None:
        """Groups, households, residents, each by two clerks; then a card for every resident."""
        day = (self.sources.plan.split.book_adopted - timedelta(days=3)).isoformat()
        village = self.village
        self.scribe.phase = "groups and households"
        for group in village.groups:
            self.register_party(group, "group", day)
        for home in village.households:
            self.register_party(home.actor, "household", day, address=home.address)
        self.scribe.phase = "residents"
        for resident in village.residents:
            self.register_party(
                resident.actor, "resident", day, household=resident.household.actor.party, number=resident.number
            )
        self.scribe.phase = "cards"
        for number, card in enumerate(self.cards):
            self.issue_card(card, day, number)

    def register_party(self, actor: Actor, kind: str, day: str, *, household: str | None = None, **details: str) -> str:
        """Register a party of a type, with its name and further private details, by two clerks."""
        body: dict[str, JSON] = {"action": "register", "party": actor.party, "type": kind}
        if household is not None:
            body["household"] = household
        turn = self.turn()
        clerks = [self.village.officer("clerk", turn), self.village.officer("clerk", turn + 1)]
        return self.scribe.write("party_changed", clerks, body, day=day, private={"name": actor.name, **details})

    def issue_card(self, card: Actor, day: str, turn: int) -> None:
        """Register a card's key for its holder, with the daily cap that every paper card has."""
        body: dict[str, JSON] = {
            "action": "issue",
            "party": card.party,
            "medium": "card",
            "key": dict(card.reference()),
            "daily_cap_units": self.sources.profile.card_daily_cap_units,
        }
        self.scribe.write("credential_changed", [self.village.officer("clerk", turn)], body, day=day)

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
        body: dict[str, JSON] = {
            "capacity": len(activity.taking_part),
            "starts_on": day,
            "ends_on": day,
            "issuer": self.village.committee.party,
            "budget_units": len(activity.taking_part) * points_of(activity),
        }
        return self.scribe.write(
            "task_published",
            [self.village.officer("village")],
            body,
            day=(activity.day - timedelta(days=2)).isoformat() if activity.day.day > 2 else day,
            private={"title": activity.title, "place": activity.place},
            rule=self.rule(activity.rule.id),
        )

    def _reward(self, number: int, activity: Activity) -> tuple[int, Activity, str] | None:
        """Award everybody who took part. Answers the event that was entered for the wrong person, if one was."""
        people = list(activity.taking_part)
        if activity.mistaken is not None:
            people[-1] = activity.mistaken
        events = [self.award(number, activity, resident) for resident in people]
        return None if activity.mistaken is None else (number, activity, events[-1])

    def award(
        self, number: int, activity: Activity, resident: int, *, event_id: str | None = None, causes: Sequence[str] = ()
    ) -> str:
        """Points for one resident's part in an activity; a rule that asks for approval has it."""
        village = self.village
        signers = [village.officer("issuer", self.turn())]
        if activity.rule.approvals:
            signers.append(village.officer("reviewer"))
        return self.scribe.write(
            "points_awarded",
            signers,
            self.award_body(number, activity, resident),
            day=activity.day.isoformat(),
            private=details_of(activity),
            rule=self.rule(activity.rule.id),
            event_id=event_id,
            causes=causes,
        )

    def award_body(self, number: int, activity: Activity, resident: int) -> dict[str, JSON]:
        """The body of an award."""
        return {
            "amount_units": points_of(activity),
            "issuer": self.village.committee.party,
            "quantity": 1,
            "subject": self.cards[resident].party,
            "task": self.tasks[number],
            "units": list[JSON](activity.rule.units or ()),
        }

    def _correct_award(self, number: int, activity: Activity, event: str) -> None:
        assert activity.mistaken is not None, "only mistaken awards are corrected"
        wrong, amount, issuer = self.cards[activity.mistaken].party, points_of(activity), self.village.committee.party
        sides = ((issuer, amount), (wrong, -amount))
        undo = {f"{party}/{unit}": delta for party, delta in sides for unit in activity.rule.units or ()}
        act: dict[str, JSON] = {
            "occurred_on": activity.day.isoformat(),
            "rule": self.rule(activity.rule.id),
            "task": self.tasks[number],
        }
        replacement = self.scribe.new_id()
        text = "登记时认错了人，改给实际参加的村民"
        reversal = self._reverse(event, wrong, undo, activity.day, text, replacement, act=act)
        self.award(number, activity, activity.taking_part[-1], event_id=replacement, causes=[reversal])

    def _reverse(
        self,
        event: str,
        subject: str,
        undo: Mapping[str, int],
        day: date,
        text: str,
        replacement: str,
        **body: JSON,
    ) -> str:
        """Take an entry back as a mistake; an issuer and the oversight committee sign."""
        full: dict[str, JSON] = {
            "issuer": self.village.committee.party,
            "reason": "mistake",
            "subject": subject,
            "undo": [{"account": account, "delta": delta} for account, delta in sorted(undo.items())],
            "replacement": replacement,
            **body,
        }
        return self.scribe.write(
            "entry_reversed",
            [self.village.officer("issuer", self.turn()), self.village.officer("oversight")],
            full,
            day=day.isoformat(),
            private={"explanation": text},
            reverses=event,
        )

    def _sell(self, purchase: Purchase) -> None:
        """A purchase; where the till erred, the wrong bill, its reversal and the right one."""
        if purchase.charged_fen == purchase.bill_fen:
            self.redeem(purchase, purchase.bill_fen)
            return
        event = self.redeem(purchase, purchase.charged_fen)
        card, shop = self.cards[purchase.resident], self.village.shops[purchase.shop]
        amount = self.units_for(purchase.charged_fen)
        replacement = self.scribe.new_id()
        reversal = self._reverse(
            event,
            card.party,
            {f"{card.party}/spend": amount, f"{shop.party}/spend": -amount},
            purchase.day,
            "收银少算了一件，按实际金额重记",
            replacement,
        )
        self.redeem(purchase, purchase.bill_fen, event_id=replacement, causes=[reversal])

    def redeem(
        self, purchase: Purchase, bill_fen: int, *, event_id: str | None = None, causes: Sequence[str] = ()
    ) -> str:
        """Goods of equal value, signed by the shop and by the resident's card."""
        card, shop = self.cards[purchase.resident], self.village.shops[purchase.shop]
        body: dict[str, JSON] = {
            "amount_units": self.units_for(bill_fen),
            "bill_fen": bill_fen,
            "shop": shop.party,
            "subject": card.party,
        }
        return self.scribe.write(
            "points_redeemed",
            [shop, card],
            body,
            day=purchase.day.isoformat(),
            private={"goods": purchase.goods, "place": shop.name},
            rule=self.rule("exchange"),
            event_id=event_id,
            causes=causes,
        )

    def lose_a_card(self, resident: Resident) -> None:
        """A card is reported lost and a new one issued; the old key signs for nobody any more."""
        self.scribe.phase = "a lost card"
        place = self.village.residents.index(resident)
        day = self.sources.plan.stated.as_of.isoformat()
        body: dict[str, JSON] = {
            "action": "lost",
            "party": resident.actor.party,
            "medium": "card",
            "key": dict(self.cards[place].reference()),
        }
        self.scribe.write("credential_changed", [self.village.officer("clerk")], body, day=day)
        self.cards[place] = self.cards[place].with_new_key()
        self.issue_card(self.cards[place], day, place)

    def rule(self, rule_id: str) -> dict[str, JSON]:
        """A reference to a rule of the adopted book."""
        book = self.sources.book
        return {"book": book.book, "version": book.version, "id": rule_id}

    def units_for(self, bill_fen: int) -> int:
        """The points (hundredths) that are worth a bill."""
        rate = next(rule.units_per_yuan for rule in self.sources.book.rules if rule.id == "exchange")
        assert not isinstance(rate, UnsetType), "a redeem rule has a rate"
        return bill_fen * rate // 100

    def turn(self) -> int:
        """The next turn of officers who share a role."""
        self._acts += 1
        return self._acts


def points_of(activity: Activity) -> int:
    """What one part in an activity earns, in hundredths."""
    units = activity.rule.points_units
    assert not isinstance(units, UnsetType), "an award rule has points"
    return units


def details_of(activity: Activity) -> dict[str, str]:
    """Place, matter and time of an award, which only its subject reads."""
    return {"matter": activity.title, "place": activity.place, "time": f"{activity.day.isoformat()} {activity.hour}"}
