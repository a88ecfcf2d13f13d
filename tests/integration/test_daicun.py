"""Scenario daicun through a real server: two ledgers, cards scanned twice, cards that ended; read back and audited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.scenarios.daicun import generate
from ledger.scenarios.daicun.attempts import AGAIN
from ledger.scenarios.drive import Answered
from ledger.scenarios.processes import gongfen, run
from ledger.scenarios.report import Report
from ledger.scenarios.runner import opened, run_here
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.town import Town

SMALL = 0.02
MUSTS = {
    "a card scan sent twice adds nothing": True,
    "a revoked card is refused": True,
    "a sealed police record is refused by code": None,
    "a printed receipt verifies offline": None,
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return generate(scale=SMALL)


def check(report: Report, scenario: Scenario) -> None:
    assert report.missed == []
    assert report.musts == MUSTS
    assert {name: report.figures[name] for name in scenario.lands} == scenario.lands
    assert report.figures["redeemed_units"] == report.figures["settled_units"] > 0
    assert report.figures["refusals"] == 14
    assert report.good


def test_a_run_lands_on_its_figures_and_sent_again_is_answered_as_before(town: Town, scenario: Scenario) -> None:
    first: list[Answered] = []
    again: list[Answered] = []
    with opened(scenario, town.url) as run:
        run.drive(first.append)
        report = run.report()
        run.drive(again.append)
        assert run.report() == report
    check(report, scenario)
    repeated = [answered for answered in first if answered.signed.again]
    assert len(repeated) == sum(answered.replayed for answered in first) > 10
    assert all(answered.signed.mark.startswith(AGAIN) for answered in repeated)
    assert all(answered.replayed for answered in again if not answered.code)
    places = {answered.signed.id: answered.seq for answered in first if not answered.code}
    assert all(places[answered.signed.id] == answered.seq for answered in again if not answered.code)
    assert town.audit() == "clean"


def test_a_whole_run_without_a_chain_is_audited(scenario: Scenario, tmp_path: Path) -> None:
    report = run_here(scenario, tmp_path, chain=False)
    check(report, scenario)
    assert (report.audit, report.figures["anchored_ledgers"]) == ("clean", 0)


def test_the_root_keys_of_both_villages_are_those_of_the_town(tmp_path: Path) -> None:
    made = json.loads(run(gongfen("scenario", "keys", "daicun", "--out", str(tmp_path), "--json")))
    names = [Path(file).name for file in made["files"]]
    assert names == [
        f"daicun-{village}.township-{number}.key" for village in ("dashigai", "foshan") for number in (1, 2)
    ]
    seeds = [json.loads(Path(file).read_text("utf-8")) for file in made["files"]]
    assert seeds[:2] == seeds[2:]


@pytest.mark.slow
@pytest.mark.node
def test_at_full_size_the_first_day_has_its_points_and_both_ledgers_are_anchored(tmp_path: Path) -> None:
    report = json.loads(run(gongfen("scenario", "run", "daicun", "--json", "--out", str(tmp_path))))
    exact = {
        "ledgers": 2,
        "residents": 1900,
        "households": 640,
        "activities": 120,
        "participations": 4760,
        "categories": 9,
        "awards": 5380,
        "awarded_units": 15_000_100,
        "deducted_units": 0,
        "paper_card_awards": 538,
        "paper_card_units": 1_500_010,
        "by_paper_card_bp": 1000,
        "suggestions": 12,
        "replies": 12,
        "refusals": 14,
        "anchored_ledgers": 2,
        "batches": 1,
        "audit": "clean",
        "missed": [],
        "musts": MUSTS,
    }
    assert {name: report[name] for name in exact} == exact
    assert report["settled_units"] == report["redeemed_units"]
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report
