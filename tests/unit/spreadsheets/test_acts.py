"""Importing awards and deductions."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest

from ledger.core import disclosure
from ledger.domain.bookcheck import EVIDENCE_OF_TYPE
from ledger.domain.entries import parse_entry, parse_submission
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.errors import FormatError
from ledger.service.spreadsheets import importing
from ledger.service.spreadsheets.acts import plan_awards
from ledger.service.spreadsheets.columns import find_headings
from ledger.service.spreadsheets.drafts import Sealed, seal
from ledger.service.spreadsheets.importing import import_sheet
from ledger.service.spreadsheets.kinds import KINDS
from ledger.service.spreadsheets.logview import LogView
from ledger.service.spreadsheets.people import People, Person, write_people
from ledger.service.spreadsheets.planning import Setting
from ledger.service.spreadsheets.tables import read_tables
from tests.helpers import sheets
from tests.helpers.town_hall import TownHall, key_of, told
from tests.helpers.village import person

HEAD = ["日期", "姓名", "卡号", "户号", "规则", "数量", "积分", "事由", "地点", "时间"]
ROWS = [
    HEAD,
    ["2021-3-5", "张三", "0012001", "", "志愿服务", "2", "5", "打扫村道", "村口", "8:00"],
    ["2021年3月6日", "李四", "", "", "“志愿服务”", "", "7.50", "照看老人", "", ""],
    ["2021.3.7", "", "", "0013", "帮扶项目", "", "", "", "", ""],
    ["2021/3/8", "王五", "", "", "Safety school", "1", "", "", "", ""],
]


def balance(hall: TownHall, number: str, kind: str = "resident") -> int:
    fact: Any = hall.village.facts[f"account:{hall.party(number, kind)}"]
    return int(fact.balances["spend"])


def test_a_row_is_an_award_by_the_rule_it_names(settled: TownHall) -> None:
    before = settled.size
    report = settled.awards(ROWS)
    assert (report.faults, list(report.appended)) == ((), [before, before + 1, before + 2, before + 3])
    assert [balance(settled, number) for number in ("0012001", "0012002", "0013001")] == [500, 750, 1000]
    assert balance(settled, "0013", "household") == 2000
    event = parse_entry(settled.village.entries[before]).event
    assert isinstance(event.body, PointsAwarded)
    assert (event.occurred_on, event.named_rule.id, event.body.quantity) == ("2021-03-05", "volunteering", 2)
    assert set(event.private or ()) == {"matter", "place", "time"}


def test_the_same_sheet_again_adds_nothing_and_a_longer_one_what_is_new(settled: TownHall) -> None:
    settled.awards(ROWS)
    before = settled.size
    again = settled.awards(ROWS)
    assert (again.faults, list(again.appended), again.standing, settled.size) == ((), [], 4, before)
    shuffled = [HEAD, *reversed(ROWS[1:]), ["2021-3-9", "李四", "", "", "志愿服务", "", "", "巡逻", "", ""]]
    longer = settled.awards(shuffled)
    assert (longer.faults, list(longer.appended), longer.standing) == ((), [before], 4)


def test_the_same_rows_in_another_file_and_spelling_are_the_same_events(settled: TownHall) -> None:
    settled.awards(ROWS)
    rows = [
        ["姓名", "date", "规则", "数量", "事由"],
        ["王五", date(2021, 3, 8), "class", 1.0, None],
        ["李四", "２０２１－３－６", "volunteering", 3, "照看老人"],
    ]
    path = sheets.workbook(settled.folder / "三月.xlsx", {"加分": rows})
    report = import_sheet(settled.order_of(path, "awards", "issuer"), settled)
    assert (report.faults, list(report.appended), report.standing) == ((), [], 2)


def test_two_rows_that_say_the_same_need_a_word(settled: TownHall) -> None:
    rows = [*ROWS, ROWS[2]]
    report = settled.awards(rows)
    assert told(report.faults) == [(6, "", "repeated_row")]
    assert report.faults[0].reason.startswith("the same as row 3;")
    assert len(settled.awards(rows, allow_alike=True).appended) == 5
    assert settled.awards(rows, allow_alike=True).standing == 5
    assert balance(settled, "0012002") == 1500


def test_two_acts_of_one_day_that_differ_in_a_detail_are_two(settled: TownHall) -> None:
    other = ["2021-3-6", "李四", "", "", "志愿服务", "3", "", "修水渠", "", ""]
    assert len(settled.awards([*ROWS, other]).appended) == 5


def test_what_another_clerk_entered_is_not_entered_again_unawares(settled: TownHall) -> None:
    settled.village.must(settled.village.role("reviewer", "issuer", scope=coop()))
    entry = settled.awards(ROWS).appended[1]
    report = settled.awards(ROWS, "reviewer")
    assert told(report.faults) == [(row, "日期", "alike") for row in (2, 3, 4, 5)]
    assert str(entry) in report.faults[1].reason
    changed = [HEAD, [*ROWS[2][:7], "照看老人两次", "", ""]]
    assert told(settled.awards(changed).faults) == [(2, "日期", "alike")]
    assert len(settled.awards(changed, allow_alike=True).appended) == 1


def coop() -> str:
    return person("coop").party


def test_what_was_taken_back_is_no_longer_alike(settled: TownHall) -> None:
    seq = settled.awards(ROWS).appended[1]
    target = parse_entry(settled.village.entries[seq]).event.id
    settled.village.must(settled.village.reverse(target, body={"subject": settled.party("0012002")}))
    changed = [HEAD, [*ROWS[2][:7], "照看两位老人", "", ""]]
    assert settled.awards(changed).faults == ()


def test_the_version_counts_that_was_in_force_on_the_day(settled: TownHall) -> None:
    rules = [rule | ({"points_units": 300} if rule["id"] == "volunteering" else {}) for rule in sheets.BOOK["rules"]]
    settled.village.must(settled.village.adopt(sheets.BOOK | {"version": 2, "rules": rules}, "2021-11-20"))
    head = ["日期", "姓名", "规则", "事由"]
    rows = [head, ["2021-11-19", "李四", "志愿服务", "甲"], ["2021-11-20", "李四", "志愿服务", "乙"]]
    assert settled.awards(rows).faults == ()
    assert balance(settled, "0012002") == 250 + 300


BAD: dict[str, tuple[list[Any], list[tuple[int, str, str]]]] = {
    "no rule": (["2021-3-5", "李四", "", "", "", "", "", "x", "", ""], [(2, "规则", "missing")]),
    "an unknown rule": (["2021-3-5", "李四", "", "", "唱歌", "", "", "x", "", ""], [(2, "规则", "unknown_rule")]),
    "a rule of another type": (
        ["2021-3-5", "李四", "", "", "exchange", "", "", "x", "", ""],
        [(2, "规则", "wrong_rule_type")],
    ),
    "a deduction among awards": (
        ["2021-3-5", "", "", "0013", "焚烧秸秆", "", "", "x", "", ""],
        [(2, "规则", "wrong_rule_type")],
    ),
    "a rule out of season": (
        ["2021-3-5", "李四", "", "", "防汛值守", "", "", "x", "", ""],
        [(2, "规则", "rule_not_valid")],
    ),
    "a day before the book": (
        ["2020-12-31", "李四", "", "", "志愿服务", "", "", "x", "", ""],
        [(2, "日期", "no_book_in_force")],
    ),
    "a day to come": (["2021-11-21", "李四", "", "", "志愿服务", "", "", "x", "", ""], [(2, "日期", "future_day")]),
    "no evidence": (["2021-3-5", "李四", "", "", "志愿服务", "", "", "", "", ""], [(2, "事由", "evidence_missing")]),
    "points that the rule does not give": (
        ["2021-3-5", "李四", "", "", "志愿服务", "2", "6", "x", "", ""],
        [(2, "积分", "wrong_points")],
    ),
    "points that are no multiple": (
        ["2021-3-5", "李四", "", "", "志愿服务", "", "6", "x", "", ""],
        [(2, "积分", "not_a_multiple")],
    ),
    "no points at all": (
        ["2021-3-5", "李四", "", "", "志愿服务", "", "0", "x", "", ""],
        [(2, "积分", "not_a_multiple")],
    ),
    "half a time": (["2021-3-5", "李四", "", "", "志愿服务", "0.5", "", "x", "", ""], [(2, "数量", "not_a_count")]),
    "a name of two people": (
        ["2021-3-5", "张三", "", "", "志愿服务", "", "", "x", "", ""],
        [(2, "姓名", "ambiguous_name")],
    ),
    "a card whose number was shortened": (
        ["2021-3-5", "李四", "1.2E+16", "", "志愿服务", "", "", "x", "", ""],
        [(2, "卡号", "shortened_number")],
    ),
    "a household's rule for somebody who heads none": (
        ["2021-3-5", "李四", "", "", "帮扶项目", "", "", "", "", ""],
        [(2, "姓名", "unknown_person")],
    ),
    "a household that is not there": (
        ["2021-3-5", "", "", "0099", "帮扶项目", "", "", "", "", ""],
        [(2, "户号", "unknown_person")],
    ),
    "a person's rule for a household": (
        ["2021-3-5", "", "", "0013", "志愿服务", "", "", "x", "", ""],
        [(2, "姓名", "nobody_named")],
    ),
    "everything at once": (
        ["3/5/2021", "周八", "", "", "唱歌", "", "", "", "", ""],
        [(2, "姓名", "unknown_person"), (2, "日期", "day_or_month_first")],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_row_is_told_and_nothing_is_sent(settled: TownHall, name: str) -> None:
    row, expected = BAD[name]
    before, checked = settled.size, settled.checked
    report = settled.awards([HEAD, row, ROWS[1]])
    assert told(report.faults) == expected
    assert (settled.size, settled.checked) == (before, checked)


def test_an_unknown_rule_is_told_with_those_there_are(settled: TownHall) -> None:
    fault = settled.awards([HEAD, BAD["an unknown rule"][0]]).faults[0]
    assert fault.reason == "version 1 of the book has: 志愿服务、帮扶项目、平安学堂、防汛值守、清洁家园"
    assert fault.reason_zh == "第1版细则只有：志愿服务、帮扶项目、平安学堂、防汛值守、清洁家园"
    assert fault.got == "唱歌"


def test_every_evidence_that_a_rule_may_demand_has_a_column() -> None:
    for kind, name in (("award", "awards"), ("deduct", "deductions")):
        assert set(EVIDENCE_OF_TYPE[kind]) <= set(KINDS[name].columns)


def test_whoever_the_ledger_does_not_have_cannot_be_awarded(settled: TownHall) -> None:
    rows = [["日期", "姓名", "规则"], ["2021-3-5", "周八", "平安学堂"]]
    people = settled.people
    people.add(Person("resident", "0099001", "周八", "", "", "p_0123456789abcdefghjkmnpqrs"))
    write_people(settled.people_path, people)
    assert told(settled.awards(rows).faults) == [(2, "姓名", "not_registered")]
    li, home = settled.party("0012002"), settled.party("0012", "household")
    gone = {"action": "death", "party": li, "household": home}
    settled.village.must(settled.village.make("party_changed", gone, "clerk", "clerk two"))
    assert told(settled.awards([rows[0], ["2021-3-5", "李四", "平安学堂"]]).faults) == [(2, "姓名", "not_active")]
    swapped = [one._replace(kind="resident") if one.number == "0015" else one for one in people.rows]
    write_people(settled.people_path, People(swapped))
    fault = settled.awards([rows[0], ["2021-3-5", "孙七", "平安学堂"]]).faults[0]
    assert (fault.code, fault.reason) == ("contradicts_ledger", "the ledger says 户/household")


def test_rules_of_one_name_need_their_id(settled: TownHall) -> None:
    namesake = sheets.rule("again", "平安学堂", "Again", points_units=5)
    book = sheets.BOOK | {"version": 2, "rules": [*sheets.BOOK["rules"], namesake]}
    settled.village.must(settled.village.adopt(book, "2021-11-20"))
    rows = [["日期", "姓名", "规则"], ["2021-11-20", "李四", "平安学堂"]]
    fault = settled.awards(rows).faults[0]
    assert (fault.code, "class, again" in fault.reason) == ("ambiguous_rule", True)
    assert settled.awards([rows[0], ["2021-11-20", "李四", "again"]]).faults == ()


def test_a_rule_for_organisations_finds_them_by_name(settled: TownHall) -> None:
    rule = sheets.rule("solved", "办结问题", "Solved", points_units=500, target="organisation", units=["spend"])
    book = sheets.BOOK | {"version": 2, "rules": [*sheets.BOOK["rules"], rule]}
    settled.village.must(settled.village.adopt(book, "2021-11-20"))
    settled.village.must(settled.village.party("register", "bureau", type="organisation", day="2021-01-01"))
    people = settled.people
    people.add(Person("organisation", "", "林业站", "", "", person("bureau").party))
    write_people(settled.people_path, people)
    rows = [["日期", "姓名", "规则"], ["2021-11-20", "林业站", "办结问题"]]
    assert len(settled.awards(rows).appended) == 1
    assert told(settled.awards([rows[0], ["2021-11-20", "水务站", "办结问题"]]).faults) == [
        (2, "姓名", "unknown_person")
    ]


def test_a_photo_beside_the_sheet_is_recorded_by_its_digest(settled: TownHall, monkeypatch: pytest.MonkeyPatch) -> None:
    head = ["日期", "姓名", "规则", "照片"]
    rows = [head, ["2021-3-5", "李四", "清洁家园", "one.jpg"], ["2021-3-6", "李四", "清洁家园", "ab" * 32]]
    assert told(settled.awards(rows).faults) == [(2, "照片", "no_photo")]
    (settled.folder / "one.jpg").write_bytes(b"a photo")
    order = settled.order(rows, "awards", "issuer")
    sealed: list[Sealed] = []
    taken = settled.submit
    settled.submit = lambda lines: (sealed.extend(lines), taken(lines))[1]  # type: ignore[method-assign, arg-type]
    assert import_sheet(order, settled).faults == ()
    shown = [disclosure.parse(text) for line in sealed for text in parse_submission(line).disclosures]  # type: ignore[arg-type]
    assert [one.value for one in shown] == [hashlib.sha256(b"a photo").hexdigest(), "ab" * 32]
    with monkeypatch.context() as patch:
        patch.setattr(importing, "PHOTO_MAX_BYTES", 3)
        assert told(settled.awards(rows).faults) == [(2, "照片", "no_photo")]
    (settled.folder.parent / "two.jpg").write_bytes(b"")
    outside = settled.awards([head, ["2021-3-7", "李四", "清洁家园", "../two.jpg"]])
    assert told(outside.faults) == [(2, "照片", "no_photo")]


# Deductions -----------------------------------------------------------------------------------------------------------

LESS = ["日期", "户号", "户主", "规则", "积分", "告知日期", "申诉截止", "告知内容", "事由"]


def test_a_row_is_a_deduction_with_its_notice_and_time_to_appeal(settled: TownHall) -> None:
    rows = [
        LESS,
        ["2021-3-5", "0013", "", "焚烧秸秆", "-5", "2021-3-6", "", "三月五日焚烧秸秆", "田间"],
        ["2021-3-5", "", "孙七", "焚烧秸秆", "5", "2021-3-6", "2021-5-1", "", ""],
    ]
    report = settled.deductions(rows)
    assert (report.faults, len(report.appended)) == ((), 2)
    bodies = [parse_entry(settled.village.entries[seq]).event.body for seq in report.appended]
    days = [(body.noticed_on, body.appeal_until) for body in bodies if isinstance(body, PointsDeducted)]
    assert days == [("2021-03-06", "2021-03-21"), ("2021-03-06", "2021-05-01")]
    assert settled.deductions(rows).standing == 2


BAD_DEDUCTIONS: dict[str, tuple[list[Any], tuple[int, str, str]]] = {
    "no notice": (["2021-3-5", "0013", "", "焚烧秸秆", "", "", "", "", ""], (2, "告知日期", "missing")),
    "a notice before the act": (
        ["2021-3-5", "0013", "", "焚烧秸秆", "", "2021-3-4", "", "", ""],
        (2, "告知日期", "notice_too_late"),
    ),
    "a notice of yesterday": (
        ["2021-11-18", "0013", "", "焚烧秸秆", "", "2021-11-18", "", "", ""],
        (2, "告知日期", "notice_too_short"),
    ),
    "no time to appeal": (
        ["2021-3-5", "0013", "", "焚烧秸秆", "", "2021-3-6", "2021-3-20", "", ""],
        (2, "申诉截止", "appeal_too_short"),
    ),
    "an award among deductions": (
        ["2021-3-5", "0013", "", "帮扶项目", "", "2021-3-6", "", "", ""],
        (2, "规则", "wrong_rule_type"),
    ),
}


@pytest.mark.parametrize("name", BAD_DEDUCTIONS)
def test_a_deduction_that_would_be_unfair_is_told(settled: TownHall, name: str) -> None:
    row, expected = BAD_DEDUCTIONS[name]
    assert told(settled.deductions([LESS, row]).faults) == [expected]


# Bytes ----------------------------------------------------------------------------------------------------------------


def setting_of(hall: TownHall) -> Setting:
    return Setting(LogView.of(hall.entries()), hall.people, coop(), "2021-11-20", None, "", False, str, str)


def sealed_by(hall: TownHall, *signers: str) -> list[Sealed]:
    setting = setting_of(hall)
    table = read_tables(sheets.text(ROWS).encode(), "a.csv")[0]
    sheet = find_headings(table, KINDS["awards"].columns, KINDS["awards"].needed)
    return seal(plan_awards(sheet, setting).drafts, setting.view.origin, [key_of(name) for name in signers])


def test_a_row_has_one_id_and_one_spelling_for_a_key_and_others_for_another(settled: TownHall) -> None:
    mine, again = sealed_by(settled, "issuer"), sealed_by(settled, "issuer")
    other = sealed_by(settled, "oversight")
    assert [one.data for one in mine] == [one.data for one in again]
    assert {one.id for one in mine}.isdisjoint(one.id for one in other)
    salts = [disclosure.parse(text).salt for one in (*mine, *other) for text in parse_submission(one.data).disclosures]
    assert len(set(salts)) == len(salts) == 8


def test_what_is_no_event_is_not_sealed(settled: TownHall) -> None:
    draft = sealed_by(settled, "issuer")[0].draft
    with pytest.raises(FormatError):
        seal([draft._replace(body={**draft.body, "amount_units": 0})], "a.example/b", [key_of("issuer")])
