"""The kind by which a benefit is offered, taken and given: `benefit_changed`. A person decides, never a score alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Benefit
from ledger.domain.fields import EventRef, Name, Party
from ledger.domain.register import active_party, person_behind, person_key
from ledger.domain.roles import CARRIED_ROLES, Requirement
from ledger.errors import RefusalError

STEPS: Final = {
    "accept": (("offered",), "accepted"),
    "decline": (("offered",), "declined"),
    "grant": (("accepted",), "granted"),
    "revoke": (("offered", "accepted", "granted"), "revoked"),
}
"""For each step after the offer: at which statuses it may come, and the status after it."""
ANSWERS: Final = ("accept", "decline")
"""What the subject says; everything else is for the decider."""
STATED: Final = {"offer": "terms", "grant": "reason", "revoke": "reason"}
"""The private detail that a decision must carry."""


class BenefitChanged(Body, frozen=True):
    """A benefit: offered, accepted or declined by its subject, then granted; a decider may revoke it until the end.

    ``benefit`` is the id of the offer, which every later step names with its issuer, product and subject. An offer
    states its ``terms``; granting and revoking state their ``reason``. No decider decides on the own benefit, and no
    helper who accepted it for the subject grants it.
    """

    kind: ClassVar[str] = "benefit_changed"
    title: ClassVar[str] = "权益落实"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"terms": "text", "reason": "text"}

    action: Literal["offer", "accept", "decline", "grant", "revoke"]
    issuer: Party
    product: Name
    subject: Party
    benefit: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return () if self.action in ANSWERS else (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        if self.action in ANSWERS:
            return (Requirement((*CARRIED_ROLES, "helper"), scope=self.subject, at_most=1),)
        return (Requirement(("decider",), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", *map(person_key, keys)]
        return [*named, benefit_key(self.benefit)] if self.benefit else named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        if self.action != "revoke":  # who is gone meanwhile has no benefit any more
            active_party(facts, self.subject, "body.subject", "resident", "household", day=event.occurred_on)
        self._check_stated(event)
        if self.action == "offer":
            return Decision([], {benefit_key(event.id): self._offer(event.occurred_on)})
        if isinstance(self.benefit, UnsetType):
            raise RefusalError(
                "this step names the benefit that was offered",
                code="missing_field",
                field="body.benefit",
                expected="the id of the offer",
                got="nothing",
            )
        return Decision(
            [], {benefit_key(self.benefit): self._step(facts[benefit_key(self.benefit)], event, context, facts)}
        )

    def _check_stated(self, event: Event) -> None:
        name = STATED.get(self.action)
        if name is not None and name not in (event.private or ()):
            raise RefusalError(
                f"{self.action} states its {name}",
                code="missing_field",
                field=f"private.{name}",
                expected=name,
                got=", ".join(event.private or ()) or "nothing",
            )

    def _offer(self, day: str) -> Benefit:
        if self.benefit:
            raise RefusalError(
                "an offer is a new benefit",
                code="superfluous_field",
                field="body.benefit",
                expected="nothing",
                got=self.benefit,
            )
        return Benefit(issuer=self.issuer, product=self.product, since=day, status="offered", subject=self.subject)

    def _step(self, known: object, event: Event, context: Context, facts: Facts) -> Benefit:
        if not isinstance(known, Benefit):
            raise RefusalError(
                "no such benefit",
                code="unknown_benefit",
                field="body.benefit",
                expected="the id of an offer",
                got=self.benefit,
            )
        for name in ("issuer", "product", "subject"):
            if getattr(self, name) != getattr(known, name):
                raise RefusalError(
                    "not what was offered",
                    code="wrong_target",
                    field=f"body.{name}",
                    expected=getattr(known, name),
                    got=getattr(self, name),
                )
        before, after = STEPS[self.action]
        if known.status not in before:
            raise RefusalError(
                "this step does not follow where the benefit stands",
                code="wrong_step",
                field="body.action",
                expected=f"a benefit that is {' or '.join(before)}",
                got=known.status,
            )
        if event.occurred_on < known.since:
            raise RefusalError(
                "earlier than the step before",
                code="wrong_order",
                field="occurred_on",
                expected=f"{known.since} or later",
                got=event.occurred_on,
            )
        signers = {signer.party for signer in context.signers} | {person_behind(one, facts) for one in context.signers}
        if self.action == "grant" and (own := signers & set(known.answered_by)):
            raise RefusalError(
                "nobody grants what they accepted for somebody",
                code="own_answer",
                field="signatures",
                expected="deciders who did not accept the benefit",
                got=min(own),
            )
        answered_by = sorted(signers) if self.action == "accept" else known.answered_by
        return replace(known, since=event.occurred_on, status=after, answered_by=answered_by)


def benefit_key(offer: str) -> str:
    """The fact key of a benefit, by the event id of its offer."""
    return f"benefit:{offer}"
