"""What changes from one rule book to another: rule by rule and field by field, as data and in words for a vote.

A rule is known by its id. The order of rules means nothing, and a version always differs: neither is a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ledger.domain.rules import Book, Rule

Language = Literal["en", "zh"]
LABELS: Final[dict[str, tuple[str, str]]] = {
    "title": ("title", "标题"),
    "id": ("id", "编号"),
    "type": ("type", "类型"),
    "name_zh": ("Chinese name", "中文名称"),
    "name_en": ("English name", "英文名称"),
    "category": ("category", "类别"),
    "target": ("for a", "对象"),
    "units": ("counts in", "计入"),
    "points_units": ("points", "分值"),
    "units_per_yuan": ("points for a yuan", "每元所需积分"),
    "bill_share_bp": ("most of a bill", "账单抵扣上限"),
    "caps.day_units": ("most in a day", "每日上限"),
    "caps.month_units": ("most in a month", "每月上限"),
    "caps.year_units": ("most in a year", "每年上限"),
    "budget_units": ("budget for a year", "年度预算"),
    "expires_after_days": ("days until it lapses", "有效天数"),
    "notice_days": ("days of notice", "告知天数"),
    "appeal_days": ("days to appeal", "申诉天数"),
    "tiers": ("tiers", "等次"),
    "needs_honours": ("honours it takes", "所需荣誉"),
    "evidence": ("evidence", "凭证"),
    "approvals": ("signers beside", "另需签名人数"),
    "backdating_days": ("days it may be late", "补录天数"),
    "legal_basis": ("legal basis", "依据"),
    "valid_from": ("valid from", "生效日"),
    "valid_to": ("valid to", "截止日"),
}
"""Each field of a book's title and rules in words, in English and Chinese, in the order in which they are told."""
WORDS: Final = {"added": ("added", "新增"), "removed": ("removed", "删除"), "none": ("none", "无")}
SAME: Final = ("no rule changes", "规则没有变化")
_NAMES: Final = ("id", "name_zh", "name_en")


class Change(Struct, frozen=True, omit_defaults=True):
    """One change. ``rule`` is the rule's id, absent for the book's title; ``name`` the rule's Chinese name.

    A rule that was added or removed is told whole, by field, in ``after`` or ``before``; of one that changed, ``field``
    is told before and after, None where it was left out. Amounts are hundredths of a point.
    """

    what: Literal["added", "removed", "changed"]
    rule: str | None = None
    name: str | None = None
    field: str | None = None
    before: Any = None
    after: Any = None


def diff_books(old: Book, new: Book) -> list[Change]:
    """The changes from one book to another: the title, the rules in the order of the new book, those that are gone."""
    changes = []
    if old.title != new.title:
        changes.append(Change("changed", field="title", before=old.title, after=new.title))
    before, after = ({rule.id: rule for rule in book.rules} for book in (old, new))
    for identifier, rule in after.items():
        if identifier in before:
            changes += _changes_of(before[identifier], rule)
        else:
            changes.append(Change("added", identifier, rule.name_zh, after=fields_of(rule)))
    gone = (rule for identifier, rule in before.items() if identifier not in after)
    return changes + [Change("removed", rule.id, rule.name_zh, before=fields_of(rule)) for rule in gone]


def fields_of(rule: Rule) -> dict[str, Any]:
    """A rule's fields that are given, in the order of `LABELS`; each cap is a field of its own."""
    given: dict[str, Any] = msgspec.to_builtins(rule)
    given |= {f"caps.{name}": value for name, value in given.pop("caps", {}).items()}
    return {name: given[name] for name in LABELS if name in given}


def _changes_of(old: Rule, new: Rule) -> Iterator[Change]:
    before, after = fields_of(old), fields_of(new)
    for field in LABELS:
        if before.get(field) != after.get(field):
            yield Change("changed", new.id, new.name_zh, field, before.get(field), after.get(field))


def render(changes: Sequence[Change], language: Language = "en") -> str:
    """Changes in words, a line for each."""
    return "\n".join(told(change, language) for change in changes) or SAME[language == "zh"]


def told(change: Change, language: Language = "en") -> str:
    """One change in a line, such as ``志愿服务 volunteering: points 25.00 → 30.00``."""
    chinese = language == "zh"
    head = f"{change.name} {change.rule}: " if change.rule else ""
    if change.field is None:
        whole = change.before or change.after
        parts = [f"{LABELS[name][chinese]} {in_words(name, value)}" for name, value in whole.items()]
        rest = ", ".join(part for name, part in zip(whole, parts, strict=True) if name not in _NAMES)
        return f"{head}{WORDS[change.what][chinese]}: {rest}"
    before, after = (in_words(change.field, value, language) for value in (change.before, change.after))
    return f"{head}{LABELS[change.field][chinese]} {before} → {after}"


def in_words(field: str, value: Any, language: Language = "en") -> str:
    """The value of a field as people write it: amounts in points with two decimals, shares in per cent."""
    if value is None:
        return WORDS["none"][language == "zh"]
    if field == "bill_share_bp":
        return f"{hundredths(value)} %"
    if "units_" in field or field.endswith("_units"):
        return hundredths(value)
    if field == "tiers":
        return ", ".join(f"{tier['id']} {tier['name_zh']} {tier['name_en']}" for tier in value)
    if field == "needs_honours":
        return f"{value['count']} × {value['category']}"
    return ", ".join(value) if isinstance(value, list) else " ".join(str(value).split())


def hundredths(value: int) -> str:
    """A number of hundredths with two decimals."""
    return f"{value // 100}.{value % 100:02}"
