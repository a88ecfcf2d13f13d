"""Reading: ledgers, accounts, tasks and tiles, as they are shown to those who may see them."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from ledger.core.note import Checkpoint, parse_note
from ledger.core.tiles import TilePath, encode_bundle, read_tile, width_at
from ledger.core.types import parse_event_id, parse_party
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.facts import Account, Honour, Honours, Lot, Lots, PartyFact, Task
from ledger.domain.kinds.recognition import honours_key
from ledger.domain.lots import lots_key
from ledger.errors import FormatError, NotFoundError
from ledger.store import entries as log
from ledger.store.facts import read_facts
from ledger.store.tiles import StoredTiles

PAGE_MAX: Final = 500
Hundredths = Annotated[int, Meta(description="hundredths of a point")]


class LedgerView(NamedTuple):
    """A ledger at a glance. Sizes count entries; ``committed`` is the newest committed checkpoint's size."""

    name: str
    origin: str
    size: int
    root: str
    committed: int
    at_ms: int


class Movement(NamedTuple):
    """One entry as a party sees it: ``postings`` are the party's own, (account, delta in hundredths)."""

    seq: int
    entry: Entry
    postings: list[tuple[str, int]]


class AccountView(NamedTuple):
    """A party's account and its newest entries, newest first; ``older`` is the seq to go on from, or -1.

    ``lots`` are its points that lapse, in the order in which they are used; what it has beyond them never does.
    """

    account: Account
    party: PartyFact | None
    movements: list[Movement]
    older: int
    lots: list[Lot]
    honours: list[Honour]


class TaskView(Struct, frozen=True, omit_defaults=True):
    """A published task: its places, how many are taken, what its awards used of its budget (hundredths).

    Places are claimed first by parties of the type ``claimants``; without it an award takes a place.
    """

    id: str
    issuer: str
    book: str
    rule: str
    starts_on: str
    ends_on: str
    capacity: int
    taken: int
    left: int
    used_units: Hundredths
    budget_units: Hundredths | UnsetType = UNSET
    budget_left_units: Hundredths | UnsetType = UNSET
    claimants: str | UnsetType = UNSET


def view_ledger(connection: Connection, row: log.LedgerRow) -> LedgerView:
    """A ledger at a glance. Raises `NotFoundError` while it has no entry 0."""
    head = log.read_head(connection, row.ledger_id)
    checkpoint = Checkpoint.parse(parse_note(log.latest_checkpoint(connection, row.ledger_id)).text)
    newest = log.read_commitments(connection, row.ledger_id)
    return LedgerView(
        row.name, row.origin, checkpoint.size, checkpoint.root.hex(), newest[0].size if newest else 0, head.at_ms
    )


def view_account(
    connection: Connection, row: log.LedgerRow, party: str, *, before: int | None = None, limit: int = 50
) -> AccountView:
    """A party's balances and entries from ``before`` (exclusive) backwards. Raises `NotFoundError`."""
    parse_party(party)
    keys = (f"account:{party}", f"party:{party}", lots_key(party), honours_key(party))
    facts = read_facts(connection, row.ledger_id, keys)
    account, fact, lots, honours = (facts[key] for key in keys)
    if not isinstance(account, Account):
        raise NotFoundError("no entry concerns this party", field="party", got=party)
    limit = min(limit, PAGE_MAX)
    start = account.last if before is None else log.previous_of(connection, row.ledger_id, party, before)
    stored = log.party_entries(connection, row.ledger_id, party, start, limit + 1)
    older = stored[limit - 1].seq if len(stored) > limit else -1
    movements = [_movement(item, party) for item in stored[:limit]]
    return AccountView(
        account,
        fact if isinstance(fact, PartyFact) else None,
        movements,
        older,
        lots.lots if isinstance(lots, Lots) else [],
        honours.honours if isinstance(honours, Honours) else [],
    )


def view_task(connection: Connection, row: log.LedgerRow, task: str) -> TaskView:
    """A task by the id of the event that published it. Raises `NotFoundError`."""
    fact = read_facts(connection, row.ledger_id, [key := f"task:{parse_event_id(task, 'task')}"])[key]
    if not isinstance(fact, Task):
        raise NotFoundError("no such task", field="task", expected="the id of a task_published", got=task)
    budget = fact.budget_units
    return TaskView(
        id=task,
        issuer=fact.issuer,
        book=fact.book,
        rule=fact.rule,
        starts_on=fact.starts_on,
        ends_on=fact.ends_on,
        capacity=fact.capacity,
        taken=fact.taken,
        left=fact.capacity - fact.taken,
        used_units=fact.used_units,
        budget_units=budget,
        budget_left_units=UNSET if isinstance(budget, UnsetType) else budget - fact.used_units,
        claimants=fact.claimants,
    )


def _movement(stored: log.StoredEntry, party: str) -> Movement:
    entry = parse_entry(stored.data)
    own = [(p.account, p.delta) for p in entry.effects.postings if p.account.startswith(party)]
    return Movement(stored.seq, entry, own)


def tile_bytes(connection: Connection, row: log.LedgerRow, path: str) -> bytes:
    """A C2SP tile or entry bundle under its path (``tile/…``). Raises `NotFoundError` if the tree has none such."""
    try:
        tile = TilePath.parse(path)
    except FormatError as error:
        raise NotFoundError("no such tile", field="path", got=path) from error
    size = log.read_head(connection, row.ledger_id).size
    if tile.width > width_at(tile.level or 0, tile.index, size):
        raise NotFoundError("the tree is not that large", field="path", expected=f"within size {size}", got=path)
    if tile.level is None:
        first = tile.index * 256
        stored = log.read_entries(connection, row.ledger_id, first, first + tile.width)
        return encode_bundle([item.data for item in stored])
    return read_tile(StoredTiles(connection, row.ledger_id), tile)
