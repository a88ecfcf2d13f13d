"""`gongfen receipt` and `gongfen verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ledger.commands.common import (
    DEFAULT_URL,
    Json,
    LedgerName,
    TokenText,
    Url,
    client_of,
    printable,
    read_input,
    read_text,
    show,
    write_output,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.verify import Report

Language = Literal["en", "zh"]
RESULTS: Final = {
    "ok": ("ok", "正确"),
    "failed": ("WRONG", "错误"),
    "missing": ("missing", "缺少"),
    "outdated": ("outdated", "过期"),
    "not_asked": ("not asked", "未要求"),
}
"""A step's result in a word, in English and Chinese."""


def receipt(
    event: Annotated[str, typer.Argument(help="The event's id, or its entry's seq.")],
    ledger: LedgerName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    out: Annotated[Path | None, typer.Option(help="File to write it to; default: standard output.")] = None,
    disclose: Annotated[bool, typer.Option("--disclose", help="With the private details.")] = False,
    tlog_proof: Annotated[bool, typer.Option("--tlog-proof", help="As a C2SP tlog-proof: inclusion alone.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch the best receipt there is of an event: anchored, else committed, else early."""
    from ledger.core.receipt import Receipt, parse
    from ledger.core.tlogproof import TlogProof
    from ledger.errors import StateError

    with client_of(url, token) as client:
        data = client.receipt(ledger, event, disclose=disclose)
    proof = parse(data)
    if not isinstance(proof, Receipt):
        raise StateError("the server sent something else than a receipt", got=type(proof).__name__)
    if tlog_proof:
        data = str(TlogProof(proof.index, tuple(proof.path), proof.checkpoint)).encode()
    if out is None:
        print(data.decode(), end="" if tlog_proof else "\n", flush=True)
        return
    write_output(out, data)
    standing = "anchored" if proof.anchors else "committed" if proof.commitment else "early"
    value = {"file": str(out), "seq": proof.index, "standing": standing, "bytes": len(data)}
    show(value, as_json, lambda: f"wrote the {standing} receipt of entry {proof.index} to {out}")


def verify(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The receipt or statement; - for standard input.")],
    trust: Annotated[Path, typer.Option(help="Your own trust file: whose word you take (docs/spec/formats.md §9).")],
    fresh: Annotated[
        Path | None, typer.Option(help="A newer statement of a party concerned: shows whether it was taken back.")
    ] = None,
    no_rpc: Annotated[bool, typer.Option("--no-rpc", help="Ask no node: the best verdict may be pending.")] = False,
    language: Annotated[Language, typer.Option("--lang", envvar="GONGFEN_LANG", help="Of the sentences.")] = "en",
    as_json: Json = False,
) -> None:
    """Check a receipt or statement, trusting nobody but the keys in your trust file.

    Exit codes: 0 genuine, 3 a confirmation is still missing, 4 superseded, 1 not valid, 2 unreadable or misused.
    """
    from ledger.rpc import RpcReader
    from ledger.service.storage import now_ms
    from ledger.verify import verify as check

    data, text = read_input(file), read_text(trust)
    newer = read_input(str(fresh)) if fresh else None
    with RpcReader() as reader:
        report = check(data, text, chain=None if no_rpc else reader, now_ms=now_ms(), fresh=newer)
    show(report.as_json(), as_json, lambda: told(report, language, recorded(data)))
    raise typer.Exit(report.exit_code)


def recorded(data: bytes) -> list[tuple[str, str]]:
    """What the record of a receipt says, in pairs of name and value; nothing for what is no receipt."""
    from ledger.core import disclosure
    from ledger.core.receipt import Receipt, parse
    from ledger.domain.entries import parse_entry
    from ledger.errors import LedgerError

    try:
        proof = parse(data)
        if not isinstance(proof, Receipt):
            return []
        entry = parse_entry(proof.entry)
        details = [disclosure.parse(text) for text in proof.disclosures]
    except LedgerError:
        return []
    found = [("kind", entry.event.body.kind), ("day", entry.event.occurred_on), ("event", entry.event.id)]
    for posting in entry.effects.postings:
        sign, amount = "-" if posting.delta < 0 else "+", abs(posting.delta)
        found.append(("points", f"{sign}{amount // 100}.{amount % 100:02} {posting.account}"))
    return found + [(detail.name, str(detail.value)) for detail in details]


def told(report: Report, language: Language, record: Sequence[tuple[str, str]] = ()) -> str:
    """A report for people: the verdict, whom and what it is about, each step with all that it found.

    ``record`` is told only where nothing is wrong with it.
    """
    chinese = language == "zh"
    lines = [report.sentence_zh if chinese else report.sentence, ""]
    about = {name: value for name, value in report.subject._asdict().items() if value is not None}
    lines += [f"  {name.replace('_', ' '):12} {value}" for name, value in about.items()]
    if report.verdict != "invalid":
        lines += [f"  {name:12} {printable(value)}" for name, value in record]
    lines += [""] if about else []
    for step in report.steps:
        word = RESULTS[step.result][chinese]
        lines.append(f"  {step.code:11} {word:9} {step.sentence_zh if chinese else step.sentence}")
        lines += [f"{'':24}{printable(str(finding))}" for finding in step.findings if finding.result != "not_asked"]
    return "\n".join(lines)
