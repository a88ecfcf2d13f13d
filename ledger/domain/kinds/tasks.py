"""Kinds about what there is to do: `task_published`; and what an award takes of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.core.types import MAX_INT
from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Fact, Mark, Task, stands
from ledger.domain.fields import Amount, Day, EventRef, Party, Positive, is_day
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.domain.rules import TARGETS, rule_in_force, rule_needs
from ledger.errors import RefusalError


class TaskPublished(Body, frozen=True):
    """An activity with places, a rule that rewards it, and a budget (hundredths of points over all places).

    With ``claimants`` its places are claimed first, by parties of that type; else an award takes a place.
    """

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
    claimants: Literal["resident", "household", "organisation"] | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.issuer]

    def holder(self) -> str:
        return self.issuer

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("village",), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{self.issuer}", *rule_needs(event)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        rule = rule_in_force(event, facts, "award")
        if self.claimants and self.claimants != TARGETS[rule.target]:
            raise RefusalError(
                "the rule rewards others than those who claim places",
                code="wrong_claimants",
                field="body.claimants",
                expected=TARGETS[rule.target],
                got=self.claimants,
            )
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
            claimants=self.claimants,
        )
        return Decision([], {f"task:{event.id}": task})


def task_keys(task: str, subject: str) -> tuple[str, str]:
    """The fact keys of a task, and of the mark that a subject was rewarded for it."""
    return f"task:{task}", f"mark:taken/{task}/{subject}"


def find_task(facts: Facts, task: EventRef, issuer: str, event: Event) -> Task:
    """The task of an id, if it is the issuer's, for the event's rule, and on its day. Raises `RefusalError`."""
    fact, field, rule = facts[f"task:{task}"], "body.task", event.named_rule
    if not isinstance(fact, Task):
        raise RefusalError(
            "no such task", code="unknown_task", field=field, expected="the id of a task_published", got=task
        )
    if (fact.issuer, fact.book, fact.rule) != (issuer, rule.book, rule.id):
        raise RefusalError(
            "the task has another issuer or rule",
            code="wrong_task",
            field=field,
            expected=f"{fact.book}/{fact.rule} by {fact.issuer}",
            got=f"{rule.book}/{rule.id} by {issuer}",
        )
    if not fact.starts_on <= event.occurred_on <= fact.ends_on:
        raise RefusalError(
            "not on a day of the task",
            code="wrong_task",
            field="occurred_on",
            expected=f"{fact.starts_on} to {fact.ends_on}",
            got=event.occurred_on,
        )
    return fact


def reward_place(task: Task, key: str, taken_key: str, amount: int, facts: Facts, seq: int) -> dict[str, Fact]:
    """The facts after a subject was rewarded ``amount`` for a task; the place is taken unless it was claimed.

    Raises `RefusalError`.
    """
    if stands(facts[taken_key]):
        raise RefusalError(
            "the subject was rewarded for this task before",
            code="counted_before",
            field="body.subject",
            expected="no award for this task, or its reversal",
            got=taken_key[-28:],
        )
    taken = task.taken + (task.claimants is UNSET)
    if taken > task.capacity:
        raise RefusalError(
            "every place of the task is taken",
            code="no_place_left",
            field="body.task",
            expected=f"at most {task.capacity}",
            got=str(taken),
        )
    used, budget = task.used_units + amount, task.budget_units or MAX_INT
    if used > budget:
        raise RefusalError(
            "the budget of the task is used up",
            code="no_budget_left",
            field="body.task",
            expected=f"at most {budget}",
            got=str(used),
        )
    return {key: replace(task, taken=taken, used_units=used), taken_key: Mark(seq)}
