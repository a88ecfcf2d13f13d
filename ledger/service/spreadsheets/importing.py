"""Importing a sheet: all rows are read and judged before any event is sent, and nothing is sent if one is bad.

First here, against what the log says; then by the ledger itself, which judges all events together without appending
any. Only then are they sent. Should some be refused even so, because somebody else wrote in between, the report says
which rows stand, and the same import again completes it: what stands is recognised by its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from ledger.errors import BusyError, ConfigError, FormatError, LedgerError
from ledger.keys import KeyFile, new_party
from ledger.service.spreadsheets.columns import Sheet, find_headings
from ledger.service.spreadsheets.drafts import Sealed, seal
from ledger.service.spreadsheets.faults import Fault, Flaw
from ledger.service.spreadsheets.kinds import SheetKind, choose
from ledger.service.spreadsheets.logview import LogView, only_issuer
from ledger.service.spreadsheets.people import People, read_people, write_people
from ledger.service.spreadsheets.planning import Plan, Setting
from ledger.service.spreadsheets.tables import read_tables

EVENTS_MAX: Final = 10_000
"""Events of one import: as many as the ledger judges together."""
PHOTO_MAX_BYTES: Final = 64 << 20
_COLUMN_OF: Final[Mapping[str, str]] = {
    "occurred_on": "day",
    "rule.id": "rule",
    "rule.version": "day",
    "body.subject": "name",
    "body.party": "name",
    "body.household": "household",
    "body.group": "group",
    "body.amount_units": "points",
    "body.quantity": "quantity",
    "body.noticed_on": "noticed_on",
    "body.appeal_until": "appeal_until",
}
"""The column that a field of an event comes from, for what the ledger refuses."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Server(Protocol):
    """What an import asks of one ledger; answers are as `ledger.client.LedgerClient` gives them."""

    def entries(self) -> Iterator[bytes]: ...
    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]: ...
    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]: ...


class Order(NamedTuple):
    """What is to be imported. ``people`` is the people file, ``day`` the day of rows that name none."""

    path: Path
    people: Path
    keys: Sequence[KeyFile]
    today: str
    sheet: str | None = None
    issuer: str | None = None
    day: str | None = None
    allow_alike: bool = False
    dry_run: bool = False


class Report(NamedTuple):
    """What became of a sheet.

    ``unknown`` are headings from which nothing was read. ``faults`` are of rows that were found bad, in which case
    nothing was sent; ``refused`` of rows that the ledger refused although it had not when it was asked before.
    ``appended`` are the seqs of new entries, in a dry run those that they would get; ``standing`` counts the events
    that stood there before, ``lost`` says why some answers are not known.
    """

    sheet: str
    title: str
    unknown: Sequence[str]
    plan: Plan
    events: int = 0
    faults: Sequence[Fault] = ()
    appended: Sequence[int] = ()
    standing: int = 0
    refused: Sequence[Fault] = ()
    lost: str = ""


def import_sheet(order: Order, server: Server, told: Callable[[int], None] = lambda _: None) -> Report:
    """Import one sheet, or with ``dry_run`` all but send it. ``told`` hears how many entries were read.

    Raises what speaks against the file, the people file or the server as a whole, as a `LedgerError`.
    """
    data = _read(order.path)
    kind, table = choose(read_tables(data, str(order.path)), order.sheet, order.path.stem)
    sheet = find_headings(table, kind.columns, kind.needed)
    people = read_people(order.people)
    view = LogView.of(_counted(server.entries(), told))
    _check_people(kind, people, view, order)
    plan = kind.plan(sheet, _setting(order, kind, people, view, data))
    report = Report(kind.name, table.title, sheet.unknown, plan)
    if plan.faults:
        return report._replace(faults=plan.faults)
    sealed = seal(plan.drafts, view.origin, order.keys)
    report = report._replace(events=len(sealed) + plan.standing, standing=plan.standing)
    if len(sealed) > EVENTS_MAX:
        raise FormatError(
            "too many events for one import; divide the sheet",
            code="too_large",
            field=str(order.path),
            expected=f"at most {EVENTS_MAX} events",
            got=len(sealed),
        )
    if faults := [] if order.allow_alike else _alike(sealed, view, sheet):
        return report._replace(faults=faults)
    return _deliver(report, sealed, plan, sheet, order, people, server)


def _deliver(
    report: Report, sealed: Sequence[Sealed], plan: Plan, sheet: Sheet, order: Order, people: People, server: Server
) -> Report:
    """Have the ledger judge all events; if it would take them all, note the newcomers and send."""
    lines = [one.data for one in sealed]
    verdicts = server.check(lines) if lines else []
    if faults := _refusals(sealed, verdicts, sheet):
        return report._replace(faults=faults)
    if order.dry_run or not lines:
        known = [one for one in verdicts if isinstance(one, dict)]
        fresh = [one["seq"] for one in known if not one["replayed"]]
        return report._replace(appended=fresh, standing=report.standing + len(known) - len(fresh))
    if plan.newcomers:  # before anything is sent: what was sent and not written down could not be found again
        write_people(order.people, People([*people.rows, *plan.newcomers]))
    outcomes: list[dict[str, Any] | LedgerError] = []
    lost = ""
    try:
        for outcome in server.submit(lines):
            outcomes.append(outcome)  # one by one: what came before the connection was lost is kept
    except BusyError as error:
        lost = str(error)
    taken = [one for one in outcomes if isinstance(one, dict)]
    appended = [one["seq"] for one in taken if not one["replayed"]]
    return report._replace(
        appended=appended,
        standing=report.standing + len(taken) - len(appended),
        refused=_refusals(sealed, outcomes, sheet),
        lost=lost,
    )


def _setting(order: Order, kind: SheetKind, people: People, view: LogView, data: bytes) -> Setting:
    issuer = order.issuer or only_issuer(view.issuers_of(order.keys[0].key_id))
    if kind.issues and issuer is None:
        raise ConfigError(
            "not plain whose points these are; say --issuer",
            field="issuer",
            expected="the party id of an organisation",
            got=", ".join(view.issuers_of(order.keys[0].key_id)) or "a first key that is no issuer's",
        )
    return Setting(
        view,
        people,
        issuer or "",
        order.today,
        order.day,
        hashlib.sha256(data).hexdigest(),
        order.allow_alike,
        new_party,
        lambda name: _photo_digest(order.path.parent, name),
    )


def _check_people(kind: SheetKind, people: People, view: LogView, order: Order) -> None:
    """Registering against a lost people file would register everybody a second time."""
    if view.origin == "":
        raise FormatError("the ledger has no entry yet", field="ledger")
    villagers = [party for party, one in view.parties.items() if one.type in ("resident", "household")]
    unknown = sum(people.of_party(party) is None for party in villagers)
    if kind.name == "register" and unknown:
        raise ConfigError(
            "the ledger has residents or households that the people file does not know; write it anew with"
            " `gongfen export --what register --disclose`, or give the right one with --people",
            code="people_incomplete",
            field=str(order.people),
            expected=f"all {len(villagers)} of the ledger",
            got=f"{len(villagers) - unknown}",
        )


def _alike(sealed: Sequence[Sealed], view: LogView, sheet: Sheet) -> list[Fault]:
    """Rows of which the log says the same already, though not from this sheet: another clerk's, a changed text's."""
    own = {one.id for one in sealed}
    faults = []
    for one in sealed:
        done = view.deeds(one.draft.deed) if one.draft.deed else []
        others = [entry for entry in done if entry.id not in own]
        if others and not any(entry.id == one.id for entry in done):
            flaw = Flaw("alike", got=one.draft.day, entries=", ".join(str(entry.seq) for entry in others[:5]))
            faults += [Fault.of(flaw, row, sheet.headings.get("day", "")) for row in one.draft.rows]
    return faults


def _refusals(sealed: Sequence[Sealed], outcomes: Sequence[dict[str, Any] | LedgerError], sheet: Sheet) -> list[Fault]:
    faults = []
    for one, outcome in zip(sealed, outcomes, strict=False):
        if isinstance(outcome, LedgerError):
            column = sheet.headings.get(_COLUMN_OF.get(outcome.field or "", ""), "")
            unit = " (in hundredths of a point)" if outcome.field == "body.amount_units" else ""
            parts = [outcome.message, f"expected {outcome.expected}{unit}" if outcome.expected else ""]
            flaw = Flaw("refused", got=outcome.got, detail="; ".join(filter(None, parts)))
            faults += [Fault.of(flaw, row, column)._replace(code=outcome.code) for row in one.draft.rows]
    return faults


def _counted(entries: Iterator[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    for data in entries:
        told(1)
        yield data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", field=str(path)) from error


def _photo_digest(folder: Path, name: str) -> str:
    """The SHA-256 of a file beside the sheet in hex, or the digest itself. Raises `Flaw`."""
    if _DIGEST.fullmatch(name):
        return name
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise Flaw("no_photo", got=name)
        if path.stat().st_size > PHOTO_MAX_BYTES:
            raise Flaw("no_photo", got=name)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:  # a name that is too long for a file, a file that may not be read
        raise Flaw("no_photo", got=name) from error
