"""Kinds by which the ledger speaks about itself: `state_committed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import LEDGER, Ledger
from ledger.domain.fields import DigestHex, Positive
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError


class StateCommitted(Body, frozen=True):
    """The root of the state map after entries 0 … ``size`` − 1; stands in entry ``size`` (formats §7)."""

    kind: ClassVar[str] = "state_committed"
    title: ClassVar[str] = "状态承诺"
    privacy: ClassVar[str] = "P0"

    root: DigestHex
    size: Positive

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("ledger",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [LEDGER]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        ledger = facts[LEDGER]
        if context.map_root is None or not isinstance(ledger, Ledger) or event.actor != ledger.party:
            raise RefusalError(
                "only the ledger itself commits its state",
                code="not_authorised",
                field="kind",
                expected="the ledger's own sequencer",
                got=event.actor,
            )
        if self.size != context.seq:
            raise RefusalError(
                "a commitment states the map after all entries before it",
                code="wrong_size",
                field="body.size",
                expected=str(context.seq),
                got=str(self.size),
            )
        if self.root != context.map_root.hex():
            raise RefusalError(
                "not the root of the state map",
                code="wrong_root",
                field="body.root",
                expected=context.map_root.hex(),
                got=self.root,
            )
        return Decision([], {})
