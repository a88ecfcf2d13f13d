"""`gongfen import` and `gongfen export`: the village's books as spreadsheets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

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
    show,
)
from ledger.errors import ConfigError, LedgerError, RefusalError

if TYPE_CHECKING:
    from ledger.client import LedgerClient
    from ledger.service.spreadsheets.faults import Fault
    from ledger.service.spreadsheets.importing import Order, Report
    from ledger.service.spreadsheets.people import People

SheetName = Literal["register", "opening", "awards", "deductions"]
Language = Literal["en", "zh"]
PEOPLE_SUFFIX: Final = ".people.csv"
"""The people file of a ledger lies beside the sheet, under the ledger's short name and this."""
_LINES_SHOWN: Final = 200


def import_(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The sheet: .xlsx or .csv.")] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", envvar="GONGFEN_LEDGER", help="The ledger's short name.")
    ] = None,
    key: Annotated[list[Path] | None, typer.Option(help="Key file that signs; the first is the actor's.")] = None,
    sheet: Annotated[SheetName | None, typer.Option(help="Kind of sheet; default: what its title tells.")] = None,
    people: Annotated[
        Path | None, typer.Option(help="Who stands for which party; default: <ledger>.people.csv beside the sheet.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Whose points they are; default: the first key's.")] = None,
    date: Annotated[str | None, typer.Option(help="Day of the rows that name none.")] = None,
    allow_alike: Annotated[
        bool, typer.Option("--allow-alike", help="Take rows that say the same as another row or entry.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all but send; nothing is written.")] = False,
    template: Annotated[SheetName | None, typer.Option(help="Write an empty sheet of this kind instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the empty sheet is written; it must not exist.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    language: Annotated[Language, typer.Option("--lang", envvar="GONGFEN_LANG", help="Of the report.")] = "en",
    as_json: Json = False,
) -> None:
    """Import a sheet of the village's books: register, opening balances, awards or deductions.

    Every row is judged first, here and by the ledger; if one is bad, all bad rows are told and nothing is sent. A sheet
    that was imported before adds nothing.
    """
    if template is not None:
        _write_template(template, out, as_json)
        return
    if file is None or ledger is None or not key:
        raise ConfigError("an import takes a FILE, --ledger and --key; an empty sheet --template and --out")
    order = _order(file, ledger, key, sheet, people, issuer, date, allow_alike=allow_alike, dry_run=dry_run)
    with client_of(url, token) as client:
        report = _import(order, client, ledger)
    value = _shown(order, report)
    show(value, as_json, lambda: "\n".join(_told(order, report, language)))
    _raise_what_failed(report, language)


def _order(
    file: Path,
    ledger: str,
    key: Sequence[Path],
    sheet: str | None,
    people: Path | None,
    issuer: str | None,
    date: str | None,
    *,
    allow_alike: bool,
    dry_run: bool,
) -> Order:
    from ledger.core.types import parse_party
    from ledger.domain.fields import day_of
    from ledger.service.spreadsheets import cells
    from ledger.service.spreadsheets.importing import Order
    from ledger.service.storage import now_ms

    return Order(
        path=file,
        people=people or file.parent / f"{ledger}{PEOPLE_SUFFIX}",
        keys=[event_key(path) for path in key],
        today=day_of(now_ms()),
        sheet=sheet,
        issuer=None if issuer is None else parse_party(issuer, "issuer"),
        day=None if date is None else cells.day(date),
        allow_alike=allow_alike,
        dry_run=dry_run,
    )


class _Server:
    """One ledger of a server, as an import asks it."""

    def __init__(self, client: LedgerClient, name: str) -> None:
        self._client = client
        self._name = name

    def entries(self) -> Iterator[bytes]:
        return self._client.entries(self._name)

    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]:
        return self._client.check(self._name, submissions)

    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        return self._client.submit_many(self._name, submissions)


def _import(order: Order, client: LedgerClient, ledger: str) -> Report:
    from ledger.service.spreadsheets.importing import import_sheet

    total = int(client.ledger(ledger)["size"])
    with progress("reading the ledger", total) as advance:
        return import_sheet(order, _Server(client, ledger), advance)


def _shown(order: Order, report: Report) -> dict[str, Any]:
    plan = report.plan
    value: dict[str, Any] = {
        "sheet": report.sheet,
        "title": report.title,
        "dry_run": order.dry_run,
        "rows": plan.rows,
        "passed_over": plan.passed_over,
        "nothing_to_enter": plan.nothing,
        "unknown_columns": list(report.unknown),
        "events": report.events,
        "appended": list(report.appended),
        "standing": report.standing,
        "newcomers": len(plan.newcomers),
        "faults": [fault._asdict() for fault in report.faults],
        "refused": [fault._asdict() for fault in report.refused],
    }
    return value | ({"lost": report.lost} if report.lost else {})


def _told(order: Order, report: Report, language: Language) -> list[str]:
    lines = _told_in_chinese(order, report) if language == "zh" else _told_in_english(order, report)
    at = 2 if report.unknown else 1
    lines[at:at] = _grouped(report.faults or report.refused, language)
    return [printable(lines[0]), *(printable(f"  {line}") for line in lines[1:])]


def _told_in_english(order: Order, report: Report) -> list[str]:
    """What was read, what was not, and what became of it; nothing of the last if there are faults."""
    plan = report.plan
    passed = f", {plan.passed_over} passed over" if plan.passed_over else ""
    empty = f", {plan.nothing} with nothing to enter" if plan.nothing else ""
    lines = [f"{order.path.name}, {report.title}: {report.sheet}, {plan.rows} rows{passed}{empty}"]
    if report.unknown:
        lines.append(f"not read: {', '.join(report.unknown)}")
    if report.faults:
        return lines
    would = "would be " if order.dry_run else ""
    where = f" as {_ranges(report.appended, 'entry', 'entries')}" if report.appended and not order.dry_run else ""
    lines.append(f"{len(report.appended)} {would}appended{where}, {report.standing} stood there already")
    if plan.newcomers and not order.dry_run:
        lines.append(f"{len(plan.newcomers)} new in {order.people}: personal data, keep it to yourself")
    return lines


def _told_in_chinese(order: Order, report: Report) -> list[str]:
    """The same, for the clerk of a village."""
    from ledger.service.spreadsheets.kinds import KINDS

    plan = report.plan
    passed = f"，跳过{plan.passed_over}行" if plan.passed_over else ""
    empty = f"，{plan.nothing}行无数可记" if plan.nothing else ""
    lines = [f"{order.path.name}，{report.title}：{KINDS[report.sheet].titles[0]}，{plan.rows}行{passed}{empty}"]
    if report.unknown:
        lines.append(f"未读的列：{'、'.join(report.unknown)}")
    if report.faults:
        return lines
    done = "可入账" if order.dry_run else "已入账"
    where = f"（第{_spans(report.appended)}条）" if report.appended and not order.dry_run else ""
    lines.append(f"{done}{len(report.appended)}笔{where}，原已在账{report.standing}笔")
    if plan.newcomers and not order.dry_run:
        lines.append(f"{order.people} 新增{len(plan.newcomers)}个主体：含个人信息，请妥善保管")
    return lines


def _grouped(faults: Sequence[Fault], language: Language) -> list[str]:
    """Faults as lines; rows that have the same fault share one."""
    rows: dict[tuple[str, str, str], list[int]] = {}
    for fault in faults:
        reason = fault.reason_zh if language == "zh" else fault.reason
        rows.setdefault((fault.column, reason, fault.got), []).append(fault.row)
    lines = []
    for (column, reason, got), numbers in rows.items():
        place = f"第{_spans(numbers)}行" if language == "zh" else _ranges(numbers, "row", "rows")
        found = f"；现为 {got}" if language == "zh" else f"; got {got}"
        lines.append(printable(f"{place}{f', {column}' if column else ''}: {reason}{found if got else ''}"))
    left = len(lines) - _LINES_SHOWN
    more = f"另有{left}处，用 --json 查看全部" if language == "zh" else f"… {left} more; --json tells all"
    return lines[:_LINES_SHOWN] + ([more] if left > 0 else [])


def _ranges(numbers: Sequence[int], one: str, several: str) -> str:
    return f"{one if len(set(numbers)) == 1 else several} {_spans(numbers)}"


def _spans(numbers: Sequence[int]) -> str:
    """Numbers in a few words: ``2-5, 9``."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)


def _raise_what_failed(report: Report, language: Language) -> None:
    bad, rows = len({fault.row for fault in report.faults or report.refused}), report.plan.rows
    if report.faults:
        english = f"{bad} of {rows} rows {'is' if bad == 1 else 'are'} bad; nothing was sent"
        chinese = f"{rows}行中有{bad}行有误，一笔也没有发送；请改正后重新导入"
    elif report.lost:
        english = f"the server was lost on the way ({report.lost}); import again: what stands is not doubled"
        chinese = f"与服务器的连接中断（{report.lost}）；请重新导入，已入账的不会重复"
    elif report.refused:
        english = f"{bad} rows were refused, the others stand; mend these and import again"
        chinese = f"{bad}行未被接受，其余已入账；请改正后重新导入"
    else:
        return
    raise RefusalError(chinese if language == "zh" else english)


def _write_template(name: SheetName, out: Path | None, as_json: bool) -> None:
    from ledger.service.spreadsheets.templates import template

    if out is None or out.suffix.lower() != ".xlsx":
        raise ConfigError("an empty sheet is a workbook", field="out", expected="a file name that ends with .xlsx")
    try:
        with out.open("xb") as file:
            file.write(template(name))
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", field=str(out)) from error
    show({"template": name, "out": str(out)}, as_json, lambda: f"wrote an empty sheet for {name} to {out}")


def export(
    ledger: LedgerName,
    out: Annotated[Path, typer.Option(help="File to write: .xlsx or .csv.")],
    what: Annotated[list[str], typer.Option(help="accounts, entries or register; several make several worksheets.")],
    people: Annotated[Path | None, typer.Option(help="A people file, for names and numbers.")] = None,
    disclose: Annotated[bool, typer.Option("--disclose", help="With names and numbers, from the ledger.")] = False,
    language: Annotated[Language, typer.Option("--lang", help="Of the headings.")] = "zh",
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Write accounts, entries or the register to a spreadsheet, for its owner's eyes only (mode 600)."""
    from ledger.files import replace_file
    from ledger.service.spreadsheets.exporting import TITLES, Gathered, page_of, people_of
    from ledger.service.spreadsheets.people import People, read_people
    from ledger.service.spreadsheets.writing import to_text, to_workbook

    wanted = [one for one in TITLES if one in what]
    workbook = _is_workbook(out, what, TITLES)
    with client_of(url, token) as client:
        with progress("reading the ledger", int(client.ledger(ledger)["size"])) as advance:
            gathered = Gathered.of(_counted(client.entries(ledger), advance), lines="entries" in wanted)
        known: People = read_people(people) if people else People()
        if disclose:
            with progress("reading names and numbers", len(gathered.registered)) as advance:
                known = people_of(gathered, lambda seq: _details(client, ledger, seq, advance))
    pages = [page_of(one, gathered, known, language) for one in wanted]
    replace_file(out, to_workbook(pages) if workbook else to_text([pages[0].headings, *pages[0].rows]))
    counts = {name: len(page.rows) for name, page in zip(wanted, pages, strict=True)}
    rows = ", ".join(f"{count} rows of {name}" for name, count in counts.items())
    show({"out": str(out), "rows": counts}, as_json, lambda: f"wrote {rows} to {out}: keep it to yourself")


def _is_workbook(out: Path, wanted: Sequence[str], known: Collection[str]) -> bool:
    suffix = out.suffix.lower()
    for name in wanted:
        if name not in known:
            raise ConfigError("no such table", field="what", expected=", ".join(known), got=name)
    if suffix not in (".xlsx", ".csv"):
        raise ConfigError("not a kind of file that is written", field="out", expected=".xlsx or .csv", got=suffix)
    if suffix == ".csv" and len(set(wanted)) > 1:
        raise ConfigError("a .csv holds one table", field="what", expected="one, or an .xlsx", got=", ".join(wanted))
    return suffix == ".xlsx"


def _counted(entries: Iterator[bytes], advance: Any) -> Iterator[bytes]:
    for data in entries:
        advance(1)
        yield data


def _details(client: LedgerClient, ledger: str, seq: int, advance: Any) -> Mapping[str, str]:
    """The private details of an entry that can still be read."""
    from ledger.core import disclosure
    from ledger.core.receipt import Receipt, parse

    proof = parse(client.receipt(ledger, str(seq), disclose=True))
    advance(1)
    texts = proof.disclosures if isinstance(proof, Receipt) else []
    return {one.name: str(one.value) for one in map(disclosure.parse, texts)}
