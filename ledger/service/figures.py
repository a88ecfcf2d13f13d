"""The figures of a whole ledger, published always (domain §3): how many points there are, and what each rule gave.

Everything comes from the figures that the log itself adds up to (`ledger.domain.figures`); nothing is about a party.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection

from ledger.domain.facts import LEDGER, BookHistory, Figures, Ledger
from ledger.domain.fields import RuleRef, day_of
from ledger.domain.figures import used_units
from ledger.domain.rules import Rule, rule_key
from ledger.errors import NotFoundError
from ledger.service.queries import Hundredths
from ledger.store import entries as log
from ledger.store.facts import read_facts, stream_range

PREFIX: Final = "figures:"
AWARDED: Final = "points_awarded"
DEDUCTED: Final = "points_deducted"


class UnitFigures(Struct, frozen=True):
    """What became of all points of a unit, in hundredths, less what reversals took back.

    ``issued`` counts awards and opening balances, ``redeemed`` what came to shops, ``settled`` what issuers paid shops
    for, ``recredited`` what issuers gave back for shops when redemptions were reversed. ``outstanding`` is what
    everybody but the issuers holds: issued − deducted − settled − expired + recredited.
    """

    issued: Hundredths
    deducted: Hundredths
    redeemed: Hundredths
    settled: Hundredths
    expired: Hundredths
    recredited: Hundredths
    outstanding: Hundredths


class RuleFigures(Struct, frozen=True, omit_defaults=True):
    """What the entries of one kind by one rule moved, for acts of one year; all versions of a book count together.

    ``units`` is what ``entries`` moved, ``returned`` what came back by reversing ``reversed`` of them. The budget is
    that of the version in force at the end of the year, or now.
    """

    kind: str
    book: str
    rule: str
    year: str
    entries: int
    reversed: int
    units: dict[str, Hundredths]
    returned: dict[str, Hundredths]
    name_zh: str | UnsetType = UNSET
    name_en: str | UnsetType = UNSET
    budget_units: Hundredths | UnsetType = UNSET
    budget_left_units: Hundredths | UnsetType = UNSET


class LedgerFigures(Struct, frozen=True):
    """The figures of a ledger of ``size`` entries, the last of them at ``at`` (ms since 1970 UTC)."""

    size: int
    at: int
    units: dict[str, UnitFigures]
    rules: list[RuleFigures]


class _Line(NamedTuple):
    kind: str
    book: str
    rule: str
    year: str

    @property
    def day(self) -> str:
        """The last day that it counts."""
        return f"{self.year}-12-31"


def view_figures(
    connection: Connection, row: log.LedgerRow, *, now_ms: int, year: int | None = None, reader: bool = True
) -> LedgerFigures:
    """The figures of a ledger, with the rules of all years or of one. Raises `NotFoundError` without an entry 0.

    Who is no ``reader`` of the ledger sees no rule by which points were taken: one deduction in a small village is one
    family, and deductions are never public (domain §6). Their sum by unit stays.
    """
    head = log.read_head(connection, row.ledger_id)
    ledger = read_facts(connection, row.ledger_id, [LEDGER])[LEDGER]
    if not isinstance(ledger, Ledger):
        raise NotFoundError("the ledger has no entry 0 yet", field="ledger", got=row.name)
    kinds: dict[str, list[Figures]] = {}
    lines: dict[_Line, Figures] = {}
    for key, figures in stream_range(connection, row.ledger_id, PREFIX):
        assert isinstance(figures, Figures), "the type follows from the key"
        kind, *named = key.removeprefix(PREFIX).split("/")
        kinds.setdefault(kind, []).append(figures)
        if named:
            lines[_Line(kind, *named)] = figures
    today = day_of(max(now_ms, head.at_ms))
    rules = _Rules(connection, row.ledger_id, today)
    for line in rules.budgeted():
        lines.setdefault(line, Figures(entries=0, reversed=0, moved={}, returned={}, issuer={}))
    shown = [line for line in lines if reader or line.kind != DEDUCTED]
    wanted = sorted(line for line in shown if year is None or line.year == f"{year:04}")
    found = rules.find(wanted)
    return LedgerFigures(
        size=head.size,
        at=head.at_ms,
        units={unit: _unit_figures(kinds, unit) for unit in ledger.units},
        rules=[_rule_figures(line, lines[line], found.get(line)) for line in wanted],
    )


def _unit_figures(kinds: Mapping[str, Sequence[Figures]], unit: str) -> UnitFigures:
    def kept(kind: str) -> int:
        return sum(one.moved.get(unit, 0) - one.returned.get(unit, 0) for one in kinds.get(kind, ()))

    def borne(kind: str) -> int:
        return -sum(one.issuer.get(unit, 0) for one in kinds.get(kind, ()))

    return UnitFigures(
        issued=kept(AWARDED) + kept("balance_carried"),
        deducted=kept(DEDUCTED),
        redeemed=kept("points_redeemed"),
        settled=kept("merchant_settled"),
        expired=kept("points_expired"),
        recredited=borne("points_redeemed"),
        outstanding=sum(map(borne, kinds)),
    )


def _rule_figures(line: _Line, figures: Figures, rule: Rule | None) -> RuleFigures:
    budget = rule.budget_units if rule is not None and line.kind == AWARDED else UNSET
    return RuleFigures(
        *line,
        entries=figures.entries,
        reversed=figures.reversed,
        units=figures.moved,
        returned=figures.returned,
        name_zh=UNSET if rule is None else rule.name_zh,
        name_en=UNSET if rule is None else rule.name_en,
        budget_units=budget,
        budget_left_units=UNSET if isinstance(budget, UnsetType) else max(0, budget - used_units(figures)),
    )


class _Rules:
    """The rules of all adopted books, as they are on ``today``."""

    def __init__(self, connection: Connection, ledger_id: int, today: str) -> None:
        self._connection = connection
        self._ledger_id = ledger_id
        self._today = today
        self._books = {
            key.removeprefix("book:"): fact.versions
            for key, fact in stream_range(connection, ledger_id, "book:")
            if isinstance(fact, BookHistory)
        }

    def _versions(self, book: str, day: str) -> list[int]:
        """The versions that took effect until a day or until now, the newest first."""
        last = min(day, self._today)
        return [one.version for one in reversed(self._books.get(book, [])) if one.effective_on <= last]

    def budgeted(self) -> list[_Line]:
        """A line of this year for every rule in force that has a budget."""
        lines = []
        for book in self._books:
            for version in self._versions(book, self._today)[:1]:
                for _, rule in stream_range(self._connection, self._ledger_id, f"rule:{book}/{version}/"):
                    if isinstance(rule, Rule) and rule.budget_units:
                        lines.append(_Line(AWARDED, book, rule.id, self._today[:4]))
        return lines

    def find(self, lines: Sequence[_Line]) -> dict[_Line, Rule]:
        """For each line the rule of the newest version that has it and took effect by the end of the line's year."""
        found: dict[_Line, Rule] = {}
        tries = {line: self._versions(line.book, line.day) for line in lines}
        while tries := {line: versions for line, versions in tries.items() if versions and line not in found}:
            keys = {line: _key(line, versions.pop(0)) for line, versions in tries.items()}
            facts = read_facts(self._connection, self._ledger_id, list(dict.fromkeys(keys.values())))
            for line, key in keys.items():
                if isinstance(rule := facts[key], Rule):
                    found[line] = rule
        return found


def _key(line: _Line, version: int) -> str:
    return rule_key(RuleRef(book=line.book, version=version, id=line.rule))
