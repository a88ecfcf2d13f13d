"""The step about a statement as a whole: these are all entries of the party, and they add up (formats §7, §9)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import UnsetType

from ledger.core.encoding import decode_digest
from ledger.core.hashing import history_step, state_key
from ledger.core.receipt import AbsenceProof, digests_of
from ledger.core.statemap import verify_absence
from ledger.core.types import ZERO_DIGEST
from ledger.domain.entries import Entry
from ledger.domain.facts import Account
from ledger.errors import LedgerError
from ledger.verify.evidence import Case, Proven, Shown
from ledger.verify.report import failed
from ledger.verify.steps import Findings, commitment_of, fault, in_map, required, unread


def complete(case: Case) -> Findings:
    """The committed account binds the exact list of entries, and its balances are what they move."""
    evidence = case.evidence
    yield from unread(evidence)
    party = required(evidence.party, "party")
    yield from _newest(case)
    _, _, body = commitment_of(evidence)
    root = decode_digest(body.root, "commitment.body.root")
    if evidence.absence is not None:
        _absent(root, party, evidence.absence)
        return
    account, proof = required(evidence.account, "account")
    yield from _account(root, party, account, proof)
    yield from _listed(evidence.shown, account)
    yield from _concerned(evidence.entries, party)
    yield from _balanced(evidence.entries, account)


def _newest(case: Case) -> Findings:
    """commitment.index = body.size = S - 1: the commitment is the checkpoint's last entry, and of all before it."""
    checkpoint = required(case.evidence.checkpoint, "checkpoint")
    _, entry, body = commitment_of(case.evidence)
    if not entry.chain.seq == body.size == checkpoint.size - 1:
        yield fault(
            "not the commitment that ends the checkpoint",
            "commitment",
            expected=checkpoint.size - 1,
            got=f"entry {entry.chain.seq} about {body.size}",
        )


def _absent(root: bytes, party: str, absence: AbsenceProof) -> None:
    other = absence.other
    leaf = None if isinstance(other, UnsetType) else (decode_digest(other.key), decode_digest(other.value_hash))
    verify_absence(root=root, key=state_key("account", party), path=digests_of(absence.path), other=leaf)


def _account(root: bytes, party: str, account: Account, proof: Proven) -> Findings:
    if account.party != party:
        yield fault("the account of another party", "account.value.party", expected=party, got=account.party)
    try:
        in_map(root, "account", party, proof)
    except LedgerError as error:
        yield failed(error, "account")


def _listed(shown: Sequence[Shown], account: Account) -> Findings:
    """Count, order, the newest, and the head that binds the list."""
    if account.count != len(shown):
        yield fault("not all entries, or too many", "entries", expected=account.count, got=len(shown))
    for before, after in pairwise(shown):
        if after.leaf_index <= before.leaf_index:
            where = f"{after.field}.index"
            yield fault("out of order or doubled", where, expected=f"> {before.leaf_index}", got=after.leaf_index)
    last = shown[-1].leaf_index if shown else None
    if account.last != last:
        yield fault("not the newest entry", "entries", expected=account.last, got=last)
    head = ZERO_DIGEST
    for each in shown:
        head = history_step(head, each.leaf)
    if account.head != head.hex():
        yield fault("not the list that the account binds", "entries", expected=account.head, got=head.hex())


def _concerned(entries: Sequence[tuple[Shown, Entry]], party: str) -> Findings:
    for shown, entry in entries:
        if party not in entry.effects.parties:
            yield fault("an entry about others", f"{shown.field}.entry", expected=party, got=entry.effects.parties)


def _balanced(entries: Sequence[tuple[Shown, Entry]], account: Account) -> Findings:
    sums = dict.fromkeys(account.balances, 0)
    prefix = f"{account.party}/"
    for _, entry in entries:
        for posting in entry.effects.postings:
            if posting.account.startswith(prefix):
                unit = posting.account.removeprefix(prefix)
                sums[unit] = sums.get(unit, 0) + posting.delta
    if sums != account.balances:
        yield fault("the balances do not add up", "account.value.balances", expected=sums, got=account.balances)
