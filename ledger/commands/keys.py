"""`gongfen key`: key files of officers, cards and the root authority; `gongfen party`: ids of those without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.commands.common import Json, event_key, show

if TYPE_CHECKING:
    from ledger.keys import KeyFile

app = typer.Typer(no_args_is_help=True, help="Make and show the key files that events are signed with.")

parties = typer.Typer(no_args_is_help=True, help="Make ids of parties: residents, households, shops, villages.")


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="Where the key file is written; it must not exist.")],
    party: Annotated[str | None, typer.Option(help="Party it belongs to; default: a new party.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key that signs events, and show what may be told of it."""
    from ledger.keys import new_event_key, write_key

    key = new_event_key(party)
    write_key(file, key)
    _show(key, as_json)


@app.command("show")
def show_key(
    file: Annotated[Path, typer.Argument(help="The key file.")],
    as_json: Json = False,
) -> None:
    """Show a key's party, id and public key; never its secret."""
    _show(event_key(file), as_json)


@parties.command("new")
def party(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 1,
    as_json: Json = False,
) -> None:
    """Make random ids, for parties that have no key of their own. `party_changed` registers them."""
    from ledger.keys import new_party as make

    made = [str(make()) for _ in range(count)]
    show({"parties": made}, as_json, lambda: "\n".join(made))


def _show(key: KeyFile, as_json: bool) -> None:
    value = {**key.holder(), "key": key.key_id}
    show(value, as_json, lambda: "\n".join(f"{name:7} {text}" for name, text in value.items()))
