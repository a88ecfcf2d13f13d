"""Scenario kangbashi through a real server: every answer as meant, also when sent again; at full size by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.scenarios.kangbashi import generate
from ledger.scenarios.processes import Processes, gongfen, run
from ledger.scenarios.runner import opened
from ledger.scenarios.town import Town

SMALL = 0.01
BILL = "a 58.80 yuan bill takes at most 11.76 / 14.70 / 17.64 yuan in points at 20 / 25 / 30 percent"
MERIT = "211.2 stays exact"
GRAB = "of two departments that grab one task the first in the log has it"
UPGRADES = "the 15 upgrades are private and have a guardian's consent, health data is refused"
MUSTS = {BILL: True, MERIT: True, GRAB: True, UPGRADES: None}


def test_a_run_lands_on_its_figures_and_sent_again_every_event_was_there(tmp_path: Path) -> None:
    scenario = generate(scale=SMALL)
    with Processes(tmp_path / "logs") as processes:
        town = Town(tmp_path, processes)
        town.found(scenario)
        server = town.serve()
        with opened(scenario, town.url) as run:
            first = run.drive()
            report = run.report()
            again = run.drive()
        processes.end(server)
        assert town.audit() == "clean"
    assert (report.missed, report.musts) == ([], MUSTS)
    assert report.figures["residents"] == 234
    assert first.replayed == 0
    assert again.replayed == again.accepted == first.accepted


@pytest.mark.slow
@pytest.mark.node
def test_at_full_size_the_stated_figures_are_anchored_and_audited(tmp_path: Path) -> None:
    report: dict[str, Any] = json.loads(run(gongfen("scenario", "run", "kangbashi", "--out", str(tmp_path), "--json")))
    assert (report["missed"], report["musts"]) == ([], MUSTS)
    assert report["residents"] == 23_399
    assert report["redemptions"] == 100_203
    assert report["redeemed_units"] == 395_020_441_000
    assert report["settled_units"] == report["redeemed_units"] + report["netted_units"]
    assert (report["school_upgrades"], report["ratings"], report["refusals"]) == (15, 2_880, 27)
    assert (report["audit"], report["anchored_ledgers"], report["batches"]) == ("clean", 1, 1)
    assert report["entries"] < 300_000
