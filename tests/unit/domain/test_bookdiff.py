"""What changes from one rule book to another, in the words of whoever votes on it."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.bookdiff import LABELS, Change, diff_books, fields_of, in_words, render, told
from ledger.domain.rules import Book, Caps, Rule
from tests.unit.domain.test_bookcheck import VALUES, made

VOLUNTEERING = made(
    "award",
    id="volunteering",
    name_zh="志愿服务",
    name_en="Volunteering",
    category="service",
    units=["merit", "spend"],
    points_units=2500,
    caps={"day_units": 5000},
)
EXCHANGE = made("redeem", id="exchange", name_zh="兑换", name_en="Exchange", category="exchange")


def book(*rules: dict[str, Any], **changes: Any) -> Book:
    return msgspec.convert({"book": "points", "version": 1, "title": "细则", "rules": list(rules), **changes}, Book)


def changes(**fields: Any) -> str:
    """What is told when fields of the rule change; None leaves one out."""
    after = {name: value for name, value in (VOLUNTEERING | fields).items() if value is not None}
    return render(diff_books(book(VOLUNTEERING), book(after, version=2)))


TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "points": ({"points_units": 3000}, "points 25.00 → 30.00"),
    "a hundredth": ({"points_units": 2501}, "points 25.00 → 25.01"),
    "a cap": ({"caps": {"day_units": 505}}, "most in a day 50.00 → 5.05"),
    "a cap that goes": ({"caps": None}, "most in a day 50.00 → none"),
    "a cap that comes": ({"caps": {"day_units": 5000, "year_units": 1}}, "most in a year none → 0.01"),
    "a budget": ({"budget_units": 1_000_000}, "budget for a year none → 10000.00"),
    "units": ({"units": ["merit"]}, "counts in merit, spend → merit"),
    "days": ({"expires_after_days": 365}, "days until it lapses none → 365"),
    "a target": ({"target": "household"}, "for a person → household"),
    "evidence": ({"evidence": ["photo", "place"]}, "evidence none → photo, place"),
    "signers": ({"approvals": 1}, "signers beside none → 1"),
    "lateness": ({"backdating_days": 0}, "days it may be late none → 0"),
    "a text of two lines": ({"legal_basis": "第五条\n第二款"}, "legal basis none → 第五条 第二款"),
    "a season": ({"valid_from": "2022-01-01"}, "valid from none → 2022-01-01"),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_change_is_told_as_an_accountant_says_it(name: str) -> None:
    fields, words = TOLD[name]
    assert changes(**fields) == f"志愿服务 volunteering: {words}"


def test_the_fields_of_other_types_are_told_too() -> None:
    rates = made("rate", id="stars", name_zh="评定")
    more = [*VALUES["tiers"], {"id": "silver", "name_zh": "银", "name_en": "Silver"}]
    assert render(diff_books(book(rates), book({**rates, "tiers": more}))) == (
        "评定 stars: tiers gold 金 Gold → gold 金 Gold, silver 银 Silver"
    )
    needy = made("honour", id="best", name_zh="标兵", needs_honours={"category": "star", "count": 10})
    fewer = {**needy, "needs_honours": {"category": "star", "count": 9}}
    assert render(diff_books(book(needy), book(fewer))) == "标兵 best: honours it takes 10 × star → 9 × star"
    capped = {**EXCHANGE, "bill_share_bp": 3000, "units_per_yuan": 10_000}
    assert render(diff_books(book(EXCHANGE), book(capped))).splitlines() == [
        "兑换 exchange: points for a yuan 1.00 → 100.00",
        "兑换 exchange: most of a bill none → 30.00 %",
    ]


def test_rules_that_come_and_go_are_told_whole() -> None:
    found = diff_books(book(VOLUNTEERING), book(EXCHANGE, title="新细则"))
    assert [(change.what, change.rule) for change in found] == [
        ("changed", None),
        ("added", "exchange"),
        ("removed", "volunteering"),
    ]
    assert render(found).splitlines() == [
        "title 细则 → 新细则",
        "兑换 exchange: added: type redeem, category exchange, for a person, counts in spend, points for a yuan 1.00",
        "志愿服务 volunteering: removed: type award, category service, for a person, counts in merit, spend, "
        "points 25.00, most in a day 50.00",
    ]
    assert found[1].after == fields_of(book(EXCHANGE).rules[0])


def test_it_speaks_chinese() -> None:
    found = diff_books(book(VOLUNTEERING), book({**VOLUNTEERING, "points_units": 3000, "approvals": 2}, EXCHANGE))
    assert render(found, "zh").splitlines() == [
        "志愿服务 volunteering: 分值 25.00 → 30.00",
        "志愿服务 volunteering: 另需签名人数 无 → 2",
        "兑换 exchange: 新增: 类型 redeem, 类别 exchange, 对象 person, 计入 spend, 每元所需积分 1.00",
    ]
    assert render([], "zh") == "规则没有变化"


def test_a_name_that_changes_is_told_under_the_new_one() -> None:
    assert changes(name_zh="志愿") == "志愿 volunteering: Chinese name 志愿服务 → 志愿"


def test_neither_the_version_nor_the_order_of_rules_is_a_change() -> None:
    assert diff_books(book(VOLUNTEERING, EXCHANGE), book(EXCHANGE, VOLUNTEERING, version=2)) == []
    assert render([]) == "no rule changes"


def test_changes_are_data() -> None:
    found = diff_books(book(VOLUNTEERING), book({**VOLUNTEERING, "points_units": 3000}))
    assert msgspec.to_builtins(found) == [
        {
            "what": "changed",
            "rule": "volunteering",
            "name": "志愿服务",
            "field": "points_units",
            "before": 2500,
            "after": 3000,
        }
    ]


def test_every_field_of_a_rule_has_its_words() -> None:
    named = {field.name for field in msgspec.structs.fields(Rule)} - {"caps"}
    named |= {f"caps.{field.name}" for field in msgspec.structs.fields(Caps)}
    assert set(LABELS) == named | {"title"}
    assert all(english and chinese for english, chinese in LABELS.values())


@given(st.data())
def test_a_change_there_and_back_is_told_both_ways_and_nothing_else_is(data: st.DataObject) -> None:
    old, new = (
        book(*({**made("award", id=identifier), **_some(data)} for identifier in data.draw(IDS))) for _ in range(2)
    )
    there, back = diff_books(old, new), diff_books(new, old)
    assert {(c.rule, c.field) for c in there} == {(c.rule, c.field) for c in back}
    assert {(c.rule, c.field): (c.before, c.after) for c in there} == {
        (c.rule, c.field): (c.after, c.before) for c in back
    }
    assert bool(there) == ({rule.id: rule for rule in old.rules} != {rule.id: rule for rule in new.rules})
    for change in there:
        assert "\n" not in told(change)


IDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)


def _some(data: st.DataObject) -> dict[str, Any]:
    names = data.draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True))
    return copy.deepcopy({name: VALUES[name] for name in names})


def test_a_value_that_is_left_out_is_told_as_none() -> None:
    assert [in_words("points_units", None, language) for language in ("en", "zh")] == ["none", "无"]
    assert told(Change("changed", field="title", before="a", after="b"), "zh") == "标题 a → b"
