"""The pure plan of an append: (head, facts, events) → entries, new facts, refusals.

Events of a group are decided in order, each seeing the earlier ones; one refusal harms nobody else. Nothing here is
durable: the service commits the whole plan in one transaction, or drops it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.core.merkle import leaf_hash
from ledger.core.types import ZERO_DIGEST, Digest
from ledger.domain.accounts import previous_entries, settle
from ledger.domain.entries import entry_bytes
from ledger.domain.events import Chain, Effects, Event, Posting, Signature
from ledger.domain.facts import RECORDED_PREFIX, Fact, Recorded
from ledger.domain.fields import day_of
from ledger.domain.judge import Judgement, check_order, check_signatures, judge, public_bytes, signing_keys
from ledger.errors import ConflictError, LedgerError, StateError


class Head(NamedTuple):
    """The end of a ledger: number of entries, leaf hash of the last, its time in ms."""

    size: int
    last_leaf: Digest
    at_ms: int


EMPTY: Head = Head(0, ZERO_DIGEST, 0)


class Candidate(NamedTuple):
    """An event that asks to be appended. ``verified``: its signatures held under the public keys of their key ids."""

    event: Event
    event_data: bytes
    signatures: Sequence[Signature]
    verified: bool


class Known(NamedTuple):
    """An event that stands in the log already."""

    seq: int
    leaf: Digest
    at_ms: int
    event_data: bytes


class Appended(NamedTuple):
    """A new entry: its bytes, and for each party it concerns the entry before that did."""

    seq: int
    event_id: str
    leaf: Digest
    at_ms: int
    data: bytes
    parties: Sequence[str]
    previous: Sequence[int]


class Replayed(NamedTuple):
    """The first answer to an event that came again with the same bytes."""

    seq: int
    leaf: Digest
    at_ms: int


Outcome = Appended | Replayed | LedgerError


class Plan(NamedTuple):
    """One outcome for each candidate, in order; the head after; every changed fact with its last value."""

    outcomes: list[Outcome]
    head: Head
    changes: dict[str, Fact]

    @property
    def appended(self) -> list[Appended]:
        """The new entries in order."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Appended)]


class Planner:
    """Plans one group. ``facts`` holds every fact that the candidates need; it is changed as events are accepted."""

    def __init__(self, head: Head, facts: dict[str, Fact | None], known: Mapping[str, Known], *, now_ms: int) -> None:
        self._head = head
        self._facts = facts
        self._known = dict(known)
        self._at_ms = max(now_ms, head.at_ms)
        self._today = day_of(self._at_ms)
        self._changes: dict[str, Fact] = {}

    def plan(self, candidates: Sequence[Candidate], *, map_root: Digest | None = None) -> Plan:
        """Decide all candidates. ``map_root`` is given only for the ledger's own commitment, which stands alone."""
        assert map_root is None or len(candidates) == 1, "the root is that of the map before the group"
        outcomes = [self._decide(candidate, map_root) for candidate in candidates]
        return Plan(outcomes, self._head, self._changes)

    def _decide(self, candidate: Candidate, map_root: Digest | None) -> Outcome:
        known = self._known.get(candidate.event.id)
        try:
            if known is not None:
                return _replay(candidate, known)
            return self._append(candidate, self._judge(candidate, map_root))
        except LedgerError as error:
            return error

    def _judge(self, candidate: Candidate, map_root: Digest | None) -> Judgement:
        event, seq = candidate.event, self._head.size
        check_order(candidate.signatures)
        keys = signing_keys(event, candidate.signatures, self._facts, seq)
        if not candidate.verified:
            publics = [public_bytes(key.public) for key in keys]
            check_signatures(candidate.event_data, candidate.signatures, publics)
        try:
            return judge(event, keys, self._facts, seq=seq, at_ms=self._at_ms, today=self._today, map_root=map_root)
        except (LookupError, ArithmeticError, AssertionError, AttributeError, TypeError, ValueError) as error:
            raise _our_fault(event) from error

    def _append(self, candidate: Candidate, judgement: Judgement) -> Appended:
        head, event = self._head, candidate.event
        seq, at_ms = head.size, self._at_ms
        postings = [Posting(account=account, delta=delta) for account, delta in judgement.postings]
        data = entry_bytes(
            candidate.event_data,
            candidate.signatures,
            Chain(seq=seq, prev=head.last_leaf.hex(), at=at_ms),
            Effects(parties=judgement.parties, postings=postings),
        )
        leaf = leaf_hash(data)
        appended = Appended(
            seq, event.id, leaf, at_ms, data, judgement.parties, previous_entries(judgement.parties, self._facts)
        )
        changes = settle(judgement, self._facts, seq=seq, leaf=leaf)
        self._facts.update(changes)
        self._changes.update(changes)
        self._remember(candidate, judgement, appended)
        self._head = Head(seq + 1, leaf, at_ms)
        return appended

    def _remember(self, candidate: Candidate, judgement: Judgement, appended: Appended) -> None:
        event = candidate.event
        self._known[event.id] = Known(appended.seq, appended.leaf, appended.at_ms, candidate.event_data)
        key = f"{RECORDED_PREFIX}{event.id}"
        if key in self._facts:
            self._facts[key] = recorded(event, appended.seq, judgement.parties, judgement.postings)


def recorded(event: Event, seq: int, parties: list[str], postings: list[tuple[str, int]]) -> Recorded:
    """An entry as later events see it."""
    return Recorded(
        seq=seq,
        kind=event.body.kind,
        occurred_on=event.occurred_on,
        parties=parties,
        postings=postings,
        reversible=event.body.reversible,
        holder=event.body.holder(),
        issuer=event.body.bearer(),
        act=event.body.counted(event),
    )


def _our_fault(event: Event) -> StateError:
    """A fault of ours in one event harms no other of its group: judging took nothing up yet."""
    return StateError(
        "the ledger failed to decide this event; nothing of it was stored, please report it",
        code="internal",
        field="event.id",
        got=event.id,
    )


def _replay(candidate: Candidate, known: Known) -> Replayed:
    if known.event_data != candidate.event_data:
        raise ConflictError(
            "this id stands in the ledger with another event",
            code="id_conflict",
            field="event.id",
            expected=f"the event of entry {known.seq}, or a new id",
            got=candidate.event.id,
        )
    return Replayed(known.seq, known.leaf, known.at_ms)
