"""`gongfen event`: signing events and submitting them."""

from __future__ import annotations

import json
import secrets
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.commands.common import (
    DEFAULT_URL,
    DataDir,
    Json,
    LedgerName,
    TokenText,
    Url,
    client_of,
    event_key,
    progress,
    read_input,
    settings_of,
    show,
)
from ledger.errors import FormatError, LedgerError, RefusalError

if TYPE_CHECKING:
    from ledger.core.encoding import JSON

app = typer.Typer(no_args_is_help=True, help="Sign events, and submit them to a server.")
Input = Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for standard input.")]


@app.command("sign")
def sign(
    file: Input,
    key: Annotated[list[Path], typer.Option(help="Key file that signs; the first is the actor's.")],
    disclosure: Annotated[
        list[str] | None,
        typer.Option(help="A private detail: name=value, which is salted here, or a disclosure made elsewhere."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign an event; the result is what `event submit` takes.

    Where the event leaves them out, v, id and actor are filled in. The result is JSON with or without --json.
    """
    from ledger.core.encoding import parse_json
    from ledger.domain.fields import encode
    from ledger.service.founding import sign_submission

    keys = [event_key(path) for path in key]
    given = parse_json(read_input(file))
    if not isinstance(given, dict):
        raise FormatError("not an event", field=file, expected="a JSON object", got=type(given).__name__)
    event: dict[str, JSON] = {"v": 1, "id": str(uuid.uuid4()), "actor": keys[0].party_id, **given}
    shown = [_disclose(event, text) for text in disclosure or []]
    print(encode(sign_submission(event, keys, shown)).decode(), flush=True)


def _disclose(event: dict[str, JSON], text: str) -> str:
    """A disclosure for ``name=value``, its digest put into the event; a ready-made one as it is."""
    from ledger.core import disclosure
    from ledger.domain.kinds import KINDS

    name, equals, value = text.partition("=")
    if not equals:
        return text
    kind = KINDS.get(str(event.get("kind")))
    number = kind is not None and kind.private.get(name) == "integer"
    try:
        made = disclosure.make(secrets.token_bytes(disclosure.SALT_SIZE), name, int(value) if number else value)
    except ValueError as error:
        raise FormatError("not an integer", field=f"private.{name}", got=value) from error
    private = event.setdefault("private", {})
    if not isinstance(private, dict):
        raise FormatError("not an object of digests", field="private", got=type(private).__name__)
    private[name] = disclosure.digest(made)
    return made


@app.command("submit")
def submit(
    file: Input,
    ledger: LedgerName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Submit one signed event, or many: one on each line. Each is answered in order; a refused one harms no other."""
    data = read_input(file)
    lines = _lines(data)
    with client_of(url, token) as client:
        if len(lines) == 1:
            answer = client.submit(ledger, lines[0])
            show(answer, as_json, lambda: _told(answer))
            return
        refused = 0
        with progress("submitting", len(lines)) as advance:
            for place, outcome in enumerate(client.submit_many(ledger, lines), 1):
                refused += isinstance(outcome, LedgerError)
                _show_line(place, outcome, as_json)
                advance(1)
    if refused:
        raise RefusalError(f"{refused} of {len(lines)} events were refused; the others stand in the ledger")


def _lines(data: bytes) -> list[bytes]:
    """The submissions of a file: the whole, if it is one JSON value over several lines, else its lines."""
    lines = [line for line in data.splitlines() if line.strip()]
    if not lines:
        raise FormatError("nothing to submit", expected="a signed event of `gongfen event sign`")
    if len(lines) > 1:
        try:
            json.loads(data)
        except ValueError:
            return lines
        return [data]
    return lines


def _told(answer: dict[str, Any]) -> str:
    return f"entry {answer['seq']}{' (stood there already)' if answer['replayed'] else ''}, leaf {answer['leaf']}"


def _show_line(place: int, outcome: dict[str, Any] | LedgerError, as_json: bool) -> None:
    if isinstance(outcome, LedgerError):
        show({"line": place, "code": outcome.code, "detail": str(outcome)}, as_json, lambda: f"{place}: {outcome}")
    else:
        show({"line": place, **outcome}, as_json, lambda: f"{place}: {_told(outcome)}")


@app.command("load")
def load(file: Input, ledger: LedgerName, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Load many signed events, one on each line, straight into the database, while no server runs.

    Verified on all cores, judged and answered as if each had been submitted: for the first filling of a large ledger.
    """
    from ledger.service.imports import GROUP, import_events
    from ledger.service.memory import calm
    from ledger.service.storage import Storage
    from ledger.service.verifiers import SignatureChecker

    lines = _lines(read_input(file))
    storage = Storage(settings_of(data_dir))
    refused = done = 0
    try:
        storage.open_for_writing()
        writer = storage.writer_named(ledger)
        with calm(), SignatureChecker() as checker, progress("loading", len(lines)) as advance:
            for answers in import_events(writer, lines, checker, group_size=GROUP):
                for place, answer in enumerate(answers, done + 1):
                    if isinstance(answer, LedgerError):
                        refused += 1
                        _show_line(place, answer, as_json)
                done += len(answers)
                advance(len(answers))
        size = writer.size
    finally:
        storage.close()
    taken = len(lines) - refused
    show({"loaded": taken, "refused": refused, "size": size}, as_json, lambda: f"{taken} loaded, {refused} refused")
    if refused:
        raise RefusalError(f"{refused} of {len(lines)} events were refused; the others stand in the ledger")
