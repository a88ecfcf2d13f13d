"""The commands of the HTTP side: `serve` and `token`. Nothing heavy is imported before one of them runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.commands.common import DataDir, Json, settings_of, show

if TYPE_CHECKING:
    from api.auth import Token

tokens = typer.Typer(no_args_is_help=True, help="Make, list and revoke the bearer tokens of the server.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("serve")(serve)
    app.add_typer(tokens, name="token")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; other machines' only once a token exists.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Serve the ledgers over HTTP until stopped. The one process that writes them."""
    from api.server import serve as run

    settings = settings_of(data_dir, host=host, port=port)
    run(settings, lambda url: show({"url": url}, as_json, lambda: f"serving on {url}"))


@tokens.command("create")
def create(
    scope: Annotated[list[str], typer.Option(help="append, read, disclose or operate; give it once for each.")],
    ledger: Annotated[list[str] | None, typer.Option(help="Ledger it is for, by short name; default: all.")] = None,
    label: Annotated[str, typer.Option(help="Whose token it is, for the list.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; default: never.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a token and show it, this once. From the first one on, the server asks for a token."""
    from api.auth import TokenFile, parse_scope

    expires_at = None if days is None else int((datetime.now(UTC) + timedelta(days=days)).timestamp() * 1000)
    text, token = TokenFile.of(settings_of(data_dir).data_dir).create(
        [parse_scope(name) for name in scope], ledger or [], label=label, expires_at=expires_at
    )
    show({"token": text, **_shown(token)}, as_json, lambda: text)


@tokens.command("list")
def list_tokens(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Every token ever made: id, scopes, ledgers, standing. The secrets are not stored."""
    from api.auth import TokenFile

    found = [_shown(token) for token in TokenFile.of(settings_of(data_dir).data_dir).read()]
    show({"tokens": found}, as_json, lambda: "\n".join(map(_line, found)) or "no tokens: the server is open")


@tokens.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `gongfen token list` shows it.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a token useless; a running server notices within a second."""
    from api.auth import TokenFile

    token = _shown(TokenFile.of(settings_of(data_dir).data_dir).revoke(token_id))
    show(token, as_json, lambda: f"revoked {token_id}")


def _shown(token: Token) -> dict[str, Any]:
    from ledger.service.storage import now_ms

    value: dict[str, Any] = {
        "id": token.id,
        "label": token.label,
        "scopes": list(token.scopes),
        "ledgers": list(token.ledgers),
        "standing": token.standing(now_ms()),
        "created_at": token.created_at,
    }
    if token.expires_at:
        value["expires_at"] = token.expires_at
    return value


def _line(token: dict[str, Any]) -> str:
    scopes, ledgers = ",".join(token["scopes"]), ",".join(token["ledgers"])
    return f"{token['id']}  {token['standing']:8}  {scopes}  {ledgers}  {token['label']}".rstrip()
