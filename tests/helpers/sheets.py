"""Sheets for tests: workbooks and text files made of plain rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

Rows = Sequence[Sequence[Any]]


def workbook(path: Path, pages: dict[str, Rows], **options: Any) -> Path:
    """A workbook with a worksheet for each title. ``None`` is an empty cell; days get a format of days."""
    with Workbook(path, options) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        clock = book.add_format({"num_format": "hh:mm"})
        for title, rows in pages.items():
            sheet = book.add_worksheet(title)
            for line, row in enumerate(rows):
                for place, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(line, place, value, moment)
                    elif isinstance(value, date):
                        sheet.write_datetime(line, place, value, day)
                    elif isinstance(value, time):
                        sheet.write_datetime(line, place, value, clock)
                    elif isinstance(value, bool):
                        sheet.write_boolean(line, place, value)
                    elif isinstance(value, int | float):
                        sheet.write_number(line, place, value)
                    elif value is not None:
                        sheet.write_string(line, place, value)
    return path


def text(rows: Rows, *, separator: str = ",") -> str:
    """Rows as a text file."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


def rule(identifier: str, name_zh: str, name_en: str, **fields: Any) -> dict[str, Any]:
    """A rule of the sheets' village."""
    return {
        "id": identifier,
        "type": "award",
        "name_zh": name_zh,
        "name_en": name_en,
        "category": "service",
        "target": "person",
        "units": ["merit", "spend"],
        **fields,
    }


BOOK: dict[str, Any] = {
    "book": "points",
    "version": 1,
    "title": "积分细则",
    "rules": [
        rule("volunteering", "志愿服务", "Volunteering", points_units=250, evidence=["matter"]),
        rule("helping", "帮扶项目", "Helping a project", points_units=2000, target="household"),
        rule("class", "平安学堂", "Safety school", points_units=1000, caps={"day_units": 1000}),
        rule("summer", "防汛值守", "Flood watch", points_units=500, valid_from="2021-06-01", valid_to="2021-09-30"),
        rule("photographed", "清洁家园", "Clean home", points_units=300, evidence=["photo"]),
        rule(
            "burning",
            "焚烧秸秆",
            "Open burning",
            type="deduct",
            points_units=500,
            target="household",
            legal_basis="村规民约第五条",
            notice_days=3,
            appeal_days=15,
        ),
        {
            "id": "exchange",
            "type": "redeem",
            "name_zh": "等值兑换",
            "name_en": "Exchange",
            "category": "exchange",
            "target": "person",
            "units": ["spend"],
            "units_per_yuan": 100,
        },
    ],
}
"""A book with names as villages give them."""
