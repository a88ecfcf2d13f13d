"""What the server answers with, as types: they are encoded, and described in the OpenAPI document, from here."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from ledger.domain.facts import Honour, Lot
from ledger.domain.fields import RuleRef
from ledger.service.clocks import Lapses
from ledger.service.commit import Answer
from ledger.service.queries import AccountView, Hundredths, LedgerView, Movement
from ledger.store.entries import CommitmentRow, StoredEntry
from ledger.store.outbox import AnchoredRow

Seq = Annotated[int, Meta(ge=0, description="0-based place in the ledger")]
Size = Annotated[int, Meta(ge=0, description="number of entries")]
Milliseconds = Annotated[int, Meta(ge=0, description="ms since 1970 UTC, by the ledger's clock")]
Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
Note = Annotated[str, Meta(description="signed note with a C2SP checkpoint")]


class Appended(Struct, frozen=True):
    """The ledger's answer to an event (formats §11). ``checkpoint`` is the first that holds the entry."""

    seq: Seq
    leaf: Hex
    at: Milliseconds
    replayed: bool
    checkpoint: Note

    @classmethod
    def of(cls, answer: Answer) -> Appended:
        """From the writer's answer."""
        return cls(answer.seq, answer.leaf.hex(), answer.at_ms, answer.replayed, answer.checkpoint)


class LedgerSummary(Struct, frozen=True):
    """A ledger at a glance. ``committed`` is the size of its newest committed checkpoint, 0 if there is none."""

    name: str
    origin: str
    size: Size
    root: Hex
    committed: Size
    at: Milliseconds

    @classmethod
    def of(cls, view: LedgerView) -> LedgerSummary:
        """From what the ledger says of itself."""
        return cls(view.name, view.origin, view.size, view.root, view.committed, view.at_ms)


class LedgerList(Struct, frozen=True):
    """Every ledger of this server."""

    ledgers: list[LedgerSummary]


class EntryPage(Struct, frozen=True):
    """Entries ``first`` … ``first`` + their number − 1. ``next`` is where to go on, absent at the end."""

    first: Seq
    entries: Annotated[list[Raw], Meta(description="entries in their canonical spelling (formats §4)")]
    next: Seq | UnsetType = UNSET


class Found(Struct, frozen=True):
    """The entry of an event."""

    seq: Seq
    leaf: Hex
    entry: Annotated[Raw, Meta(description="the entry in its canonical spelling (formats §4)")]

    @classmethod
    def of(cls, stored: StoredEntry) -> Found:
        """From the stored entry."""
        return cls(stored.seq, stored.leaf.hex(), Raw(stored.data))


class OwnPosting(Struct, frozen=True):
    """One side of a movement that is the party's own."""

    account: str
    delta: Hundredths


class AccountMovement(Struct, frozen=True, omit_defaults=True):
    """One entry as a party sees it. ``id`` is the event's."""

    seq: Seq
    at: Milliseconds
    kind: str
    id: str
    occurred_on: str
    actor: str
    postings: list[OwnPosting]
    rule: RuleRef | UnsetType = UNSET
    reverses: str | UnsetType = UNSET

    @classmethod
    def of(cls, movement: Movement) -> AccountMovement:
        """From what the ledger says of the entry."""
        event = movement.entry.event
        return cls(
            seq=movement.seq,
            at=movement.entry.chain.at,
            kind=event.body.kind,
            id=event.id,
            occurred_on=event.occurred_on,
            actor=event.actor,
            postings=[OwnPosting(account, delta) for account, delta in movement.postings],
            rule=event.rule,
            reverses=event.reverses,
        )


class Stay(Struct, frozen=True, omit_defaults=True):
    """A stay in a household, half-open in time: [since, until)."""

    household: str
    since: str
    until: str | UnsetType = UNSET


class Standing(Struct, frozen=True, omit_defaults=True):
    """What is registered of a party."""

    type: str
    status: str
    since: str
    memberships: list[Stay]
    merged_into: str | UnsetType = UNSET


class PartyAccount(Struct, frozen=True):
    """A party's balances and newest entries, newest first.

    ``count`` entries concern it in all, ``last`` is the newest. ``before`` is the value of the parameter of that name
    that shows older entries, absent when there are none. ``lots`` are its points that lapse, in the order in which they
    are used; what it has beyond them never does.
    """

    party: str
    balances: dict[str, Hundredths]
    count: int
    last: Seq
    entries: list[AccountMovement]
    lots: list[Lot]
    honours: list[Honour]
    standing: Standing | UnsetType = UNSET
    before: Seq | UnsetType = UNSET

    @classmethod
    def of(cls, view: AccountView) -> PartyAccount:
        """From what the ledger says of the party."""
        account, fact = view.account, view.party
        standing: Standing | UnsetType = UNSET
        if fact is not None:
            stays = [Stay(stay.household, stay.from_, stay.to) for stay in fact.memberships]
            standing = Standing(fact.type, fact.status, fact.since, stays, fact.merged_into)
        return cls(
            party=account.party,
            balances=account.balances,
            count=account.count,
            last=account.last,
            entries=[AccountMovement.of(movement) for movement in view.movements],
            lots=view.lots,
            honours=view.honours,
            standing=standing,
            before=view.older if view.older >= 0 else UNSET,
        )


class DoorCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The code on the plate at a household's door: its secret in base64url."""

    secret: Annotated[str, Meta(min_length=22, max_length=86, pattern="^[A-Za-z0-9_-]*$")]


class Lapsed(Struct, frozen=True):
    """How many notices and expiries were appended, how many hundredths lapsed, and what was refused."""

    notices: int
    expiries: int
    units: Hundredths
    refused: int

    @classmethod
    def of(cls, done: Lapses) -> Lapsed:
        """From what the clock did."""
        return cls(done.notices, done.expiries, done.units, done.refused)


class CommittedState(Struct, frozen=True, omit_defaults=True):
    """A committed checkpoint, whose last entry states the map's root; empty when there is none."""

    size: Size | UnsetType = UNSET
    map_root: Hex | UnsetType = UNSET
    checkpoint: Note | UnsetType = UNSET

    @classmethod
    def of(cls, row: CommitmentRow | None) -> CommittedState:
        """From the stored commitment."""
        return cls() if row is None else cls(row.size, row.map_root.hex(), row.note)


class ConsistencyPath(Struct, frozen=True):
    """The RFC 9162 consistency proof between two sizes; hashes in standard base64."""

    path: list[bytes]


class AnchorSummary(Struct, frozen=True, omit_defaults=True):
    """A checkpoint in a batch that is on a chain (``state`` final or mined), or on its way there.

    ``tx`` and ``block`` are absent until they are known; ``changed_at`` is when it came to this state.
    """

    size: Size
    root: Hex
    state: str
    chain_id: int
    contract: str
    batch: int
    changed_at: Milliseconds
    tx: str | UnsetType = UNSET
    block: int | UnsetType = UNSET

    @classmethod
    def of(cls, row: AnchoredRow) -> AnchorSummary:
        """From the anchor service's outbox."""
        return cls(
            size=row.size,
            root=row.root.hex(),
            state=str(row.state),
            chain_id=row.chain_id,
            contract=row.contract,
            batch=row.batch_id,
            changed_at=row.changed_ms,
            tx=UNSET if row.tx_hash is None else "0x" + row.tx_hash.hex(),
            block=UNSET if row.block_number is None else row.block_number,
        )


class AnchorList(Struct, frozen=True):
    """The newest anchors of a ledger, largest size first."""

    anchors: list[AnchorSummary]


class Status(Struct, frozen=True):
    """That the server lives, or takes events."""

    status: str
