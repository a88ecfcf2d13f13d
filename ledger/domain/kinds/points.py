"""Kinds that move points in daily life: `task_published`, `points_awarded`, `points_redeemed`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.core.types import MAX_INT
from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Credential, Fact, Mark, Tally, Task, stands
from ledger.domain.fields import Act, ActRule, Amount, Day, EventRef, Fen, Party, Positive, Unit, is_day
from ledger.domain.register import active_party
from ledger.domain.roles import CARRIED_ROLES, Requirement
from ledger.domain.rules import (
    TARGETS,
    Rule,
    book_key,
    cap_keys,
    check_evidence,
    check_signers,
    count_against_caps,
    rule_in_force,
    rule_key,
)
from ledger.errors import RefusalError


class TaskPublished(Body, frozen=True):
    """An activity with places, a rule that rewards it, and a budget (hundredths of points over all places)."""

    kind: ClassVar[str] = "task_published"
    title: ClassVar[str] = "活动/问题清单"
    privacy: ClassVar[str] = "P0"
    private: ClassVar[dict[str, str]] = {"title": "text", "place": "text", "description": "text"}
    takes_rule: ClassVar[bool] = True

    capacity: Positive
    starts_on: Day
    ends_on: Day
    issuer: Party
    budget_units: Amount | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.issuer]

    def holder(self) -> str:
        return self.issuer

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("village",), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{self.issuer}", *_rule_needs(event)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        rule_in_force(event, facts, "award")
        if not is_day(self.starts_on) or not is_day(self.ends_on) or self.ends_on < self.starts_on:
            raise RefusalError(
                "the days of the task are not in order",
                code="bad_days",
                field="body.ends_on",
                expected="two days of the calendar in order",
                got=f"{self.starts_on} to {self.ends_on}",
            )
        task = Task(
            issuer=self.issuer,
            book=event.named_rule.book,
            rule=event.named_rule.id,
            capacity=self.capacity,
            taken=0,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            used_units=0,
            budget_units=self.budget_units,
        )
        return Decision([], {f"task:{event.id}": task})


class PointsAwarded(Body, frozen=True):
    """Points for an act: ``amount_units`` = quantity × the rule's points, issuer → subject, in each of the units."""

    kind: ClassVar[str] = "points_awarded"
    title: ClassVar[str] = "加分"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"place": "text", "matter": "text", "time": "text", "photo": "digest"}
    takes_rule: ClassVar[bool] = True
    reversible: ClassVar[bool] = True

    amount_units: Amount
    issuer: Party
    quantity: Positive
    subject: Party
    units: Annotated[list[Unit], Meta(min_length=1, max_length=2)]
    task: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.issuer, self.subject] if self.issuer < self.subject else [self.subject, self.issuer]

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        return _signed_for(self.issuer)

    def counted(self, event: Event) -> Act:
        ref = event.named_rule
        rule = ActRule(book=ref.book, version=ref.version, id=ref.id)
        return Act(occurred_on=event.occurred_on, rule=rule, task=self.task)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", *_rule_needs(event)]
        if event.rule:
            named += cap_keys(event.rule, self.subject, event.occurred_on)
        if self.task:
            named += task_keys(self.task, self.subject)
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        day = event.occurred_on
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        rule = rule_in_force(event, facts, "award")
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        self._check_amount(rule)
        check_evidence(rule, event)
        check_signers(rule, event, context)
        changes = count_against_caps(rule, event.named_rule, self.subject, day, self.amount_units, facts)
        if self.task:
            changes.update(self._take_place(event, facts, context))
        return Decision(self._postings(), changes)

    def _check_amount(self, rule: Rule) -> None:
        if self.units != rule.units:
            raise RefusalError(
                "not the units of the rule",
                code="wrong_units",
                field="body.units",
                expected=", ".join(rule.units or ()),
                got=", ".join(self.units),
            )
        assert not isinstance(rule.points_units, UnsetType), "adopting the book checked it"
        expected = self.quantity * rule.points_units
        if self.amount_units != expected:
            raise RefusalError(
                "not what the rule gives",
                code="wrong_amount",
                field="body.amount_units",
                expected=f"{self.quantity} × {rule.points_units} = {expected}",
                got=str(self.amount_units),
            )

    def _take_place(self, event: Event, facts: Facts, context: Context) -> dict[str, Fact]:
        task_key, taken_key = task_keys(str(self.task), self.subject)
        task, field = facts[task_key], "body.task"
        if not isinstance(task, Task):
            raise RefusalError(
                "no such task", code="unknown_task", field=field, expected="the id of a task_published", got=self.task
            )
        if (task.issuer, task.book, task.rule) != (self.issuer, event.named_rule.book, event.named_rule.id):
            raise RefusalError(
                "the task has another issuer or rule",
                code="wrong_task",
                field=field,
                expected=f"{task.book}/{task.rule} by {task.issuer}",
                got=f"{event.named_rule.book}/{event.named_rule.id} by {self.issuer}",
            )
        if not task.starts_on <= event.occurred_on <= task.ends_on:
            raise RefusalError(
                "not on a day of the task",
                code="wrong_task",
                field="occurred_on",
                expected=f"{task.starts_on} to {task.ends_on}",
                got=event.occurred_on,
            )
        if stands(facts[taken_key]):
            raise RefusalError(
                "the subject was rewarded for this task before",
                code="counted_before",
                field="body.subject",
                expected="no award for this task, or its reversal",
                got=self.subject,
            )
        if task.taken >= task.capacity:
            raise RefusalError(
                "every place of the task is taken",
                code="no_place_left",
                field=field,
                expected=f"at most {task.capacity}",
                got=str(task.taken + 1),
            )
        used, budget = task.used_units + self.amount_units, task.budget_units or MAX_INT
        if used > budget:
            raise RefusalError(
                "the budget of the task is used up",
                code="no_budget_left",
                field=field,
                expected=f"at most {budget}",
                got=str(used),
            )
        return {task_key: replace(task, taken=task.taken + 1, used_units=used), taken_key: Mark(context.seq)}

    def _postings(self) -> list[tuple[str, int]]:
        amount = self.amount_units
        sides = ((self.issuer, -amount), (self.subject, amount))
        return [
            (f"{party}/{unit}", delta)
            for party, delta in (sides if self.issuer < self.subject else sides[::-1])
            for unit in self.units
        ]

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == self._postings()


class PointsRedeemed(Body, frozen=True):
    """Points exchanged at a shop: ``spend``, subject → shop. The holder's card or phone co-signs; online only.

    ``bill_fen`` is what the goods cost in all; the points are worth at most that, and at most the rule's share of it.
    """

    kind: ClassVar[str] = "points_redeemed"
    title: ClassVar[str] = "兑换/抵扣"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"goods": "text", "place": "text"}
    takes_rule: ClassVar[bool] = True
    reversible: ClassVar[bool] = True

    amount_units: Amount
    bill_fen: Fen
    shop: Party
    subject: Party

    def parties(self) -> list[str]:
        return sorted({self.shop, self.subject})

    def holder(self) -> str:
        return self.subject

    def requirements(self) -> tuple[Requirement, ...]:
        return (
            Requirement(("shop",), scope=self.shop, party=self.shop),
            Requirement(CARRIED_ROLES, scope=self.subject, party=self.subject),
            Requirement(("reviewer", "oversight"), at_least=0),
        )

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.shop}", f"party:{self.subject}", f"account:{self.subject}", *_rule_needs(event)]
        return [*named, self._spent(today), *(f"credential:{key}" for key in keys)]

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
        rule = rule_in_force(event, facts, "redeem")
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        self._check_bill(rule)
        check_evidence(rule, event)
        check_signers(rule, event, context)
        return Decision(self._postings(), self._count_card(facts, context))

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
        return sorted([(f"{self.subject}/spend", -self.amount_units), (f"{self.shop}/spend", self.amount_units)])

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == self._postings()


@lru_cache(maxsize=1024)
def _signed_for(issuer: str) -> tuple[Requirement, ...]:
    """Who signs an award of an issuer: one of its officers, and whom the rule asks for besides."""
    return (
        Requirement(("issuer",), scope=issuer, at_most=1),
        Requirement(("reviewer", "oversight"), at_least=0, scope=issuer),
    )


def task_keys(task: str, subject: str) -> tuple[str, str]:
    """The fact keys of a task, and of the mark that a subject was rewarded for it."""
    return f"task:{task}", f"mark:taken/{task}/{subject}"


def give_back_needs(act: Act, subject: str) -> list[str]:
    """The fact keys that `give_back` reads."""
    named = [rule_key(act.rule), *cap_keys(act.rule, subject, act.occurred_on)]
    return [*named, *task_keys(act.task, subject)] if act.task else named


def give_back(act: Act, subject: str, recovered: int, facts: Facts) -> dict[str, Fact]:
    """What a reversed award no longer counts against: caps and budget by the amount ``recovered``, and its place."""
    rule = facts[rule_key(act.rule)]
    assert isinstance(rule, Rule), "the award was judged by it"
    changes = count_against_caps(rule, act.rule, subject, act.occurred_on, -recovered, facts)
    if act.task:
        task_key, taken_key = task_keys(act.task, subject)
        task = facts[task_key]
        assert isinstance(task, Task), "the award took a place of it"
        changes[task_key] = replace(task, taken=task.taken - 1, used_units=task.used_units - recovered)
        changes[taken_key] = Mark()
    return changes


def _rule_needs(event: Event) -> list[str]:
    return [book_key(event.rule.book), rule_key(event.rule)] if event.rule else []
