"""Rule books (domain §4): reading one from TOML, which version was in force, caps.

A book is adopted whole by `rulebook_adopted`. An act is judged by the version in force on the day it *happened*; the
old version stays valid for old acts.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.domain.events import Event, Facts
from ledger.domain.facts import TYPES, BookHistory, Fact, Tally
from ledger.domain.fields import Amount, Count, Day, Name, Positive, RuleRef, Strict, Text, Unit, is_day
from ledger.errors import FormatError, RefusalError

BasisPoints = Annotated[int, Meta(ge=1, le=10_000)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class Caps(Strict, frozen=True):
    """Most that one subject may get by one rule in a day, month or year of `occurred_on` (hundredths)."""

    day_units: Amount | UnsetType = UNSET
    month_units: Amount | UnsetType = UNSET
    year_units: Amount | UnsetType = UNSET


class Rule(Strict, Fact, frozen=True):
    """One rule. ``points_units`` is what one quantity earns, in hundredths, in each of ``units``.

    A ``redeem`` rule gives instead ``units_per_yuan`` (hundredths of a point for one yuan) and, where the village caps
    it, ``bill_share_bp``: the most of a bill that points may pay.
    """

    id: Name
    type: Literal["award", "deduct", "redeem"]
    name_zh: Label
    name_en: Label
    category: Name
    units: Annotated[list[Unit], Meta(min_length=1, max_length=2)]
    target: Literal["person", "household"]
    points_units: Amount | UnsetType = UNSET
    units_per_yuan: Amount | UnsetType = UNSET
    bill_share_bp: BasisPoints | UnsetType = UNSET
    caps: Caps = Caps()
    evidence: list[Name] = []  # noqa: RUF012 - msgspec copies it
    approvals: Annotated[int, Meta(ge=0, le=7)] = 0
    backdating_days: Count | UnsetType = UNSET
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
PERIODS: Final = (("day_units", 10), ("month_units", 7), ("year_units", 4))
"""A cap's field and how much of the ISO day names its period."""


def rule_key(ref: RuleRef) -> str:
    """The fact key of a rule."""
    return f"rule:{ref.book}/{ref.version}/{ref.id}"


def book_key(book: str) -> str:
    """The fact key of a book's history."""
    return f"book:{book}"


def parse_book(toml: bytes) -> Book:
    """A rule book from TOML. Raises `FormatError` with the line or the path of the fault."""
    try:
        value = tomllib.loads(toml.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"rule book is not TOML: {error}", code="bad_rulebook") from error
    try:
        book = msgspec.convert(value, Book)
    except msgspec.ValidationError as error:
        raise FormatError(f"rule book: {error}", code="bad_rulebook") from error
    check_book(book)
    return book


def check_book(book: Book) -> None:
    """What the types of a book do not say. Raises `FormatError`."""
    ids = [rule.id for rule in book.rules]
    if len(set(ids)) != len(ids):
        raise FormatError("a rule id stands twice", code="bad_rulebook", field="book.rules")
    for rule in book.rules:
        field = f"book.rules.{rule.id}"
        if rule.units != sorted(set(rule.units)):
            raise FormatError("units are not sorted and single", code="bad_rulebook", field=f"{field}.units")
        wanted = "units_per_yuan" if rule.type == "redeem" else "points_units"
        if isinstance(getattr(rule, wanted), UnsetType):
            raise FormatError(f"a rule of type {rule.type} needs {wanted}", code="bad_rulebook", field=field)
        if rule.type == "deduct" and isinstance(rule.legal_basis, UnsetType):
            raise FormatError("a deduction needs its legal basis", code="bad_rulebook", field=f"{field}.legal_basis")
        for day in (rule.valid_from, rule.valid_to):
            if not isinstance(day, UnsetType) and not is_day(day):
                raise FormatError("not a day of the calendar", code="bad_rulebook", field=field, got=day)


def rule_in_force(event: Event, facts: Facts, kind: str) -> Rule:
    """The rule that an event names, if it was in force on the day the act happened. Raises `RefusalError`.

    ``kind`` is the type of rule the event needs: award, deduct or redeem.
    """
    ref = event.named_rule
    history, day = facts[book_key(ref.book)], event.occurred_on
    version = None
    if isinstance(history, BookHistory):
        version = max((v.version for v in history.versions if v.effective_on <= day), default=None)
    if version != ref.version:
        was = f"version {version} was in force on {day}" if version else f"no version was in force on {day}"
        raise RefusalError(
            "this version of the book was not in force",
            code="rule_not_in_force",
            field="rule.version",
            expected=was,
            got=str(ref.version),
        )
    rule = facts[rule_key(ref)]
    if not isinstance(rule, Rule):
        raise RefusalError("the book has no such rule", code="unknown_rule", field="rule.id", got=ref.id)
    if rule.type != kind:
        raise RefusalError(
            "the rule is of another type", code="wrong_rule", field="rule.id", expected=kind, got=rule.type
        )
    starts, ends = rule.valid_from or day, rule.valid_to or day
    if not starts <= day <= ends:
        raise RefusalError(
            "the rule does not cover this day",
            code="rule_not_in_force",
            field="occurred_on",
            expected=f"{starts} to {ends}",
            got=day,
        )
    return rule


def cap_keys(ref: RuleRef, subject: str, day: str) -> list[str]:
    """The fact keys of what a subject got by a rule in the day, month and year of a day, in the order of `PERIODS`.

    All versions of a book count together: a new version does not refill a cap.
    """
    return [f"tally:cap/{ref.book}/{ref.id}/{subject}/{day[:length]}" for _, length in PERIODS]


def count_against_caps(rule: Rule, keys: list[str], amount: int, facts: Facts) -> dict[str, Fact]:
    """The new tallies after an amount, for the caps that the rule sets. Raises `RefusalError` when one is exceeded."""
    changes: dict[str, Fact] = {}
    for (field, _), key in zip(PERIODS, keys, strict=True):
        cap = getattr(rule.caps, field)
        if isinstance(cap, UnsetType):
            continue
        tally = facts[key]
        total = amount + (tally.units if isinstance(tally, Tally) else 0)
        if total > cap:
            raise RefusalError(
                f"the rule's cap for the {field[:-6]} is reached",
                code="cap_exceeded",
                field="body.amount_units",
                expected=f"at most {cap} in all",
                got=str(total),
            )
        changes[key] = Tally(total)
    return changes
