"""Reading whole ledgers back over HTTP, so that a report tells what a ledger holds and not what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from msgspec import UnsetType

from ledger.client import LedgerClient
from ledger.domain.entries import Entry, parse_entry
from ledger.errors import StateError
from ledger.scenarios.drive import Answered
from ledger.scenarios.scenario import Chronicle, Watcher

LEAVING: Final = frozenset({"move_out", "death"})
COUNTED: Final = frozenset(
    {
        "points_awarded",
        "points_deducted",
        "points_redeemed",
        "balance_carried",
        "merchant_settled",
    }
)
"""Kinds whose amounts are added up; those that a reversal may take back are remembered until the end."""
LANDED: Final = frozenset({"mined", "final"})
"""The states of an anchor that stands on its chain."""
SAMPLE: Final = 20
"""Accounts of others than issuers and shops that are compared with the entries."""


def read_entries(client: LedgerClient, name: str) -> Iterator[Entry]:
    """Every entry of a ledger, in order. Raises `BusyError` if the server does not answer, `StateError` on a gap."""
    for seq, data in enumerate(client.entries(name)):
        entry = parse_entry(data)
        if entry.chain.seq != seq:
            raise StateError("an entry is missing", expected=seq, got=entry.chain.seq)
        yield entry


class Figures(NamedTuple):
    """What the entries of a ledger add up to; what was reversed counts in nothing but ``reversals``.

    Units are hundredths of a point, counted once though an award may credit two units. ``participations`` are awards
    for a task. ``places`` says how many tasks have how many of them.
    """

    entries: int
    residents: int
    households: int
    groups: int
    activities: int
    participations: int
    places: dict[int, int]
    awarded_units: int
    deducted_units: int
    redeemed_units: int
    redemptions: int
    carried_units: int
    settled_units: int
    saved_fen: int
    reversals: int

    @property
    def net_units(self) -> int:
        """Awarded less deducted."""
        return self.awarded_units - self.deducted_units


class _Moved(NamedTuple):
    """What one entry counts for, to be taken out again if it is reversed."""

    kind: str
    units: int
    fen: int
    task: str


class Reader:
    """Adds up the entries of one ledger, in order, without keeping them.

    ``balances`` are those that the postings give, by account; ``issuers`` and ``shops`` are parties.
    """

    def __init__(self) -> None:
        self.balances: Counter[str] = Counter()
        self.issuers: set[str] = set()
        self._count = self._reversals = self._activities = 0
        self._units: Counter[str] = Counter()
        self._number: Counter[str] = Counter()
        self._fen = 0
        self._per_task: Counter[str] = Counter()
        self._parties: dict[str, set[str]] = {kind: set() for kind in ("resident", "household", "group", "shop")}
        self._moved: dict[str, _Moved] = {}

    @property
    def shops(self) -> set[str]:
        """The shops registered."""
        return self._parties["shop"]

    def see(self, entry: Entry) -> None:
        """The next entry."""
        self._count += 1
        for posting in entry.effects.postings:
            self.balances[posting.account] += posting.delta
        event = entry.event
        body: Any = event.body  # the kinds differ in their fields; each is used under its kind's name
        if body.kind in COUNTED:
            self._take(event.id, body)
        elif body.kind == "party_changed":
            self._change_party(body)
        elif body.kind == "task_published":
            self._activities += 1
        if not isinstance(event.reverses, UnsetType):
            self._reverse(event.reverses)

    def _take(self, event_id: str, body: Any) -> None:
        self.issuers.add(getattr(body, "issuer", ""))
        moved = _Moved(body.kind, body.amount_units, getattr(body, "bill_fen", 0), getattr(body, "task", "") or "")
        self._add(moved, 1)
        if body.reversible:
            self._moved[event_id] = moved

    def _reverse(self, event_id: str) -> None:
        self._reversals += 1
        moved = self._moved.pop(event_id, None)
        if moved is not None:
            self._add(moved, -1)

    def _add(self, moved: _Moved, sign: int) -> None:
        self._units[moved.kind] += sign * moved.units
        self._number[moved.kind] += sign
        self._fen += sign * moved.fen
        if moved.task and moved.kind == "points_awarded":
            self._per_task[moved.task] += sign

    def _change_party(self, body: Any) -> None:
        if body.action == "register":
            self._parties.setdefault(body.type, set()).add(body.party)
        elif body.action in LEAVING:
            self._parties["resident"].discard(body.party)
        elif body.action == "merge":
            self._parties["household"].discard(body.party)

    def figures(self) -> Figures:
        """What was added up so far."""
        places = Counter(number for number in self._per_task.values() if number)
        return Figures(
            entries=self._count,
            residents=len(self._parties["resident"]),
            households=len(self._parties["household"]),
            groups=len(self._parties["group"]),
            activities=self._activities,
            participations=self._per_task.total(),
            places=dict(sorted(places.items())),
            awarded_units=self._units["points_awarded"],
            deducted_units=self._units["points_deducted"],
            redeemed_units=self._units["points_redeemed"],
            redemptions=self._number["points_redeemed"],
            carried_units=self._units["balance_carried"],
            settled_units=self._units["merchant_settled"],
            saved_fen=self._fen,
            reversals=self._reversals,
        )


class ReadBack(NamedTuple):
    """One ledger as it was read back.

    ``balances`` are what its entries add up to, by account; ``watcher`` is the scenario's own; ``answers`` are those
    to marked events, by mark. ``agree`` says whether the server's accounts tell the same balances.
    """

    chronicle: Chronicle
    figures: Figures
    balances: Mapping[str, int]
    watcher: Any
    answers: Mapping[str, Answered]
    agree: bool


class Anchored(NamedTuple):
    """How many ledgers have an anchor on a chain, and how many batches hold them."""

    ledgers: int
    batches: int


class Found(NamedTuple):
    """A scenario as it was read back. ``client`` is there for whatever a must asks the server besides.

    ``chain`` says whether the run was to anchor its ledgers: without that, nobody expects anchors.
    """

    ledgers: list[ReadBack]
    client: LedgerClient
    chain: bool = False

    @property
    def only(self) -> ReadBack:
        """The ledger of a scenario that has one."""
        (ledger,) = self.ledgers
        return ledger

    def total(self, figure: str) -> int:
        """A figure of all ledgers together."""
        return sum(getattr(ledger.figures, figure) for ledger in self.ledgers)

    def anchored(self) -> Anchored:
        """The anchors that stand on a chain now."""
        ledgers, batches = 0, set()
        for ledger in self.ledgers:
            landed = [anchor for anchor in self.client.anchors(ledger.chronicle.name) if anchor["state"] in LANDED]
            ledgers += bool(landed)
            batches |= {(anchor["chain_id"], anchor["contract"], anchor["batch"]) for anchor in landed}
        return Anchored(ledgers, len(batches))

    def answer(self, mark: str) -> Answered:
        """The answer to a marked event, whichever ledger has it. Raises `KeyError` if there was none."""
        return next(ledger.answers[mark] for ledger in self.ledgers if mark in ledger.answers)


def add_up(entries: Iterable[Entry]) -> Figures:
    """The figures of a ledger's entries."""
    reader = Reader()
    for entry in entries:
        reader.see(entry)
    return reader.figures()


def read_back(
    client: LedgerClient, chronicle: Chronicle, watcher: Watcher, answers: Mapping[str, Answered]
) -> ReadBack:
    """Read one ledger back, and compare the accounts of issuers, shops and some others with its entries."""
    reader = Reader()
    for entry in read_entries(client, chronicle.name):
        reader.see(entry)
        watcher.see(entry)
    agree = _agree(client, chronicle.name, reader)
    return ReadBack(chronicle, reader.figures(), reader.balances, watcher, answers, agree)


def _agree(client: LedgerClient, name: str, reader: Reader) -> bool:
    held: dict[str, dict[str, int]] = {}
    for account, units in reader.balances.items():
        held.setdefault(account[:28], {})[account[29:]] = units
    chosen = {party for party in reader.issuers | reader.shops if party in held}
    chosen.update(sorted(held.keys() - chosen)[:SAMPLE])
    for party in sorted(chosen):
        stated = client.account(name, party, limit=1)["balances"]
        if any(stated.get(unit) != units for unit, units in held[party].items()):
            return False
    return True
