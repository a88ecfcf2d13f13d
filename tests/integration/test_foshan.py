"""Scenario foshan through a real server: every answer as meant, read back, replayed, audited; and with a chain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import ConfigError
from ledger.scenarios.drive import Answered
from ledger.scenarios.foshan import Composed, compose, scenario_of
from ledger.scenarios.processes import Processes, gongfen, run, run_to_end
from ledger.scenarios.report import Report
from ledger.scenarios.runner import opened, run_here
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.town import Town, write_roots

PROJECT = Path(__file__).resolve().parents[2]
SMALL = 0.02


@pytest.fixture(scope="module")
def composed() -> Composed:
    return compose(scale=SMALL)


@pytest.fixture(scope="module")
def scenario(composed: Composed) -> Scenario:
    return scenario_of(composed)


def check_figures(report: Report, composed: Composed) -> None:
    size, figures = composed.size, report.figures
    assert report.musts["exact counts"] is True
    assert list(report.musts.values()).count(None) == 4
    assert (figures["residents"], figures["activities"], figures["participations"]) == (
        size.residents,
        size.activities,
        size.participations,
    )
    assert figures["saved_fen"] > size.target_fen
    assert figures["net_units"] == figures["awarded_units"] - figures["deducted_units"]
    assert figures["refusals"] == sum(1 for signed in composed.submissions if signed.refused)
    assert report.good


def test_a_run_lands_on_its_figures_and_sent_again_is_answered_as_before(
    town: Town, composed: Composed, scenario: Scenario
) -> None:
    first: list[Answered] = []
    again: list[Answered] = []
    with opened(scenario, town.url) as run:
        run.drive(first.append)
        report = run.report()
        run.drive(again.append)
        assert run.report() == report
    check_figures(report, composed)
    assert [answered.seq for answered in again] == [answered.seq for answered in first]
    assert all(answered.replayed for answered in again if not answered.code)
    assert town.audit() == "clean"


def test_founding_again_keeps_the_ledger_and_its_log_key(town: Town, scenario: Scenario, tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        again = Town(town.folder, processes)
        (name,) = again.found(scenario)
        assert name == scenario.chronicles[0].name


def test_the_command_runs_against_a_server_that_is_there(town: Town, tmp_path: Path) -> None:
    options = ("--scale", str(SMALL), "--url", town.url, "--out", str(tmp_path), "--json")
    report = json.loads(run(gongfen("scenario", "run", "foshan", *options)))
    assert report["musts"]["exact counts"] is True
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report


def test_the_command_says_which_scenarios_there_are(tmp_path: Path) -> None:
    done = run_to_end(gongfen("scenario", "run", "nowhere"))
    assert done.returncode == 2
    assert "foshan" in done.stderr


def test_the_root_keys_are_written_once_and_never_over_others(scenario: Scenario, tmp_path: Path) -> None:
    (chronicle,) = scenario.chronicles
    files = write_roots(chronicle, tmp_path)
    assert write_roots(chronicle, tmp_path) == files
    with pytest.raises(ConfigError):
        write_roots(scenario_of(compose(1, SMALL)).chronicles[0], tmp_path)


def test_the_key_command_shows_how_the_ledger_is_made(tmp_path: Path) -> None:
    made = json.loads(run(gongfen("scenario", "keys", "foshan", "--out", str(tmp_path / "keys"), "--json")))
    assert all(Path(file).exists() for file in made["files"])
    (command,) = made["commands"]
    run([*gongfen(), *command[1:]], env={"GONGFEN_DATA_DIR": str(tmp_path / "data")})
    assert (tmp_path / "data" / "ledger.db").exists()


def test_a_whole_run_without_a_chain_is_audited_and_leaves_its_report(composed: Composed, tmp_path: Path) -> None:
    report = run_here(scenario_of(composed), tmp_path, chain=False)
    check_figures(report, composed)
    assert (report.audit, report.figures["anchored_ledgers"], report.figures["batches"]) == ("clean", 0, 0)
    assert (tmp_path / "data" / "ledger.db").exists()


@pytest.mark.node
def test_the_demonstration_ends_with_the_three_verdicts(tmp_path: Path) -> None:
    command = [sys.executable, str(PROJECT / "scripts/lib/demo.py"), "--check", "--scale", str(SMALL)]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("genuine (exit code 0)", "pending (exit code 3)", "invalid (exit code 1)", "fails at signed"):
        assert line in done.stdout
    assert json.loads((tmp_path / "demo.json").read_text("utf-8"))["good"] is True
    audit = run_to_end(gongfen("audit", "--json"), env={"GONGFEN_DATA_DIR": str(tmp_path / "data")})
    assert audit.returncode == 0, audit.stderr


@pytest.mark.slow
@pytest.mark.node
def test_at_full_size_the_stated_figures_are_anchored_and_audited(tmp_path: Path) -> None:
    composed = compose()
    report = run_here(scenario_of(composed), tmp_path)
    check_figures(report, composed)
    figures = report.figures
    assert (figures["residents"], figures["activities"], figures["participations"]) == (1151, 341, 5971)
    assert figures["saved_fen"] > 12_000_000
    assert (report.audit, figures["anchored_ledgers"], figures["batches"]) == ("clean", 1, 1)
