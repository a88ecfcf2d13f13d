"""The figures of a whole ledger: they add up, per rule and year, and tell what is left of budgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import UNSET

from ledger.domain.fields import DAY_MS
from ledger.errors import NotFoundError
from ledger.service.figures import LedgerFigures, RuleFigures, UnitFigures, view_figures
from ledger.store import entries as log
from ledger.store.database import writing
from tests.helpers.storage import BOTH
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import Village, person
from tests.helpers.village_rules import RULES, rule


@pytest.fixture
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredVillage]:
    with stored_village(getattr(request, "param", "sqlite"), tmp_path) as made:
        yield made


on_both = pytest.mark.parametrize("stored", BOTH, indirect=True)


def figures(stored: StoredVillage, year: int | None = None) -> LedgerFigures:
    now_ms = stored.village.now_ms
    found: LedgerFigures = stored.read(lambda link, row: view_figures(link, row, now_ms=now_ms, year=year))
    return found


def line(found: LedgerFigures, rule: str, year: str = "2021") -> RuleFigures:
    lines = [one for one in found.rules if (one.rule, one.year) == (rule, year)]
    assert len(lines) == 1, found.rules
    return lines[0]


def adds_up(one: UnitFigures) -> bool:
    return one.outstanding == one.issued - one.deducted - one.settled - one.expired + one.recredited


def held(village: Village, unit: str) -> int:
    """What everybody but the issuer holds, from the accounts."""
    coop = f"account:{person('coop').party}"
    accounts = [fact for key, fact in village.facts.items() if key.startswith("account:") and key != coop]
    return sum(account.balances[unit] for account in accounts)  # type: ignore[attr-defined]


def test_a_ledger_without_a_movement_shows_nothing_but_its_budgets(stored: StoredVillage) -> None:
    found = figures(stored)
    nothing = UnitFigures(issued=0, deducted=0, redeemed=0, settled=0, expired=0, recredited=0, outstanding=0)
    assert (found.size, found.at) == (stored.village.head.size, stored.village.head.at_ms)
    assert found.units == {"merit": nothing, "spend": nothing}
    assert [(one.rule, one.year, one.entries, one.budget_left_units) for one in found.rules] == [
        ("budgeted", "2021", 0, 600)
    ]


@on_both
def test_every_kind_of_movement_is_counted_and_all_of_them_add_up(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.carry("li", 700))
    stored.must(village.award("zhang", "volunteer", 5))
    wrong = stored.must(village.award("li", "volunteer", 2))
    stored.must(village.deduct("zhang"))
    bought = stored.must(village.redeem("zhang", 300))
    stored.must(village.settle(300, bought))
    kept = stored.must(village.redeem("zhang", 100))
    stored.must(village.reverse(bought))
    stored.must(village.reverse(wrong))
    found = figures(stored)
    assert found.units["spend"] == UnitFigures(
        issued=700 + 1000, deducted=200, redeemed=100, settled=300, expired=0, recredited=200, outstanding=1400
    )
    assert found.units["merit"].issued == 1000
    assert found.units["merit"].deducted == 200
    for unit, one in found.units.items():
        assert adds_up(one), unit
        assert one.outstanding == held(village, unit)
    assert kept.seq < found.size


def test_a_rule_shows_what_it_gave_and_what_reversals_took_back(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "volunteer", 3))
    wrong = stored.must(village.award("li", "volunteer", 2))
    stored.must(village.reverse(wrong))
    one = line(figures(stored), "volunteer")
    assert (one.kind, one.book, one.name_zh, one.name_en) == ("points_awarded", "points", "规则", "volunteer")
    assert (one.entries, one.reversed) == (2, 1)
    assert one.units == {"merit": 1000, "spend": 1000}
    assert one.returned == {"merit": 400, "spend": 400}
    assert one.budget_units is one.budget_left_units is UNSET


def test_an_act_counts_in_the_year_in_which_it_happened(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "volunteer", day="2021-03-01"))
    village.now_ms += 60 * DAY_MS
    stored.must(village.award("zhang", "volunteer", 2, day="2021-12-31"))
    stored.must(village.award("zhang", "volunteer", 4, day="2022-01-01"))
    assert line(figures(stored), "volunteer", "2021").units["spend"] == 600
    assert line(figures(stored), "volunteer", "2022").units["spend"] == 800
    only = figures(stored, year=2022)
    assert {one.year for one in only.rules} == {"2022"}
    assert only.units == figures(stored).units


@on_both
def test_a_budget_is_used_by_awards_and_given_back_by_reversals(stored: StoredVillage) -> None:
    village = stored.village
    first = stored.must(village.award("zhang", "budgeted", 2))
    assert line(figures(stored), "budgeted").budget_left_units == 200
    stored.must(village.award("li", "budgeted", 1))
    one = line(figures(stored), "budgeted")
    assert (one.budget_units, one.budget_left_units) == (600, 0)
    stored.must(village.reverse(first))
    assert line(figures(stored), "budgeted").budget_left_units == 400


def test_a_new_year_and_a_new_version_bring_their_own_budget(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "budgeted", 2))
    richer = [*(one for name, one in RULES.items() if name != "budgeted"), rule("budgeted", budget_units=1000)]
    book = {"book": "points", "version": 2, "title": "积分细则", "rules": richer}
    stored.must(village.adopt(book, "2022-01-01"))
    assert line(figures(stored), "budgeted").budget_left_units == 200, "not in force yet"
    village.now_ms += 60 * DAY_MS
    found = figures(stored)
    assert (line(found, "budgeted", "2021").budget_units, line(found, "budgeted", "2021").budget_left_units) == (
        600,
        200,
    )
    assert line(found, "budgeted", "2022").budget_left_units == 1000


def test_a_rule_that_a_later_version_dropped_keeps_its_name(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "capped"))
    book = {"book": "points", "version": 2, "title": "积分细则", "rules": [RULES["volunteer"]]}
    stored.must(village.adopt(book, "2021-12-01"))
    village.now_ms += 30 * DAY_MS
    assert line(figures(stored), "capped").name_en == "capped"


def test_a_ledger_without_entry_0_has_no_figures(stored: StoredVillage) -> None:
    with writing(stored.storage.engine) as connection:
        row = log.add_ledger(connection, "empty", "gongfen.example/empty")
    with pytest.raises(NotFoundError):
        stored.read(lambda link, _: view_figures(link, row, now_ms=0))
