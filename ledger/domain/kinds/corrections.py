"""Kinds that put right what was wrong: `entry_reversed`. Never an edit: a correction is a new event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.events import Body, Context, Decision, Event, Facts, Undo, pairs
from ledger.domain.facts import RECORDED_PREFIX, Fact, Mark, Recorded
from ledger.domain.fields import Act, EventRef, Party
from ledger.domain.kinds.books import carried_key
from ledger.domain.kinds.points import give_back, give_back_needs
from ledger.domain.kinds.spending import take_in, till_key, unsettled
from ledger.domain.lots import cancel, draw_key, held_units, lots_key, restore
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError


class EntryReversed(Body, frozen=True):
    """Takes an entry back, once. ``undo`` is the exact opposite of the target's postings.

    What a giver no longer has is not taken: it stays a shortfall that ``issuer`` bears, never a debt. A receiver other
    than the issuer still gets all of it. The entry's postings tell what was recovered. An opening balance that was
    taken back may be carried anew. ``act`` names what the target counted against by its rule: its place in the task is
    free again, its claim may be rewarded anew, and caps and budget get back what was recovered, so that a replacement,
    which is a new event, fits in. Points that lapse come back into the same lots. What the issuer gives back for a shop
    is netted in the shop's next settlement.
    """

    kind: ClassVar[str] = "entry_reversed"
    title: ClassVar[str] = "冲正"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"explanation": "text"}
    takes_reverses: ClassVar[bool] = True

    issuer: Party
    reason: Literal["mistake", "duplicate", "fraud", "appeal"]
    subject: Party
    undo: Annotated[list[Undo], Meta(min_length=2, max_length=8)]
    act: Act | UnsetType = UNSET
    replacement: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject, *(posting.account[:28] for posting in self.undo)})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("issuer",), scope=self.issuer), Requirement(("oversight", "reviewer"), scope=self.issuer))

    def counted(self, event: Event) -> Act | UnsetType:
        return self.act

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        if isinstance(event.reverses, UnsetType):
            return []  # judging refuses it before it reads any
        named = [f"party:{self.issuer}", *(f"account:{party}" for party in self.parties())]
        named += [f"{RECORDED_PREFIX}{event.reverses}", f"mark:reversed/{event.reverses}", *self._opening_marks()]
        named += [lots_key(self.subject), draw_key(event.reverses)]
        named += [till_key(shop, self.issuer) for shop in self._others()]
        return named if isinstance(self.act, UnsetType) else named + give_back_needs(self.act, self.subject)

    def _others(self) -> list[str]:
        """The parties that it moves points of, beside subject and issuer: the shop of a redemption."""
        return sorted({posting.account[:28] for posting in self.undo} - {self.subject, self.issuer})

    def _opening_marks(self) -> list[str]:
        return [carried_key(self.subject, posting.account[29:]) for posting in self.undo]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        mark = f"mark:reversed/{event.reverses}"
        target = _find_target(event, facts[f"{RECORDED_PREFIX}{event.reverses}"], facts[mark])
        self._check_target(target)
        postings = self._recover(facts)
        changes: dict[str, Fact] = {mark: Mark(context.seq), **self._released(target, facts)}
        if not isinstance(self.act, UnsetType):
            changes.update(give_back(self.act, self.subject, self._recovered(postings), facts))
        changes.update(self._lots(target, dict(postings), facts, str(event.reverses)))
        for shop in self._others():
            given = dict(postings).get(f"{shop}/spend", 0)
            asked = dict(pairs(self.undo))[f"{shop}/spend"]
            changes.update(take_in(facts, shop, self.issuer, given, context.seq, owed=given - asked))
        return Decision(postings, changes)

    def _recovered(self, postings: list[tuple[str, int]]) -> int:
        """How much of an award or deduction came back: the least of its units, lest a cap give a unit twice.

        A deduction comes back whole. Of a unit of which there was too little it took less than it counted for.
        """
        moved = dict(postings)
        units = [moved.get(one.account, 0) for one in self.undo if one.account[:28] == self.subject]
        return max(units) if max(units) > 0 else -max(units)

    def _lots(self, target: Recorded, moved: dict[str, int], facts: Facts, target_id: str) -> dict[str, Fact]:
        delta = moved.get(f"{self.subject}/spend", 0)
        if delta < 0:
            return cancel(facts, self.subject, -delta, target.seq)
        return restore(facts, self.subject, target_id)

    def _check_target(self, target: Recorded) -> None:
        """The body must state what the target did, so that whom this event concerns follows from it alone."""
        opposite = [(account, -delta) for account, delta in target.postings]
        stated: list[tuple[str, object, object]] = [
            ("undo", opposite, pairs(self.undo)),
            ("subject", target.holder, self.subject),
            ("issuer", target.issuer or self.issuer, self.issuer),
            ("act", target.act or "nothing", self.act or "nothing"),
        ]
        for name, expected, got in stated:
            if got != expected:
                raise RefusalError(
                    "not what the entry says", code="wrong_target", field=f"body.{name}", expected=expected, got=got
                )

    def _released(self, target: Recorded, facts: Facts) -> dict[str, Fact]:
        """The marks of opening balances that the target set."""
        return {key: Mark() for key in self._opening_marks() if facts[key] == Mark(target.seq)}

    def _recover(self, facts: Facts) -> list[tuple[str, int]]:
        deltas: dict[str, int] = {}
        for posting in self.undo:
            party, unit = posting.account[:28], posting.account[29:]
            delta = posting.delta
            if party == self.issuer:
                continue
            if delta < 0 and unit == "spend":
                held = held_units(facts, party)  # below zero where the party issues points of its own
                if party != self.subject:  # a shop gives back what this issuer owes it, not what others do
                    held = min(held, unsettled(facts, party, self.issuer))
                delta = max(delta, -max(0, held))
            deltas[posting.account] = delta
        for unit in sorted({posting.account[29:] for posting in self.undo}):
            deltas[f"{self.issuer}/{unit}"] = -sum(d for account, d in deltas.items() if account.endswith(unit))
        return sorted((account, delta) for account, delta in deltas.items() if delta)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        """Accounts but the issuer's move at most as far as ``undo`` says; receivers get all; units sum to zero."""
        bounds, moved = dict(pairs(self.undo)), dict(postings)
        if len(moved) != len(postings) or 0 in moved.values():
            return False
        for unit in ("merit", "spend"):
            if sum(delta for account, delta in postings if account.endswith(unit)):
                return False
        for account in bounds.keys() | moved.keys():
            if account[:28] == self.issuer:
                continue
            bound, delta = bounds.get(account, 0), moved.get(account, 0)
            partial = bound < 0 and account.endswith("spend") and bound <= delta <= 0
            if delta != bound and not partial:
                return False
        return True


def _find_target(event: Event, target: Fact | None, reversed_before: Fact | None) -> Recorded:
    """The entry to be taken back, if it can be. Raises `RefusalError`."""
    if not isinstance(target, Recorded):
        raise RefusalError(
            "no such entry",
            code="unknown_entry",
            field="reverses",
            expected="the id of an earlier entry",
            got=event.reverses,
        )
    if reversed_before is not None:
        raise RefusalError(
            "this entry was reversed before",
            code="reversed_before",
            field="reverses",
            expected="an entry that stands",
            got=event.reverses,
        )
    if not target.reversible:
        raise RefusalError(
            "this kind is never reversed",
            code="not_reversible",
            field="reverses",
            expected="an entry that moved points",
            got=target.kind,
        )
    if event.occurred_on < target.occurred_on:
        raise RefusalError(
            "earlier than what it takes back",
            code="wrong_order",
            field="occurred_on",
            expected=f"{target.occurred_on} or later",
            got=event.occurred_on,
        )
    return target
