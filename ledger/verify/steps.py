"""The steps about entries: who signed what, whether they might, what it moves, where it stands (formats §9).

Each step is a generator of findings. It looks at everything it can, so that all faults are told, and yields a fault for
whatever it cannot look at: nothing passes for being unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeVar

from msgspec import UnsetType

from ledger.core.disclosure import match
from ledger.core.encoding import decode_base64url
from ledger.core.hashing import key_id, state_key
from ledger.core.merkle import verify_inclusion
from ledger.core.note import Checkpoint
from ledger.core.statemap import verify_presence
from ledger.core.types import ZERO_DIGEST
from ledger.domain.entries import Entry, pairs
from ledger.domain.facts import Key
from ledger.domain.fields import day_of
from ledger.domain.judge import check_signatures, public_bytes
from ledger.domain.kinds.commitments import StateCommitted
from ledger.domain.kinds.founding import LedgerCreated
from ledger.domain.roles import authorise
from ledger.errors import LedgerError, ProofError
from ledger.verify.evidence import Case, Evidence, Proven, Shown
from ledger.verify.report import Finding, failed

Findings = Iterator[Finding]
Part = TypeVar("Part")
NEEDS_COMMITMENT: Final = "the ledger has not committed its state after this entry yet"


def fault(message: str, field: str, *, expected: object = None, got: object = None) -> Finding:
    """A finding that something does not hold."""
    return failed(ProofError(message, field=field, expected=expected, got=got))


def lacking(message: str, field: str | None = None) -> Finding:
    """A finding that evidence is not there yet."""
    return Finding("missing", message, field)


def required(part: Part | None, field: str) -> Part:
    """A part that the step cannot do without. Raises `ProofError` if it could not be read."""
    if part is None:
        raise ProofError("cannot be looked at, since it cannot be read", field=field)
    return part


def unread(evidence: Evidence) -> Findings:
    """A fault for every shown entry that could not be read."""
    for shown in evidence.shown:
        if shown.entry is None:
            yield fault("cannot be looked at, since it cannot be read", at(shown, "entry"))


def at(shown: Shown, name: str) -> str:
    """The path of a field of a shown entry."""
    return f"{shown.field}.{name}" if shown.field else name


def commitment_of(evidence: Evidence) -> tuple[Shown, Entry, StateCommitted]:
    """The commitment. Raises `ProofError` if it cannot be read or is another kind of entry."""
    shown = required(evidence.commitment, "commitment")
    entry = required(shown.entry, "commitment.entry")
    if not isinstance(entry.event.body, StateCommitted):
        raise ProofError(
            "not a commitment", field="commitment.entry", expected="state_committed", got=entry.event.body.kind
        )
    return shown, entry, entry.event.body


# bound ----------------------------------------------------------------------------------------------------------------


def bound(case: Case) -> Findings:
    """One ledger, the places that are claimed, one chain of hashes, and keys that are the signatures' own."""
    evidence = case.evidence
    if len(evidence.entries) < len(evidence.shown):
        yield from unread(evidence)
    checkpoint = required(evidence.checkpoint, "checkpoint")
    shown = list(evidence.entries)
    for place, entry in shown:
        yield from _bound_entry(place, entry, checkpoint)
    yield from _bound_keys(evidence)
    if not evidence.early:
        place, entry, body = commitment_of(evidence)
        yield from _bound_entry(place, entry, checkpoint)
        if body.size != place.leaf_index:
            yield fault(
                "the commitment states another size", "commitment.body.size", expected=place.leaf_index, got=body.size
            )
        shown.append((place, entry))
    yield from _bound_neighbours(shown)


def _bound_entry(shown: Shown, entry: Entry, checkpoint: Checkpoint) -> Findings:
    event, chain, origin = entry.event, entry.chain, checkpoint.origin
    if event.ledger != origin:
        yield fault("an event of another ledger", at(shown, "event.ledger"), expected=origin, got=event.ledger)
    if isinstance(event.body, LedgerCreated) and event.body.origin != origin:
        yield fault("founds another ledger", at(shown, "event.body.origin"), expected=origin, got=event.body.origin)
    if chain.seq != shown.leaf_index:
        yield fault("the entry has another place", at(shown, "chain.seq"), expected=shown.leaf_index, got=chain.seq)
    if (chain.seq == 0) != (chain.prev == ZERO_DIGEST.hex()):
        yield fault("only entry 0 has none before it", at(shown, "chain.prev"), got=chain.prev)
    if event.occurred_on > day_of(chain.at):
        yield fault("in the future", at(shown, "event.occurred_on"), expected=day_of(chain.at), got=event.occurred_on)


def _bound_keys(evidence: Evidence) -> Findings:
    """For a receipt one key per signature, for a statement one per different key, in order; each as its id says."""
    if not evidence.early:
        wanted = [signature.key for _, entry in evidence.entries for signature in entry.signatures]
        shown = [proven.key.key if proven else "" for proven in evidence.keys]
        wanted = wanted if evidence.party is None else list(dict.fromkeys(wanted))
        if shown != wanted:
            yield fault("not the keys that signed, in their order", "keys", expected=wanted, got=shown)
    for place, proven in enumerate(evidence.keys):
        key = required(proven, f"keys.{place}").key
        public = decode_base64url(key.public, f"keys.{place}.value.public", size=32)
        if key.suite != "ed25519" or key_id(public, "ed25519") != key.key:
            yield fault("the key does not belong to its id", f"keys.{place}.value.public", expected=key.key)


def _bound_neighbours(shown: Sequence[tuple[Shown, Entry]]) -> Findings:
    """Of entries in order: an entry names the leaf hash of the one right before it, and time never goes back."""
    for (before, first), (after, second) in pairwise(shown):
        if second.chain.seq == first.chain.seq + 1 and second.chain.prev != before.leaf.hex():
            yield fault(
                "not chained to the entry before",
                at(after, "chain.prev"),
                expected=before.leaf.hex(),
                got=second.chain.prev,
            )
        if second.chain.seq > first.chain.seq and second.chain.at < first.chain.at:
            yield fault("time went back", at(after, "chain.at"), expected=f"≥ {first.chain.at}", got=second.chain.at)


# signed, authorised ---------------------------------------------------------------------------------------------------


def _keys_by_id(evidence: Evidence) -> dict[str, Key]:
    return {proven.key.key: proven.key for proven in evidence.keys if proven}


def _signing_keys(entry: Entry, keys: dict[str, Key]) -> list[Key | None]:
    """The key of each signature: from the map proofs, and for entry 0 from its own body. Raises `FormatError`."""
    body = entry.event.body
    if isinstance(body, LedgerCreated) and entry.chain.seq == 0:
        founding = body.founding_keys()
        return [founding.get(f"key:{signature.key}") for signature in entry.signatures]
    return [keys.get(signature.key) for signature in entry.signatures]


def signed(case: Case) -> Findings:
    """Every signature holds over the event, under the public key of its key id (which `bound` ties together)."""
    evidence = case.evidence
    if len(evidence.entries) < len(evidence.shown):
        yield from unread(evidence)
    keys = _keys_by_id(evidence)
    for shown, entry in evidence.entries:
        yield from _guarded(_signed_entry(shown, entry, keys, evidence.early), shown.field)


def _signed_entry(shown: Shown, entry: Entry, keys: dict[str, Key], early: bool) -> Findings:
    for place, (signature, key) in enumerate(zip(entry.signatures, _signing_keys(entry, keys), strict=True)):
        field = at(shown, f"signatures.{place}")
        if key is None:
            yield lacking(NEEDS_COMMITMENT, field) if early else fault("its key is not shown", field, got=signature.key)
            continue
        try:
            check_signatures(shown.event_data, [signature], [public_bytes(key.public)])
        except LedgerError as error:
            yield fault(error.message, field, expected=error.expected, got=error.got)


def authorised(case: Case) -> Findings:
    """Each key is in the committed state map, and enough different parties might sign this kind, at this seq."""
    evidence = case.evidence
    if len(evidence.entries) < len(evidence.shown):
        yield from unread(evidence)
    if not evidence.early:
        _, _, body = commitment_of(evidence)
        root = bytes.fromhex(body.root)
        for place, proven in enumerate(evidence.keys):
            known = required(proven, f"keys.{place}")
            try:
                in_map(root, "key", known.key.key, known.proof)
            except LedgerError as error:
                yield failed(error, known.proof.field)
    keys = _keys_by_id(evidence)
    for shown, entry in evidence.entries:
        yield from _guarded(_authorised_entry(shown, entry, keys, evidence.early), shown.field)


def _authorised_entry(shown: Shown, entry: Entry, keys: dict[str, Key], early: bool) -> Findings:
    event, seq = entry.event, entry.chain.seq
    founding = isinstance(event.body, LedgerCreated)
    if founding and seq:
        yield fault("only entry 0 founds a ledger", at(shown, "chain.seq"), expected=0, got=seq)
    signers = [key for key in _signing_keys(entry, keys) if key is not None]
    if len(signers) < len(entry.signatures):
        field = at(shown, "signatures")
        yield lacking(NEEDS_COMMITMENT, field) if early else fault("a signer's key is not shown", field)
        return
    authorise(event.body.requirements(), signers, actor=event.actor, seq=1 if founding else seq)
    if founding and not early:
        yield from _founding_keys_kept(shown, signers, keys)


def _founding_keys_kept(shown: Shown, signers: Sequence[Key], keys: dict[str, Key]) -> Findings:
    """The map says of the founding keys what entry 0 says: whose they are."""
    for key in signers:
        known = keys.get(key.key)
        if known is None or (known.party, known.public) != (key.party, key.public):
            yield fault("the map knows a founding key as another's", at(shown, "signatures"), expected=key.party)


def in_map(root: bytes, kind: str, identifier: str, proof: Proven) -> None:
    """Raise `ProofError` unless the map of ``root`` holds the value under ``kind`` and ``identifier``."""
    verify_presence(root=root, key=state_key(kind, identifier), value=proof.value, path=proof.path)


# private, effects, included -------------------------------------------------------------------------------------------


def private(case: Case) -> Findings:
    """Every disclosure that is shown stands in its event, under its name, once."""
    evidence = case.evidence
    if len(evidence.entries) < len(evidence.shown):
        yield from unread(evidence)
    for shown, entry in evidence.entries:
        details = {} if isinstance(entry.event.private, UnsetType) else entry.event.private
        try:
            match(details, shown.disclosures, complete=False)
        except LedgerError as error:
            yield failed(error, shown.field)
    if not any(shown.disclosures for shown in evidence.shown):
        yield Finding("not_asked", "no personal details are shown")


def effects(case: Case) -> Findings:
    """Whom an entry concerns and what it moves follow from its kind and body (formats §4)."""
    evidence = case.evidence
    if len(evidence.entries) < len(evidence.shown):
        yield from unread(evidence)
    for shown, entry in evidence.entries:
        yield from _effects_of(shown, entry)
    if not evidence.early:
        place, entry, _ = commitment_of(evidence)
        yield from _effects_of(place, entry)


def _effects_of(shown: Shown, entry: Entry) -> Findings:
    body, told = entry.event.body, entry.effects
    parties = body.parties()
    if told.parties != parties:
        yield fault("not whom the event is about", at(shown, "effects.parties"), expected=parties, got=told.parties)
    postings = pairs(told.postings)
    field = at(shown, "effects.postings")
    if not body.check_postings(postings):
        yield fault("not what the event moves", field, got=postings)
    if postings:
        yield from _in_balance(postings, set(parties), field)


def _in_balance(postings: list[tuple[str, int]], parties: set[str], field: str) -> Findings:
    """Sorted, each account once, none left where it was, and in each unit the sum is zero."""
    accounts = [account for account, _ in postings]
    if accounts != sorted(set(accounts)) or 0 in [delta for _, delta in postings]:
        yield fault("not sorted, doubled, or nothing moved", field, got=postings)
    sums: dict[str, int] = {}
    for account, delta in postings:
        party, _, unit = account.partition("/")
        sums[unit] = sums.get(unit, 0) + delta
        if party not in parties:
            yield fault("moves points of somebody whom the event is not about", field, got=account)
    if any(sums.values()):
        yield fault("the movements do not cancel out", field, expected=0, got=sums)


def included(case: Case) -> Findings:
    """Each entry, at its place, and the commitment, at the last place, stand in the tree of the checkpoint."""
    evidence = case.evidence
    checkpoint = required(evidence.checkpoint, "checkpoint")
    for shown in evidence.shown:
        yield from _included(shown, checkpoint)
    if evidence.early:
        yield lacking(NEEDS_COMMITMENT, "commitment")
    else:
        yield from _included(required(evidence.commitment, "commitment"), checkpoint)


def _included(shown: Shown, checkpoint: Checkpoint) -> Findings:
    try:
        verify_inclusion(
            shown.leaf, index=shown.leaf_index, size=checkpoint.size, path=shown.path, root=checkpoint.root
        )
    except LedgerError as error:
        yield failed(error, shown.field)


def _guarded(findings: Findings, field: str) -> Findings:
    """The findings of one entry or key; what it raises is one more, so that the others are still looked at."""
    try:
        yield from findings
    except LedgerError as error:
        yield failed(error, field)
