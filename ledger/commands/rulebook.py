"""`gongfen rulebook`: checking, comparing, adopting and showing the rule books of a village."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer

from ledger.commands.common import (
    DEFAULT_URL,
    Json,
    LedgerName,
    TokenText,
    Url,
    client_of,
    event_key,
    printable,
    progress,
    read_input,
    show,
)
from ledger.errors import ConfigError, FormatError, NotFoundError

if TYPE_CHECKING:
    from ledger.client import LedgerClient
    from ledger.domain.bookcheck import Fault
    from ledger.domain.kinds.books import RulebookAdopted
    from ledger.domain.rules import Book

app = typer.Typer(no_args_is_help=True, help="Check rule books, compare them, have them adopted, and show them.")

Language = Literal["en", "zh"]
BookFile = Annotated[str, typer.Argument(metavar="FILE", help="The book in TOML, or - for standard input.")]
Told = Annotated[Language, typer.Option("--lang", envvar="GONGFEN_LANG", help="Of the changes.")]
FAULTS_FOUND: Final = 1
_KIND: Final = b'"kind":"rulebook_adopted"'
_NAMED: Final = ("id", "name_zh", "name_en", "type", "target", "units", "points_units", "units_per_yuan")
"""The fields that have a column of their own in the table of rules, or none."""


class Adopted(NamedTuple):
    """A book on the log: its entry's seq, the event's id, the day of the vote, what was adopted."""

    seq: int
    event: str
    voted_on: str
    body: RulebookAdopted


@app.command("check")
def check(file: BookFile, as_json: Json = False) -> None:
    """Say whether a book can be adopted, with its rules and the hash of its canonical form; or tell all its faults.

    Exit codes: 0 it can, 1 it has faults.
    """
    from ledger.domain.bookread import read_book

    book, faults = read_book(read_input(file))
    if book is None:
        value = {"sound": False, "faults": [_fault(fault) for fault in faults]}
        show(value, as_json, lambda: _told_faults(file, faults))
        raise typer.Exit(FAULTS_FOUND)
    show({"sound": True, **_about(book), "rules": _plain(book)["rules"]}, as_json, lambda: _told_book(book))


@app.command("diff")
def diff(
    files: Annotated[list[str], typer.Argument(metavar="[OLD] NEW", help="Two books in TOML; or one, with --ledger.")],
    ledger: Annotated[
        str | None,
        typer.Option(envvar="GONGFEN_LEDGER", help="Without OLD: the ledger to compare with, by short name."),
    ] = None,
    version: Annotated[int | None, typer.Option(help="Which of its versions; default: the newest.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    language: Told = "en",
    as_json: Json = False,
) -> None:
    """Tell what changes from one book to another, rule by rule, for those who will vote on it."""
    if len(files) > 2 or (len(files) == 1 and ledger is None):
        raise ConfigError("give two files, or one and --ledger", field="files", got=len(files))
    new = _read(files[-1])
    if len(files) == 2:
        old = _read(files[0])
    else:
        with client_of(url, token) as client:
            old = _one_of(_adopted(client, str(ledger)), version).body.book
    show(_diff(old, new), as_json, lambda: _told_diff(old, new, language))


@app.command("adopt")
def adopt(
    file: BookFile,
    ledger: LedgerName,
    effective_on: Annotated[str, typer.Option(metavar="DAY", help="From this day on acts are judged by the book.")],
    eligible: Annotated[int, typer.Option(min=1, help="How many villagers may vote.")],
    present: Annotated[int, typer.Option(min=0, help="How many of them were there.")],
    in_favour: Annotated[int, typer.Option(min=0, help="How many were for it.")],
    against: Annotated[int, typer.Option(min=0, help="How many were against it.")],
    key: Annotated[list[Path], typer.Option(help="Key file that signs: council, oversight; the first is the actor's.")],
    voted_on: Annotated[str | None, typer.Option(metavar="DAY", help="Day of the vote; default: today.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    language: Told = "en",
    as_json: Json = False,
) -> None:
    """Put a book that was voted on the ledger, and tell what it changes.

    A key of the council and one of the oversight sign; one of the township, too, where DAY lies before today.
    """
    from ledger.domain.fields import encode
    from ledger.domain.kinds.books import RulebookAdopted, Votes
    from ledger.service.founding import sign_submission

    keys = [event_key(path) for path in key]
    book = _read(file)
    votes = Votes(eligible=eligible, present=present, in_favour=in_favour, against=against)
    body = RulebookAdopted(book=book, effective_on=effective_on, votes=votes)
    body.check()
    with client_of(url, token) as client:
        before = _newest(_adopted(client, ledger))
        changes = _diff(before, book) if before else {}
        if not as_json:
            print(_told_diff(before, book, language) if before else _told_book(book), flush=True)
        event: dict[str, Any] = {
            "v": 1,
            "ledger": client.ledger(ledger)["origin"],
            "id": str(uuid.uuid4()),
            "kind": body.kind,
            "occurred_on": voted_on or _today(),
            "actor": keys[0].party_id,
            "body": _plain(body),
        }
        answer = client.submit(ledger, encode(sign_submission(event, keys)))
    law = f"version {book.version} of {book.book} is law from {effective_on} on"
    show({**answer, **_about(book), **changes}, as_json, lambda: f"entry {answer['seq']}, leaf {answer['leaf']}: {law}")


@app.command("show")
def show_books(
    ledger: LedgerName,
    version: Annotated[int | None, typer.Option(help="Show the rules of this version.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Show which versions were adopted, from which day each is law, and how the village voted."""
    with client_of(url, token) as client:
        found = _adopted(client, ledger)
    if version is not None:
        one = _one_of(found, version)
        value = {**_version(one, found), "rules": _plain(one.body.book)["rules"]}
        show(value, as_json, lambda: _told_book(one.body.book))
        return
    versions = [_version(one, found) for one in found]
    show({"versions": versions}, as_json, lambda: _told_versions(versions))


# Books ----------------------------------------------------------------------------------------------------------------


def _read(file: str) -> Book:
    """A book from its file. Raises `FormatError` for its first fault, with the file's name and the line."""
    from ledger.domain.bookcheck import error_of
    from ledger.domain.bookread import read_book

    book, faults = read_book(read_input(file))
    if book is None:
        error = error_of(faults)
        more = "; `gongfen rulebook check` tells them all" if len(faults) > 1 else ""
        raise FormatError(
            error.message + more,
            code=error.code,
            field=f"{file}, {error.field}",
            expected=error.expected,
            got=error.got,
        )
    return book


def _adopted(client: LedgerClient, ledger: str) -> list[Adopted]:
    """Every book on the log, oldest first; the whole log is read for it."""
    from ledger.domain.entries import parse_entry
    from ledger.domain.kinds.books import RulebookAdopted

    found = []
    with progress("reading", client.ledger(ledger)["size"]) as advance:
        for data in client.entries(ledger):
            advance(1)
            if _KIND in data:
                entry = parse_entry(data)
                if isinstance(entry.event.body, RulebookAdopted):
                    found.append(Adopted(entry.chain.seq, entry.event.id, entry.event.occurred_on, entry.event.body))
    return found


def _newest(found: Sequence[Adopted]) -> Book | None:
    return found[-1].body.book if found else None


def _one_of(found: Sequence[Adopted], version: int | None) -> Adopted:
    """The version asked for, or the newest. Raises `NotFoundError`."""
    known = {one.body.book.version: one for one in found}
    if not known:
        raise NotFoundError("no rule book was adopted yet", field="ledger", expected="one of `gongfen rulebook adopt`")
    wanted = max(known) if version is None else version
    if wanted not in known:
        raise NotFoundError("no such version", field="version", expected=f"1 to {max(known)}", got=wanted)
    return known[wanted]


def _today() -> str:
    from ledger.domain.fields import day_of
    from ledger.service.storage import now_ms

    return day_of(now_ms())


def _plain(value: object) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _digest(book: Book) -> str:
    """SHA-256 of the canonical form."""
    from ledger.core.hashing import digest
    from ledger.domain.fields import encode

    return digest(encode(book)).hex()


def _about(book: Book) -> dict[str, Any]:
    from ledger.domain.fields import encode

    names = {"book": book.book, "version": book.version, "title": book.title}
    return {**names, "bytes": len(encode(book)), "sha256": _digest(book)}


def _diff(old: Book, new: Book) -> dict[str, Any]:
    from ledger.domain.bookdiff import diff_books

    return {"old": _about(old), "new": _about(new), "changes": _plain(diff_books(old, new))}


def _version(one: Adopted, found: Sequence[Adopted]) -> dict[str, Any]:
    body = one.body
    in_force = [other.body.book.version for other in found if other.body.effective_on <= _today()]
    return {
        **_about(body.book),
        "effective_on": body.effective_on,
        "voted_on": one.voted_on,
        "votes": _plain(body.votes),
        "seq": one.seq,
        "event": one.event,
        "in_force": in_force[-1:] == [body.book.version],
    }


# In words -------------------------------------------------------------------------------------------------------------


def _fault(fault: Fault) -> dict[str, Any]:
    return {"line": fault.line, "field": fault.field, "expected": fault.expected, "got": fault.got}


def _told_faults(file: str, faults: Sequence[Fault]) -> str:
    from ledger.domain.bookcheck import FAULTS_MAX

    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults{' or more' * (len(faults) == FAULTS_MAX)}"
    lines = [f"  line {fault.line}: {fault.field}: expected {fault.expected}; got {fault.got}" for fault in faults]
    return "\n".join(map(printable, [f"{file}: {count}", *lines]))


def _told_book(book: Book) -> str:
    """A book with a line for each rule."""
    from ledger.domain.bookread import BOOK_MAX_BYTES

    about = _about(book)
    rules = f"{len(book.rules)} rule{'s'[: len(book.rules) != 1]}"
    head = [f"{book.book}, version {book.version}: {book.title}"]
    head += [f"{rules}, {about['bytes']} of {BOOK_MAX_BYTES} bytes in canonical form, sha256 {about['sha256']}", ""]
    rows = [("id", "name", "type", "for a", "points", "counts in", "and"), *_rows(book)]
    return "\n".join(map(printable, [*head, *_columns(rows)]))


def _rows(book: Book) -> Iterator[tuple[str, ...]]:
    from ledger.domain.bookdiff import LABELS, fields_of, in_words

    for rule in book.rules:
        given = {name: in_words(name, value) for name, value in fields_of(rule).items()}
        price = f"{given['units_per_yuan']} a yuan" if "units_per_yuan" in given else given.get("points_units", "-")
        rest = "; ".join(f"{LABELS[name][0]} {words}" for name, words in given.items() if name not in _NAMED)
        yield rule.id, rule.name_zh, rule.type, rule.target, price, given.get("units", "-"), rest


def _told_diff(old: Book, new: Book, language: Language) -> str:
    from ledger.domain.bookdiff import diff_books, render

    lines = [
        f"{new.book}: version {old.version} → version {new.version}",
        *render(diff_books(old, new), language).split("\n"),
    ]
    return "\n".join(map(printable, lines))


def _told_versions(versions: Sequence[dict[str, Any]]) -> str:
    if not versions:
        return "no rule book was adopted yet"
    rows = [("book", "version", "law from", "voted on", "eligible", "present", "for", "against", "entry", "sha256")]
    for one in versions:
        law = one["effective_on"] + (" (in force)" if one["in_force"] else "")
        votes = (str(one["votes"][name]) for name in ("eligible", "present", "in_favour", "against"))
        seq, digest = str(one["seq"]), one["sha256"]
        rows.append((one["book"], str(one["version"]), law, one["voted_on"], *votes, seq, digest))
    return "\n".join(map(printable, _columns(rows)))


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their cells below one another, also where characters are two wide."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
