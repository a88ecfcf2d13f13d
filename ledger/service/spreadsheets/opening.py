"""Opening balances from the paper book (期初结转): what each resident or household had when the ledger began."""

from __future__ import annotations

from typing import Final

from ledger.core.encoding import JSON
from ledger.domain.kinds.books import BalanceCarried
from ledger.service.spreadsheets import cells
from ledger.service.spreadsheets.columns import Sheet
from ledger.service.spreadsheets.drafts import Draft
from ledger.service.spreadsheets.faults import Flaw
from ledger.service.spreadsheets.people import Person
from ledger.service.spreadsheets.planning import Plan, Setting, day_of_row, details_of_row, plan_of, subject_of_row
from ledger.service.spreadsheets.rows import Row, Rows
from ledger.service.spreadsheets.writing import Points

UNITS: Final = {
    "spend": ("spend", "物质积分", "物质", "消费积分", "可用积分"),
    "merit": ("merit", "品德积分", "品德", "道德积分", "荣誉积分"),
}
"""What the column of units may say."""
_UNIT_OF: Final = {word: unit for unit, words in UNITS.items() for word in words}


def plan_opening(sheet: Sheet, setting: Setting) -> Plan:
    """A balance for each amount of each row. One that was carried already, in the same amount, is not sent again."""
    rows = Rows(sheet)
    drafts: list[Draft] = []
    seen: dict[tuple[str, str], int] = {}
    sums: dict[str, int] = {}
    unread: set[str] = set()
    standing = nothing = 0
    for row in rows:
        day, subject = day_of_row(row, setting, sheet), subject_of_row(row, setting, None)
        amounts = _amounts(row)
        for column, (_, units) in amounts.items():
            sums[column] = sums.get(column, 0) + units
        unread |= row.faulty
        private = details_of_row(row, {"source": cells.text})
        if day is None or subject is None or not row.sound:
            continue
        nothing += not any(units for _, units in amounts.values())
        for column, (unit, units) in amounts.items():
            if not units:
                continue
            if other := seen.get((subject.party, unit)):
                row.fault(Flaw("repeated_person", got=subject.number or subject.name, other=other), "name")
                continue
            seen[subject.party, unit] = row.number
            if _stands(row, subject, unit, units, column, setting):
                standing += 1
            else:
                drafts.append(_draft(row, day, subject, unit, units, private, setting))
    _check_totals(rows, {column: units for column, units in sums.items() if column not in unread})
    return plan_of(rows, drafts, standing=standing, nothing=nothing)


def _amounts(row: Row) -> dict[str, tuple[str, int]]:
    """Unit and hundredths by column; a fault if there is none."""
    found: dict[str, tuple[str, int]] = {}
    for column in ("spend", "merit"):
        units = row.take(column, cells.points)
        if units is not None:
            found[column] = (column, units)
    units, unit = row.take("points", cells.points), row.take("unit", _unit)
    if units is not None:
        if unit is None and not row.has("unit"):
            row.fault(Flaw("unknown_unit"), "unit")
        elif unit is not None:
            found["points"] = (unit, units)
    if not found and row.sound:
        row.fault(Flaw("missing"), "points")
    return found


def _unit(cell: cells.Cell) -> str:
    text = cells.quoted(cell)
    if text.casefold() not in _UNIT_OF:
        raise Flaw("unknown_unit", got=text)
    return _UNIT_OF[text.casefold()]


def _stands(row: Row, subject: Person, unit: str, units: int, column: str, setting: Setting) -> bool:
    """Whether the ledger has this opening balance; another amount than the sheet's is a fault."""
    done = setting.view.carried(subject.party, unit)
    if done is not None and done.units != units:
        flaw = Flaw("carried_before", got=str(Points(units)), entry=done.seq, amount=Points(done.units))
        row.fault(flaw, column)
    return done is not None


def _draft(
    row: Row, day: str, subject: Person, unit: str, units: int, private: dict[str, str], setting: Setting
) -> Draft:
    body: dict[str, JSON] = {
        "amount_units": units,
        "book_digest": setting.book_digest,
        "issuer": setting.issuer,
        "subject": subject.party,
        "unit": unit,
    }
    return Draft((row.number,), BalanceCarried.kind, day, body, private)


def _check_totals(rows: Rows, sums: dict[str, int]) -> None:
    """A row that adds up must do so. Where an amount could not be read, nobody can tell."""
    for total in rows.totals:
        for column, expected in sums.items():
            said = total.take(column, cells.points)
            if said is not None and said != expected:
                total.fault(Flaw("wrong_total", got=str(Points(said)), sum=Points(expected)), column)
