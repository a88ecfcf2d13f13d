"""`gongfen ledger`: making ledgers and listing those of a data directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.commands.common import DataDir, Json, event_key, settings_of, show

app = typer.Typer(no_args_is_help=True, help="Make ledgers, and list those of this data directory.")


@app.command("create")
def create(
    origin: Annotated[str, typer.Argument(help="Its C2SP origin, such as gongfen.example/foshan-village.")],
    root_key: Annotated[list[Path], typer.Option(help="Key file of the root authority; give it once for each.")],
    profile: Annotated[str, typer.Option(help="Name of the profile the village works by.")] = "village",
    threshold: Annotated[int, typer.Option(min=1, help="How many root keys an act of the root takes.")] = 1,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a ledger: its keys and entry 0, signed by every root key. The server must not be running."""
    from ledger.core.types import short_name
    from ledger.keys import read_key
    from ledger.service.founding import create_ledger
    from ledger.service.storage import Storage

    roots = [event_key(path) for path in root_key]
    settings = settings_of(data_dir)
    storage = Storage(settings)
    try:
        storage.open_for_writing()
        answer = create_ledger(storage, origin, roots=roots, profile=profile, threshold=threshold)
    finally:
        storage.close()
    name = short_name(origin)
    value = {
        "name": name,
        "origin": origin,
        "log_key": str(read_key(settings.keys_dir / f"{name}.log.key", "log").verifier_key),
        "seq": answer.seq,
        "leaf": answer.leaf.hex(),
        "at": answer.at_ms,
        "checkpoint": answer.checkpoint,
    }
    show(value, as_json, lambda: _created(value, settings.keys_dir))


def _created(value: dict[str, Any], keys: Path) -> str:
    return (
        f"made the ledger {value['name']} ({value['origin']})\n"
        f"its log key, for trust files: {value['log_key']}\n"
        f"its secret keys lie in {keys}: keep a copy in a safe place"
    )


@app.command("list")
def list_ledgers(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the ledgers of this data directory, also while the server runs."""
    from ledger.service.queries import view_ledger
    from ledger.service.storage import Storage
    from ledger.store import entries as log
    from ledger.store.database import reading

    storage = Storage(settings_of(data_dir))
    try:
        rows = storage.ledgers()
        with reading(storage.engine) as connection:
            begun = [row for row in rows if log.read_head(connection, row.ledger_id).size]
            views = [view_ledger(connection, row)._asdict() for row in begun]
    finally:
        storage.close()
    lines = [f"{view['name']}  {view['origin']}  {view['size']} entries  root {view['root']}" for view in views]
    show(
        {"ledgers": views}, as_json, lambda: "\n".join(lines) or "no ledger yet: make one with `gongfen ledger create`"
    )
