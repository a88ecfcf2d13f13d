"""The step that only a newer statement allows: whether a receipt's entry was taken back later (formats §9)."""

from __future__ import annotations

from ledger.domain.entries import Entry
from ledger.verify.evidence import Evidence
from ledger.verify.report import Finding, Verdict
from ledger.verify.steps import Findings, fault, lacking, required


def current(receipt: Evidence, statement: Evidence, verdict: Verdict) -> Findings:
    """What a statement of the verdict ``verdict`` says about the entry of a receipt."""
    if verdict != "genuine":
        yield lacking(f"the statement itself is {verdict}", "fresh")
        return
    shown, entry = next(iter(receipt.entries), (None, None))
    old, new = required(receipt.checkpoint, "checkpoint"), required(statement.checkpoint, "fresh.checkpoint")
    party = required(statement.party, "fresh.party")
    if shown is None or entry is None:
        yield fault("cannot be looked at, since it cannot be read", "entry")
    elif new.origin != old.origin:
        yield lacking("a statement of another ledger", "fresh")
    elif new.size < old.size:
        yield lacking(f"the statement is older: {new.size} entries, not {old.size}", "fresh")
    elif party not in entry.effects.parties:
        yield lacking("a statement about somebody else", "fresh.party")
    else:
        if shown.leaf not in {other.leaf for other in statement.shown}:
            yield fault("the statement does not hold this entry", "fresh.entries", expected=shown.leaf.hex())
        yield from _taken_back(entry, [other for _, other in statement.entries])


def _taken_back(entry: Entry, others: list[Entry]) -> Findings:
    for other in others:
        if other.event.reverses == entry.event.id:
            yield Finding("outdated", f"taken back by entry {other.chain.seq}", "entry")
