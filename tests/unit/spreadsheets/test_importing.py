"""Importing as a whole: all or nothing, what the ledger says, what happens when it changes its mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import BusyError, ConfigError, FormatError, LedgerError
from ledger.service.spreadsheets import importing
from ledger.service.spreadsheets.faults import REASONS
from ledger.service.spreadsheets.importing import import_sheet
from ledger.service.spreadsheets.kinds import KINDS
from ledger.service.spreadsheets.people import People, Person, read_people, write_people
from tests.helpers import sheets
from tests.helpers.town_hall import TownHall, told
from tests.helpers.village import person

HEAD = ["日期", "姓名", "规则", "事由"]
ROWS = [
    HEAD,
    ["2021-3-5", "李四", "平安学堂", ""],
    ["2021-3-5", "王五", "平安学堂", ""],
    ["2021-3-6", "李四", "志愿服务", "打扫"],
]


def test_what_the_ledger_refuses_is_told_by_row_and_nothing_is_sent(settled: TownHall) -> None:
    before = settled.size
    over = ["2021-3-5", "李四", "平安学堂", "又一次"]
    report = settled.awards([*ROWS, over])
    assert told(report.faults) == [(5, "", "cap_exceeded")]
    assert "the rule's cap for the day is reached" in report.faults[0].reason
    assert report.faults[0].reason_zh.startswith("账本不接受：")
    assert (settled.checked, settled.size) == (2, before)


def test_keys_that_may_not_sign_are_told_for_every_row(settled: TownHall) -> None:
    report = settled.awards(ROWS, "clerk", issuer=person("coop").party)
    assert told(report.faults) == [(row, "", "not_authorised") for row in (2, 3, 4)]


def test_a_key_that_lost_its_role_tells_no_issuer(settled: TownHall) -> None:
    village = settled.village
    village.must(village.role("issuer", "issuer", action="revoke", scope=person("coop").party))
    with pytest.raises(ConfigError, match="say --issuer") as raised:
        settled.awards(ROWS)
    assert raised.value.got == "a first key that is no issuer's"


def test_a_dry_run_asks_the_ledger_and_sends_nothing(settled: TownHall) -> None:
    before = settled.size
    report = settled.awards(ROWS, dry_run=True)
    assert (report.faults, list(report.appended), settled.size) == ((), [before, before + 1, before + 2], before)
    settled.awards(ROWS[:2])
    again = settled.awards(ROWS, dry_run=True)
    assert (len(again.appended), again.standing, settled.size) == (2, 1, before + 1)


def test_rows_that_are_refused_after_all_are_told_and_the_others_stand(settled: TownHall) -> None:
    village = settled.village
    body = {"subject": settled.party("0012002"), "amount_units": 1000, "units": ["merit", "spend"]}
    more = {"rule": {"book": "points", "version": 1, "id": "class"}, "day": "2021-03-05"}
    whole = {"issuer": person("coop").party, "quantity": 1, **body}
    settled.between = [village.make("points_awarded", whole, "issuer", **more)]
    report = settled.awards(ROWS)
    assert report.faults == ()
    assert told(report.refused) == [(2, "", "cap_exceeded")]
    assert len(report.appended) == 2
    mended = settled.awards([HEAD, *ROWS[2:]])
    assert (mended.faults, list(mended.appended), mended.standing) == ((), [], 2)


def test_a_server_that_is_lost_on_the_way_is_told_and_the_next_import_completes(
    settled: TownHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = settled.submit

    def lost(submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        yield from taken(submissions[:1])
        raise BusyError("no answer", code="unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(settled, "submit", lost)
        report = settled.awards(ROWS)
    assert (len(report.appended), report.lost) == (1, "no answer")
    again = settled.awards(ROWS)
    assert (again.faults, len(again.appended), again.standing, again.lost) == ((), 2, 1, "")


def test_an_import_has_a_bound(settled: TownHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "EVENTS_MAX", 2)
    with pytest.raises(FormatError, match="divide the sheet"):
        settled.awards(ROWS)


def test_an_empty_ledger_is_told(settled: TownHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "entries", lambda: iter(()))
    with pytest.raises(FormatError, match="no entry yet"):
        settled.awards(ROWS)


def test_a_server_that_sends_no_entries_is_told(settled: TownHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "entries", lambda: iter([b"{}"]))
    with pytest.raises(FormatError, match="something else than an entry"):
        settled.awards(ROWS)


def test_a_file_that_is_not_there_is_told(settled: TownHall) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        import_sheet(settled.order_of(Path("none.csv"), "awards", "issuer"), settled)


# Which sheet ----------------------------------------------------------------------------------------------------------

BOOK = {"目录": [["x"]], "2021年加分登记表": ROWS, "期初结转": [["姓名", "物质积分"], ["李四", "5"]]}


def test_the_title_tells_what_kind_of_sheet_it_is(settled: TownHall) -> None:
    path = sheets.workbook(settled.folder / "2021.xlsx", {name: BOOK[name] for name in ("目录", "2021年加分登记表")})
    report = import_sheet(settled.order_of(path, None, "issuer"), settled)
    assert (report.sheet, report.title, len(report.appended)) == ("awards", "2021年加分登记表", 3)
    path = settled.folder / "三月加分登记.csv"
    path.write_bytes(sheets.text(ROWS).encode())
    assert import_sheet(settled.order_of(path, None, "issuer"), settled).standing == 3
    path = sheets.workbook(settled.folder / "三月加分.xlsx", {"Sheet1": ROWS})
    assert import_sheet(settled.order_of(path, None, "issuer"), settled).standing == 3


DOUBTFUL: dict[str, tuple[dict[str, sheets.Rows], str | None]] = {
    "two kinds": (BOOK, None),
    "no known title": ({"Sheet1": ROWS}, None),
    "two of a kind": ({"加分登记1": ROWS, "加分登记2": ROWS}, "awards"),
    "another kind than is asked for": ({"目录": [["x"]], "加分登记": ROWS}, "opening"),
    "another kind than is asked for, and nothing else": ({"减分登记": ROWS}, "awards"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_doubt_which_sheet_is_meant_is_told(settled: TownHall, name: str) -> None:
    pages, wanted = DOUBTFUL[name]
    path = sheets.workbook(settled.folder / "a.xlsx", dict(pages))
    with pytest.raises(FormatError) as raised:
        import_sheet(settled.order_of(path, wanted, "issuer"), settled)
    assert raised.value.code == "which_sheet"


BAD_HEADINGS: dict[str, tuple[list[str], str]] = {
    "nobody": (["日期", "规则"], "missing_column"),
    "no rule": (["日期", "姓名"], "missing_column"),
    "two that mean the same": (["日期", "姓名", "name", "规则"], "repeated_heading"),
}


@pytest.mark.parametrize("name", BAD_HEADINGS)
def test_headings_that_do_not_do_are_told(settled: TownHall, name: str) -> None:
    headings, code = BAD_HEADINGS[name]
    with pytest.raises(FormatError) as raised:
        settled.awards([headings, ["2021-3-5"]])
    assert raised.value.code == code


def test_headings_are_known_below_a_title_with_signs_remarks_and_in_english(settled: TownHall) -> None:
    rows = [
        ["佛山村加分登记表（2021年）"],
        [],
        ["Date *", " 姓 名", "RULE：", "积分（分）", "电话", "Card-Number"],
        ["2021-3-5", "李四", "平安学堂", "10", "13800000000", ""],
    ]
    report = settled.awards(rows)
    assert (report.faults, len(report.appended), list(report.unknown)) == ((), 1, ["电话"])


# People ---------------------------------------------------------------------------------------------------------------


def test_the_people_file_may_be_edited_with_a_spreadsheet(settled: TownHall) -> None:
    text = settled.people_path.read_bytes().decode("utf-8-sig").replace("李四", "李四四")
    settled.people_path.write_bytes(text.encode("gb18030"))
    assert settled.awards([HEAD, ["2021-3-5", "李四四", "平安学堂", ""]]).faults == ()


BAD_PEOPLE: dict[str, str] = {
    "no party": "村民,1,李四,,,x",
    "no kind": "邻居,1,李四,,,p_0123456789abcdefghjkmnpqrs",
    "a party twice": "村民,1,李四,,,p_0123456789abcdefghjkmnpqrs\n村民,2,王五,,,p_0123456789abcdefghjkmnpqrs",
    "a number twice": "村民,1,李四,,,p_0123456789abcdefghjkmnpqrs\n村民,1,王五,,,p_1123456789abcdefghjkmnpqrs",
    "a number that was shortened": "村民,1.1E+17,李四,,,p_0123456789abcdefghjkmnpqrs",
}


@pytest.mark.parametrize("name", BAD_PEOPLE)
def test_a_people_file_that_was_spoilt_is_told_with_its_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text("类别,卡号,姓名,户号,小组,主体编号\n\n" + BAD_PEOPLE[name])
    path.chmod(0o600)
    with pytest.raises(FormatError, match=r"row \d of the people file") as raised:
        read_people(path)
    assert raised.value.code == "bad_people"


def test_a_people_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    people = People(
        [
            Person("group", "", "三组", "", "", "p_0123456789abcdefghjkmnpqrs"),
            Person("household", "0012", "张三", "", "三组", "p_1123456789abcdefghjkmnpqrs"),
            Person("resident", "0012001", "=张,三", "0012", "", "p_2123456789abcdefghjkmnpqrs"),
        ]
    )
    write_people(tmp_path / "people.csv", people)
    assert read_people(tmp_path / "people.csv").rows == people.rows


# The tables themselves ------------------------------------------------------------------------------------------------


def test_every_reason_is_given_somewhere() -> None:
    folder = Path(importing.__file__).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py") if path.name != "faults.py")
    assert [code for code in REASONS if f'"{code}"' not in source] == []


def test_every_needed_column_is_read() -> None:
    for kind in KINDS.values():
        assert {column for group in kind.needed for column in group} <= set(kind.columns), kind.name
