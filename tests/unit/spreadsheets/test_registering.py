"""Importing the register of households and residents."""

from __future__ import annotations

import stat
from datetime import date
from typing import Any

import pytest

from ledger.domain.facts import PartyFact
from ledger.errors import ConfigError
from ledger.service.spreadsheets.importing import import_sheet
from ledger.service.spreadsheets.people import NOTICE
from tests.helpers import sheets
from tests.helpers.town_hall import REGISTER, TownHall, told


def fact(hall: TownHall, party: str) -> PartyFact:
    found = hall.village.facts[f"party:{party}"]
    assert isinstance(found, PartyFact)
    return found


def test_groups_households_and_residents_are_registered_in_an_order_that_the_ledger_takes(hall: TownHall) -> None:
    before = hall.size
    report = hall.register()
    assert report.faults == ()
    assert (report.plan.rows, report.events, report.standing) == (5, 10, 0)
    assert list(report.appended) == list(range(before, before + 10))
    home = hall.party("0012", "household")
    li = fact(hall, hall.party("0012002"))
    assert [stay.household for stay in li.memberships] == [home]
    (group,) = hall.people.named("group", "三组")
    assert fact(hall, home).group == group.party
    assert fact(hall, hall.party("0015", "household")).group is not group.party
    assert hall.people.numbered("household", "0012").name == "张三"  # type: ignore[union-attr]


def test_the_people_file_is_its_owners_only_and_says_what_it_is(settled: TownHall) -> None:
    assert stat.S_IMODE(settled.people_path.stat().st_mode) == 0o600
    text = settled.people_path.read_bytes().decode("utf-8-sig")
    assert text.startswith(NOTICE)
    assert "村民,0012002,李四,0012,," in text
    settled.people_path.chmod(0o644)
    with pytest.raises(ConfigError, match="people file is open to others"):
        settled.awards([["日期", "姓名", "规则"], ["2021-3-5", "李四", "平安学堂"]])


def test_the_same_register_again_adds_nothing(settled: TownHall) -> None:
    before, file = settled.size, settled.people_path.read_bytes()
    report = settled.register()
    assert (report.faults, list(report.appended), report.standing) == ((), [], 10)
    assert (settled.size, settled.people_path.read_bytes()) == (before, file)


def test_a_longer_register_adds_what_is_new(settled: TownHall) -> None:
    report = settled.register([*REGISTER, ["0012", "三组", "张三", "张小三", "0012003"]])
    assert (report.faults, len(report.appended), report.standing) == ((), 1, 10)
    home = settled.party("0012", "household")
    assert fact(settled, settled.party("0012003")).memberships[0].household == home


def test_an_import_that_was_cut_off_before_sending_is_completed_with_the_same_parties(
    hall: TownHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(submissions: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hall, "submit", cut)
        with pytest.raises(KeyboardInterrupt):
            hall.register()
    written = hall.people.rows
    assert len(written) == 10
    assert len(hall.register().appended) == 10
    assert hall.people.rows == written


def test_a_dry_run_writes_nothing(hall: TownHall) -> None:
    before = hall.size
    report = hall.register(dry_run=True)
    assert (report.faults, len(report.appended)) == ((), 10)
    assert (hall.size, hall.people_path.exists()) == (before, False)


def test_a_day_of_ones_own_counts_and_a_household_is_there_before_its_members(hall: TownHall) -> None:
    rows = [["户号", "姓名", "卡号", "日期"], ["1", "甲", "11", "2021-5-1"], ["1", "乙", "12", "2021-2-1"]]
    assert hall.register(rows, day=None).faults == ()
    assert fact(hall, hall.party("1", "household")).since == "2021-02-01"
    assert fact(hall, hall.party("11")).since == "2021-05-01"


def test_the_relation_to_the_head_tells_who_that_is(hall: TownHall) -> None:
    rows = [["户号", "姓名", "与户主关系"], ["1", "甲", "妻"], ["1", "乙", "户主"]]
    assert hall.register(rows).faults == ()
    assert hall.people.numbered("household", "1").name == "乙"  # type: ignore[union-attr]


def test_a_household_that_is_merged_over_its_members_rows_counts_for_each(hall: TownHall) -> None:
    from xlsxwriter import Workbook

    path = hall.folder / "户籍登记.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet("户籍登记")
        sheet.write_row(0, 0, ["户号", "姓名", "卡号"])
        sheet.merge_range(1, 0, 2, 0, "0012")
        sheet.write_row(1, 1, ["甲", "11"])
        sheet.write_row(2, 1, ["乙", "12"])
    report = import_sheet(hall.order_of(path, None, "clerk", "clerk two", day="2021-01-01"), hall)
    assert (report.faults, report.title, len(report.appended)) == ((), "户籍登记", 3)


HEAD = ["户号", "小组", "户主", "姓名", "卡号", "日期", "备注", "关系"]
BAD: dict[str, tuple[list[list[Any]], list[tuple[int, str, str]]]] = {
    "nobody": ([["", "", "", "", "1", ""]], [(2, "姓名", "nobody_named")]),
    "a number without a name": ([["1", "", "", "", "11", ""]], [(2, "姓名", "missing")]),
    "a card twice": (
        [["1", "", "", "甲", "11", ""], ["1", "", "", "乙", "11", ""]],
        [(3, "卡号", "repeated_person")],
    ),
    "a name twice in a household, without numbers": (
        [["1", "", "", "甲", "", ""], ["1", "", "", "甲", "", ""]],
        [(3, "姓名", "repeated_person")],
    ),
    "two heads": (
        [["1", "", "甲", "甲", "11", ""], ["1", "", "乙", "乙", "12", ""]],
        [(3, "户主", "contradicts_row")],
    ),
    "two groups": (
        [["1", "一组", "", "甲", "11", ""], ["1", "二组", "", "乙", "12", ""]],
        [(3, "小组", "contradicts_row")],
    ),
    "a head who is another": ([["1", "", "乙", "甲", "11", "", "", "户主"]], [(2, "户主", "contradicts_row")]),
    "a day that has not come": ([["1", "", "", "甲", "11", "2021-11-21"]], [(2, "日期", "future_day")]),
    "an odd day": ([["1", "", "", "甲", "11", "3/5/2021"]], [(2, "日期", "day_or_month_first")]),
    "several things in one row": (
        [["1?", "", "", "甲\ufffd", "1E+17", "21.3.5"]],
        [
            (2, "卡号", "shortened_number"),
            (2, "姓名", "damaged_text"),
            (2, "户号", "not_a_number"),
            (2, "日期", "two_digit_year"),
        ],
    ),
    "zeros dropped from a household's number": (
        [["0012", "", "", "甲", "11", ""], ["12", "", "", "乙", "13", ""]],
        [(3, "户号", "lost_zeros")],
    ),
    "zeros dropped from a card's number": (
        [["1", "", "", "甲", "0011", ""], ["1", "", "", "乙", "11", ""]],
        [(3, "卡号", "lost_zeros")],
    ),
    "a value beyond the headings": ([["1", "", "", "甲", "11", "", "", "", "x"]], [(2, "", "beyond_columns")]),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_row_is_told_and_nothing_is_sent(hall: TownHall, name: str) -> None:
    rows, expected = BAD[name]
    before = hall.size
    report = hall.register([HEAD, *rows, ["9", "", "", "好人", "99", ""]])
    assert told(report.faults) == expected
    assert (hall.size, hall.checked, hall.people_path.exists()) == (before, 0, False)


def test_rows_that_name_no_day_need_one_for_all(hall: TownHall) -> None:
    assert told(hall.register([["户号", "姓名"], ["1", "甲"]], day=None).faults) == [(2, "日期", "no_day_given")]


CONTRADICTIONS: dict[str, tuple[list[Any], tuple[int, str, str]]] = {
    "another name": (["0012", "三组", "张三", "李四四", "0012002"], (2, "姓名", "contradicts_people")),
    "another head": (["0012", "三组", "李四", "", ""], (2, "户主", "contradicts_people")),
    "another group": (["0012", "一组", "张三", "", ""], (2, "小组", "contradicts_ledger")),
    "another household": (["0013", "", "", "李四", "0012002"], (2, "户号", "contradicts_ledger")),
    "zeros dropped": (["0012", "", "", "李四", "12002"], (2, "工分卡号", "lost_zeros")),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_register_cannot_change_what_was_registered(settled: TownHall, name: str) -> None:
    row, expected = CONTRADICTIONS[name]
    assert told(settled.register([REGISTER[0], row]).faults) == [expected]


def test_a_namesake_with_a_number_of_their_own_is_somebody_else(settled: TownHall) -> None:
    report = settled.register([REGISTER[0], ["0012", "", "", "李四", "0012009"]])
    assert (report.faults, len(report.appended)) == ((), 1)


def test_a_resident_without_a_number_is_known_by_name_and_household(hall: TownHall) -> None:
    rows = [["户号", "姓名", "卡号"], ["1", "甲", ""], ["", "乙", ""]]
    assert len(hall.register(rows).appended) == 3
    assert hall.register(rows).standing == 3
    later = hall.register([["户号", "姓名", "卡号"], ["1", "甲", "11"]])
    assert told(later.faults) == [(2, "卡号", "contradicts_people")]


def test_namesakes_of_one_household_are_told_apart_by_number_alone(hall: TownHall) -> None:
    head = ["户号", "姓名", "卡号"]
    assert hall.register([head, ["1", "甲", "11"], ["1", "甲", "12"]]).faults == ()
    assert told(hall.register([head, ["1", "甲", ""]]).faults) == [(2, "姓名", "ambiguous_name")]


def test_whoever_has_moved_away_is_not_registered_again(settled: TownHall) -> None:
    li, home = settled.party("0012002"), settled.party("0012", "household")
    body = {"action": "move_out", "party": li, "household": home}
    settled.village.must(settled.village.make("party_changed", body, "clerk", "clerk two"))
    report = settled.register()
    assert (3, "", "not_active") in told(report.faults)


def test_a_lost_people_file_is_noticed_before_anybody_is_registered_twice(settled: TownHall) -> None:
    settled.people_path.unlink()
    with pytest.raises(ConfigError, match="gongfen export --what register --disclose") as raised:
        settled.register()
    assert (raised.value.code, raised.value.expected, raised.value.got) == (
        "people_incomplete",
        "all 8 of the ledger",
        "0",
    )


def test_identity_numbers_serve_only_where_there_is_no_other(hall: TownHall) -> None:
    identity = "11010519491231002X"
    rows = [["户号", "姓名", "身份证号"], ["1", "甲", identity]]
    assert hall.register(rows).faults == ()
    assert hall.people.numbered("resident", identity) is not None
    rows = [["户号", "姓名", "卡号", "身份证号"], ["1", "乙", "12", "no such number"]]
    assert hall.register(rows).faults == ()
    assert told(hall.register([["户号", "姓名", "身份证号"], ["1", "丙", "123"]]).faults) == [
        (2, "身份证号", "not_an_identity_number")
    ]


def test_a_row_that_was_numbered_beforehand_and_the_examples_are_passed_over(hall: TownHall) -> None:
    rows = [
        ["序号", "户号", "姓名", "卡号"],
        ["示例", "0012", "张三", "0012001"],
        ["1", "0013", "王五", "0013001"],
        ["2", "", "", ""],
        ["合计", "", "1人", ""],
    ]
    report = hall.register(rows)
    assert (report.faults, report.plan.rows, report.plan.passed_over, len(report.appended)) == ((), 1, 2, 2)


def test_day_cells_and_serials_of_a_workbook_are_days(hall: TownHall) -> None:
    rows = [["户号", "姓名", "日期"], ["1", "甲", date(2021, 3, 5)], ["2", "乙", 44260], ["3", "丙", 20210305]]
    path = sheets.workbook(hall.folder / "a.xlsx", {"a": rows})
    assert import_sheet(hall.order_of(path, "register", "clerk", "clerk two"), hall).faults == ()
    people = [person for person in hall.people.rows if person.kind == "resident"]
    assert {fact(hall, person.party).since for person in people} == {"2021-03-05"}


def test_headings_may_be_merged_over_two_rows(hall: TownHall) -> None:
    from xlsxwriter import Workbook

    path = hall.folder / "a.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet("户籍登记")
        for place, name in enumerate(("户号", "姓名", "卡号")):
            sheet.merge_range(1, place, 2, place, name)
        sheet.merge_range(0, 0, 0, 2, "佛山村户籍登记表")
        sheet.write_row(3, 0, ["1", "甲", "11"])
    report = import_sheet(hall.order_of(path, None, "clerk", "clerk two", day="2021-01-01"), hall)
    assert (report.faults, report.plan.rows, len(report.appended)) == ((), 1, 2)
