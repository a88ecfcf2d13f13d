"""What every village office writes, whatever its system: powers, the rule book, parties, cards, points and their ways.

A scenario's own story is told with an `Office`; each method writes one event with its `Scribe`, in the order in which
they are called, and answers the event's id. Officers of one role take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypedDict, Unpack

import msgspec
from msgspec import UNSET, UnsetType

from ledger.core.encoding import JSON
from ledger.domain.rules import Book, Rule
from ledger.scenarios.actors import Actor
from ledger.scenarios.data import Profile
from ledger.scenarios.scribe import Scribe


class Options(TypedDict, total=False):
    """What every event may carry besides (see `Scribe.write`)."""

    event_id: str
    causes: Sequence[str]
    alone: bool
    device: Mapping[str, JSON] | None
    mark: str


class Office:
    """Officers of one ledger and the organisation whose points they issue; the ``issuer`` has no key of its own."""

    def __init__(self, scribe: Scribe, profile: Profile, officers: Mapping[str, list[Actor]], issuer: Actor) -> None:
        self.scribe = scribe
        self.profile = profile
        self.officers = officers
        self.issuer = issuer
        self._books: dict[int, Book] = {}
        self._turns = 0

    # Officers and rules -------------------------------------------------------------------------------------------

    def officer(self, role: str, place: int = 0) -> Actor:
        """An officer of a role; places go round, so that all of them get work."""
        found = self.officers[role]
        return found[place % len(found)]

    def turn(self) -> int:
        """The next turn of officers who share a role."""
        self._turns += 1
        return self._turns

    def named(self, rule_id: str, version: int | None = None) -> dict[str, JSON]:
        """A reference to a rule of a version; without one, of the version adopted last."""
        book = self._books[version or max(self._books)]
        return {"book": book.book, "version": book.version, "id": rule_id}

    def rule(self, rule_id: str, version: int | None = None) -> Rule:
        """A rule of a version; without one, of the version adopted last."""
        return next(rule for rule in self._books[version or max(self._books)].rules if rule.id == rule_id)

    # The office opens ---------------------------------------------------------------------------------------------

    def empower(self, day: str) -> None:
        """Grant every officer's role; entry 0 granted the township's. A scope is what the profile says."""
        scopes = {"*": "*", "organisation": self.issuer.party}
        for post in self.profile.officers:
            for officer in self.officers[post.role]:
                if post.role != "township":
                    self.grant(officer, post.role, scopes[post.scope], day)

    def grant(
        self, actor: Actor, role: str, scope: str, day: str, *, person: str | None = None, action: str = "grant"
    ) -> str:
        """Grant a role to an actor's key, or ``revoke`` it; the township signs with all its keys.

        ``person`` is the registered resident behind the key.
        """
        body: dict[str, JSON] = {
            "action": action,
            "party": actor.party,
            "role": role,
            "scope": scope,
            "key": dict(actor.reference()),
        }
        if person is not None:
            body["person"] = person
        return self.scribe.write("role_changed", self.officers["township"], body, day=day)

    def adopt_book(self, book: Book, *, day: date, effective: date, eligible: int) -> str:
        """Adopt a rule book by vote: nine of ten are there, nearly all of them in favour.

        Everything is entered afterwards, so the township signs as well: the book reaches back.
        """
        self._books[book.version] = book
        present = 9 * eligible // 10
        against = present // 50
        votes: dict[str, JSON] = {
            "eligible": eligible,
            "present": present,
            "in_favour": present - against,
            "against": against,
        }
        body: dict[str, JSON] = {
            "book": msgspec.to_builtins(book),
            "effective_on": effective.isoformat(),
            "votes": votes,
        }
        signers = [self.officer(role) for role in ("council", "oversight", "township")]
        return self.scribe.write("rulebook_adopted", signers, body, day=day.isoformat())

    # Parties and what they carry ----------------------------------------------------------------------------------

    def register_party(
        self,
        actor: Actor,
        kind: str,
        day: str,
        *,
        household: str | None = None,
        group: str | None = None,
        **details: JSON,
    ) -> str:
        """Register a party of a type, with its name and further private details, by two clerks."""
        body: dict[str, JSON] = {"action": "register", "party": actor.party, "type": kind}
        if household is not None:
            body["household"] = household
        if group is not None:
            body["group"] = group
        return self.change_party(body, day, name=actor.name, **details)

    def open_shop(self, shop: Actor, day: str) -> None:
        """Register a shop, and let its key sign at its own till."""
        self.register_party(shop, "shop", day)
        self.grant(shop, "shop", shop.party, day)

    def change_party(self, body: Mapping[str, JSON], day: str, **details: JSON) -> str:
        """`party_changed`, by two clerks."""
        turn = self.turn()
        clerks = [self.officer("clerk", turn), self.officer("clerk", turn + 1)]
        return self.scribe.write("party_changed", clerks, body, day=day, private=details)

    def issue_card(self, card: Actor, day: str) -> str:
        """Register a card's key for its holder, with the daily cap that every paper card has."""
        body = self._credential("issue", "card", card)
        body["daily_cap_units"] = self.profile.card_daily_cap_units
        return self._change_credential(body, 1, day)

    def issue_phone(self, phone: Actor, day: str) -> str:
        """Register a phone's key for its holder; two clerks, as it has no daily cap."""
        return self._change_credential(self._credential("issue", "phone", phone), 2, day)

    def end_credential(self, action: str, medium: str, actor: Actor, day: str) -> str:
        """``revoke`` a card or phone, or report it ``lost``."""
        return self._change_credential(self._credential(action, medium, actor), 1, day)

    def _credential(self, action: str, medium: str, actor: Actor) -> dict[str, JSON]:
        return {"action": action, "party": actor.party, "medium": medium, "key": dict(actor.reference())}

    def _change_credential(self, body: Mapping[str, JSON], clerks: int, day: str) -> str:
        turn = self.turn()
        signers = [self.officer("clerk", turn + n) for n in range(clerks)]
        return self.scribe.write("credential_changed", signers, body, day=day)

    # Points -------------------------------------------------------------------------------------------------------

    def publish(
        self,
        rule_id: str,
        *,
        day: str,
        starts_on: str,
        ends_on: str,
        capacity: int,
        budget_units: int | None = None,
        claimants: str | None = None,
        **details: JSON,
    ) -> str:
        """Publish a task with places and a rule that rewards it."""
        body: dict[str, JSON] = {
            "capacity": capacity,
            "starts_on": starts_on,
            "ends_on": ends_on,
            "issuer": self.issuer.party,
        }
        if budget_units is not None:
            body["budget_units"] = budget_units
        if claimants is not None:
            body["claimants"] = claimants
        signers = [self.officer("village", self.turn())]
        return self.scribe.write("task_published", signers, body, day=day, private=details, rule=self.named(rule_id))

    def award(
        self,
        subject: str,
        rule_id: str,
        day: str,
        details: Mapping[str, JSON],
        *,
        quantity: int = 1,
        task: str | None = None,
        claim: str | None = None,
        version: int | None = None,
        **more: Unpack[Options],
    ) -> str:
        """Award points by a rule; one that asks for approvals has them."""
        rule = self.rule(rule_id, version)
        signers = [self.officer("issuer", self.turn())]
        signers += [self.officer("reviewer", n) for n in range(rule.approvals or 0)]
        body = self.award_body(subject, rule_id, quantity=quantity, task=task, claim=claim, version=version)
        named = self.named(rule_id, version)
        return self.scribe.write("points_awarded", signers, body, day=day, private=details, rule=named, **more)

    def award_body(
        self,
        subject: str,
        rule_id: str,
        *,
        quantity: int = 1,
        task: str | None = None,
        claim: str | None = None,
        version: int | None = None,
    ) -> dict[str, JSON]:
        """The body of an award."""
        rule = self.rule(rule_id, version)
        body: dict[str, JSON] = {
            "amount_units": quantity * points_of(rule),
            "issuer": self.issuer.party,
            "quantity": quantity,
            "subject": subject,
            "units": list[JSON](rule.units or ()),
        }
        if task is not None:
            body["task"] = task
        if claim is not None:
            body["claim"] = claim
        return body

    def redeem(
        self,
        shop: Actor,
        holder: Actor,
        amount_units: int,
        bill_fen: int,
        rule_id: str,
        day: str,
        details: Mapping[str, JSON],
        **more: Unpack[Options],
    ) -> str:
        """Points for goods, signed by the shop and by the holder's card or phone."""
        body: dict[str, JSON] = {
            "amount_units": amount_units,
            "bill_fen": bill_fen,
            "issuer": self.issuer.party,
            "shop": shop.party,
            "subject": holder.party,
        }
        named = self.named(rule_id)
        return self.scribe.write("points_redeemed", [shop, holder], body, day=day, private=details, rule=named, **more)

    def settle(
        self, shop: Actor, amount_units: int, through_seq: int, day: str, *, netted_units: int = 0,
        **more: Unpack[Options],
    ) -> str:  # fmt: skip
        """Settle a shop's takings up to a place in the log; shop and finance sign."""
        body: dict[str, JSON] = {
            "amount_units": amount_units,
            "issuer": self.issuer.party,
            "shop": shop.party,
            "through_seq": through_seq,
        }
        if netted_units:
            body["netted_units"] = netted_units
        return self.scribe.write("merchant_settled", [shop, self.officer("finance")], body, day=day, **more)

    # Corrections --------------------------------------------------------------------------------------------------

    def reverse_award(
        self,
        event: str,
        subject: str,
        rule_id: str,
        day: str,
        text: str,
        *,
        quantity: int = 1,
        task: str | None = None,
        claim: str | None = None,
        version: int | None = None,
        reason: str = "mistake",
        replacement: str | None = None,
    ) -> str:
        """Take an award back; ``day`` is that of the act."""
        rule = self.rule(rule_id, version)
        amount = quantity * points_of(rule)
        undo = [(party, unit, delta) for party, delta in ((self.issuer.party, amount), (subject, -amount))
                for unit in rule.units or ()]  # fmt: skip
        act: dict[str, JSON] = {"occurred_on": day, "rule": self.named(rule_id, version)}
        act |= {"task": task} if task else {}
        act |= {"claim": claim} if claim else {}
        return self.reverse(event, subject, undo, act, text, reason=reason, replacement=replacement)

    def reverse_redemption(
        self,
        event: str,
        shop: Actor,
        subject: str,
        amount_units: int,
        rule_id: str,
        day: str,
        text: str,
        *,
        reason: str = "mistake",
        replacement: str | None = None,
    ) -> str:
        """Take a redemption back that was not settled yet; ``day`` is its own."""
        undo = [(subject, "spend", amount_units), (shop.party, "spend", -amount_units)]
        act: dict[str, JSON] = {"occurred_on": day, "rule": self.named(rule_id)}
        return self.reverse(event, subject, undo, act, text, reason=reason, replacement=replacement)

    def reverse(
        self,
        event: str,
        subject: str,
        undo: Sequence[tuple[str, str, int]],
        act: Mapping[str, JSON] | None,
        text: str,
        *,
        reason: str = "mistake",
        replacement: str | None = None,
        day: str | None = None,
    ) -> str:
        """Take an entry back; an issuer and the oversight committee sign.

        ``undo`` are the exact opposites of its postings as (party, unit, delta), ``act`` is what it counted against.
        ``day`` is by default that of the act.
        """
        accounts = sorted((f"{party}/{unit}", delta) for party, unit, delta in undo)
        body: dict[str, JSON] = {
            "issuer": self.issuer.party,
            "reason": reason,
            "subject": subject,
            "undo": [{"account": account, "delta": delta} for account, delta in accounts],
        }
        if act is not None:
            body["act"] = dict(act)
        if replacement is not None:
            body["replacement"] = replacement
        return self.scribe.write(
            "entry_reversed",
            [self.officer("issuer", self.turn()), self.officer("oversight")],
            body,
            day=day or str((act or {})["occurred_on"]),
            private={"explanation": text},
            reverses=event,
        )


def points_of(rule: Rule) -> int:
    """What one quantity of a rule moves, in hundredths."""
    assert not isinstance(rule.points_units, UnsetType), "a rule that moves points says how many"
    return rule.points_units


def units_for(rule: Rule, bill_fen: int) -> int:
    """The most points (hundredths) that a rule lets a bill take."""
    assert not isinstance(rule.units_per_yuan, UnsetType), "a redeem rule has a rate"
    share: Any = 10_000 if rule.bill_share_bp is UNSET else rule.bill_share_bp
    return int(bill_fen * share * rule.units_per_yuan // (10_000 * 100))
