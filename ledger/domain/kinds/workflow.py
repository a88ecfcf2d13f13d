"""Kinds on the way from a task to its points: `task_claimed`, `claim_declared`, `claim_reviewed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Claim, Fact, Mark, Task, stands
from ledger.domain.fields import EventRef, Party, Positive
from ledger.domain.kinds.points import check_two_sides, claim_key, find_claim
from ledger.domain.kinds.tasks import find_task
from ledger.domain.register import active_party, person_behind, person_key
from ledger.domain.roles import CARRIED_ROLES, Requirement, Signer
from ledger.domain.rules import TARGETS, check_evidence, rule_in_force, rule_needs
from ledger.errors import RefusalError


class TaskClaimed(Body, frozen=True):
    """Take a place of a task before the act, or give it back. The first in the log has the place.

    Only parties of the task's type of ``claimants`` take places, each one place, until the task ends. A place that an
    act was declared for is kept, unless that declaration was rejected or returned.
    """

    kind: ClassVar[str] = "task_claimed"
    title: ClassVar[str] = "报名/抢单"
    privacy: ClassVar[str] = "P2"

    action: Literal["claim", "release"]
    claimant: Party
    issuer: Party
    task: EventRef

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.claimant})

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement((*CARRIED_ROLES, "department"), scope=self.claimant, at_most=1),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        marks = [claimed_key(self.task, self.claimant), declared_key(self.task, self.claimant)]
        return [f"task:{self.task}", f"party:{self.claimant}", *marks]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        task = self._find_task(facts)
        if self.action == "release":
            self._check_release(facts)
            taken, mark = task.taken - 1, Mark()
        else:
            self._check_claim(task, event.occurred_on, facts)
            taken, mark = task.taken + 1, Mark(context.seq)
        changes: dict[str, Fact] = {f"task:{self.task}": replace(task, taken=taken)}
        return Decision([], {**changes, claimed_key(self.task, self.claimant): mark})

    def _find_task(self, facts: Facts) -> Task:
        """The task as the body names it; the day and the rule of an act are the declaration's."""
        task = facts[f"task:{self.task}"]
        if not isinstance(task, Task):
            raise RefusalError(
                "no such task",
                code="unknown_task",
                field="body.task",
                expected="the id of a task_published",
                got=self.task,
            )
        if task.issuer != self.issuer:
            raise _wrong_task("body.issuer", "the task has another issuer", task.issuer, self.issuer)
        return task

    def _check_claim(self, task: Task, day: str, facts: Facts) -> None:
        if isinstance(task.claimants, UnsetType):
            raise _wrong_task("body.task", "the places of this task are not claimed", "a task with claimants", "none")
        active_party(facts, self.claimant, "body.claimant", task.claimants, day=day)
        if day > task.ends_on:
            raise _wrong_task("occurred_on", "the task is over by that day", f"{task.ends_on} or earlier", day)
        if stands(facts[claimed_key(self.task, self.claimant)]):
            raise RefusalError(
                "the claimant has a place of this task already",
                code="claimed_before",
                field="body.claimant",
                expected="a claimant without a place, or who gave it back",
                got=self.claimant,
            )
        if task.taken >= task.capacity:
            raise RefusalError(
                "every place of the task is taken",
                code="no_place_left",
                field="body.task",
                expected=f"at most {task.capacity}",
                got=str(task.taken + 1),
            )

    def _check_release(self, facts: Facts) -> None:
        """Whoever moved out may still give a place back."""
        _check_place(facts, self.task, self.claimant, "body.claimant")
        _check_undeclared(facts, self.task, self.claimant, "body.claimant")


class ClaimDeclared(Body, frozen=True):
    """An act that earns points by a rule, as the subject says, or a helper or department for it, to be reviewed.

    ``quantity`` is how often, or how much, the rule is to count. For a ``task``, the act lies within its days, and a
    subject has one declaration that is not rejected or returned; where the task has claimants, the subject has a place.
    """

    kind: ClassVar[str] = "claim_declared"
    title: ClassVar[str] = "申报"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"matter": "text", "place": "text", "time": "text", "photo": "digest"}
    takes_rule: ClassVar[bool] = True

    issuer: Party
    quantity: Positive
    subject: Party
    task: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        # One alone declares: whoever might review must be held against everybody who declared.
        return (Requirement((*CARRIED_ROLES, "helper", "department"), scope=self.subject, at_most=1),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", *rule_needs(event)]
        named += map(person_key, keys)
        if self.task:
            named += [f"task:{self.task}", claimed_key(self.task, self.subject), declared_key(self.task, self.subject)]
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        day, rule_ref = event.occurred_on, event.named_rule
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        rule = rule_in_force(event, facts, "award")
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        check_two_sides(self.issuer, self.subject)
        check_evidence(rule, event)
        claim = Claim(
            book=rule_ref.book,
            declarer=event.actor,
            issuer=self.issuer,
            occurred_on=day,
            person=person_behind(context.signers[0], facts),
            quantity=self.quantity,
            rule=rule_ref.id,
            status="declared",
            subject=self.subject,
            version=rule_ref.version,
            task=self.task,
        )
        changes: dict[str, Fact] = {claim_key(event.id): claim}
        if self.task:
            self._check_task(self.task, event, facts)
            changes[declared_key(self.task, self.subject)] = Mark(context.seq)
        return Decision([], changes)

    def _check_task(self, task: EventRef, event: Event, facts: Facts) -> None:
        if find_task(facts, task, self.issuer, event).claimants:
            _check_place(facts, task, self.subject, "body.subject")
        _check_undeclared(facts, task, self.subject, "body.subject")


class ClaimReviewed(Body, frozen=True):
    """Approve, reject or return a declared act, once. Who declared it, or is its subject, never reviews it.

    That holds for the person behind a key as well, and for the members of a household that is the subject. A rejection
    or return states its ``reason``; then the subject may declare anew, or give its place of the task back.
    """

    kind: ClassVar[str] = "claim_reviewed"
    title: ClassVar[str] = "审核"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"reason": "text"}

    claim: EventRef
    issuer: Party
    outcome: Literal["approve", "reject", "return"]
    subject: Party

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("reviewer", "oversight"), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [claim_key(self.claim), *map(person_key, keys)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        claim = find_claim(facts, self.claim)
        self._check_target(claim)
        if event.occurred_on < claim.occurred_on:
            raise RefusalError(
                "reviewed before it happened",
                code="wrong_order",
                field="occurred_on",
                expected=f"{claim.occurred_on} or later",
                got=event.occurred_on,
            )
        _check_reviewers(claim, context.signers, facts)
        if self.outcome != "approve" and "reason" not in (event.private or ()):
            raise RefusalError(
                "a rejection or return states its reason",
                code="evidence_missing",
                field="private",
                expected="reason",
                got=", ".join(event.private or ()) or "nothing",
            )
        changes: dict[str, Fact] = {claim_key(self.claim): replace(claim, status=_STATUS[self.outcome])}
        if claim.task and self.outcome != "approve":
            changes[declared_key(claim.task, claim.subject)] = Mark()
        return Decision([], changes)

    def _check_target(self, claim: Claim) -> None:
        for name in ("issuer", "subject"):
            if getattr(self, name) != getattr(claim, name):
                raise RefusalError(
                    "not what was declared",
                    code="wrong_target",
                    field=f"body.{name}",
                    expected=getattr(claim, name),
                    got=getattr(self, name),
                )
        if claim.status != "declared":
            raise RefusalError(
                "this declaration was reviewed before",
                code="reviewed_before",
                field="body.claim",
                expected="declared",
                got=claim.status,
            )


_STATUS = {"approve": "approved", "reject": "rejected", "return": "returned"}


def claimed_key(task: str, claimant: str) -> str:
    """The fact key of the mark that a claimant has a place of a task."""
    return f"mark:claimed/{task}/{claimant}"


def declared_key(task: str, subject: str) -> str:
    """The fact key of the mark that a subject's act for a task is declared, and not rejected or returned."""
    return f"mark:declared/{task}/{subject}"


def _wrong_task(field: str, message: str, expected: str, got: str) -> RefusalError:
    return RefusalError(message, code="wrong_task", field=field, expected=expected, got=got)


def _check_place(facts: Facts, task: str, party: str, field: str) -> None:
    """Raise `RefusalError` unless the party has a place of the task."""
    if not stands(facts[claimed_key(task, party)]):
        raise RefusalError(
            "this party has no place of the task",
            code="not_claimed",
            field=field,
            expected="a party that claimed a place and kept it",
            got=party,
        )


def _check_undeclared(facts: Facts, task: str, party: str, field: str) -> None:
    """Raise `RefusalError` if an act of the party is declared for the task, and not rejected or returned."""
    if stands(facts[declared_key(task, party)]):
        raise RefusalError(
            "an act for this task was declared before",
            code="declared_before",
            field=field,
            expected="no declaration for this task, or one that was rejected or returned",
            got=party,
        )


def _check_reviewers(claim: Claim, signers: Sequence[Signer], facts: Facts) -> None:
    """Raise `RefusalError` if a reviewer declared the act, by its party or its person."""
    for signer in signers:
        if own := {claim.declarer, claim.person} & {signer.party, person_behind(signer, facts)}:
            raise RefusalError(
                "nobody reviews what they declared",
                code="own_claim",
                field="signatures",
                expected="reviewers who did not declare the act",
                got=min(own),
            )
