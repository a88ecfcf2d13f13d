"""Reading files: encodings, separators, workbooks; what is in doubt or damaged is refused, never guessed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from ledger.errors import FormatError
from ledger.service.spreadsheets import tables, workbooks
from ledger.service.spreadsheets.tables import Table, read_tables
from tests.helpers import sheets

ROWS = [["姓名", "规则", "事由"], ["张三", "志愿服务", "打扫“村道”，第一段"], ["李四", "平安学堂", '说"好"\n两行']]

# Text files -----------------------------------------------------------------------------------------------------------

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "GB18030": lambda text: text.encode("gb18030"),
}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_file_is_read_in_every_encoding_and_with_every_separator(encoding: str, separator: str) -> None:
    data = ENCODINGS[encoding](sheets.text(ROWS, separator=separator))
    assert read_tables(data, "folder/加分.csv") == [Table("加分", ROWS, None, {})]


def test_a_rare_character_of_four_bytes_survives_both_encodings() -> None:
    rows = [["姓名", "卡号"], ["张\U00030edd", "1"]]
    for encoding in ("utf-8", "gb18030"):
        assert read_tables(sheets.text(rows).encode(encoding), "a.csv")[0].rows == rows


def test_a_text_of_english_headings_and_chinese_names_is_told_apart() -> None:
    rows = [["name", "card number"], ["张三", "1"]]
    for encoding in ("utf-8", "gb18030"):
        assert read_tables(sheets.text(rows).encode(encoding), "a.csv")[0].rows == rows


BAD_TEXTS: dict[str, tuple[bytes, str]] = {
    "UTF-16": ("姓名,卡号\n".encode("utf-16"), "bad_encoding"),
    "UTF-16 without a mark": ("姓名,卡号\n".encode("utf-16-le"), "bad_encoding"),
    "neither encoding": (b"name,card\n\xff\xff,1\n", "bad_encoding"),
    "a mark, and then GB18030": (b"\xef\xbb\xbf" + "姓名,卡号\n张三,1\n".encode("gb18030"), "bad_encoding"),
    "cut in the middle of a character": ("姓名,卡号\n张三,1\n".encode()[:-4], "bad_encoding"),
    "both encodings": ("name,card number\nA·B,1\n".encode(), "bad_encoding"),
    "no headings": ("张三,志愿服务\n".encode(), "no_headings"),
    "one known heading": ("姓名,手机\n张三,1\n".encode(), "no_headings"),
    "two separators": ("姓名,卡号,x;规则;事由\n".encode(), "bad_separator"),
    "a quotation mark that is never closed": ('姓名,卡号\n"张三,1\n'.encode(), "no_headings"),
    "nothing": (b"", "no_headings"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_text_file_in_doubt_is_refused(name: str) -> None:
    data, code = BAD_TEXTS[name]
    with pytest.raises(FormatError) as raised:
        read_tables(data, "a.csv")
    assert raised.value.code == code


def test_two_separators_of_which_one_shows_more_headings_are_no_doubt() -> None:
    data = "姓名,卡号;规则,事由\n张三,1;志愿服务,打扫\n".encode()
    assert read_tables(data, "a.csv")[0].rows[1] == ["张三", "1;志愿服务", "打扫"]


# Workbooks ------------------------------------------------------------------------------------------------------------


def test_cells_of_a_workbook_keep_their_kind_and_their_row(tmp_path: Path) -> None:
    rows = [
        [None, "加分登记表"],
        [],
        ["姓名", "日期", "积分"],
        ["张三", date(2021, 3, 5), 211.2],
        ["李四", datetime(2021, 3, 5, 14, 30), 3],
        [True, time(8, 30), 44260],
    ]
    path = sheets.workbook(tmp_path / "a.xlsx", {"加分": rows})
    (table,) = read_tables(path.read_bytes(), str(path))
    assert (table.title, table.epoch) == ("加分", date(1899, 12, 30))
    assert table.rows == [
        ["", "加分登记表", ""],
        ["", "", ""],
        ["姓名", "日期", "积分"],
        ["张三", date(2021, 3, 5), Decimal("211.2")],
        ["李四", datetime(2021, 3, 5, 14, 30), Decimal(3)],
        [True, time(8, 30), Decimal(44260)],
    ]


def test_a_workbook_that_counts_from_1904_says_so(tmp_path: Path) -> None:
    path = sheets.workbook(tmp_path / "a.xlsx", {"a": [[date(2021, 3, 5), 1]]}, date_1904=True)
    (table,) = read_tables(path.read_bytes(), str(path))
    assert (table.rows, table.epoch) == ([[date(2021, 3, 5), Decimal(1)]], date(1904, 1, 1))


def test_merged_cells_say_the_same_in_every_row_and_that_they_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 1, "title")
        sheet.merge_range(1, 0, 2, 0, "0012")
        sheet.write_column(1, 1, ["张三", "李四"])
    (table,) = read_tables(path.read_bytes(), str(path))
    assert table.rows == [["title", "title"], ["0012", "张三"], ["0012", "李四"]]
    assert table.merged == {(1, 0): (1, 2), (2, 0): (1, 2)}


def test_hidden_and_empty_worksheets_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("shown").write(0, 0, "姓名")
        hidden = book.add_worksheet("hidden")
        hidden.write(0, 0, "姓名")
        hidden.hide()
        book.add_worksheet("empty")
    assert [table.title for table in read_tables(path.read_bytes(), str(path))] == ["shown"]


def packed(**parts: bytes) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


BAD_WORKBOOKS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not_a_workbook"),
    "a text": ("姓名,卡号\n".encode(), "not_a_workbook"),
    "a broken archive": (b"PK\x03\x04broken", "not_a_workbook"),
    "an archive of something else": (packed(a=b""), "not_a_workbook"),
    "a hollow workbook": (packed(**{"xl__workbook.xml": b"<x>"}), "not_a_workbook"),
    "an old one, or one with a password": (b"\xd0\xcf\x11\xe0" + bytes(512), "not_a_workbook"),
}


@pytest.mark.parametrize("name", BAD_WORKBOOKS)
def test_what_is_no_workbook_is_told(name: str) -> None:
    data, code = BAD_WORKBOOKS[name]
    with pytest.raises(FormatError) as raised:
        read_tables(data, "a.xlsx")
    assert raised.value.code == code


def test_a_cell_with_an_error_is_told_and_not_read_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "姓名")
        sheet.write_formula(2, 1, "=1/0", value="#DIV/0!")
        sheet.write_formula(3, 2, "=B3", value="#REF!")
    with pytest.raises(FormatError, match="#REF!") as raised:
        read_tables(path.read_bytes(), str(path))
    assert raised.value.got == "cell B3, C4 of sheet1.xml"


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheets.workbook(tmp_path / "a.xlsx", {"a": [["姓名"]]})
    monkeypatch.setattr(workbooks, "UNPACKED_MAX_BYTES", 1000)
    with pytest.raises(FormatError, match="workbook too large"):
        read_tables(path.read_bytes(), str(path))


# Both -----------------------------------------------------------------------------------------------------------------


def test_other_kinds_of_files_are_refused() -> None:
    with pytest.raises(FormatError, match="not a kind of file") as raised:
        read_tables(b"", "a.xls")
    assert raised.value.expected == ".xlsx or .csv"


def test_a_file_without_anything_in_it_is_refused(tmp_path: Path) -> None:
    path = sheets.workbook(tmp_path / "a.xlsx", {"a": [[" "]]})
    with pytest.raises(FormatError, match="nothing is written"):
        read_tables(path.read_bytes(), str(path))


@pytest.mark.parametrize("bound", ["FILE_MAX_BYTES", "ROWS_MAX", "COLUMNS_MAX"])
def test_files_and_tables_have_bounds(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sheets.text(ROWS).encode()
    assert read_tables(data, "a.csv")
    monkeypatch.setattr(tables, bound, 2)
    with pytest.raises(FormatError, match="too large"):
        read_tables(data, "a.csv")
