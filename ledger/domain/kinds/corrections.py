"""Kinds that put right what was wrong: `entry_reversed`. Never an edit: a correction is a new event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.events import Body, Context, Decision, Event, Facts, Posting
from ledger.domain.facts import RECORDED_PREFIX, Account, Mark, Recorded
from ledger.domain.fields import EventRef, Party
from ledger.domain.kinds.parties import active_party
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError


class EntryReversed(Body, frozen=True):
    """Takes an entry back, once. ``undo`` is the exact opposite of the target's postings.

    What a giver no longer has is not taken: it stays a shortfall that ``issuer`` bears, never a debt. A receiver other
    than the issuer still gets all of it. The entry's postings tell what was recovered.
    """

    kind: ClassVar[str] = "entry_reversed"
    title: ClassVar[str] = "冲正"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"explanation": "text"}
    takes_reverses: ClassVar[bool] = True

    issuer: Party
    reason: Literal["mistake", "duplicate", "fraud", "appeal"]
    subject: Party
    undo: Annotated[list[Posting], Meta(min_length=2, max_length=8)]
    replacement: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject, *(posting.account[:28] for posting in self.undo)})

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("issuer",), scope=self.issuer), Requirement(("oversight", "reviewer"), scope=self.issuer))

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", *(f"account:{party}" for party in self.parties())]
        return [*named, f"{RECORDED_PREFIX}{event.reverses}", f"mark:reversed/{event.reverses}"]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation")
        mark = f"mark:reversed/{event.reverses}"
        target = facts[f"{RECORDED_PREFIX}{event.reverses}"]
        if not isinstance(target, Recorded):
            raise RefusalError("no such entry", code="unknown_entry", field="reverses", got=str(event.reverses))
        if facts[mark] is not None:
            raise RefusalError("this entry was reversed before", code="reversed_before", field="reverses")
        if not target.reversible:
            raise RefusalError("this kind is never reversed", code="not_reversible", field="reverses", got=target.kind)
        self._check_target(target)
        return Decision(self._recover(facts), {mark: Mark(context.seq)})

    def _check_target(self, target: Recorded) -> None:
        opposite = [(account, -delta) for account, delta in target.postings]
        if [(posting.account, posting.delta) for posting in self.undo] != opposite:
            raise RefusalError(
                "not the opposite of the entry's postings", code="wrong_undo", field="body.undo", expected=str(opposite)
            )
        if self.subject not in target.parties:
            raise RefusalError("the entry is not about this subject", code="wrong_party", field="body.subject")
        if target.issuer is not UNSET and target.issuer != self.issuer:
            raise RefusalError(
                "another issuer made the entry", code="wrong_party", field="body.issuer", expected=target.issuer
            )

    def _recover(self, facts: Facts) -> list[tuple[str, int]]:
        deltas: dict[str, int] = {}
        for posting in self.undo:
            party, unit = posting.account[:28], posting.account[29:]
            delta = posting.delta
            if party == self.issuer:
                continue
            if delta < 0 and unit == "spend":
                account = facts[f"account:{party}"]
                delta = max(delta, -account.balances[unit]) if isinstance(account, Account) else 0
            deltas[posting.account] = delta
        for unit in sorted({posting.account[29:] for posting in self.undo}):
            deltas[f"{self.issuer}/{unit}"] = -sum(d for account, d in deltas.items() if account.endswith(unit))
        return sorted((account, delta) for account, delta in deltas.items() if delta)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        """Accounts but the issuer's move at most as far as ``undo`` says; receivers get all; units sum to zero."""
        bounds = {posting.account: posting.delta for posting in self.undo}
        moved = dict(postings)
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
