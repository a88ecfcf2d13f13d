"""What is wrong with a row of a sheet, in words for the clerk who wrote it, in English and Chinese."""

from __future__ import annotations

from typing import Final, NamedTuple

from ledger.errors import FormatError

REASONS: Final[dict[str, tuple[str, str]]] = {
    # a cell
    "missing": ("nothing is written here", "此格为空，必须填写"),
    "not_text": ("not a text", "不是文字"),
    "too_long": ("longer than {most} characters", "超过{most}个字"),
    "damaged_text": (
        "a character was damaged on the way; write the text anew",
        "有字符已损坏，请重新填写",
    ),
    "not_a_day": (
        "not a day; write 2021-3-5, 2021/3/5, 2021.3.5, 2021年3月5日 or 20210305",
        "不是日期，请写成2021-3-5等",
    ),
    "no_such_day": ("the calendar has no such day", "日历上没有这一天"),
    "two_digit_year": ("the year has two digits only; write 2021-3-5", "年份只有两位，请写成2021-3-5"),
    "day_or_month_first": (
        "it is not plain whether the day or the month comes first; write 2021-3-5",
        "分不清日和月的先后，请写成2021-3-5",
    ),
    "no_day_given": (
        "no day is written here; write it, or give one for all such rows with --date",
        "没有写日期，请填写，或用 --date 统一指定",
    ),
    "no_day": ("the day of the month is missing", "没有写日"),
    "no_year": ("the year is missing", "没有写年份"),
    "bare_number": ("a bare number is no day; write 2021-3-5", "只有一个数字，看不出日期，请写成2021-3-5"),
    "time_of_day": (
        "a day with a time of day; write the day alone, the time has a column of its own",
        "日期里带了钟点，请只写日期，钟点另写一列",
    ),
    "future_day": ("this day has not come yet", "这一天还没有到"),
    "not_points": ("not a number of points; write 12 or 12.50", "不是积分数，请写成12或12.50"),
    "too_exact": ("points have two decimals at most", "积分最多两位小数"),
    "odd_commas": ("commas stand before every three digits only, as in 1,200.50", "逗号只能每三位数字一个，如1,200.50"),
    "negative": ("less than nothing", "不能小于零"),
    "too_much": ("more than a ledger can hold", "超出账本的范围"),
    "not_a_count": ("not a whole number from 1 up", "不是从1起的整数"),
    "shortened_number": (
        "the spreadsheet kept 15 digits only; format the column as text and write the number anew",
        "表格软件只保留了15位数字，请把这一列设为文本后重新填写",
    ),
    "not_a_number": ("not a number of a card or a household", "不是卡号或户号"),
    "not_an_identity_number": ("not an identity number: its last character does not fit", "身份证号有误：校验位不符"),
    "unknown_unit": ("write 物质积分 (spend) or 品德积分 (merit)", "请写物质积分或品德积分"),
    "merged": ("merged with other rows, so it is not plain whose it is", "与其他行合并，看不出属于哪一行"),
    "beyond_columns": ("a value beyond the last heading", "标题以外还有内容"),
    "no_photo": ("no such file beside the sheet", "表格旁边没有这个文件"),
    # who it is
    "nobody_named": ("neither a number nor a name says who it is", "没有号码也没有姓名，不知道是谁"),
    "unknown_person": ("the people file knows nobody of this number or name", "人员名册中没有这个号码或姓名"),
    "lost_zeros": (
        "{other} is there, with other zeros in front; format the column as text",
        "已有号码{other}，只差前面的零，请把这一列设为文本后填全",
    ),
    "ambiguous_name": ("several have this name ({several}); write the number", "有几个人同名（{several}），请写号码"),
    "number_of_another": ("this number belongs to {other}", "这个号码是{other}的"),
    "not_registered": ("in the people file, but not registered in the ledger", "在人员名册中，但账本里没有登记"),
    "not_active": ("no longer active in the ledger: {status}", "在账本中已停用：{status}"),
    # rows among each other
    "repeated_row": (
        "the same as row {other}; if it happened twice, write the quantity, or tell them apart by time or matter",
        "与第{other}行相同；确有两次请写数量，或用时间、事由区分",
    ),
    "repeated_person": ("stands in row {other} already", "第{other}行已有"),
    "contradicts_row": ("row {other} says {said}", "与第{other}行不符（{said}）"),
    "contradicts_people": ("the people file says {said}", "与人员名册不符（{said}）"),
    "contradicts_ledger": ("the ledger says {said}", "与账本不符（{said}）"),
    "wrong_total": ("the rows above add up to {sum}", "以上各行合计为{sum}"),
    "alike": (
        "entry {entries} says the same of this day; if it is another act, import with --allow-alike",
        "账本第{entries}条已有当天同样的记录；确属另一次，请加 --allow-alike",
    ),
    "carried_before": ("entry {entry} carried {amount} already", "账本第{entry}条已结转{amount}"),
    # rules
    "no_book_in_force": ("no rule book was in force on this day", "这一天没有生效的积分细则"),
    "unknown_rule": (
        "version {version} of the book has: {known}",
        "第{version}版细则只有：{known}",
    ),
    "ambiguous_rule": (
        "several rules have this name ({several}); write the rule's id",
        "有几条规则同名（{several}），请写规则编号",
    ),
    "wrong_rule_type": ("a rule of another type: {type}", "规则类型不对：{type}"),
    "rule_not_valid": ("the rule holds from {first} to {last} only", "这条规则只在{first}至{last}有效"),
    "evidence_missing": ("the rule demands this as evidence", "这条规则要求填写此项"),
    "wrong_points": ("the rule gives {expected}", "按规则应为{expected}"),
    "not_a_multiple": ("not a multiple of the {points} that the rule gives", "不是规则分值{points}的整数倍"),
    "notice_too_late": ("the notice comes before the act", "告知日期早于发生日期"),
    "notice_too_short": (
        "the rule takes effect {days} days after the notice, on {day}",
        "规则规定告知{days}天后（{day}）才能扣分",
    ),
    "appeal_too_short": ("the rule leaves time to appeal until {day} at least", "规则规定申诉至少到{day}"),
    # the ledger's own word
    "refused": ("{detail}", "账本不接受：{detail}"),
}
"""Why a row is not taken: a sentence in English and in Chinese."""
ENGLISH, CHINESE = 0, 1


class Flaw(FormatError):
    """A cell or a row that cannot be taken, by a code of `REASONS`. ``field`` is one of the sheet's columns."""

    def __init__(self, code: str, *, field: str | None = None, got: object = None, **slots: object) -> None:
        self.sentences = tuple(sentence.format(**slots) for sentence in REASONS[code])
        super().__init__(self.sentences[ENGLISH], code=code, field=field, got=got)


class Fault(NamedTuple):
    """A flaw at its place: the sheet's row number as the clerk sees it, and the heading of the column."""

    row: int
    column: str
    code: str
    got: str
    reason: str
    reason_zh: str

    @classmethod
    def of(cls, flaw: Flaw, row: int, column: str) -> Fault:
        """A flaw in a row and column."""
        return cls(row, column, flaw.code, flaw.got or "", *flaw.sentences)
