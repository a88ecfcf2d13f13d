"""The values of cells: what villages write is understood, what leaves room for doubt is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from ledger.core.types import MAX_INT
from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.cells import Cell
from ledger.service.spreadsheets.faults import REASONS, Flaw

EPOCH = date(1899, 12, 30)


def flaw(read: Callable[[Cell], object], cell: Cell) -> str:
    """The code of the flaw that a cell has."""
    with pytest.raises(Flaw) as raised:
        read(cell)
    assert raised.value.sentences[0] == raised.value.message
    return raised.value.code


# Days -----------------------------------------------------------------------------------------------------------------

DAYS: dict[str, Cell] = {
    "dashes": "2021-3-5",
    "dashes and zeros": "2021-03-05",
    "strokes": "2021/3/5",
    "points": "2021.3.5",
    "Chinese": "2021年3月5日",
    "Chinese, spoken": "2021年3月5号",
    "Chinese with spaces": " 2021 年 3 月 5 日 ",
    "eight digits": "20210305",
    "full-width": "２０２１－０３－０５",
    "full-width Chinese": "２０２１年３月５日",
    "full-width points": "２０２１．３．５",
    "a long dash": "2021–3–5",
    "an invisible mark": "\u202a2021-3-5\u200b",
    "midnight, as spreadsheets write it": "2021/3/5 0:00",
    "midnight in full": "2021-03-05 00:00:00",
    "a day cell": date(2021, 3, 5),
    "a moment cell at midnight": datetime(2021, 3, 5),
    "a number cell of eight digits": Decimal("20210305"),
    "a serial": Decimal("44260"),
}


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_understood_as_villages_write_it(name: str) -> None:
    assert cells.day(DAYS[name], epoch=EPOCH) == "2021-03-05"


def test_a_serial_counts_from_the_day_that_the_workbook_says() -> None:
    assert cells.day(Decimal("44260"), epoch=date(1904, 1, 1)) == "2025-03-06"


BAD_DAYS: dict[str, tuple[Cell, str]] = {
    "a year of two digits": ("21.3.5", "two_digit_year"),
    "a Chinese year of two digits": ("21年3月5日", "two_digit_year"),
    "the year last": ("3/5/2021", "day_or_month_first"),
    "the year last, two digits": ("3-5-21", "two_digit_year"),
    "no day": ("2021年3月", "no_day"),
    "no day, with a point": ("2021.3", "no_day"),
    "no year": ("3月5日", "no_year"),
    "six digits": ("210305", "bare_number"),
    "a serial as text": ("44260", "bare_number"),
    "a year": (Decimal("2021"), "bare_number"),
    "a year and a month as a number": (Decimal("2021.3"), "bare_number"),
    "a serial of the past": (Decimal("21305"), "bare_number"),
    "a serial with a time": (Decimal("44260.5"), "time_of_day"),
    "a time of day": ("2021-3-5 14:30", "time_of_day"),
    "a moment cell": (datetime(2021, 3, 5, 14, 30), "time_of_day"),
    "a time cell": (time(14, 30), "not_a_day"),
    "a yes or no": (True, "not_a_day"),
    "no such day": ("2021-2-30", "no_such_day"),
    "no such day in eight digits": ("20210230", "no_such_day"),
    "a year before all books": ("0021-3-5", "no_such_day"),
    "two separators": ("2021-3/5", "not_a_day"),
    "words": ("去年三月", "not_a_day"),
    "Chinese numerals": ("二〇二一年三月五日", "not_a_day"),
    "digits of another script": ("٢٠٢١-٣-٥", "not_a_day"),
    "a damaged text": ("2021-3-5\ufffd", "damaged_text"),
}


@pytest.mark.parametrize("name", BAD_DAYS)
def test_a_day_that_leaves_a_doubt_is_refused(name: str) -> None:
    cell, code = BAD_DAYS[name]
    assert flaw(lambda given: cells.day(given, epoch=EPOCH), cell) == code


def test_a_bare_number_is_no_day_where_the_file_has_no_number_cells() -> None:
    assert flaw(cells.day, Decimal("44260")) == "bare_number"


# Points ---------------------------------------------------------------------------------------------------------------

POINTS: dict[str, tuple[Cell, int]] = {
    "whole": ("12", 1200),
    "one decimal": ("12.5", 1250),
    "two decimals": ("12.50", 1250),
    "nothing": ("0", 0),
    "a plus": ("+2", 200),
    "a full-width plus and points": ("＋２．５", 250),
    "with the word": ("5分", 500),
    "with the long word": ("5积分", 500),
    "thousands": ("1,200.50", 120_050),
    "full-width thousands": ("１，２００．５０", 120_050),
    "spaces": (" 12 . 5 ", 1250),
    "a number cell": (Decimal("211.2"), 21_120),
    "a minus nothing": ("-0", 0),
    "the most there is": (f"{MAX_INT // 100}.{MAX_INT % 100}", MAX_INT),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_are_exact_hundredths(name: str) -> None:
    cell, units = POINTS[name]
    assert cells.points(cell) == units


BAD_POINTS: dict[str, tuple[Cell, str]] = {
    "three decimals": ("12.345", "too_exact"),
    "three decimals, the last a zero": ("12.340", "too_exact"),
    "three decimals in a number cell": (Decimal("12.345"), "too_exact"),
    "negative": ("-5", "negative"),
    "negative with a long minus": ("−5", "negative"),
    "a negative number cell": (Decimal("-5"), "negative"),
    "a decimal comma": ("12,5", "odd_commas"),
    "commas astray": ("1,20,000", "odd_commas"),
    "an exponent": ("1e3", "not_points"),
    "a word": ("五分", "not_points"),
    "two numbers": ("3+2", "not_points"),
    "a day cell": (date(2021, 3, 5), "not_points"),
    "a yes or no": (True, "not_points"),
    "too many": (f"{MAX_INT // 100 + 1}", "too_much"),
    "far too many": ("9" * 5000, "too_much"),
    "a huge number cell": (Decimal("1e300"), "too_much"),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_points_that_are_none_are_refused(name: str) -> None:
    cell, code = BAD_POINTS[name]
    assert flaw(cells.points, cell) == code


def test_a_book_of_deductions_may_write_a_minus() -> None:
    assert [cells.points(cell, signed=True) for cell in ("-5", "5", "－５分", Decimal("-2.5"))] == [500, 500, 500, 250]


NUMBER_CELLS: dict[str, tuple[float, str]] = {
    "a decimal": (211.2, "211.2"),
    "whole": (3.0, "3"),
    "what a sum leaves behind": (0.1 + 0.2, "0.3"),
    "what a product leaves behind": (1.1 * 3, "3.3"),
    "fifteen digits": (9_999_999_999_999.99, "9999999999999.99"),
    "sixteen digits keep them all": (12_345_678_901_234.25, "12345678901234.25"),
    "a third stays inexact": (1 / 3, "0.333333333333333"),
}


@pytest.mark.parametrize("name", NUMBER_CELLS)
def test_a_number_cell_is_the_decimal_that_it_shows(name: str) -> None:
    stored, shown = NUMBER_CELLS[name]
    assert f"{cells.exact(stored).normalize():f}" == shown


# Counts, numbers, names, texts ----------------------------------------------------------------------------------------

GOOD: dict[str, tuple[Callable[[Cell], object], Cell, object]] = {
    "a count": (cells.count, "3", 3),
    "a full-width count": (cells.count, "３", 3),
    "a count cell": (cells.count, Decimal("3"), 3),
    "a number keeps its zeros": (cells.number, "0012", "0012"),
    "a number without spaces": (cells.number, " 00 12\u3000001 ", "0012001"),
    "a full-width number": (cells.number, "００１２ａ", "0012A"),
    "a number cell": (cells.number, Decimal("12"), "12"),
    "a Chinese number": (cells.number, "三组-12", "三组-12"),
    "an identity number": (cells.identity_number, "11010519491231002x", "11010519491231002X"),
    "a name": (cells.name, " 张三 ", "张三"),
    "a name that was padded": (cells.name, "张\u3000三", "张三"),
    "a name of two words": (cells.name, "Aygul  Memet", "Aygul Memet"),
    "a name with a dot of another kind": (cells.name, "阿依古丽•买买提", "阿依古丽·买买提"),
    "a name with a rare character": (cells.name, "张\U00030edd", "张\U00030edd"),
    "a rule in quotation marks": (cells.quoted, "“志愿服务”", "志愿服务"),
    "a rule in corner brackets": (cells.quoted, "「志愿服务」", "志愿服务"),
    "a rule in book title marks": (cells.quoted, "《志愿服务》", "志愿服务"),
    "a rule without": (cells.quoted, "志愿服务", "志愿服务"),
    "a text keeps its quotation marks": (cells.text, "说“好，行”", "说“好，行”"),
    "a text of two lines": (cells.text, "一\r\n二", "一\n二"),
    "a text of two lines as a workbook writes it": (cells.text, "一_x000D_\n二", "一\n二"),
    "a tab": (cells.text, "一\t二", "一 二"),
    "a text that decomposes": (cells.text, "e\u0301", "é"),
    "a time of day": (cells.text, time(8, 30), "08:30"),
    "a moment": (cells.text, datetime(2021, 3, 5, 8, 30), "2021-03-05 08:30"),
    "a number as a text": (cells.text, Decimal("3"), "3"),
    "a text that export guarded": (cells.text, "'=1+1", "=1+1"),
    "an apostrophe of its own": (cells.text, "'t", "'t"),
}


@pytest.mark.parametrize("name", GOOD)
def test_values_are_read_as_they_are_meant(name: str) -> None:
    read, cell, expected = GOOD[name]
    assert read(cell) == expected


BAD: dict[str, tuple[Callable[[Cell], object], Cell, str]] = {
    "half a time": (cells.count, "1.5", "not_a_count"),
    "no time": (cells.count, "0", "not_a_count"),
    "a count in words": (cells.count, "两次", "not_a_count"),
    "a count of digits of another script": (cells.count, "٣", "not_a_count"),
    "a day for a count": (cells.count, date(2021, 3, 5), "not_a_count"),
    "a number with an exponent": (cells.number, "1.10101E+17", "shortened_number"),
    "a number cell of eighteen digits": (cells.number, cells.exact(110105194912310020.0), "shortened_number"),
    "a number with signs": (cells.number, "12?", "not_a_number"),
    "a day for a number": (cells.number, date(2021, 3, 5), "not_a_number"),
    "a number that is too long": (cells.number, "1" * 65, "too_long"),
    "a fraction for a number": (cells.count, Decimal("1.5"), "not_a_count"),
    "an identity number with a slip": (cells.identity_number, "110105194912310021", "not_an_identity_number"),
    "a card's number for an identity number": (cells.identity_number, "0012001", "not_an_identity_number"),
    "a number for a name": (cells.name, Decimal("12"), "not_text"),
    "a name that is too long": (cells.name, "张" * 101, "too_long"),
    "a name that was damaged": (cells.name, "张\ufffd", "damaged_text"),
    "a name with a character of one machine": (cells.name, "张\ue000", "damaged_text"),
    "a control character": (cells.text, "一\x01", "damaged_text"),
    "a text that is too long": (cells.text, "一" * 2001, "too_long"),
    "a duration": (cells.text, timedelta(hours=2), "not_text"),
    "a yes or no": (cells.text, True, "not_text"),
    "nothing but spaces": (cells.text, " \u3000", "missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_values_that_are_none_are_refused(name: str) -> None:
    read, cell, code = BAD[name]
    assert flaw(read, cell) == code


@pytest.mark.parametrize("cell", ["", " ", "\u3000", "\u200b", "\ufeff \n"])
def test_a_cell_with_nothing_to_be_seen_is_empty(cell: str) -> None:
    assert cells.is_empty(cell)


def test_every_reason_is_told_in_both_languages_and_with_the_same_slots() -> None:
    import string

    def slots(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    for code, (english, chinese) in REASONS.items():
        assert slots(english) >= slots(chinese), code
        assert english.isascii() or "20210305" in english or "物质" in english, code
        assert not chinese.isascii(), code
