"""Writes docs/cli.md from the commands' own help: ``python -m tests.unit.cli.reference``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ledger import cli

DOCS = Path(__file__).parents[3] / "docs" / "cli.md"
INTRO = """\
# The command line

`gongfen` has the commands of every part that is installed. What follows is their own help, as
`python -m tests.unit.cli.reference` writes it; a test compares it. [First steps](first-steps.md) shows them at work.

- Results go to standard output, as text or, with `--json`, as one line of JSON; progress and errors go to standard
  error, progress only on a terminal.
- Exit codes: 0 done; 2 it could not be done, with one line that says why and what to do. `verify` adds 1 (not valid),
  3 (a confirmation is missing) and 4 (superseded); `audit`, `rulebook check` and `scenario run` add 1 (something does
  not hold); `anchor once` adds 3 (something is not anchored yet).
- `GONGFEN_DEBUG=1` shows the traceback of an error.
- Settings come from options, then the environment (`GONGFEN_DATA_DIR`, `GONGFEN_DATABASE_URL`, `GONGFEN_HOST` …), then
  a file `.env`; `ledger/config.py` lists them with their defaults.
- `gongfen --install-completion` teaches the shell to complete commands and options; `gongfen --version` tells the
  version.
"""


def all_commands(group: Any, prefix: str = "gongfen") -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its full name."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from all_commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def render() -> str:
    """The whole document."""
    return INTRO + "".join(map(_section, all_commands(typer.main.get_command(cli.build()))))


def _section(named: tuple[str, Any]) -> str:
    name, command = named
    lines = [f"\n### `{name}`", "", inspect.cleandoc(command.help or ""), ""]
    for parameter in command.params:
        lines.append(f"- `{_spelt(parameter)}`{_marks(parameter)}: {parameter.help}")
    return "\n".join(lines) + "\n"


def _spelt(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return " / ".join([*parameter.opts, *parameter.secondary_opts])


def _marks(parameter: Any) -> str:
    marks = ["required"] if parameter.required else []
    if getattr(parameter, "multiple", False) or parameter.nargs == -1:
        marks.append("may be repeated")
    if parameter.envvar:
        marks.append(f"environment `{parameter.envvar}`")
    if isinstance(parameter.default, str | int | float | Path) and parameter.default not in ("", False, True):
        marks.append(f"default `{parameter.default}`")
    return f" ({', '.join(marks)})" if marks else ""


if __name__ == "__main__":
    DOCS.write_text(render(), encoding="utf-8")
