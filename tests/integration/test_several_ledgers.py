"""A scenario of several ledgers: founded together, driven side by side, anchored in one batch, all of them audited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.scenarios.report import Report
from ledger.scenarios.runner import run_here
from tests.helpers.hamlets import AWARDED_UNITS, hamlets

NUMBER = 3


def check(report: Report) -> None:
    assert report.missed == []
    assert report.musts == {"every award is marked": True, "the second award is refused": True}
    assert report.figures["awarded_units"] == NUMBER * AWARDED_UNITS
    assert report.figures["refusals"] == NUMBER
    assert report.audit == "clean"


def test_figures_are_added_over_all_ledgers_and_every_one_is_audited(tmp_path: Path) -> None:
    report = run_here(hamlets(NUMBER), tmp_path, chain=False)
    check(report)
    assert report.figures["ledgers"] == NUMBER
    assert json.loads(report.as_json())["seconds"] == pytest.approx(sum(report.steps.values()), abs=0.1)


def test_a_figure_that_does_not_come_out_is_named(tmp_path: Path) -> None:
    scenario = hamlets(1)._replace(lands={"residents": 2})
    report = run_here(scenario, tmp_path, chain=False)
    assert report.missed == ["residents must be 2, is 1"]
    assert not report.good
    assert "MISSED" in report.as_text()


@pytest.mark.node
def test_all_ledgers_stand_in_one_batch(tmp_path: Path) -> None:
    report = run_here(hamlets(NUMBER), tmp_path)
    check(report)
    assert (report.figures["anchored_ledgers"], report.figures["batches"]) == (NUMBER, 1)
