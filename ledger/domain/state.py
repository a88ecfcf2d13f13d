"""Folding entries into facts: replaying a log from entry 0 gives every balance, role, rule and place in the state map.

Replay calls the same `judge` and `settle` as appending, so a projection equals the replay by construction; an audit
compares the two anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from ledger.core.hashing import state_key
from ledger.core.mappages import update
from ledger.core.merkle import leaf_hash
from ledger.core.statemap import EMPTY
from ledger.core.types import Digest
from ledger.domain.accounts import settle
from ledger.domain.append import EMPTY as NO_ENTRIES
from ledger.domain.append import Head, recorded
from ledger.domain.entries import Entry, pairs, parse_entry
from ledger.domain.facts import MAP_PREFIXES, RECORDED_PREFIX, Fact, Key, Recorded, encode_fact
from ledger.domain.fields import day_of, encode
from ledger.domain.judge import check_order, check_signatures, judge, public_bytes, signing_keys
from ledger.domain.kinds.commitments import StateCommitted
from ledger.errors import ProofError

ReadEntry = Callable[[int], bytes]
"""The bytes of an entry by its seq."""


class ReplayFacts(dict[str, Fact | None]):
    """All facts of a log; what is not there is None. Entries are read back from the log when an event names one."""

    def __init__(self, seqs: dict[str, int], read: ReadEntry) -> None:
        super().__init__()
        self._seqs = seqs
        self._read = read

    def __missing__(self, key: str) -> Fact | None:
        if not key.startswith(RECORDED_PREFIX):
            return None
        seq = self._seqs.get(key.removeprefix(RECORDED_PREFIX))
        return None if seq is None else record_of(parse_entry(self._read(seq)))


def record_of(entry: Entry) -> Recorded:
    """An entry as later events see it."""
    return recorded(entry.event, entry.chain.seq, entry.effects.parties, pairs(entry.effects.postings))


class StateMap:
    """The state map of a log; `changed` collects what the next root must take up.

    ``pages`` and ``values`` (their hashes) are those of every root so far.
    """

    def __init__(self) -> None:
        self.root: Digest = Digest(EMPTY)
        self.pages: dict[Digest, bytes] = {}
        self.values: set[Digest] = set()
        self._pending: dict[str, Fact] = {}

    def changed(self, facts: dict[str, Fact]) -> None:
        """Note new values; facts of types that the map does not hold are passed over."""
        for key, fact in facts.items():
            if key.startswith(MAP_PREFIXES):
                self._pending[key] = fact

    def commit(self) -> Digest:
        """Take up everything noted; answers the root."""
        changes = {map_key(key): value_hash(fact) for key, fact in self._pending.items()}
        self.root, pages = update(self.root, changes, lambda hashes: {name: self.pages[name] for name in hashes})
        self.pages.update(pages)
        self.values.update(changes.values())
        self._pending.clear()
        return self.root


def map_key(key: str) -> Digest:
    """The state map's key of a fact key."""
    kind, _, identifier = key.partition(":")
    return state_key(kind, identifier)


def value_hash(fact: Fact) -> Digest:
    """The hash under which the map holds a fact."""
    return Digest(sha256(encode_fact(fact)).digest())


class Replayed(NamedTuple):
    """An entry that replayed cleanly, its leaf hash, and the keys of its signatures in order."""

    entry: Entry
    leaf: Digest
    keys: list[Key]


class Replay:
    """A log being folded, entry by entry. ``signatures`` says whether `apply` verifies them too."""

    def __init__(self, read: ReadEntry, *, signatures: bool = True) -> None:
        self.head: Head = NO_ENTRIES
        self.seqs: dict[str, int] = {}
        self.facts = ReplayFacts(self.seqs, read)
        self.map = StateMap()
        self._signatures = signatures

    def apply(self, data: bytes) -> Replayed:
        """Check one entry against everything before it and take it up.

        Raises `ProofError` or another `LedgerError`, naming what does not hold; the replay is of no use afterwards.
        """
        entry = parse_entry(data)
        self._check_chain(entry)
        event, chain = entry.event, entry.chain
        check_order(entry.signatures)
        keys = signing_keys(event, entry.signatures, self.facts, chain.seq)
        if self._signatures:
            check_signatures(encode(event), entry.signatures, [public_bytes(key.public) for key in keys])
        root = self.map.commit() if isinstance(event.body, StateCommitted) else None
        judgement = judge(event, keys, self.facts, seq=chain.seq, at_ms=chain.at, today=day_of(chain.at), map_root=root)
        effects = entry.effects
        if effects.parties != judgement.parties or pairs(effects.postings) != judgement.postings:
            raise ProofError(
                "effects are not what the event does",
                code="bad_effects",
                field="effects",
                expected=str(judgement.postings),
                got=str(pairs(effects.postings)),
            )
        leaf = leaf_hash(data)
        changes = settle(judgement, self.facts, seq=chain.seq, leaf=leaf)
        self.facts.update(changes)
        self.map.changed(changes)
        self.seqs[event.id] = chain.seq
        self.head = Head(chain.seq + 1, leaf, chain.at)
        return Replayed(entry, leaf, keys)

    def _check_chain(self, entry: Entry) -> None:
        chain, head = entry.chain, self.head
        if chain.seq != head.size:
            raise ProofError(
                "not the next entry", code="bad_chain", field="chain.seq", expected=str(head.size), got=str(chain.seq)
            )
        if chain.prev != head.last_leaf.hex():
            raise ProofError(
                "does not name the entry before",
                code="bad_chain",
                field="chain.prev",
                expected=head.last_leaf.hex(),
                got=chain.prev,
            )
        if chain.at < head.at_ms:
            raise ProofError(
                "the ledger's clock went back",
                code="bad_chain",
                field="chain.at",
                expected=f"at least {head.at_ms}",
                got=str(chain.at),
            )
        if entry.event.id in self.seqs:
            raise ProofError(
                "an event id stands twice",
                code="bad_chain",
                field="event.id",
                expected=f"only in entry {self.seqs[entry.event.id]}",
                got=entry.event.id,
            )
