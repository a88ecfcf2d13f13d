"""Which fields a rule of each type must, may and may not have, and what else the types of a book do not say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ledger.domain.bookcheck import (
    EVERY_RULE_MAY,
    EVIDENCE_OF_TYPE,
    FAULTS_MAX,
    FIELDS_OF_TYPE,
    OF_SOME_TYPES,
    check_book,
    faults_of_rules,
)
from ledger.domain.kinds import KINDS
from ledger.domain.rules import Book, Rule
from ledger.errors import FormatError

STAR = {
    "id": "star",
    "type": "honour",
    "name_zh": "星级文明户",
    "name_en": "Star",
    "category": "star",
    "target": "household",
}
VALUES: dict[str, Any] = {
    "approvals": 1,
    "appeal_days": 15,
    "bill_share_bp": 3000,
    "budget_units": 100_000,
    "caps": {"day_units": 400},
    "evidence": ["place"],
    "expires_after_days": 365,
    "legal_basis": "村规民约第五条",
    "needs_honours": {"category": "star", "count": 10},
    "notice_days": 3,
    "points_units": 200,
    "tiers": [{"id": "gold", "name_zh": "金", "name_en": "Gold"}],
    "units": ["spend"],
    "units_per_yuan": 100,
}
"""A good value for every field that is not every rule's."""


def made(kind: str, **changes: Any) -> dict[str, Any]:
    """A sound rule of a type, with the fields it must have, and changes; None leaves a field out."""
    must, _ = FIELDS_OF_TYPE[kind]
    names = {"id": "odd", "name_zh": "规则", "name_en": "Odd", "category": "odd", "target": "person"}
    whole = {**names, "type": kind, **{name: VALUES[name] for name in must}, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def faults(*rules: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Field, expected and got of the faults of a book of these rules."""
    read = list(enumerate(msgspec.convert(list(rules), list[Rule])))
    return [(fault.field, fault.expected, fault.got) for fault in faults_of_rules(read)]


def fields(*rules: dict[str, Any]) -> list[str]:
    return [field.removeprefix("book.rules.") for field, _, _ in faults(*rules)]


def suiting(kind: str, field: str) -> Any:
    """A good value of a field in a rule of a type."""
    return sorted(EVIDENCE_OF_TYPE[kind])[:1] if field == "evidence" and kind in EVIDENCE_OF_TYPE else VALUES[field]


@pytest.mark.parametrize("kind", FIELDS_OF_TYPE)
@pytest.mark.parametrize("field", [*OF_SOME_TYPES, "legal_basis"])
def test_a_field_is_demanded_allowed_or_refused_as_its_type_says(kind: str, field: str) -> None:
    must, may = FIELDS_OF_TYPE[kind]
    if field in must:
        assert faults(STAR, made(kind)) == []
        assert faults(STAR, made(kind, **{field: None})) == [
            (f"book.rules.odd.{field}", f"{field}, for a rule of type {kind}", "nothing")
        ]
    elif field in may | EVERY_RULE_MAY:
        assert faults(STAR, made(kind, **{field: suiting(kind, field)})) == []
    else:
        assert faults(STAR, made(kind, **{field: VALUES[field]})) == [
            (f"book.rules.odd.{field}", f"no {field} in a rule of type {kind}", field)
        ]


def test_every_field_of_a_rule_is_some_types_or_every_rules() -> None:
    named = [field.name for field in msgspec.structs.fields(Rule)]
    of_every_rule = {field.name for field in msgspec.structs.fields(Rule) if field.required}
    assert of_every_rule == {"id", "type", "name_zh", "name_en", "category", "target"}
    assert sorted(named) == sorted({*of_every_rule, *EVERY_RULE_MAY, *OF_SOME_TYPES})
    assert set(VALUES) == {*OF_SOME_TYPES, "legal_basis"}
    assert set(FIELDS_OF_TYPE) == set(msgspec.inspect.type_info(Rule).fields[1].type.values)  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", ["person", "household", "organisation"])
@pytest.mark.parametrize("kind", FIELDS_OF_TYPE)
def test_a_rule_of_any_type_may_be_for_any_party(kind: str, target: str) -> None:
    assert faults(made(kind, target=target)) == []


ODD: dict[str, tuple[dict[str, Any], str, str]] = {
    "units out of order": (made("award", units=["spend", "merit"]), "units", "spend, merit"),
    "a unit twice": (made("award", units=["merit", "merit"]), "units", "merit, merit"),
    "merit that is exchanged": (made("redeem", units=["merit", "spend"]), "units", "merit, spend"),
    "merit that lapses": (
        made("award", units=["merit"], expires_after_days=365),
        "expires_after_days",
        "merit",
    ),
    "caps without a cap": (made("award", caps={}), "caps", "empty"),
    "a tier twice": (made("rate", tiers=VALUES["tiers"] * 2), "tiers", "gold"),
    "a detail twice": (made("award", evidence=["time", "place", "time"]), "evidence", "time"),
    "a detail that no award carries": (made("award", evidence=["place", "goods"]), "evidence", "goods"),
    "a detail that no exchange carries": (made("redeem", evidence=["photo"]), "evidence", "photo"),
    "a first day that is none": (made("rate", valid_from="2021-02-30"), "valid_from", "2021-02-30"),
    "a last day that is none": (made("honour", valid_to="2021-13-01"), "valid_to", "2021-13-01"),
    "a season that ends first": (
        made("award", valid_from="2021-03-02", valid_to="2021-03-01"),
        "valid_to",
        "2021-03-01",
    ),
    "honours of a category that no rule has": (
        made("honour", needs_honours={"category": "start", "count": 10}),
        "needs_honours.category",
        "start",
    ),
    "honours of its own category alone": (
        made("honour", needs_honours={"category": "odd", "count": 1}),
        "needs_honours.category",
        "odd",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_no_village_could_mean_is_refused(name: str) -> None:
    rule, field, got = ODD[name]
    found = faults(STAR, rule)
    assert [(place, came) for place, _, came in found] == [(f"book.rules.odd.{field}", got)]


def test_the_category_that_an_honour_needs_must_be_an_honours() -> None:
    needy = made("honour", needs_honours={"category": "service", "count": 1})
    assert fields(made("award", id="work", category="service"), needy) == ["odd.needs_honours.category"]
    assert fields(made("honour", id="other", category="service"), needy) == []
    assert "there is none" in faults(needy)[0][1]


def test_a_season_of_one_day_is_sound() -> None:
    assert faults(made("award", valid_from="2021-03-01", valid_to="2021-03-01")) == []


def test_all_faults_of_a_rule_and_of_the_book_are_found() -> None:
    awful = made("award", units=["spend", "merit"], tiers=VALUES["tiers"], caps={}, valid_from="2021-02-30")
    found = fields(awful, STAR, made("redeem", id="star", units_per_yuan=None), made("award", id="star"))
    assert found == ["book.rules", "odd.tiers", "odd.units", "odd.caps", "odd.valid_from", "star.units_per_yuan"]


def test_a_book_is_refused_for_its_first_fault_and_tells_how_many_there_are() -> None:
    def book(count: int) -> Book:
        rules = [made("award", id=f"r{number}", caps={}) for number in range(count)]
        return msgspec.convert({"book": "points", "version": 1, "title": "细则", "rules": rules}, Book)

    for count, message in (
        (1, "not a rule book"),
        (2, "not a rule book, with 1 more fault"),
        (3, "not a rule book, with 2 more faults"),
        (40, f"not a rule book, with {FAULTS_MAX - 1} more faults"),
    ):
        with pytest.raises(FormatError) as caught:
            check_book(book(count))
        error = caught.value
        assert (error.message, error.code, error.field) == (message, "bad_rulebook", "book.rules.r0.caps")


def test_the_details_that_a_rule_may_ask_for_are_those_of_its_kinds() -> None:
    kinds = {
        "award": ("points_awarded", "claim_declared"),
        "deduct": ("points_deducted",),
        "redeem": ("points_redeemed",),
        "rate": ("rating_published",),
        "honour": ("honour_changed",),
    }
    assert set(kinds) == set(FIELDS_OF_TYPE)
    for kind, names in kinds.items():
        for name in names:
            assert set(KINDS[name].private) == EVIDENCE_OF_TYPE.get(kind, frozenset()), name
            assert KINDS[name].takes_rule
        assert ("evidence" in FIELDS_OF_TYPE[kind][1]) == (kind in EVIDENCE_OF_TYPE)
