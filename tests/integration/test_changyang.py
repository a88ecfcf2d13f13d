"""Scenario changyang through a real server: several villages, every answer as meant, read back, replayed, anchored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.scenarios.changyang import generate
from ledger.scenarios.drive import Answered
from ledger.scenarios.processes import gongfen, run
from ledger.scenarios.runner import opened
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.town import Town

TWO = 0.03
ANCHORED = "68 ledgers anchored in one batch"
HOLD = (
    "the declarer never reviews the own claim",
    "an old act is judged by the old rule",
    "the exchange leaves merit unchanged",
    "ten stars make a pacesetter",
)
WAITS = "an appealed deduction is reversed"
"""Appeals are a part of their own: this sentence is not judged yet."""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return generate(scale=TWO)


def test_two_villages_land_on_their_figures_and_sent_again_are_answered_as_before(
    town: Town, scenario: Scenario
) -> None:
    first: list[Answered] = []
    again: list[Answered] = []
    with opened(scenario, town.url) as run:
        run.drive(first.append)
        report = run.report()
        run.drive(again.append)
        assert run.report() == report
    assert report.good
    assert report.missed == []
    assert report.musts == {ANCHORED: None, **dict.fromkeys(HOLD, True), WAITS: None}
    assert report.figures["net_units"] == 92_300 + 92_200
    assert report.figures["helpers_in_one_village"] == 23
    assert report.figures["refusals"] == sum(1 for answered in first if answered.code) > 6
    places = {answered.signed.id: answered.seq for answered in first}
    assert all(places[answered.signed.id] == answered.seq for answered in again)
    assert all(answered.replayed for answered in again if not answered.code)
    assert town.audit() == "clean"


def test_a_chain_that_was_asked_for_and_anchored_nothing_is_told(town: Town, scenario: Scenario) -> None:
    with opened(scenario, town.url, chain=True) as run:
        run.drive()
        report = run.report()
    assert report.musts[ANCHORED] is False
    assert not report.good


@pytest.mark.slow
@pytest.mark.node
def test_at_full_size_sixty_eight_ledgers_land_on_the_stated_figures_in_one_batch(tmp_path: Path) -> None:
    report = json.loads(run(gongfen("scenario", "run", "changyang", "--json", "--out", str(tmp_path))))
    assert report["net_units"] == report["awarded_units"] - report["deducted_units"] == 6_270_000
    assert (report["villages_with_923_points"], report["villages_with_922_points"]) == (4, 64)
    assert (report["ledgers"], report["anchored_ledgers"], report["batches"]) == (68, 68, 1)
    assert report["helpers_in_one_village"] == 23
    assert report["declarations"] == report["reviews"] + 13, "what is left open in thirteen villages"
    assert report["redeemed_units"] == report["settled_units"] == report["saved_fen"]
    assert report["pacesetters"] == 68
    assert report["musts"] == {ANCHORED: True, **dict.fromkeys(HOLD, True), WAITS: None}
    assert (report["audit"], report["missed"]) == ("clean", [])
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report
