"""Workbooks made to crash whoever imports them, to eat the machine's memory, or to keep it busy for ever."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ledger.errors import FormatError
from ledger.service.spreadsheets.faults import Flaw
from ledger.service.spreadsheets.importing import _photo_digest
from ledger.service.spreadsheets.tables import Table, read_tables

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def workbook(cells: str, *, after: str = "", within: str = "", part: str = "worksheets/sheet1.xml") -> bytes:
    """A workbook of one worksheet, of the rows and cells in XML; ``within`` stands in the part of the workbook."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{TYPE}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f'<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>{within}',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/worksheet" Target="{part}"/></Relationships>',
        f"xl/{part}": f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData>{after}</worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return out.getvalue()


def text(place: str, said: str = "x") -> str:
    """A cell of text; ``place`` is its attribute ``r``, or nothing."""
    return f'<c {place} t="inlineStr"><is><t>{said}</t></is></c>'


FIRST = '<row r="1">' + text('r="A1"') + "</row>"
LAST = '<row r="1048576">' + text('r="XFD1048576"') + "</row>"


def only(data: bytes) -> Table:
    (table,) = read_tables(data, "book.xlsx")
    return table


def test_a_plain_workbook_is_read() -> None:
    row = '<row r="1">' + text('r="A1"') + text('r="C1"', "y") + "</row>"
    assert only(workbook(row)).rows == [["x", "", "y"]]


FAR_APART = {
    "the last cell of a worksheet": (LAST, "worksheets/sheet1.xml"),
    "spaces around the place": (LAST.replace("r=", "r = "), "worksheets/sheet1.xml"),
    "a row beyond all": ('<row r="4294967295">' + text("") + "</row>", "worksheets/sheet1.xml"),
    "a column beyond all": ('<row r="2">' + text('r="ZZZZZZZ2"') + "</row>", "worksheets/sheet1.xml"),
    "another folder": (LAST, "other/sheet.xml"),
}


@pytest.mark.parametrize(("cells", "part"), FAR_APART.values(), ids=FAR_APART)
def test_cells_far_apart_do_not_eat_the_memory(cells: str, part: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_tables(workbook(FIRST + cells, part=part), "book.xlsx")
    assert caught.value.code == "too_large"


def test_a_far_cell_that_holds_nothing_does_no_harm() -> None:
    far = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert only(workbook(FIRST + far)).rows == [["x"]]


@pytest.mark.parametrize("number", ["NaN", "1e999", "-1e999"])
def test_a_number_that_is_none_is_a_text(number: str) -> None:
    row = f'<row r="2"><c r="A2"><v>{number}</v></c></row>'
    (_, (cell,)) = only(workbook(FIRST + row)).rows
    assert isinstance(cell, str)


def test_merged_cells_that_overlap_are_refused_before_they_take_for_ever() -> None:
    areas = '<mergeCell ref="A1:B2"/>' * 9
    with pytest.raises(FormatError, match="not a workbook"):
        read_tables(workbook(FIRST, after=f"<mergeCells>{areas}</mergeCells>"), "book.xlsx")


def test_tags_without_an_end_are_looked_through_once() -> None:
    assert only(workbook(FIRST, within="<workbookPr " * 50_000)).rows == [["x"]]
    with pytest.raises(FormatError):
        read_tables(workbook(FIRST + "<c " * 50_000), "book.xlsx")


def test_the_name_of_a_photo_that_no_file_can_have_is_a_fault_of_its_row(tmp_path: Path) -> None:
    with pytest.raises(Flaw):
        _photo_digest(tmp_path, "长" * 300)
