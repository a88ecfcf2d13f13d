"""The command line `gongfen`: finds the commands that each part registers, and turns errors into one clear line.

Parts name a function ``register(app)`` under the entry point group ``gongfen.commands``. A part that is not installed
has no commands; one that is broken is an error.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated, Final, NoReturn

import typer

from ledger.commands.common import printable
from ledger.errors import LedgerError

GROUP: Final = "gongfen.commands"
FAILED: Final = 2
"""Exit code of everything that went wrong; `verify` alone uses 1, 3 and 4 (formats §9)."""


def build() -> typer.Typer:
    """The command line with the commands of every installed part."""
    app = typer.Typer(
        name="gongfen",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="A signed, hash-chained, anchored ledger of village points and credit events.",
    )
    app.callback()(_root)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if _is_installed(point):
            point.load()(app)
    return app


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit."""
    try:
        build()(arguments, prog_name="gongfen")
    except LedgerError as error:
        _fail(str(error), error)
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", error)
    except Exception as error:  # whatever it is, a village accountant gets one line, and code 2
        text = " ".join(str(error).split())
        _fail(f"internal error, {type(error).__name__}: {text}; GONGFEN_DEBUG=1 shows where", error)
    sys.exit(0)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(version("gongfen-ledger"))
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What stands before the commands."""


def _is_installed(point: EntryPoint) -> bool:
    try:
        importlib.import_module(point.module)
    except ModuleNotFoundError as error:
        if error.name is None or not (point.module + ".").startswith(error.name + "."):
            raise
        return False
    return True


def _fail(message: str, error: Exception) -> NoReturn:
    print(f"gongfen: {printable(message)}", file=sys.stderr)
    if os.environ.get("GONGFEN_DEBUG"):
        traceback.print_exception(error)
    sys.exit(FAILED)
