"""Whether a rule book can be law (domain §4): what the types of a book do not say, as many faults as there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from msgspec import UNSET

from ledger.domain.booklines import Path
from ledger.domain.fields import is_day, is_name
from ledger.domain.rules import Book, Caps, Rule
from ledger.errors import FormatError

FAULTS_MAX: Final = 20
"""Faults of one book that are told at once."""
FIELDS_OF_TYPE: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "award": (
        frozenset({"points_units", "units"}),
        frozenset({"caps", "evidence", "approvals", "budget_units", "expires_after_days"}),
    ),
    "deduct": (
        frozenset({"points_units", "units", "legal_basis", "appeal_days"}),
        frozenset({"caps", "evidence", "approvals", "notice_days"}),
    ),
    "redeem": (frozenset({"units_per_yuan", "units"}), frozenset({"bill_share_bp", "evidence", "approvals"})),
    "rate": (frozenset({"tiers"}), frozenset({"approvals"})),
    "honour": (frozenset(), frozenset({"needs_honours", "evidence", "approvals"})),
}
"""For each type of rule: fields it must have, and fields it may have beside those that every rule may have. A field
that nothing would look at is refused, lest a village rely on it."""
EVERY_RULE_MAY: Final = frozenset({"legal_basis", "backdating_days", "valid_from", "valid_to"})
OF_SOME_TYPES: Final = tuple(sorted(frozenset().union(*chain(*FIELDS_OF_TYPE.values())) - EVERY_RULE_MAY))
EVIDENCE_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "award": frozenset({"matter", "photo", "place", "time"}),
    "deduct": frozenset({"matter", "notice", "photo", "place", "time"}),
    "redeem": frozenset({"goods", "place"}),
    "honour": frozenset({"citation", "title"}),
}
"""For each type of rule: the private details that its events can carry. No event could satisfy a rule that asks for
another."""


class Fault(NamedTuple):
    """What is wrong in a book: where, as a path in its document and in words; what was expected, and what came.

    ``line`` is the line of the TOML text, None where the book came another way.
    """

    path: Path
    field: str
    expected: str
    got: str
    line: int | None = None


def check_book(book: Book) -> None:
    """Raises `FormatError` for what the types of a book do not say."""
    if faults := list(islice(faults_of_rules(list(enumerate(book.rules))), FAULTS_MAX)):
        raise error_of(faults)


def error_of(faults: Sequence[Fault]) -> FormatError:
    """The error that tells the first of some faults, and how many more there are."""
    first, more = faults[0], len(faults) - 1
    return FormatError(
        f"not a rule book, with {more} more fault{'s'[: more > 1]}" if more else "not a rule book",
        code="bad_rulebook",
        field=f"line {first.line}: {first.field}" if first.line else first.field,
        expected=first.expected,
        got=first.got,
    )


def field_of(path: Path, rule_id: object) -> str:
    """A path in words: a rule by its id, where it has one, or else by its place from 0."""
    named = [str(part) for part in path]
    if len(named) > 1 and isinstance(rule_id, str) and is_name(rule_id):
        named[1] = rule_id
    return ".".join(["book", *named])


def faults_of_rules(rules: Sequence[tuple[int, Rule]], unread: Collection[object] = ()) -> Iterator[Fault]:
    """What is wrong in rules whose types are right, each with its place in the book.

    ``unread`` are the categories of the book's other rules, as far as they are known, and None where one is not.
    """
    seen: Counter[str] = Counter()
    for place, rule in rules:
        seen[rule.id] += 1
        if seen[rule.id] == 2:
            yield Fault(("rules", place, "id"), "book.rules", "every rule id once", rule.id)
    for place, rule in rules:
        for name, expected, got in chain(_of_fields(rule), _of_values(rule), _of_days(rule)):
            path: Path = ("rules", place, *name.split("."))
            yield Fault(path, field_of(path, rule.id), expected, got)
    if None not in unread:
        yield from _of_honours(rules, unread)


_Found = Iterator[tuple[str, str, str]]
"""A field of a rule, what was expected of it, and what came."""


def _of_fields(rule: Rule) -> _Found:
    """Fields that a rule of this type must have, or that nothing would look at."""
    must, may = FIELDS_OF_TYPE[rule.type]
    for name in OF_SOME_TYPES:
        given = getattr(rule, name) is not UNSET
        if given and name not in must | may:
            yield name, f"no {name} in a rule of type {rule.type}", name
        elif name in must and not given:
            yield name, f"{name}, for a rule of type {rule.type}", "nothing"
    if "legal_basis" in must and rule.legal_basis is UNSET:
        yield "legal_basis", f"legal_basis, for a rule of type {rule.type}", "nothing"


def _of_values(rule: Rule) -> _Found:
    units = rule.units or []
    if units != sorted(set(units)):
        yield "units", "units sorted and single", ", ".join(units)
    elif rule.type == "redeem" and units not in ([], ["spend"]):
        yield "units", "spend alone: merit is never exchanged", ", ".join(units)
    if rule.expires_after_days and rule.type == "award" and "spend" not in units:
        yield "expires_after_days", "a rule that gives spend: merit never lapses", ", ".join(units)
    if rule.caps == Caps():
        yield "caps", "a cap, or no caps", "empty"
    if rule.tiers and (twice := _repeated(tier.id for tier in rule.tiers)):
        yield "tiers", "every tier id once", ", ".join(twice)
    if rule.evidence and (twice := _repeated(rule.evidence)):
        yield "evidence", "every detail once", ", ".join(twice)
    known = EVIDENCE_OF_TYPE.get(rule.type, frozenset())
    if known and (odd := sorted(set(rule.evidence or ()) - known)):
        yield "evidence", f"details that its events carry: {', '.join(sorted(known))}", ", ".join(odd)


def _of_days(rule: Rule) -> _Found:
    ends = [(name, getattr(rule, name)) for name in ("valid_from", "valid_to")]
    odd = [(name, day) for name, day in ends if day is not UNSET and not is_day(day)]
    for name, day in odd:
        yield name, "a day of the calendar", day
    if not odd and rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        yield "valid_to", f"not before {rule.valid_from}", rule.valid_to


def _of_honours(rules: Sequence[tuple[int, Rule]], unread: Collection[object]) -> Iterator[Fault]:
    """Honours that another honour takes must be there to be had."""
    for place, rule in rules:
        if rule.type != "honour" or not rule.needs_honours:
            continue
        category = rule.needs_honours.category
        others = {one.category for _, one in rules if one.type == "honour" and one is not rule}
        if category not in others and category not in unread:
            path: Path = ("rules", place, "needs_honours", "category")
            wanted = f"the category of another honour of the book: {', '.join(sorted(others)) or 'there is none'}"
            yield Fault(path, field_of(path, rule.id), wanted, category)


def _repeated(names: Iterator[str] | Sequence[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
