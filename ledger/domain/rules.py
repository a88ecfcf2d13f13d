"""Rule books (domain §4): what a rule says, which version was in force, caps.

A book is adopted whole by `rulebook_adopted`. An act is judged by the version in force on the day it *happened*; the
old version stays valid for old acts.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.events import Context, Event, Facts
from ledger.domain.facts import TYPES, BookHistory, Fact, Tally
from ledger.domain.fields import Amount, Day, Name, Positive, RuleRef, Strict, Text, Unit, day_number
from ledger.errors import RefusalError

Days = Annotated[int, Meta(ge=1, le=36_500)]
DaysOrNone = Annotated[int, Meta(ge=0, le=36_500)]
"""More than a hundred years is a slip of the pen."""
BasisPoints = Annotated[int, Meta(ge=1, le=10_000)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class Caps(Strict, frozen=True):
    """Most that one subject may get by one rule in a day, month or year of `occurred_on` (hundredths)."""

    day_units: Amount | UnsetType = UNSET
    month_units: Amount | UnsetType = UNSET
    year_units: Amount | UnsetType = UNSET


class Tier(Strict, frozen=True):
    """One tier of a rating."""

    id: Name
    name_zh: Label
    name_en: Label


class NeededHonours(Strict, frozen=True):
    """How many standing honours of a category another honour takes."""

    category: Name
    count: Annotated[int, Meta(ge=1, le=100)]


class Rule(Strict, Fact, frozen=True):
    """One rule. ``points_units`` is what one quantity earns, in hundredths, in each of ``units``.

    A ``redeem`` rule gives instead ``units_per_yuan`` (hundredths of a point for one yuan) and, where the village caps
    it, ``bill_share_bp``: the most of a bill that points may pay. ``evidence`` names private details that the event
    must carry; ``approvals`` counts signers beside the kind's; older acts than ``backdating_days`` take one more.
    An award's ``spend`` lapses ``expires_after_days`` after the act; ``budget_units`` is the most that all subjects
    together get by the rule for acts of one calendar year. A deduction takes effect ``notice_days`` after its notice,
    and may be appealed for ``appeal_days``. ``rate`` and ``honour`` rules move no points.
    """

    id: Name
    type: Literal["award", "deduct", "redeem", "rate", "honour"]
    name_zh: Label
    name_en: Label
    category: Name
    target: Literal["person", "household", "organisation"]
    units: Annotated[list[Unit], Meta(min_length=1, max_length=2)] | UnsetType = UNSET
    points_units: Amount | UnsetType = UNSET
    units_per_yuan: Amount | UnsetType = UNSET
    bill_share_bp: BasisPoints | UnsetType = UNSET
    caps: Caps | UnsetType = UNSET
    budget_units: Amount | UnsetType = UNSET
    expires_after_days: Days | UnsetType = UNSET
    notice_days: DaysOrNone | UnsetType = UNSET
    appeal_days: Days | UnsetType = UNSET
    tiers: Annotated[list[Tier], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    needs_honours: NeededHonours | UnsetType = UNSET
    evidence: Annotated[list[Name], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    approvals: Annotated[int, Meta(ge=1, le=5)] | UnsetType = UNSET
    backdating_days: DaysOrNone | UnsetType = UNSET
    legal_basis: Text | UnsetType = UNSET
    valid_from: Day | UnsetType = UNSET
    valid_to: Day | UnsetType = UNSET


class Book(Strict, frozen=True):
    """A whole rule book, as it goes on the log."""

    book: Literal["points"]
    version: Positive
    title: Label
    rules: Annotated[list[Rule], Meta(min_length=1, max_length=500)]


TYPES["rule"] = Rule
TARGETS: Final = {"person": "resident", "household": "household", "organisation": "organisation"}
"""The type of party that a rule's target is."""
PERIODS: Final = (("day_units", 10), ("month_units", 7), ("year_units", 4))
"""A cap's field and how much of the ISO day names its period."""


def rule_key(ref: RuleRef) -> str:
    """The fact key of a rule."""
    return f"rule:{ref.book}/{ref.version}/{ref.id}"


def book_key(book: str) -> str:
    """The fact key of a book's history."""
    return f"book:{book}"


def rule_needs(event: Event) -> list[str]:
    """The fact keys that `rule_in_force` reads."""
    return [book_key(event.rule.book), rule_key(event.rule)] if event.rule else []


def rule_in_force(event: Event, facts: Facts, kind: str, *, until: str | None = None) -> Rule:
    """The rule that an event names, if it was in force on the day the act happened. Raises `RefusalError`.

    ``kind`` is the type of rule the event needs: award, deduct, redeem, rate or honour. ``until`` is a later day on
    which it must be in force as well.
    """
    ref, first, last = event.named_rule, event.occurred_on, until or event.occurred_on
    for day in dict.fromkeys((first, last)):
        _check_version(ref, facts[book_key(ref.book)], day)
    rule = facts[rule_key(ref)]
    if not isinstance(rule, Rule):
        raise RefusalError(
            "the book has no such rule",
            code="unknown_rule",
            field="rule.id",
            expected=f"a rule of {ref.book}, version {ref.version}",
            got=ref.id,
        )
    if rule.type != kind:
        raise RefusalError(
            "the rule is of another type", code="wrong_rule", field="rule.id", expected=kind, got=rule.type
        )
    if (rule.valid_from and first < rule.valid_from) or (rule.valid_to and last > rule.valid_to):
        raise RefusalError(
            "the rule does not cover this day",
            code="rule_not_in_force",
            field="occurred_on",
            expected=f"{rule.valid_from or 'any day'} to {rule.valid_to or 'any day'}",
            got=first if rule.valid_from and first < rule.valid_from else last,
        )
    return rule


def _check_version(ref: RuleRef, history: Fact | None, day: str) -> None:
    """Versions take effect in ascending order, so the newest that has is the one in force."""
    version = None
    if isinstance(history, BookHistory):
        for adopted in reversed(history.versions):
            if adopted.effective_on <= day:
                version = adopted.version
                break
    if version != ref.version:
        was = f"version {version} was in force on {day}" if version else f"no version was in force on {day}"
        raise RefusalError(
            "this version of the book was not in force",
            code="rule_not_in_force",
            field="rule.version",
            expected=was,
            got=str(ref.version),
        )


def check_signers(rule: Rule, event: Event, context: Context) -> None:
    """Refuse an event that the rule, or the age of the act, asks more signers for than the kind does.

    Raises `RefusalError`.
    """
    wanted = rule.approvals or 0
    if rule.backdating_days is not UNSET:
        wanted += day_number(context.today) - day_number(event.occurred_on) > rule.backdating_days
    for need in event.body.requirements():
        wanted += need.at_least
    if len(context.signers) < wanted:
        raise RefusalError(
            "the rule, or the age of the act, asks for more signers",
            code="not_enough_signers",
            field="signatures",
            expected=str(wanted),
            got=str(len(context.signers)),
        )


def check_evidence(rule: Rule, event: Event) -> None:
    """Refuse an event that lacks a private detail which the rule demands. Raises `RefusalError`."""
    for name in rule.evidence or ():
        if name not in (event.private or ()):
            raise RefusalError(
                "the rule demands evidence that the event lacks",
                code="evidence_missing",
                field="private",
                expected=name,
                got=", ".join(event.private or ()) or "nothing",
            )


def cap_keys(ref: RuleRef, subject: str, day: str) -> list[str]:
    """The fact keys of what a subject got by a rule in the day, month and year of a day, in the order of `PERIODS`.

    All versions of a book count together: a new version does not refill a cap.
    """
    return [f"tally:cap/{ref.book}/{ref.id}/{subject}/{day[:length]}" for _, length in PERIODS]


def count_against_caps(rule: Rule, ref: RuleRef, subject: str, day: str, amount: int, facts: Facts) -> dict[str, Fact]:
    """The new tallies after an amount, for the caps that the rule sets; a reversal counts a negative amount.

    Raises `RefusalError` when a cap is exceeded.
    """
    changes: dict[str, Fact] = {}
    if isinstance(rule.caps, UnsetType):
        return changes
    for (field, _), key in zip(PERIODS, cap_keys(ref, subject, day), strict=True):
        cap: int | UnsetType = getattr(rule.caps, field)
        if isinstance(cap, UnsetType):
            continue
        tally = facts[key]
        total = amount + (tally.units if isinstance(tally, Tally) else 0)
        if total > cap and amount > 0:  # what is given back fits, even where a version before allowed less
            raise RefusalError(
                f"the rule's cap for the {field[:-6]} is reached",
                code="cap_exceeded",
                field="body.amount_units",
                expected=f"at most {cap} in all",
                got=str(total),
            )
        changes[key] = Tally(total)
    return changes
