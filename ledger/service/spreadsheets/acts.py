"""Awards and deductions (加分登记, 减分登记): a row an act, judged by the rule in force on the day it happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from ledger.core.encoding import JSON
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.domain.rules import TARGETS, Rule
from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.columns import Sheet
from ledger.service.spreadsheets.drafts import Draft
from ledger.service.spreadsheets.faults import Flaw
from ledger.service.spreadsheets.logview import Deed
from ledger.service.spreadsheets.planning import Plan, Setting, day_of_row, details_of_row, plan_of, subject_of_row
from ledger.service.spreadsheets.rows import Row, Rows
from ledger.service.spreadsheets.writing import Points

BOOK: Final = "points"
_TEXTS: Final[Mapping[str, Callable[[cells.Cell], str]]] = {
    "matter": cells.text,
    "place": cells.text,
    "time": cells.text,
}
_SHOWN_RULES: Final = 12


class _Act(NamedTuple):
    """A row as it was read and found sound."""

    row: Row
    day: str
    version: int
    rule: Rule
    quantity: int
    subject: str
    private: Mapping[str, str]
    more: Mapping[str, JSON]


def plan_awards(sheet: Sheet, setting: Setting) -> Plan:
    """An award for each row."""
    return _plan(sheet, setting, "award", PointsAwarded.kind)


def plan_deductions(sheet: Sheet, setting: Setting) -> Plan:
    """A deduction for each row, with its notice and the time to appeal."""
    return _plan(sheet, setting, "deduct", PointsDeducted.kind)


def _plan(sheet: Sheet, setting: Setting, type_of_rule: str, kind: str) -> Plan:
    rows = Rows(sheet)
    drafts: list[Draft] = []
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        act = _read(row, setting, sheet, type_of_rule)
        if act is None:
            continue
        said = (act.subject, act.rule.id, act.day, act.quantity, *sorted(act.private.items()), *act.more.values())
        if (other := seen.get(said)) and not setting.allow_alike:
            row.fault(Flaw("repeated_row", other=other))
        seen.setdefault(said, row.number)
        drafts.append(_draft(act, kind, setting.issuer))
    return plan_of(rows, drafts)


def _read(row: Row, setting: Setting, sheet: Sheet, type_of_rule: str) -> _Act | None:
    day = day_of_row(row, setting, sheet)
    version, rule = _rule_of(row, setting, day, type_of_rule) if day else (0, None)
    if day is None or rule is None:
        subject_of_row(row, setting, None)  # so that all that is wrong with the row is told at once
        return None
    subject = subject_of_row(row, setting, TARGETS[rule.target])
    private = details_of_row(row, {**_TEXTS, "photo": partial(_photo, setting)})
    more: dict[str, JSON] = {}
    if type_of_rule == "deduct":
        private |= details_of_row(row, {"notice": cells.text})
        more = _notice_of(row, rule, day, setting, sheet)
    for detail in rule.evidence or ():
        if detail not in private and not row.has(detail):  # what is there and faulty was told already
            row.fault(Flaw("evidence_missing"), detail)
    quantity = _quantity(row, rule, signed=type_of_rule == "deduct")
    if subject is None or quantity is None or not row.sound:
        return None
    return _Act(row, day, version, rule, quantity, subject.party, private, more)


def _draft(act: _Act, kind: str, issuer: str) -> Draft:
    rule = act.rule
    assert not isinstance(rule.points_units, UnsetType), "adopting the book checked it"
    body: dict[str, JSON] = {
        "amount_units": act.quantity * rule.points_units,
        "issuer": issuer,
        "quantity": act.quantity,
        "subject": act.subject,
        "units": list[JSON](rule.units or ()),
        **act.more,
    }
    ref: dict[str, JSON] = {"book": BOOK, "version": act.version, "id": rule.id}
    deed = Deed(kind, act.subject, rule.id, act.day, act.quantity)
    return Draft((act.row.number,), kind, act.day, body, act.private, ref, deed)


def _rule_of(row: Row, setting: Setting, day: str, type_of_rule: str) -> tuple[int, Rule | None]:
    """The version in force on a day and the rule that a row names, by id or name."""
    named = row.need("rule", cells.quoted)
    if named is None:
        return 0, None
    version = setting.view.version_on(day)
    if version is None:
        row.fault(Flaw("no_book_in_force", got=day), "day")
        return 0, None
    try:
        return version, _checked(_rule_named(setting.view.rules_of(version), named, version, type_of_rule), day)
    except Flaw as flaw:
        row.fault(flaw, "rule")
        return version, None


def _rule_named(rules: Sequence[Rule], named: str, version: int, type_of_rule: str) -> Rule:
    for rule in rules:
        if rule.id == named:
            return _typed(rule, type_of_rule)
    fitting = [one for one in rules if named.casefold() in (one.name_zh.casefold(), one.name_en.casefold())]
    typed = [one for one in fitting if one.type == type_of_rule]
    if len(typed) > 1:
        raise Flaw("ambiguous_rule", got=named, several=", ".join(one.id for one in typed))
    if not fitting:
        known = [one.name_zh for one in rules if one.type == type_of_rule]
        shown = "、".join(known[:_SHOWN_RULES]) + ("…" if len(known) > _SHOWN_RULES else "")
        raise Flaw("unknown_rule", got=named, version=version, known=shown or "—")
    return _typed((typed or fitting)[0], type_of_rule)


def _typed(rule: Rule, type_of_rule: str) -> Rule:
    if rule.type != type_of_rule:
        raise Flaw("wrong_rule_type", got=rule.id, type=rule.type)
    return rule


def _checked(rule: Rule, day: str) -> Rule:
    if (rule.valid_from and day < rule.valid_from) or (rule.valid_to and day > rule.valid_to):
        raise Flaw("rule_not_valid", got=day, first=rule.valid_from or "…", last=rule.valid_to or "…")
    return rule


def _quantity(row: Row, rule: Rule, *, signed: bool) -> int | None:
    """How often the rule counts: as written, or what the points come to, or once. Both must agree."""
    assert not isinstance(rule.points_units, UnsetType), "adopting the book checked it"
    quantity = row.take("quantity", cells.count)
    points = row.take("points", partial(cells.points, signed=signed))
    if not row.sound:
        return None
    if points is None:
        return 1 if quantity is None else quantity
    each = rule.points_units
    if quantity is not None and points != quantity * each:
        row.fault(Flaw("wrong_points", got=str(Points(points)), expected=Points(quantity * each)), "points")
    elif points % each or not points:
        row.fault(Flaw("not_a_multiple", got=str(Points(points)), points=Points(each)), "points")
    return points // each


def _notice_of(row: Row, rule: Rule, day: str, setting: Setting, sheet: Sheet) -> dict[str, JSON]:
    """The day of the notice, and until when to appeal: as written, or as long as the rule leaves."""
    read = partial(cells.day, epoch=sheet.table.epoch)
    noticed, until = row.need("noticed_on", read), row.take("appeal_until", read)
    if noticed is None or not row.sound:
        return {}
    least = _later(noticed, 0 if rule.appeal_days is UNSET else int(rule.appeal_days))
    ripe = _later(noticed, 0 if rule.notice_days is UNSET else int(rule.notice_days))
    if noticed < day:
        row.fault(Flaw("notice_too_late", got=noticed), "noticed_on")
    elif ripe > setting.today:
        row.fault(Flaw("notice_too_short", got=noticed, days=rule.notice_days or 0, day=ripe), "noticed_on")
    elif until is not None and until < least:
        row.fault(Flaw("appeal_too_short", got=until, day=least), "appeal_until")
    return {"noticed_on": noticed, "appeal_until": until or least}


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _photo(setting: Setting, cell: cells.Cell) -> str:
    return setting.photo(cells.text(cell))
