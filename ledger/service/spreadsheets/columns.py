"""What the columns of a sheet are called: one table of headings, Chinese and English, for all kinds of sheets.

A heading is compared without spaces, signs, case and remarks in brackets: `工分卡号 *` and `积分（分）` are known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ledger.errors import FormatError
from ledger.service.spreadsheets.cells import Cell, is_empty
from ledger.service.spreadsheets.tables import Table

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "mark": ("序号", "no", "#", "行号"),
    "name": ("姓名", "name", "村民姓名", "名字", "人员姓名", "成员姓名", "得分人", "扣分人"),
    "number": ("工分卡号", "card number", "卡号", "积分卡号", "card", "card no", "编号", "人员编号", "number"),
    "identity": ("身份证号", "identity number", "身份证号码", "身份证", "公民身份号码", "证件号码", "id number"),
    "household": ("户号", "household", "household number", "家庭号", "户编号", "家庭编号", "门牌号", "household no"),
    "head": ("户主", "head of household", "户主姓名", "家庭户主", "head"),
    "relation": ("与户主关系", "relation to head", "关系", "relation"),
    "group": ("小组", "group", "村民小组", "组别", "所在小组", "组", "生产队"),
    "address": ("地址", "address", "住址", "家庭住址", "居住地址"),
    "day": ("日期", "date", "day", "发生日期", "活动日期", "登记日期", "结转日期", "时间日期", "occurred on"),
    "rule": (
        "规则",
        "rule",
        "积分规则",
        "加分规则",
        "减分规则",
        "扣分规则",
        "积分项目",
        "加分项目",
        "扣分项目",
        "项目",
    ),
    "quantity": ("数量", "quantity", "次数", "count", "times"),
    "points": ("积分", "points", "分值", "加分", "减分", "扣分", "得分", "工分", "余额", "balance", "积分余额"),
    "spend": ("物质积分", "spend", "消费积分", "可用积分", "可兑换积分", "物质积分余额", "spend points"),
    "merit": ("品德积分", "merit", "道德积分", "荣誉积分", "品德积分余额", "merit points"),
    "unit": ("积分类型", "unit", "单位", "积分种类", "积分类别"),
    "matter": ("事由", "matter", "内容", "事项", "活动内容", "原因", "reason", "说明", "事迹"),
    "place": ("地点", "place", "活动地点", "发生地点", "location"),
    "time": ("时间", "time", "活动时间", "时段", "起止时间"),
    "photo": ("照片", "photo", "照片文件", "图片", "凭证照片", "photo digest"),
    "source": ("来源", "source", "账册页码", "页码", "账本页码", "原账册", "page"),
    "noticed_on": ("告知日期", "noticed on", "通知日期", "告知时间", "notice date"),
    "appeal_until": ("申诉截止", "appeal until", "申诉截止日期", "异议截止日期", "申诉期限"),
    "notice": ("告知内容", "notice", "通知内容", "告知书"),
    "kind": ("类别", "kind", "主体类别"),
    "party": ("主体编号", "party", "主体代号", "party id"),
}
"""The columns, each with its headings; the first of them is the Chinese heading, the second the English one."""
HEADINGS_WITHIN: Final = 20
"""Rows from the top within which the headings stand: above them may be a title, notes."""
HEADINGS_LEAST: Final = 2
"""Known headings without which a row is not taken for the one of headings."""
_REMARK: Final = re.compile(r"[(\[【（].*?[)\]】）]")
_SIGNS: Final = re.compile(r"[\s_*:：、\-]+")


def _folded(heading: str) -> str:
    text = _REMARK.sub("", unicodedata.normalize("NFKC", heading).casefold())
    return _SIGNS.sub("", text) or text


_COLUMNS: Final = {_folded(heading): column for column, headings in HEADINGS.items() for heading in headings}


class Sheet(NamedTuple):
    """A table whose columns are known: which column stands where, how it is headed, the first row below.

    ``unknown`` are the headings that nothing is read from.
    """

    table: Table
    places: Mapping[str, int]
    headings: Mapping[str, str]
    first: int
    unknown: Sequence[str]


def column_of(cell: Cell) -> str | None:
    """The column that a heading names, if it is known."""
    return _COLUMNS.get(_folded(cell)) if isinstance(cell, str) and not is_empty(cell) else None


def known_headings(row: Sequence[Cell]) -> int:
    """How many different columns a row of headings names."""
    return len({column for cell in row if (column := column_of(cell))})


def heading(column: str, language: str = "zh") -> str:
    """How a column is headed in what is written here."""
    return HEADINGS[column][language != "zh"]


def heading_of_all(column: str, language: str = "zh") -> str:
    """As `heading`, for a table in which all kinds of parties stand: a household's number is no card's."""
    return ("编号", "number")[language != "zh"] if column == "number" else heading(column, language)


def find_headings(table: Table, wanted: Sequence[str], needed: Sequence[Sequence[str]]) -> Sheet:
    """The table as a sheet with some of the columns ``wanted``.

    Of each group of ``needed`` columns one must be there. Raises `FormatError` if one is missing, or stands twice.
    """
    top = table.rows[:HEADINGS_WITHIN]
    place = max(range(len(top)), key=lambda index: (known_headings(top[index]), -index))
    places: dict[str, int] = {}
    headings: dict[str, str] = {}
    unknown: list[str] = []
    for index, cell in enumerate(top[place]):
        column, shown = column_of(cell), str(cell).strip()
        if column in places:
            raise FormatError(
                "two columns mean the same; remove one of them",
                code="repeated_heading",
                field=f"row {place + 1}",
                got=f"{headings[str(column)]} and {shown}",
            )
        if column in wanted:
            places[str(column)], headings[str(column)] = index, shown
        elif shown:
            unknown.append(shown)
    for group in needed:
        if not any(column in places for column in group):
            raise FormatError(
                "a column is missing",
                code="missing_column",
                field=table.title,
                expected=" or ".join(f"{heading(column)} ({heading(column, 'en')})" for column in group),
                got=", ".join([*headings.values(), *unknown]) or "no known heading",
            )
    below = [table.merged.get((place, index), (place, place))[1] for index in range(len(top[place]))]
    return Sheet(table, places, headings, max(below) + 1, unknown)
