"""What the commands share: settings, reading files, showing results and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from ledger.errors import ConfigError

if TYPE_CHECKING:
    from ledger.client import LedgerClient
    from ledger.config import Settings
    from ledger.keys import KeyFile

INPUT_MAX_BYTES: Final = 1 << 30
DEFAULT_URL: Final = "http://127.0.0.1:8000"

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where ledgers and keys lie; default: var.")]
Url = Annotated[str, typer.Option("--url", envvar="GONGFEN_URL", help="The server.")]
LedgerName = Annotated[str, typer.Option("--ledger", envvar="GONGFEN_LEDGER", help="The ledger's short name.")]
TokenText = Annotated[
    str | None, typer.Option("--token", envvar="GONGFEN_TOKEN", help="A bearer token; better given by the environment.")
]


def settings_of(data_dir: Path | None = None, **options: object) -> Settings:
    """The settings in force: options, then the environment, then ``.env``. Raises `ConfigError`."""
    from pydantic import ValidationError

    from ledger.config import Settings

    given = {name: value for name, value in {"data_dir": data_dir, **options}.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"setting GONGFEN_{name.upper()}: {first['msg'][:1].lower()}{first['msg'][1:]}", got=str(first["input"])
        ) from error


def client_of(url: str, token: str | None) -> LedgerClient:
    """A client of a server."""
    from ledger.client import LedgerClient

    return LedgerClient(url, token)


def event_key(path: Path) -> KeyFile:
    """An event key from its file. Raises `ConfigError`."""
    from ledger.keys import read_key

    return read_key(path, "event")


def read_input(name: str) -> bytes:
    """The content of a file, of standard input for ``-``. Raises `ConfigError`."""
    try:
        data = sys.stdin.buffer.read(INPUT_MAX_BYTES) if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", field=name) from error
    return data


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises `ConfigError`."""
    try:
        return read_input(str(path)).decode()
    except UnicodeDecodeError as error:
        raise ConfigError("not text in UTF-8", field=str(path)) from error


def write_output(path: Path, data: bytes) -> None:
    """Write a result to a file. Raises `ConfigError`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", field=str(path)) from error


def printable(text: str) -> str:
    """Text on one line, what a terminal would act on escaped: it may quote somebody who cheats."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def show(value: dict[str, Any], as_json: bool, text: Callable[[], str]) -> None:
    """Print a result on standard output: as one line of JSON, or as ``text`` for people."""
    print(json.dumps(value, ensure_ascii=False) if as_json else text(), flush=True)


class Advance(Protocol):
    """Tells a progress bar how many more are done, and how many there are if only that is known by then."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on stderr, only on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,  # results belong on standard output, also while a bar is shown
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(label, total=total)

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, advance=done, total=total)

        yield advance
