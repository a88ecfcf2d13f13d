"""Tables of a ledger for people: accounts, entries, the register. Read from its entries, as any authorised reader may.

Amounts come from the postings themselves, so a table of accounts adds up to what the entries say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ledger.domain.fields import SHANGHAI_OFFSET_MS, RuleRef
from ledger.domain.kinds import KINDS as EVENT_KINDS
from ledger.errors import FormatError
from ledger.service.spreadsheets.columns import heading_of_all
from ledger.service.spreadsheets.logview import LogView, Standing
from ledger.service.spreadsheets.people import KINDS, People, Person
from ledger.service.spreadsheets.writing import Page, Points, Value

What = Literal["accounts", "entries", "register"]
Language = Literal["zh", "en"]
TITLES: Final[Mapping[What, tuple[str, str]]] = {
    "accounts": ("账户", "accounts"),
    "entries": ("记录", "entries"),
    "register": ("户籍", "register"),
}
"""What can be exported, and its title in Chinese and English."""
HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "status": ("状态", "status"),
    "since": ("登记日期", "registered on"),
    "count": ("记录条数", "entries"),
    "last": ("最近一条", "last entry"),
    "seq": ("记录号", "entry"),
    "at": ("记账时间", "recorded at"),
    "type": ("事件", "event"),
    "actor": ("经办", "actor"),
    "amount": ("变动", "amount"),
    "id": ("事件编号", "event id"),
    "reverses": ("冲正", "reverses"),
}
"""Headings that no sheet to be imported has."""
STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "active": ("在册", "active"),
    "moved_out": ("迁出", "moved out"),
    "deceased": ("去世", "deceased"),
    "merged": ("已并户", "merged"),
}
UNITS: Final[Mapping[str, tuple[str, str]]] = {"spend": ("物质积分", "spend"), "merit": ("品德积分", "merit")}
_SHANGHAI: Final = timezone(timedelta(milliseconds=SHANGHAI_OFFSET_MS))


class _Chain(Struct):
    seq: int
    at: int


class _Posting(Struct):
    account: str
    delta: int


class _Effects(Struct):
    parties: list[str]
    postings: list[_Posting]


class _Event(Struct):
    id: str
    kind: str
    occurred_on: str
    actor: str
    rule: RuleRef | UnsetType = UNSET
    reverses: str | UnsetType = UNSET


class _Entry(Struct):
    chain: _Chain
    effects: _Effects
    event: _Event


_decoder: Final = msgspec.json.Decoder(_Entry)


class Gathered:
    """Everything that the tables need of a ledger's entries."""

    def __init__(self) -> None:
        self.view = LogView()
        self.balances: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[str] = Counter()
        self.last: dict[str, int] = {}
        self.registered: dict[str, int] = {}
        self.lines: list[_Entry] = []

    @classmethod
    def of(cls, entries: Iterable[bytes], *, lines: bool) -> Gathered:
        """Gather; ``lines`` keeps the entries themselves. Raises `FormatError` if one is no entry."""
        gathered = cls()
        for data in entries:
            gathered._add(data, lines)
        return gathered

    def _add(self, data: bytes, keep: bool) -> None:
        before = len(self.view.parties)
        self.view.add(data)
        try:
            entry = _decoder.decode(data)
        except msgspec.DecodeError as error:
            raise FormatError(f"the server sent something else than an entry: {error}") from error
        for party in entry.effects.parties:
            self.counts[party] += 1
            self.last[party] = entry.chain.seq
        for posting in entry.effects.postings:
            party, unit = posting.account.split("/")
            self.balances[party, unit] += posting.delta
        if len(self.view.parties) > before:
            self.registered[next(reversed(self.view.parties))] = entry.chain.seq
        if keep:
            self.lines.append(entry)


def people_of(gathered: Gathered, details: Callable[[int], Mapping[str, str]]) -> People:
    """Everybody registered, by the disclosures of the entries that registered them.

    ``details`` answers the private details of an entry that can still be read.
    """
    told = {party: details(seq) for party, seq in gathered.registered.items()}
    numbers = {party: said.get("number", "") for party, said in told.items()}
    names = {party: said.get("name", "") for party, said in told.items()}
    found = [
        Person(
            one.type,
            numbers[party],
            names[party],
            numbers.get(one.household or "", ""),
            names.get(one.group or "", ""),
            party,
        )
        for party, one in gathered.view.parties.items()
    ]
    return People(found, lenient=True)


def page_of(what: What, gathered: Gathered, people: People, language: Language) -> Page:
    """One table."""
    place = int(language == "en")
    headings, rows = {"accounts": _accounts, "entries": _entries, "register": _register}[what](gathered, people, place)
    shown = [HEADINGS[name][place] if name in HEADINGS else heading_of_all(name, language) for name in headings]
    return Page(TITLES[what][place], shown, list(rows))


def _register(gathered: Gathered, people: People, place: int) -> tuple[Sequence[str], Iterator[list[Value]]]:
    headings = ("kind", "number", "name", "household", "group", "party", "since", "status")
    parties = gathered.view.parties

    def rows() -> Iterator[list[Value]]:
        for party in sorted(parties, key=lambda party: _order(parties[party], people.of_party(party), party)):
            one, known = parties[party], people.of_party(party)
            shown = known[1:5] if known else ("", "", "", "")
            yield [KINDS[one.type][place], *shown, party, one.since, STATUSES[one.status][place]]

    return headings, rows()


def _accounts(gathered: Gathered, people: People, place: int) -> tuple[Sequence[str], Iterator[list[Value]]]:
    headings = ("kind", "number", "name", "household", "party", "spend", "merit", "count", "last")
    parties = gathered.view.parties

    def rows() -> Iterator[list[Value]]:
        held = [party for party in gathered.counts if party in parties]
        for party in sorted(held, key=lambda party: _order(parties[party], people.of_party(party), party)):
            known = people.of_party(party)
            shown = known[1:4] if known else ("", "", "")
            amounts = [Points(gathered.balances[party, unit]) for unit in ("spend", "merit")]
            kind = KINDS[parties[party].type][place]
            yield [kind, *shown, party, *amounts, gathered.counts[party], gathered.last[party]]

    return headings, rows()


def _entries(gathered: Gathered, people: People, place: int) -> tuple[Sequence[str], Iterator[list[Value]]]:
    """A row for each movement of points, and one for an entry that moves none."""
    headings = ("seq", "at", "day", "type", "rule", "actor", "party", "name", "unit", "amount", "id", "reverses")

    def rows() -> Iterator[list[Value]]:
        for entry in gathered.lines:
            event = entry.event
            at = datetime.fromtimestamp(entry.chain.at // 1000, UTC).astimezone(_SHANGHAI)
            kind = EVENT_KINDS[event.kind].title if place == 0 else event.kind
            rule = event.rule.id if event.rule else ""
            head: list[Value] = [entry.chain.seq, f"{at:%Y-%m-%d %H:%M:%S}", event.occurred_on, kind, rule, event.actor]
            tail: list[Value] = [event.id, event.reverses or ""]
            for posting in entry.effects.postings:
                party, unit = posting.account.split("/")
                known = people.of_party(party)
                yield [*head, party, known.name if known else "", UNITS[unit][place], Points(posting.delta), *tail]
            if not entry.effects.postings:
                yield [*head, "", "", "", "", *tail]

    return headings, rows()


def _order(standing: Standing, person: Person | None, party: str) -> tuple[int, str, str, str, str]:
    kind = list(KINDS).index(standing.type)
    return (kind, person.household, person.number, person.name, party) if person else (kind, "", "", "", party)
