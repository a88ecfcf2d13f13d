"""Kinds that use points up: `points_redeemed`, `merchant_settled`, `points_expired`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts, transfer
from ledger.domain.facts import LEDGER, Credential, Fact, LapseNotice, Ledger, Lot, Lots, Tally, Till
from ledger.domain.fields import Act, Amount, Count, Day, Fen, Party, Positive, day_number
from ledger.domain.kinds.points import act_of
from ledger.domain.lots import draw, draw_key, lots_key, lots_of
from ledger.domain.register import active_party, check_day
from ledger.domain.roles import CARRIED_ROLES, Requirement
from ledger.domain.rules import TARGETS, Rule, check_evidence, check_signers, rule_in_force, rule_needs
from ledger.errors import RefusalError

NOTICE_DAYS: Final = 30
"""Days between telling a party that points lapse, and taking them."""
NEW_TILL: Final = Till(taken_units=0, settled_units=0, owed_units=0, through_seq=0)


class PointsRedeemed(Body, frozen=True):
    """Points exchanged at a shop: ``spend``, subject → shop. The holder's card or phone co-signs; online only.

    ``bill_fen`` is what the goods cost in all; the points are worth at most that, and at most the rule's share of it.
    The rule is in force on the ledger's day as well: nothing is exchanged by a rule of the past.
    ``issuer`` is the organisation that settles with the shop.
    """

    kind: ClassVar[str] = "points_redeemed"
    title: ClassVar[str] = "兑换/抵扣"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"goods": "text", "place": "text"}
    takes_rule: ClassVar[bool] = True
    reversible: ClassVar[bool] = True

    amount_units: Amount
    bill_fen: Fen
    issuer: Party
    shop: Party
    subject: Party

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.shop, self.subject})

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        return (
            Requirement(("shop",), scope=self.shop, party=self.shop),
            Requirement(CARRIED_ROLES, scope=self.subject, party=self.subject),
            Requirement(("reviewer", "oversight"), at_least=0, scope=self.issuer),
        )

    def counted(self, event: Event) -> Act:
        return act_of(event)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [
            *(f"party:{party}" for party in (self.issuer, self.shop, self.subject)),
            lots_key(self.subject),
            till_key(self.shop, self.issuer),
            self._spent(today),
            *rule_needs(event),
            *(f"credential:{key}" for key in keys),
        ]

    def _spent(self, today: str) -> str:
        return f"tally:card/{self.subject}/{today}"

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        if event.device is not UNSET:
            raise RefusalError(
                "points are redeemed online only",
                code="online_only",
                field="device",
                expected="nothing",
                got=event.device.id,
            )
        day = event.occurred_on
        active_party(facts, self.shop, "body.shop", "shop", day=day)
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        rule = rule_in_force(event, facts, "redeem", until=context.today)
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        self._check_bill(rule)
        check_evidence(rule, event)
        check_signers(rule, event, context)
        changes = self._count_card(facts, context)
        changes.update(draw(facts, self.subject, self.amount_units, event.id))
        changes.update(take_in(facts, self.shop, self.issuer, self.amount_units, context.seq))
        return Decision(self._postings(), changes)

    def _check_bill(self, rule: Rule) -> None:
        assert not isinstance(rule.units_per_yuan, UnsetType), "adopting the book checked it"
        share = 10_000 if isinstance(rule.bill_share_bp, UnsetType) else rule.bill_share_bp
        most = self.bill_fen * share * rule.units_per_yuan // (10_000 * 100)
        if self.amount_units > most:
            raise RefusalError(
                "more points than this bill may take",
                code="bill_cap_exceeded",
                field="body.amount_units",
                expected=f"at most {most}",
                got=str(self.amount_units),
            )

    def _count_card(self, facts: Facts, context: Context) -> dict[str, Fact]:
        key = next(signer.key for signer in context.signers if signer.party == self.subject)
        credential = facts[f"credential:{key}"]
        assert isinstance(credential, Credential), "only credential_changed grants card and phone roles"
        if isinstance(credential.daily_cap_units, UnsetType):
            return {}
        tally = facts[self._spent(context.today)]
        spent = self.amount_units + (tally.units if isinstance(tally, Tally) else 0)
        if spent > credential.daily_cap_units:
            raise RefusalError(
                "more than the card may spend in a day",
                code="card_cap_exceeded",
                field="body.amount_units",
                expected=f"at most {credential.daily_cap_units}",
                got=str(spent),
            )
        return {self._spent(context.today): Tally(spent)}

    def _postings(self) -> list[tuple[str, int]]:
        return transfer(self.subject, self.shop, "spend", self.amount_units)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == self._postings()


class MerchantSettled(Body, frozen=True):
    """A shop's points go back to the issuer that pays for them: all that it took in up to ``through_seq``, once.

    ``through_seq`` is the place of a redemption at the shop, or of the reversal of one; what reversals after it took
    back does not count. ``netted_units`` is the part that the issuer gave back for the shop since, when redemptions
    were reversed that had been settled: the issuer pays for ``amount_units`` less that. It is absent where it is
    nothing.
    """

    kind: ClassVar[str] = "merchant_settled"
    title: ClassVar[str] = "商户结算"
    privacy: ClassVar[str] = "P0"

    amount_units: Amount
    issuer: Party
    shop: Party
    through_seq: Count
    netted_units: Positive | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.shop})

    def requirements(self) -> tuple[Requirement, ...]:
        return (
            Requirement(("shop",), scope=self.shop, party=self.shop),
            Requirement(("finance",), scope=self.issuer),
        )

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{self.issuer}", till_key(self.shop, self.issuer), self._takings()]

    def _takings(self) -> str:
        return takings_key(self.shop, self.issuer, self.through_seq)

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        till, taken = facts[till_key(self.shop, self.issuer)], facts[self._takings()]
        if not isinstance(till, Till) or not isinstance(taken, Tally):
            raise RefusalError(
                "the shop took nothing in for the issuer in this entry",
                code="unknown_entry",
                field="body.through_seq",
                expected="the place of a redemption at the shop, or of the reversal of one",
                got=str(self.through_seq),
            )
        if self.through_seq <= till.through_seq:
            raise RefusalError(
                "settled before",
                code="settled_before",
                field="body.through_seq",
                expected=f"later than entry {till.through_seq}",
                got=str(self.through_seq),
            )
        stands = min(taken.units, till.taken_units)  # what was given back since is not settled
        amount = stands - till.settled_units
        netted = max(0, min(till.owed_units, amount))
        if (self.amount_units, self.netted_units or 0) != (amount, netted):
            raise RefusalError(
                "not what the shop took in",
                code="wrong_amount",
                field="body.amount_units",
                expected=f"{amount}, of which netted {netted}",
                got=f"{self.amount_units}, of which netted {self.netted_units or 0}",
            )
        settled = replace(till, settled_units=stands, owed_units=till.owed_units - netted, through_seq=self.through_seq)
        return Decision(self._postings(), {till_key(self.shop, self.issuer): settled})

    def _postings(self) -> list[tuple[str, int]]:
        return transfer(self.shop, self.issuer, "spend", self.amount_units)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == self._postings()


class PointsExpired(Body, frozen=True):
    """Points that lapse, the oldest first: those of the subject's lots of an issuer that expire until ``due_on``.

    ``notice`` tells the subject and moves nothing; ``expire``, at least 30 days later, takes what is left of the lots
    that were told of, once. ``amount_units`` is what those lots hold when the event is appended.
    """

    kind: ClassVar[str] = "points_expired"
    title: ClassVar[str] = "到期"
    privacy: ClassVar[str] = "P2"
    reversible: ClassVar[bool] = True

    action: Literal["notice", "expire"]
    amount_units: Amount
    due_on: Day
    issuer: Party
    subject: Party

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("ledger",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [LEDGER, lots_key(self.subject), notice_key(self.subject, self.issuer)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        ledger = facts[LEDGER]
        if not isinstance(ledger, Ledger) or event.actor != ledger.party:
            raise RefusalError(
                "only the ledger itself lets points lapse",
                code="not_authorised",
                field="actor",
                expected="the ledger",
                got=event.actor,
            )
        key = notice_key(self.subject, self.issuer)
        lots = lots_of(facts, self.subject)
        check_day(self.due_on, "body.due_on")
        if self.action == "notice":
            self._check_amount([lot for lot in lots if self._is_due(lot)])
            told = LapseNotice(told_on=context.today, due_on=self.due_on, seq=context.seq)
            return Decision([], {key: told})
        notice = self._check_notice(facts[key], context.today)
        lapsing = [lot for lot in lots if self._is_due(lot) and notice.tells_of(lot)]
        self._check_amount(lapsing)
        changes: dict[str, Fact] = {
            lots_key(self.subject): Lots([lot for lot in lots if lot not in lapsing]),
            draw_key(event.id): Lots(lapsing),
            key: replace(notice, taken_until=self.due_on),
        }
        return Decision(self._postings(), changes)

    def _check_amount(self, lots: list[Lot]) -> None:
        held = sum(lot.units for lot in lots)
        if held != self.amount_units:
            raise RefusalError(
                "not what the lots hold that lapse until then",
                code="wrong_amount",
                field="body.amount_units",
                expected=str(held),
                got=str(self.amount_units),
            )

    def _is_due(self, lot: Lot) -> bool:
        return lot.issuer == self.issuer and lot.expires_on <= self.due_on

    def _check_notice(self, notice: Fact | None, day: str) -> LapseNotice:
        """The notice, if it was given long enough before and reaches as far. Raises `RefusalError`."""
        if (
            isinstance(notice, LapseNotice)
            and self.due_on <= min(notice.due_on, day)
            and day_number(day) - day_number(notice.told_on) >= NOTICE_DAYS
        ):
            return notice
        raise RefusalError(
            "points lapse when they are due, and not without notice",
            code="no_notice",
            field="body.due_on",
            expected=f"{self.due_on} or later, {NOTICE_DAYS} days after a notice of it",
            got=f"{day}, notice of {notice.told_on}" if isinstance(notice, LapseNotice) else f"{day}, no notice",
        )

    def _postings(self) -> list[tuple[str, int]]:
        return transfer(self.subject, self.issuer, "spend", self.amount_units)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == ([] if self.action == "notice" else self._postings())


def till_key(shop: str, issuer: str) -> str:
    """The fact key of what a shop took in for an issuer."""
    return f"till:{shop}/{issuer}"


def takings_key(shop: str, issuer: str, seq: int) -> str:
    """The fact key of what a shop had taken in for an issuer after entry ``seq``, which changed it."""
    return f"takings:{shop}/{issuer}/{seq}"


def notice_key(subject: str, issuer: str) -> str:
    """The fact key of the last notice of points that lapse."""
    return f"notice:{subject}/{issuer}"


def unsettled(facts: Facts, shop: str, issuer: str) -> int:
    """What a shop holds of an issuer's points that the issuer did not settle yet, in hundredths."""
    till = facts[till_key(shop, issuer)]
    return till.taken_units - till.settled_units if isinstance(till, Till) else 0


def take_in(facts: Facts, shop: str, issuer: str, units: int, seq: int, *, owed: int = 0) -> dict[str, Fact]:
    """The facts after a shop took ``units`` in for an issuer, or gave them back: a negative number.

    ``owed`` is what the issuer gave back in the shop's place.
    """
    known = facts[till_key(shop, issuer)]
    till = known if isinstance(known, Till) else NEW_TILL
    taken = till.taken_units + units
    return {
        till_key(shop, issuer): replace(till, taken_units=taken, owed_units=till.owed_units + owed),
        takings_key(shop, issuer, seq): Tally(taken),
    }
