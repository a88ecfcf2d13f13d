"""Tables for people: exact amounts, no formulas of strangers, templates that can be filled in and imported."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from ledger.errors import FormatError
from ledger.service.spreadsheets import cells, writing
from ledger.service.spreadsheets.columns import column_of
from ledger.service.spreadsheets.importing import import_sheet
from ledger.service.spreadsheets.kinds import KINDS
from ledger.service.spreadsheets.templates import NOTES_TITLE, TEMPLATES, template
from ledger.service.spreadsheets.writing import Page, Points, harmless, to_text, to_workbook
from tests.helpers.town_hall import TownHall

RISKY = {
    "a formula": "=1+1",
    "a plus": "+1",
    "a minus": "-1",
    "an at sign": "@SUM(A1)",
    "a tab": "\t=1+1",
    "a carriage return": "\r=1+1",
    "a line feed": "\n=1+1",
    "a full-width formula": "＝1+1",
    "a full-width minus": "－1",
}


@pytest.mark.parametrize("name", RISKY)
def test_a_text_that_begins_like_a_formula_is_made_harmless_and_read_back(name: str) -> None:
    text = RISKY[name]
    assert harmless(text) == "'" + text
    for data in (to_text([[text]]).decode("utf-8-sig"), to_text([["", text]]).decode("utf-8-sig")):
        assert next(iter(csv.reader(io.StringIO(data, newline=""))))[-1] == "'" + text
    book = CalamineWorkbook.from_object(io.BytesIO(to_workbook([Page("a", ["x"], [[text]])])))
    (read,) = book.get_sheet_by_index(0).to_python()[1]
    assert isinstance(read, str)
    assert read.startswith("'")
    assert cells.text(harmless(text)) == cells.text(text.strip()) == text.strip()


@pytest.mark.parametrize("text", ["张三", "1+1", "a=b", "", "'quoted'", "3-5"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


AMOUNTS = {0: "0.00", 5: "0.05", -5: "-0.05", 21_120: "211.20", -1_234: "-12.34", 2**53 - 1: "90071992547409.91"}


@pytest.mark.parametrize("units", AMOUNTS)
def test_amounts_are_written_exactly_with_two_decimals(units: int) -> None:
    assert str(Points(units)) == AMOUNTS[units]
    assert to_text([[Points(units)]]).decode("utf-8-sig") == AMOUNTS[units] + "\r\n"
    book = CalamineWorkbook.from_object(io.BytesIO(to_workbook([Page("a", ["x"], [[Points(units)]])])))
    (read,) = book.get_sheet_by_index(0).to_python()[1]
    shown = f"{cells.exact(read):.2f}" if isinstance(read, float) else read
    assert shown == AMOUNTS[units]
    assert isinstance(read, float) == (abs(units) < 10**15)


def test_a_negative_amount_is_a_number_and_no_formula() -> None:
    assert to_text([[Points(-5), -3, "-5"]]).decode("utf-8-sig") == "-0.05,-3,'-5\r\n"


def test_a_workbook_has_a_worksheet_for_each_table_and_no_more_rows_than_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [Page("账户", ["姓名", "条数"], [["张三", 3]]), Page("记录", ["x"], [])]
    book = CalamineWorkbook.from_object(io.BytesIO(to_workbook(pages)))
    assert book.sheet_names == ["账户", "记录"]
    assert book.get_sheet_by_index(0).to_python() == [["姓名", "条数"], ["张三", 3.0]]
    monkeypatch.setattr(writing, "ROWS_MAX", 0)
    with pytest.raises(FormatError, match="too many rows"):
        to_workbook(pages)


# Templates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_template_has_known_headings_of_its_kind_and_notes(name: str) -> None:
    book = CalamineWorkbook.from_object(io.BytesIO(template(name)))
    assert book.sheet_names == [KINDS[name].titles[0], NOTES_TITLE]
    headings, example = book.get_sheet_by_index(0).to_python()
    columns = [column_of(str(heading)) for heading in headings]
    assert columns == [field.column for field in TEMPLATES[name]]
    assert set(columns) <= set(KINDS[name].columns)
    assert all(any(column in columns for column in group) for group in KINDS[name].needed)
    assert example[0] == "示例"
    assert len(book.get_sheet_by_index(1).to_python()) == len(headings) + 1


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_template_imports_as_nothing(settled: TownHall, name: str) -> None:
    path = settled.folder / "a.xlsx"
    path.write_bytes(template(name))
    signers = ("clerk", "clerk two") if name == "register" else ("issuer", "oversight")
    report = import_sheet(settled.order_of(path, None, *signers), settled)
    assert (report.sheet, report.plan.rows, report.plan.passed_over, report.events) == (name, 0, 1, 0)


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_a_template_would_be_a_good_row(settled: TownHall, name: str, tmp_path: Path) -> None:
    headings, example = CalamineWorkbook.from_object(io.BytesIO(template(name))).get_sheet_by_index(0).to_python()
    rows = [headings, ["", *example[1:]]]
    signers = {"register": ("clerk", "clerk two"), "opening": ("issuer", "oversight"), "awards": ("issuer",)}
    chosen = signers.get(name, ("issuer", "reviewer"))
    if name == "register":
        rows[1][rows[0].index("工分卡号")] = "0012009"
        rows[1][rows[0].index("姓名")] = "张四"
    else:
        rows[1][rows[0].index("户号")] = "0012"
    report = import_sheet(settled.order(rows, name, *chosen), settled)
    assert (report.faults, len(report.appended) > 0) == ((), True)


def test_number_cells_come_back_as_they_were_written() -> None:
    book = CalamineWorkbook.from_object(io.BytesIO(to_workbook([Page("a", ["x"], [[Points(10)], [Points(30)]])])))
    read = [row[0] for row in book.get_sheet_by_index(0).to_python()[1:]]
    assert [cells.exact(one) for one in read if isinstance(one, float)] == [Decimal("0.1"), Decimal("0.3")]
