"""Taking a proof apart, once: what the steps look at. A part that cannot be read is None and told as a fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ledger.core.encoding import decode_digest
from ledger.core.merkle import leaf_hash
from ledger.core.note import Checkpoint
from ledger.core.receipt import AbsenceProof, Anchor, MapProof, Proof, Receipt, StatementEntry, digests_of
from ledger.core.types import Digest
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.events import Event
from ledger.domain.facts import Account, Key
from ledger.domain.fields import encode
from ledger.domain.judge import check_order
from ledger.errors import FormatError, LedgerError
from ledger.verify.chain import ChainReader
from ledger.verify.report import Finding, failed
from ledger.verify.trust import Trust


class Shown(NamedTuple):
    """One entry that a proof shows. ``field`` is its place in the proof, empty in a receipt."""

    field: str
    entry: Entry | None
    event_data: bytes
    leaf: Digest
    leaf_index: int
    path: Sequence[bytes]
    disclosures: Sequence[str]


class Proven(NamedTuple):
    """A value of the state map with its path; ``value`` is its canonical bytes."""

    field: str
    value: bytes
    path: Sequence[Digest]


class ProvenKey(NamedTuple):
    """A key of the state map."""

    key: Key
    proof: Proven


class Evidence(NamedTuple):
    """All that a proof shows, read but not believed. ``None`` is what could not be read.

    ``entries`` are the shown ones that could be read. ``early``: there is no commitment, so no keys and no anchors.
    ``checkpoint`` is what ``text``, the signed text of ``note``, states.
    """

    early: bool
    shown: Sequence[Shown]
    entries: Sequence[tuple[Shown, Entry]]
    commitment: Shown | None
    keys: Sequence[ProvenKey | None]
    account: tuple[Account, Proven] | None
    absence: AbsenceProof | None
    note: str
    text: str
    checkpoint: Checkpoint | None
    anchors: Sequence[Anchor]
    party: str | None


class Case(NamedTuple):
    """One proof before one verifier. ``now_ms`` is the verifier's clock, None if it has none."""

    evidence: Evidence
    trust: Trust
    chain: ChainReader | None
    now_ms: int | None


class _Reader:
    """Reads parts and gathers what cannot be read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def entry(self, field: str, data: bytes, index: int, path: Sequence[bytes], disclosures: Sequence[str]) -> Shown:
        entry, event_data = None, b""
        try:
            entry = parse_entry(data)
            check_order(entry.signatures)
            _check_event(entry.event)
            # Canonical, so the event stands between these two; no text before or after it can hold such a mark.
            event_data = data[data.index(b',"event":') + 9 : data.rindex(b',"signatures":[')]
        except LedgerError as error:
            entry = None
            self.findings.append(failed(error, f"{field}.entry" if field else "entry"))
        return Shown(field, entry, event_data, leaf_hash(data), index, path, disclosures)

    def key(self, field: str, proof: MapProof) -> ProvenKey | None:
        try:
            key, proven = _value(field, proof, Key)
            decode_digest(key.key, "value.key")
        except LedgerError as error:
            self.findings.append(failed(error, field))
            return None
        return ProvenKey(key, proven)

    def account(self, proof: MapProof) -> tuple[Account, Proven] | None:
        try:
            return _value("account", proof, Account)
        except LedgerError as error:
            self.findings.append(failed(error, "account"))
            return None

    def checkpoint(self, text: str) -> Checkpoint | None:
        try:
            return Checkpoint.parse(text)
        except LedgerError as error:
            self.findings.append(failed(error, "checkpoint"))
            return None


Value = TypeVar("Value", Key, Account)


def read(proof: Proof) -> tuple[Evidence, list[Finding]]:
    """The parts of a proof, and every fault of their form."""
    reader = _Reader()
    text = proof.checkpoint.rpartition("\n\n")[0] + "\n"  # the signatures are read where they are verified
    checkpoint = reader.checkpoint(text)
    last = checkpoint.size - 1 if checkpoint else 0
    commitment = None
    if not isinstance(proof.commitment, UnsetType):
        commitment = reader.entry("commitment", proof.commitment.entry, last, proof.commitment.path, ())
    account = absence = party = None
    if isinstance(proof, Receipt):
        shown = [reader.entry("", proof.entry, proof.index, proof.path, proof.disclosures)]
    else:
        party = proof.party
        shown = [_statement_entry(reader, place, entry) for place, entry in enumerate(proof.entries)]
        account = None if isinstance(proof.account, UnsetType) else reader.account(proof.account)
        absence = None if isinstance(proof.absence, UnsetType) else proof.absence
    keys = [] if isinstance(proof.keys, UnsetType) else proof.keys
    return (
        Evidence(
            early=isinstance(proof.commitment, UnsetType),
            shown=shown,
            entries=[(each, each.entry) for each in shown if each.entry is not None],
            commitment=commitment,
            keys=[reader.key(f"keys.{place}", key) for place, key in enumerate(keys)],
            account=account,
            absence=absence,
            note=proof.checkpoint,
            text=text,
            checkpoint=checkpoint,
            anchors=[] if isinstance(proof.anchors, UnsetType) else proof.anchors,
            party=party,
        ),
        reader.findings,
    )


def _statement_entry(reader: _Reader, place: int, entry: StatementEntry) -> Shown:
    return reader.entry(f"entries.{place}", entry.entry, entry.index, entry.path, entry.disclosures)


def _check_event(event: Event) -> None:
    """What reading an event does not say (formats §3): which of the optional fields its kind takes."""
    body = event.body
    if (event.rule is UNSET) is body.takes_rule:
        raise FormatError("needs a rule exactly where its kind takes one", field="event.rule")
    if (event.reverses is UNSET) is body.takes_reverses:
        raise FormatError("needs an entry to reverse exactly where its kind takes one", field="event.reverses")
    if not isinstance(event.private, UnsetType) and not event.private.keys() <= body.private.keys():
        raise FormatError(
            "a private field that this kind does not have",
            field="event.private",
            expected=", ".join(body.private) or "none",
            got=", ".join(event.private),
        )


def _value(field: str, proof: MapProof, kind: type[Value]) -> tuple[Value, Proven]:
    """The typed value of a map proof, strictly read; its canonical bytes are what the map must hold."""
    try:
        fact = msgspec.convert(proof.value, kind)
    except msgspec.ValidationError as error:
        raise FormatError(f"not a value of the state map: {error}", field="value") from error
    return fact, Proven(field, encode(fact), digests_of(proof.path))
