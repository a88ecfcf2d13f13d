"""Kinds that move points in daily life: `task_published`, `points_awarded`, `points_redeemed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Credential, Fact, Mark, Tally, Task
from ledger.domain.fields import Amount, Day, EventRef, Fen, Party, Positive, Unit, day_number, is_day
from ledger.domain.kinds.parties import active_party
from ledger.domain.roles import CARRIED_ROLES, Requirement
from ledger.domain.rules import Rule, book_key, cap_keys, count_against_caps, rule_in_force, rule_key
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
        active_party(facts, self.issuer, "body.issuer", "organisation")
        rule_in_force(event, facts, "award")
        if not is_day(self.starts_on) or not is_day(self.ends_on) or self.ends_on < self.starts_on:
            raise RefusalError("the days of the task are not in order", code="bad_days", field="body.ends_on")
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
        return (
            Requirement(("issuer",), scope=self.issuer),
            Requirement(("reviewer", "oversight"), at_least=0, scope=self.issuer),
        )

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", *_rule_needs(event)]
        if event.rule:
            named += cap_keys(event.rule, self.subject, event.occurred_on)
        if self.task:
            named += [f"task:{self.task}", self._taken()]
        return named

    def _taken(self) -> str:
        return f"mark:taken/{self.task}/{self.subject}"

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation")
        rule = rule_in_force(event, facts, "award")
        active_party(facts, self.subject, "body.subject", "household" if rule.target == "household" else "resident")
        if self.subject == self.issuer:
            raise RefusalError("issuer and subject are one", code="wrong_party", field="body.subject")
        self._check_amount(rule)
        self._check_approvals(rule, event, context)
        keys = cap_keys(event.named_rule, self.subject, event.occurred_on)
        changes = count_against_caps(rule, keys, self.amount_units, facts)
        if self.task:
            changes.update(self._take_place(event, facts, context))
        return Decision(self._postings(), changes)

    def _check_amount(self, rule: Rule) -> None:
        if self.units != rule.units:
            raise RefusalError(
                "not the units of the rule",
                code="wrong_units",
                field="body.units",
                expected=", ".join(rule.units),
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

    def _check_approvals(self, rule: Rule, event: Event, context: Context) -> None:
        signers = 1 + rule.approvals
        if rule.backdating_days is not UNSET:
            signers += day_number(context.today) - day_number(event.occurred_on) > rule.backdating_days
        if len(context.signers) < signers:
            raise RefusalError(
                "the rule, or the age of the act, asks for more signers",
                code="not_enough_signers",
                field="signatures",
                expected=str(signers),
                got=str(len(context.signers)),
            )

    def _take_place(self, event: Event, facts: Facts, context: Context) -> dict[str, Fact]:
        task, field = facts[f"task:{self.task}"], "body.task"
        if not isinstance(task, Task):
            raise RefusalError("no such task", code="unknown_task", field=field, got=str(self.task))
        if (task.issuer, task.book, task.rule) != (self.issuer, event.named_rule.book, event.named_rule.id):
            raise RefusalError(
                "the task has another issuer or rule",
                code="wrong_task",
                field=field,
                expected=f"{task.book}/{task.rule}",
            )
        if not task.starts_on <= event.occurred_on <= task.ends_on:
            raise RefusalError(
                "not on a day of the task",
                code="wrong_task",
                field="occurred_on",
                expected=f"{task.starts_on} to {task.ends_on}",
                got=event.occurred_on,
            )
        if facts[self._taken()] is not None:
            raise RefusalError(
                "the subject was rewarded for this task before", code="counted_before", field="body.subject"
            )
        if task.taken >= task.capacity:
            raise RefusalError(
                "every place of the task is taken",
                code="no_place_left",
                field=field,
                expected=f"at most {task.capacity}",
            )
        used = task.used_units + self.amount_units
        if task.budget_units is not UNSET and used > task.budget_units:
            raise RefusalError(
                "the budget of the task is used up",
                code="no_budget_left",
                field=field,
                expected=f"at most {task.budget_units}",
                got=str(used),
            )
        return {
            f"task:{self.task}": replace(task, taken=task.taken + 1, used_units=used),
            self._taken(): Mark(context.seq),
        }

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
        )

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.shop}", f"party:{self.subject}", f"account:{self.subject}", *_rule_needs(event)]
        return [*named, self._spent(today), *(f"credential:{key}" for key in keys)]

    def _spent(self, today: str) -> str:
        return f"tally:card/{self.subject}/{today}"

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        if event.device is not UNSET:
            raise RefusalError("points are redeemed online only", code="online_only", field="device")
        active_party(facts, self.shop, "body.shop", "shop")
        active_party(facts, self.subject, "body.subject", "resident", "household")
        self._check_bill(rule_in_force(event, facts, "redeem"))
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
        if credential.medium != "card":
            return {}
        tally = facts[self._spent(context.today)]
        spent = self.amount_units + (tally.units if isinstance(tally, Tally) else 0)
        if credential.daily_cap_units is not UNSET and spent > credential.daily_cap_units:
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


def _rule_needs(event: Event) -> list[str]:
    return [book_key(event.rule.book), rule_key(event.rule)] if event.rule else []
