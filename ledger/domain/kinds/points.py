"""Kinds that give points and take them by a rule: `points_awarded`, `points_deducted`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Claim, Fact, Figures, Lot, Mark, Task
from ledger.domain.fields import Act, ActRule, Amount, Day, EventRef, Party, Positive, Unit, day_number, is_day
from ledger.domain.figures import rule_figures_key, used_units
from ledger.domain.kinds.tasks import find_task, reward_place, task_keys
from ledger.domain.lots import add_lots, draw, held_units, lapse_day, lots_key
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.domain.rules import (
    TARGETS,
    Rule,
    cap_keys,
    check_evidence,
    check_signers,
    count_against_caps,
    rule_in_force,
    rule_key,
    rule_needs,
)
from ledger.errors import RefusalError

Units = Annotated[list[Unit], Meta(min_length=1, max_length=2)]


class PointsAwarded(Body, frozen=True):
    """Points for an act: ``amount_units`` = quantity × the rule's points, issuer → subject, in each of the units.

    ``task`` takes a place of a published task, ``claim`` rewards a declared act that a reviewer approved.
    """

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
    units: Units
    task: EventRef | UnsetType = UNSET
    claim: EventRef | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.issuer, self.subject] if self.issuer < self.subject else [self.subject, self.issuer]

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return _signed_for(self.issuer)

    def counted(self, event: Event) -> Act:
        return act_of(event, task=self.task, claim=self.claim)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", lots_key(self.subject), *rule_needs(event)]
        if event.rule:
            named += cap_keys(event.rule, self.subject, event.occurred_on)
        if self.task:
            named += task_keys(self.task, self.subject)
        if self.claim:
            named.append(claim_key(self.claim))
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        day = event.occurred_on
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        rule = rule_in_force(event, facts, "award")
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        check_two_sides(self.issuer, self.subject)
        check_amount(rule, self.units, self.quantity, self.amount_units)
        if not self.claim:
            check_evidence(rule, event)
        check_signers(rule, event, context)
        changes = count_against_caps(rule, event.named_rule, self.subject, day, self.amount_units, facts)
        _check_budget(rule, event, self.amount_units, facts)
        if self.claim:
            changes[claim_key(self.claim)] = self._use_claim(self.claim, event, facts)
        if self.task:
            changes.update(self._take_place(self.task, event, facts, context.seq))
        if rule.expires_after_days:
            lapses = lapse_day(day, rule.expires_after_days)
            lot = Lot(expires_on=lapses, seq=context.seq, issuer=self.issuer, units=self.amount_units)
            changes.update(add_lots(facts, self.subject, [lot]))
        return Decision(self._postings(), changes)

    def _take_place(self, task: EventRef, event: Event, facts: Facts, seq: int) -> dict[str, Fact]:
        fact = find_task(facts, task, self.issuer, event)
        if fact.claimants and not self.claim:
            raise RefusalError(
                "the places of this task are claimed first",
                code="claim_missing",
                field="body.claim",
                expected="the id of an approved claim_declared",
                got="nothing",
            )
        return reward_place(fact, *task_keys(task, self.subject), self.amount_units, facts, seq)

    def _use_claim(self, claim: EventRef, event: Event, facts: Facts) -> Claim:
        """The declared act, rewarded. What was reviewed is what is rewarded. Raises `RefusalError`."""
        fact, field, rule = find_claim(facts, claim), "body.claim", event.named_rule
        if fact.status != "approved":
            raise RefusalError(
                "the claim is not approved, or was rewarded before",
                code="claim_not_approved",
                field=field,
                expected="approved",
                got=fact.status,
            )
        declared = (fact.issuer, fact.subject, fact.quantity, fact.task, fact.occurred_on)
        declared_rule = (fact.book, fact.version, fact.rule)
        awarded = (self.issuer, self.subject, self.quantity, self.task, event.occurred_on)
        awarded_rule = (rule.book, rule.version, rule.id)
        if (declared, declared_rule) != (awarded, awarded_rule):
            raise RefusalError(
                "not the act that was declared and reviewed",
                code="wrong_claim",
                field=field,
                expected=_told(*declared, *declared_rule),
                got=_told(*awarded, *awarded_rule),
            )
        return replace(fact, status="awarded")

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


class PointsDeducted(Body, frozen=True):
    """Points taken for an act, by a rule with a legal basis: subject → issuer, after a notice and open to appeal.

    ``amount_units`` = quantity × the rule's points. `merit` falls by all of it, `spend` to zero at most: the rest is a
    shortfall, never a debt. The entry's postings tell what was taken.
    """

    kind: ClassVar[str] = "points_deducted"
    title: ClassVar[str] = "减分"
    privacy: ClassVar[str] = "P3"
    private: ClassVar[dict[str, str]] = {
        "place": "text",
        "matter": "text",
        "time": "text",
        "notice": "text",
        "photo": "digest",
    }
    takes_rule: ClassVar[bool] = True
    reversible: ClassVar[bool] = True

    amount_units: Amount
    appeal_until: Day
    issuer: Party
    noticed_on: Day
    quantity: Positive
    subject: Party
    units: Units

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return (
            Requirement(("issuer",), scope=self.issuer, at_most=1),
            Requirement(("reviewer", "oversight"), scope=self.issuer),
        )

    def counted(self, event: Event) -> Act:
        return act_of(event)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.issuer}", f"party:{self.subject}", lots_key(self.subject)]
        if event.rule:
            named += [*rule_needs(event), *cap_keys(event.rule, self.subject, event.occurred_on)]
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        day = event.occurred_on
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        rule = rule_in_force(event, facts, "deduct")
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=day)
        check_two_sides(self.issuer, self.subject)
        check_amount(rule, self.units, self.quantity, self.amount_units)
        self._check_days(rule, day, context.today)
        check_evidence(rule, event)
        check_signers(rule, event, context)
        changes = count_against_caps(rule, event.named_rule, self.subject, day, self.amount_units, facts)
        taken = {"merit": self.amount_units, "spend": min(self.amount_units, max(0, held_units(facts, self.subject)))}
        if "spend" in self.units:
            changes.update(draw(facts, self.subject, taken["spend"], event.id))
        postings = [
            posting
            for unit in self.units
            if taken[unit]
            for posting in ((f"{self.issuer}/{unit}", taken[unit]), (f"{self.subject}/{unit}", -taken[unit]))
        ]
        return Decision(sorted(postings), changes)

    def _check_days(self, rule: Rule, occurred_on: str, today: str) -> None:
        """The notice comes after the act and before the deduction; there is time to appeal from the notice on."""
        for name, day in (("noticed_on", self.noticed_on), ("appeal_until", self.appeal_until)):
            if not is_day(day):
                raise _bad_days(name, "a day of the calendar", day)
        if self.noticed_on < occurred_on:
            raise _bad_days("noticed_on", f"{occurred_on} or later", self.noticed_on)
        if day_number(today) - day_number(self.noticed_on) < (rule.notice_days or 0):
            raise _bad_days("noticed_on", f"{rule.notice_days or 0} days before {today}", self.noticed_on)
        assert not isinstance(rule.appeal_days, UnsetType), "adopting the book checked it"
        if day_number(self.appeal_until) - day_number(self.noticed_on) < rule.appeal_days:
            raise _bad_days(
                "appeal_until", f"at least {rule.appeal_days} days after {self.noticed_on}", self.appeal_until
            )

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        """Merit falls by all of the amount, spend by at most that, and the issuer takes back what falls."""
        moved = dict(postings)
        taken = {unit: moved.get(f"{self.issuer}/{unit}", 0) for unit in self.units}
        stated = {
            account: delta
            for unit, units in taken.items()
            for account, delta in ((f"{self.issuer}/{unit}", units), (f"{self.subject}/{unit}", -units))
            if delta
        }
        if moved != stated or len(moved) != len(postings):
            return False
        return all(
            0 <= units <= self.amount_units if unit == "spend" else units == self.amount_units
            for unit, units in taken.items()
        )


def act_of(event: Event, *, task: EventRef | UnsetType = UNSET, claim: EventRef | UnsetType = UNSET) -> Act:
    """What an event with a rule counts against."""
    ref = event.named_rule
    rule = ActRule(book=ref.book, version=ref.version, id=ref.id)
    return Act(occurred_on=event.occurred_on, rule=rule, task=task, claim=claim)


def claim_key(event_id: str) -> str:
    """The fact key of what a `claim_declared` declared."""
    return f"claim:{event_id}"


def find_claim(facts: Facts, claim: EventRef) -> Claim:
    """The declared act of an id. Raises `RefusalError`."""
    fact = facts[claim_key(claim)]
    if not isinstance(fact, Claim):
        raise RefusalError(
            "no such declaration",
            code="unknown_claim",
            field="body.claim",
            expected="the id of a claim_declared",
            got=claim,
        )
    return fact


def check_two_sides(issuer: str, subject: str) -> None:
    """Refuse points that an organisation would give itself. Raises `RefusalError`."""
    if issuer == subject:
        raise RefusalError(
            "an organisation gives itself no points and takes none",
            code="own_points",
            field="body.subject",
            expected="another party than the issuer",
            got=subject,
        )


def check_amount(rule: Rule, units: Sequence[Unit], quantity: int, amount_units: int) -> None:
    """Refuse units or an amount that the rule does not give. Raises `RefusalError`."""
    if units != rule.units:
        raise RefusalError(
            "not the units of the rule",
            code="wrong_units",
            field="body.units",
            expected=", ".join(rule.units or ()),
            got=", ".join(units),
        )
    assert not isinstance(rule.points_units, UnsetType), "adopting the book checked it"
    expected = quantity * rule.points_units
    if amount_units != expected:
        raise RefusalError(
            "not what the rule gives",
            code="wrong_amount",
            field="body.amount_units",
            expected=f"{quantity} × {rule.points_units} = {expected}",
            got=str(amount_units),
        )


def _check_budget(rule: Rule, event: Event, amount_units: int, facts: Facts) -> None:
    """Refuse an award beyond what the rule may give to all in the year of the act. Raises `RefusalError`."""
    if isinstance(rule.budget_units, UnsetType):
        return
    figures = facts[rule_figures_key("points_awarded", event.named_rule, event.occurred_on)]
    used = amount_units
    if isinstance(figures, Figures):
        used += used_units(figures)
    if used > rule.budget_units:
        raise RefusalError(
            "the rule's budget for the year is used up",
            code="no_budget_left",
            field="body.amount_units",
            expected=f"at most {rule.budget_units} in all",
            got=str(used),
        )


def _bad_days(name: str, expected: str, got: str) -> RefusalError:
    return RefusalError(
        "the days of notice and appeal are not in order",
        code="bad_days",
        field=f"body.{name}",
        expected=expected,
        got=got,
    )


def _told(*values: object) -> str:
    return ", ".join(str(value) for value in values if value is not UNSET)


@lru_cache(maxsize=1024)
def _signed_for(issuer: str) -> tuple[Requirement, ...]:
    """Who signs an award of an issuer: one of its officers, and whom the rule asks for besides."""
    return (
        Requirement(("issuer",), scope=issuer, at_most=1),
        Requirement(("reviewer", "oversight"), at_least=0, scope=issuer),
    )


def give_back_needs(act: Act, subject: str) -> list[str]:
    """The fact keys that `give_back` reads."""
    named = [rule_key(act.rule), *cap_keys(act.rule, subject, act.occurred_on)]
    if act.task:
        named += task_keys(act.task, subject)
    if act.claim:
        named.append(claim_key(act.claim))
    return named


def give_back(act: Act, subject: str, recovered: int, facts: Facts) -> dict[str, Fact]:
    """What a reversed entry no longer counts against: caps and budget by the amount ``recovered``, place and claim.

    A place that was claimed stays the claimant's; the claim may be rewarded anew.
    """
    rule = facts[rule_key(act.rule)]
    assert isinstance(rule, Rule), "the entry was judged by it"
    changes = count_against_caps(rule, act.rule, subject, act.occurred_on, -recovered, facts)
    if act.task:
        task_key, taken_key = task_keys(act.task, subject)
        task = facts[task_key]
        assert isinstance(task, Task), "the award took a place of it"
        freed = task.taken - (task.claimants is UNSET)
        changes[task_key] = replace(task, taken=freed, used_units=task.used_units - recovered)
        changes[taken_key] = Mark()
    if act.claim:
        claim = facts[claim_key(act.claim)]
        assert isinstance(claim, Claim), "the award rewarded it"
        changes[claim_key(act.claim)] = replace(claim, status="approved")
    return changes
