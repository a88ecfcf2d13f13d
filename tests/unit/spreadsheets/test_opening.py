"""Importing opening balances from the paper book."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ledger.domain.entries import parse_entry
from ledger.domain.kinds.books import BalanceCarried
from ledger.errors import ConfigError
from tests.helpers.town_hall import TownHall, told
from tests.helpers.village import person

HEAD = ["户号", "户主", "姓名", "卡号", "物质积分", "品德积分", "来源"]
ROWS = [
    HEAD,
    ["", "", "李四", "", "120.5", "300", "2020年账册第3页"],
    ["", "", "张三", "0012001", "0", "211.2", ""],
    ["0013", "", "", "", "1,200.50", "", ""],
    ["", "孙七", "", "", "", "３分", ""],
    ["合计", "", "", "", "1321", "514.2", ""],
]


def balances(hall: TownHall, number: str, kind: str = "resident") -> dict[str, int]:
    fact: Any = hall.village.facts[f"account:{hall.party(number, kind)}"]
    return dict(fact.balances)


def test_balances_are_carried_to_residents_and_households(settled: TownHall) -> None:
    report = settled.opening(ROWS)
    assert (report.faults, len(report.appended), report.plan.passed_over) == ((), 5, 1)
    assert balances(settled, "0012002") == {"spend": 12_050, "merit": 30_000}
    assert balances(settled, "0012001") == {"spend": 0, "merit": 21_120}
    assert balances(settled, "0013", "household") == {"spend": 120_050, "merit": 0}
    assert balances(settled, "0015", "household") == {"spend": 0, "merit": 300}
    body = parse_entry(settled.village.entries[-1]).event.body
    assert isinstance(body, BalanceCarried)
    assert body.issuer == person("coop").party
    assert body.book_digest == hashlib.sha256((settled.folder / "sheet.csv").read_bytes()).hexdigest()


def test_what_was_carried_is_not_carried_again_also_from_another_file(settled: TownHall) -> None:
    settled.opening(ROWS)
    before = settled.size
    again = settled.opening(ROWS)
    assert (again.faults, list(again.appended), again.standing, settled.size) == ((), [], 5, before)
    longer = settled.opening([*ROWS[:-1], ["", "", "王五", "", "1", "", ""]])
    assert (longer.faults, len(longer.appended), longer.standing) == ((), 1, 5)


def test_another_amount_than_was_carried_is_told(settled: TownHall) -> None:
    settled.opening(ROWS)
    entry = settled.size - 5
    report = settled.opening([HEAD, ["", "", "李四", "", "120.6", "300", ""]])
    assert told(report.faults) == [(2, "物质积分", "carried_before")]
    assert report.faults[0].reason == f"entry {entry} carried 120.50 already"


def test_what_was_taken_back_may_be_carried_anew(settled: TownHall) -> None:
    settled.opening(ROWS)
    target = parse_entry(settled.village.entries[settled.size - 5]).event.id
    body = {"subject": settled.party("0012002")}
    settled.village.must(settled.village.reverse(target, body=body))
    report = settled.opening([HEAD, ["", "", "李四", "", "120.6", "300", ""]])
    assert (report.faults, len(report.appended), report.standing) == ((), 1, 1)
    assert balances(settled, "0012002")["spend"] == 12_060


def test_one_column_of_points_needs_to_say_which(settled: TownHall) -> None:
    head = ["姓名", "积分", "积分类型"]
    report = settled.opening([head, ["李四", "5", "物质积分"], ["王五", "6", "“品德积分”"]])
    assert (report.faults, len(report.appended)) == ((), 2)
    assert (balances(settled, "0012002")["spend"], balances(settled, "0013001")["merit"]) == (500, 600)
    bad = settled.opening([head, ["李四", "5", ""], ["王五", "5", "现金"]])
    assert told(bad.faults) == [(2, "积分类型", "unknown_unit"), (3, "积分类型", "unknown_unit")]
    assert told(settled.opening([["姓名", "积分"], ["李四", "5"]]).faults) == [(2, "积分类型", "unknown_unit")]


def test_rows_with_nothing_to_carry_are_counted(settled: TownHall) -> None:
    report = settled.opening([HEAD, ["", "", "李四", "", "0", "0.00", ""]])
    assert (report.faults, report.events, report.plan.nothing, settled.checked) == ((), 0, 1, 1)


BAD: dict[str, tuple[list[list[Any]], list[tuple[int, str, str]]]] = {
    "nobody": ([["", "", "", "", "1", "", ""]], [(2, "户号", "nobody_named")]),
    "an unknown number": ([["", "", "", "999", "1", "", ""]], [(2, "卡号", "unknown_person")]),
    "an unknown name": ([["", "", "周八", "", "1", "", ""]], [(2, "姓名", "unknown_person")]),
    "an unknown household": ([["99", "", "", "", "1", "", ""]], [(2, "户号", "unknown_person")]),
    "a name of two people": ([["", "", "张三", "", "1", "", ""]], [(2, "姓名", "ambiguous_name")]),
    "a number of somebody else": ([["", "", "李四", "0012001", "1", "", ""]], [(2, "姓名", "number_of_another")]),
    "another head": ([["0013", "张三", "", "", "1", "", ""]], [(2, "户号", "number_of_another")]),
    "no amount": ([["", "", "李四", "", "", "", ""]], [(2, "积分", "missing")]),
    "too exact": ([["", "", "李四", "", "1.005", "", ""]], [(2, "物质积分", "too_exact")]),
    "negative": ([["", "", "李四", "", "-1", "", ""]], [(2, "物质积分", "negative")]),
    "twice": (
        [["", "", "李四", "", "1", "", ""], ["", "", "", "0012002", "1", "", ""]],
        [(3, "姓名", "repeated_person")],
    ),
    "a card without its zeros": ([["", "", "", "12001", "1", "", ""]], [(2, "卡号", "lost_zeros")]),
    "a household without its zeros": ([["13", "", "", "", "1", "", ""]], [(2, "户号", "lost_zeros")]),
    "a sum of what cannot be read": (
        [["", "", "李四", "", "1.505", "2", ""], ["合　计：", "", "", "", "1.60", "3", ""]],
        [(2, "物质积分", "too_exact"), (3, "品德积分", "wrong_total")],
    ),
    "a wrong sum": (
        [["", "", "李四", "", "1.50", "", ""], ["合计", "", "", "", "1.60", "", ""]],
        [(3, "物质积分", "wrong_total")],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_row_is_told_and_nothing_is_sent(settled: TownHall, name: str) -> None:
    rows, expected = BAD[name]
    before, checked = settled.size, settled.checked
    report = settled.opening([HEAD, *rows])
    assert told(report.faults) == expected
    assert (settled.size, settled.checked) == (before, checked)


def test_subtotals_are_passed_over_and_count_in_no_sum(settled: TownHall) -> None:
    rows = [["", "", "李四", "", "1", "", ""], ["三组小计", "", "", "", "1", "", ""], ["0013", "", "", "", "2", "", ""]]
    more = [["小 计", "", "", "", "2", "", ""], ["", "合 计", "", "", "3", "", ""]]
    report = settled.opening([HEAD, *rows, *more])
    assert (report.faults, report.plan.rows, report.plan.passed_over, report.events) == ((), 2, 3, 2)


def test_a_name_of_two_is_plain_within_one_household(settled: TownHall) -> None:
    assert settled.opening([HEAD, ["0014", "", "张三", "", "1", "", ""]]).faults == ()
    assert balances(settled, "0014001")["spend"] == 100


def test_a_cell_that_is_merged_over_two_people_belongs_to_neither(settled: TownHall) -> None:
    from xlsxwriter import Workbook

    from ledger.service.spreadsheets.importing import import_sheet

    path = settled.folder / "期初结转.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "物质积分"])
        sheet.write_column(1, 0, ["李四", "王五"])
        sheet.merge_range(1, 1, 2, 1, 5)
    report = import_sheet(settled.order_of(path, "opening", "issuer", "oversight", day="2021-01-01"), settled)
    assert told(report.faults) == [(2, "物质积分", "merged"), (3, "物质积分", "merged")]


def test_whose_points_they_are_is_known_from_the_key_or_said(settled: TownHall) -> None:
    village = settled.village
    village.must(village.role("issuer", "issuer", scope="*"))
    with pytest.raises(ConfigError, match="say --issuer"):
        settled.opening(ROWS)
    assert settled.opening(ROWS, issuer=person("coop").party).faults == ()
