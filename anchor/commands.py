"""`gongfen anchor`: deploy the contract, register ledgers, anchor once or for good, show how far it is.

Nothing heavy is imported before a command runs. Exit codes: 0 done; 2 it failed; 3 (`once`) something is not anchored.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ledger.commands.common import DataDir, Json, TokenText, settings_of, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor.operate import Opened
    from anchor.service import RoundResult

PENDING: Final = 3
POLL_S: Final = 0.3
app = typer.Typer(no_args_is_help=True, help="Anchor the ledgers on chains, and show how far it is.")
Config = Annotated[
    Path, typer.Option("--config", envvar="GONGFEN_ANCHOR_CONFIG", help="The settings file that `deploy` wrote.")
]
CONFIG: Final = Path("var/anchor/anchor.toml")


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="anchor")


@app.command("deploy")
def deploy(
    rpc: Annotated[str, typer.Option(help="The node's JSON-RPC address.")],
    profile: Annotated[str, typer.Option(help="What kind of node it is: hardhat, anvil.")] = "hardhat",
    members: Annotated[int | None, typer.Option(help="Members to make keys for, 1 to 64; default: 3.")] = None,
    quorum: Annotated[int | None, typer.Option(help="How many must sign; default: more than half.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for anchor.toml and the keys.")] = CONFIG.parent,
    server: Annotated[
        str | None, typer.Option(envvar="GONGFEN_URL", help="The ledger server's address, for anchor.toml.")
    ] = None,
    confirmations: Annotated[
        int | None, typer.Option(min=1, help="Blocks that must stand; default: the profile's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Deploy the contract; make keys and anchor.toml, or add a chain to one that is there."""
    from anchor.operate import deploy_contract
    from anchor.settings import FILE_NAME, trust_chain

    path = out / FILE_NAME
    made = deploy_contract(
        path, rpc=rpc, profile=profile, members=members, quorum=quorum, server=server, confirmations=confirmations
    )
    value = {
        "chain_id": made.chain.id,
        "contract": made.chain.contract,
        "code_hash": made.chain.code_hash,
        "block": made.chain.first_block,
        "members": made.members,
        "quorum": made.quorum,
        "submitter": made.submitter,
        "config": str(path),
        "trust": trust_chain(made.chain),
    }
    show(
        value,
        as_json,
        lambda: (
            f"the contract stands at {made.chain.contract} on chain {made.chain.id}; {made.quorum} of "
            f"{len(made.members)} members sign\nwritten to {path}; the keys lie beside it: keep copies of them\n"
            f"for the trust files of verifiers:\n\n{value['trust']}"
        ),
    )


@app.command("register")
def register_(
    ledger: Annotated[list[str] | None, typer.Option(help="A ledger's short name; default: every ledger.")] = None,
    log_key: Annotated[
        list[str] | None, typer.Option(help="A log's key that you have from elsewhere than the server.")
    ] = None,
    config: Config = CONFIG,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Make head keys for ledgers and register them in every contract, signed by the members' quorum."""
    from anchor.operate import register as register_ledgers
    from anchor.settings import load_settings
    from ledger.client import LedgerClient

    with LedgerClient(load_settings(config).server, token) as client:
        done = register_ledgers(config, client, ledger or [], log_key or [])
    show({"registered": done}, as_json, lambda: "\n".join(_registered(done)))


@app.command("once")
def once(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to go on until everything is final.")] = 0,
    config: Config = CONFIG,
    data_dir: DataDir = None,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Anchor whatever is not anchored, now. Ends with 3 while something is on its way, left out, or a chain is away."""
    from anchor.operate import lead, opened

    _log_to_stderr()
    with opened(config, settings_of(data_dir), token) as found:
        lead(found.leader)
        deadline = time.monotonic() + wait
        while not _done(results := found.service.round()) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        status = _status(found)
    pending = not _done(results) or bool(status["left_out"]) or not status["ledgers"]
    show({"anchored": not pending, **status}, as_json, lambda: "\n".join(status["lines"]))
    if pending:
        raise typer.Exit(PENDING)


@app.command("run")
def run(
    interval: Annotated[float | None, typer.Option(min=0.1, help="Seconds between rounds.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Loopback port for Prometheus; default: none.")] = None,
    config: Config = CONFIG,
    data_dir: DataDir = None,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Anchor for good, until stopped (SIGINT, SIGTERM). Several may run: one works, the others stand by."""
    from anchor.metrics import expose
    from anchor.operate import opened
    from anchor.scheduler import Ticker
    from anchor.status import collect

    _log_to_stderr()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with opened(config, settings_of(data_dir), token) as found:
        seconds = found.settings.interval_s if interval is None else interval
        ticker = Ticker(found.service, found.leader, interval_s=seconds)
        close = None
        if metrics_port is not None:
            close = expose(metrics_port, lambda: collect(found.engine, found.client, found.settings))
        ticker.start()
        show({"interval_s": seconds}, as_json, lambda: f"anchoring every {seconds:g} seconds")
        try:
            stopped.wait()
        finally:
            ticker.stop()
            if close:
                close()


@app.command("status")
def status(config: Config = CONFIG, data_dir: DataDir = None, token: TokenText = None, as_json: Json = False) -> None:
    """Show the lag of each ledger, batches by state, chains that are away and ledgers that are left out."""
    from anchor.database import check_database
    from anchor.settings import load_settings
    from anchor.status import collect, lines
    from ledger.client import LedgerClient
    from ledger.store.database import open_engine

    settings = load_settings(config)
    engine = open_engine(settings_of(data_dir).database)
    try:
        check_database(engine)
        with LedgerClient(settings.server, token, timeout_s=5) as client:
            found = collect(engine, client, settings)
    finally:
        engine.dispose()
    show(found.as_json(), as_json, lambda: "\n".join(lines(found)))


@app.command("trust")
def trust(config: Config = CONFIG, as_json: Json = False) -> None:
    """Print the chain sections of a verifier's trust file. A verifier checks them by means of its own."""
    from anchor.settings import load_settings, trust_chain

    text = "\n".join(trust_chain(chain) for chain in load_settings(config).chain)
    show({"trust": text}, as_json, lambda: text)


def _done(results: Sequence[RoundResult]) -> bool:
    return all(result.settled and result.error is None for result in results)


def _status(found: Opened) -> dict[str, Any]:
    from anchor.status import collect, lines

    status = collect(found.engine, found.client, found.settings)
    return status.as_json() | {"lines": list(lines(status))}


def _registered(done: dict[str, list[str]]) -> list[str]:
    return [f"{contract}: {', '.join(origins) or 'all were registered already'}" for contract, origins in done.items()]


def _log_to_stderr() -> None:
    import sys

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
