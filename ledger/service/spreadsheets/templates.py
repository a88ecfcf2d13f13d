"""Empty sheets for the paper books of villages, with notes on the headings and an example that is passed over."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from xlsxwriter import Workbook

from ledger.service.spreadsheets.columns import heading
from ledger.service.spreadsheets.kinds import KINDS

NOTES_TITLE: Final = "说明"
EXAMPLE_MARK: Final = "示例"


class Field(NamedTuple):
    """A column of a template: a note in Chinese and English, and what the example says."""

    column: str
    note: str
    note_en: str
    example: str


_MARK: Final = Field("mark", "可不填；写“示例”的行不导入", "may be empty; 示例 marks an example", EXAMPLE_MARK)
_NAME: Final = Field("name", "有卡号时可不填；同名的必须写卡号", "may be empty beside a card number", "张三")
_NUMBER: Final = Field("number", "工分卡号；请保留前面的0", "number of the card; keep the zeros in front", "0012001")
_HOUSEHOLD: Final = Field("household", "户号", "number of the household", "0012")
_HEAD: Final = Field("head", "户主姓名", "name of the head of the household", "张三")
_DAY: Final = Field("day", "如2021-3-5或2021年3月5日", "such as 2021-3-5 or 2021年3月5日", "2021-3-5")
_QUANTITY: Final = Field("quantity", "次数，不填为1", "how often; once if empty", "1")
_DETAILS: Final = (
    Field("matter", "事由；仅当事人与发放方可见", "what it was; only subject and issuer see it", "打扫村道"),
    Field("place", "地点", "where", "村口"),
    Field("time", "钟点", "time of day", "08:00"),
    Field("photo", "照片文件名，文件放在表格旁边；账本只记其指纹", "file beside the sheet; its digest is recorded", ""),
)

TEMPLATES: Final[Mapping[str, Sequence[Field]]] = {
    "register": (
        _MARK,
        _HOUSEHOLD,
        Field("group", "村民小组", "villagers' group", "三组"),
        _HEAD,
        _NAME._replace(note="每人一行；只登记户时不填", note_en="a row a person; empty for a household alone"),
        _NUMBER._replace(note="没有卡的可不填；请保留前面的0", note_en="may be empty; keep the zeros in front"),
        Field("address", "可不填", "may be empty", "佛山村12号"),
        _DAY._replace(note="从这一天起可以记分", note_en="from this day on points can be recorded"),
    ),
    "opening": (
        _MARK,
        _HOUSEHOLD._replace(note="记在户上的只写户号或户主", note_en="without a name: the household's balance"),
        _HEAD,
        _NAME,
        _NUMBER,
        Field("spend", "可兑换的积分，最多两位小数", "points that are exchanged, two decimals at most", "120.50"),
        Field("merit", "只累计、不兑换的积分", "points that are never spent", "300"),
        _DAY._replace(note="结转日期", note_en="day of carrying over"),
        Field("source", "账册与页码", "book and page", "2020年账册第3页"),
    ),
    "awards": (
        _MARK,
        _DAY,
        _NAME,
        _NUMBER,
        _HOUSEHOLD._replace(note="规则针对户时填写", note_en="for rules that are for households"),
        Field("rule", "细则中的规则名称或编号", "name or id of the rule", "志愿服务"),
        _QUANTITY,
        Field("points", "可不填；填了就与规则核对", "may be empty; checked against the rule", ""),
        *_DETAILS,
    ),
    "deductions": (
        _MARK,
        _DAY,
        _NAME,
        _NUMBER,
        _HOUSEHOLD._replace(note="规则针对户时填写", note_en="for rules that are for households"),
        Field("rule", "细则中的规则名称或编号", "name or id of the rule", "焚烧秸秆"),
        _QUANTITY,
        Field("points", "可不填；填了就与规则核对", "may be empty; checked against the rule", ""),
        Field("noticed_on", "书面告知当事人的日期", "day on which the subject was told in writing", "2021-3-6"),
        Field("appeal_until", "可不填，按规则计算", "may be empty: as long as the rule leaves", ""),
        Field("notice", "告知内容", "what the notice said", "三月五日在田间焚烧秸秆"),
        *_DETAILS,
    ),
}


def template(name: str) -> bytes:
    """The workbook of an empty sheet of a kind: the sheet, and another with the notes for printing."""
    fields = TEMPLATES[name]
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        example = book.add_format({"italic": True, "font_color": "#808080", "num_format": "@"})
        plain = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(KINDS[name].titles[0])
        for place, field in enumerate(fields):
            sheet.set_column(place, place, 14, plain)  # as text, so that numbers keep their zeros in front
            sheet.write_string(0, place, heading(field.column), head)
            sheet.write_comment(0, place, f"{field.note}\n{field.note_en}")
            sheet.write_string(1, place, field.example, example)
        sheet.freeze_panes(1, 0)
        notes = book.add_worksheet(NOTES_TITLE)
        notes.set_column(0, 3, 40)
        for place, title in enumerate(("列", "说明", "column", "note")):
            notes.write_string(0, place, title, head)
        for row, field in enumerate(fields, 1):
            told = (heading(field.column), field.note, heading(field.column, "en"), field.note_en)
            for place, text in enumerate(told):
                notes.write_string(row, place, text)
    return out.getvalue()
