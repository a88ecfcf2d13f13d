"""`gongfen scenario`: running a scenario against a server of one's own, or a throw-away one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from ledger.scenarios.scenario import Scenario

app = typer.Typer(
    no_args_is_help=True,
    help="Run a whole system with invented people. Its keys are derived from a seed: for demonstration only.",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="daicun, foshan, dacang, kangbashi or changyang.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Other people, keys and ids; default: the scenario's own.")]
FULL: Final = 1.0
"""The scale at which a scenario has all its ledgers; their keys are the same at every scale."""
Json = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]


def register(root: typer.Typer) -> None:
    """Add the commands to the command line."""
    root.add_typer(app, name="scenario")


@app.command("run")
def run(
    name: Name,
    scale: Annotated[float, typer.Option(help="Part of the full size, from 0.01 to 1.")] = FULL,
    url: Annotated[
        str | None, typer.Option(help="A running server that holds the ledgers; default: a new one.")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="GONGFEN_TOKEN", help="A bearer token, with --url.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where report, database and logs are kept.")] = None,
    seed: Seed = None,
    chain: Annotated[bool, typer.Option("--chain/--no-chain", help="Anchor on a Hardhat node of its own.")] = True,
    as_json: Json = False,
) -> None:
    """Send every event of a scenario over HTTP, check every answer, read the ledgers back and report.

    Without --url a server and a Hardhat node are started, the ledgers are made, anchored in one batch and audited, and
    both are ended. Exit code 1 if a sentence that must hold does not, or a figure does not come out as it must.
    """
    from ledger.scenarios.runner import run_elsewhere, run_here

    scenario = _generate(name, seed, scale)
    report = run_here(scenario, out, chain=chain) if url is None else run_elsewhere(scenario, url, token)
    text = report.as_text()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(report.as_json(indent=2) + "\n", encoding="utf-8")
    print(report.as_json() if as_json else text, flush=True)
    if not report.good:
        raise typer.Exit(1)


@app.command("keys")
def keys(
    name: Name,
    out: Annotated[Path, typer.Option(help="Folder for the key files; those that are there must be the same.")],
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Write the root keys of a scenario, and show the commands that make its ledgers on a server of one's own.

    Anybody who knows the seed has these keys: never use them for a real village.
    """
    from ledger.scenarios.town import create_command, write_roots

    scenario = _generate(name, seed, FULL)
    files = {one.name: write_roots(one, out) for one in scenario.chronicles}
    commands = [["gongfen", *create_command(one, files[one.name])] for one in scenario.chronicles]
    paths = [str(path) for found in files.values() for path in found]
    value = {"files": paths, "commands": commands}
    lines = ["wrote", *paths, "then:", *(" ".join(command) for command in commands)]
    print(json.dumps(value) if as_json else "\n".join(lines))


def _generate(name: str, seed: int | None, scale: float) -> Scenario:
    from ledger.scenarios.catalogue import generate

    return generate(name, seed, scale)
