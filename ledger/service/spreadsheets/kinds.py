"""The kinds of sheets that can be imported: how each is called, its columns, what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.errors import FormatError
from ledger.service.spreadsheets.acts import plan_awards, plan_deductions
from ledger.service.spreadsheets.columns import Sheet
from ledger.service.spreadsheets.opening import plan_opening
from ledger.service.spreadsheets.planning import WHO, Plan, Setting
from ledger.service.spreadsheets.registering import plan_register
from ledger.service.spreadsheets.tables import Table

_WHO: Final = tuple(WHO)


class SheetKind(NamedTuple):
    """A kind of sheet. ``titles`` are words of which one stands in the title of such a table, the first its own.

    Of each group of ``needed`` columns one must be there; ``issues`` says that an issuing organisation is named.
    """

    name: str
    titles: Sequence[str]
    columns: Sequence[str]
    needed: Sequence[Sequence[str]]
    issues: bool
    plan: Callable[[Sheet, Setting], Plan]


_ACT: Final = ("mark", "day", *_WHO, "rule", "quantity", "points", "matter", "place", "time", "photo")

KINDS: Final[Mapping[str, SheetKind]] = {
    kind.name: kind
    for kind in (
        SheetKind(
            "register",
            ("户籍登记", "register", "人员登记", "户籍"),
            ("mark", "household", "head", "group", "name", "relation", "number", "identity", "address", "day"),
            [("household",), ("name", "head")],
            False,
            plan_register,
        ),
        SheetKind(
            "opening",
            ("期初结转", "opening", "期初", "结转"),
            ("mark", *_WHO, "spend", "merit", "points", "unit", "day", "source"),
            [_WHO, ("spend", "merit", "points")],
            True,
            plan_opening,
        ),
        SheetKind("awards", ("加分登记", "awards", "加分"), _ACT, [_WHO, ("rule",)], True, plan_awards),
        SheetKind(
            "deductions",
            ("减分登记", "deductions", "减分", "扣分"),
            (*_ACT, "noticed_on", "appeal_until", "notice"),
            [_WHO, ("rule",), ("noticed_on",)],
            True,
            plan_deductions,
        ),
    )
}


def choose(tables: Sequence[Table], wanted: str | None, stem: str) -> tuple[SheetKind, Table]:
    """The one table to import and its kind: the kind that is ``wanted``, or the one that a title tells.

    ``stem`` is the file's own name, which tells it where there is but one table, and its title says nothing. Raises
    `FormatError` where that leaves a doubt, or a title says something else than is wanted.
    """
    told = [(kind, table) for kind in KINDS.values() for table in tables if _is_titled(table.title, kind)]
    if not told and len(tables) == 1:
        told = [(kind, tables[0]) for kind in KINDS.values() if _is_titled(stem, kind)]
        if not told and wanted is not None:
            return KINDS[wanted], tables[0]
    if wanted is not None:
        told = [(kind, table) for kind, table in told if kind.name == wanted]
    if len(told) != 1:
        raise FormatError(
            "not plain which sheet is meant" if told or wanted else "not plain what kind of sheet this is",
            code="which_sheet",
            field="sheet",
            expected=f"--sheet {'|'.join(KINDS)}, and one sheet with a title such as {'、'.join(_own_titles())}",
            got=", ".join(table.title for table in tables),
        )
    return told[0]


def _is_titled(title: str, kind: SheetKind) -> bool:
    folded = "".join(title.split()).casefold()
    return any(word in folded for word in kind.titles)


def _own_titles() -> list[str]:
    return [kind.titles[0] for kind in KINDS.values()]
