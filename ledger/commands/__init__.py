"""The commands of the ledger itself, from `ledger` to `audit`, and the scenarios'.

Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import importlib

import typer

from ledger.commands import audit, events, keys, ledgers, receipts, rulebook, sheets, village


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(ledgers.app, name="ledger")
    app.add_typer(keys.app, name="key")
    app.add_typer(keys.parties, name="party")
    app.add_typer(events.app, name="event")
    app.add_typer(rulebook.app, name="rulebook")
    app.command("receipt")(receipts.receipt)
    app.command("verify")(receipts.verify)
    app.command("audit")(audit.audit)
    app.command("figures")(village.figures)
    app.command("household")(village.household)
    app.command("expire")(village.expire)
    app.command("import")(sheets.import_)
    app.command("export")(sheets.export)
    _add_scenarios(app)


def _add_scenarios(app: typer.Typer) -> None:
    """The scenarios are data and drivers that an installation may leave out."""
    try:
        scenarios = importlib.import_module("ledger.scenarios.commands")
    except ModuleNotFoundError as error:
        if error.name not in ("ledger.scenarios", "ledger.scenarios.commands"):
            raise
        return
    scenarios.register(app)
