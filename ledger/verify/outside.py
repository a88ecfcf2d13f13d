"""The steps about the world outside the ledger: who sealed and witnessed the book, and which chain holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from ledger.core.batch import batch_leaf, verify_path
from ledger.core.encoding import decode_digest
from ledger.core.hashing import ledger_id
from ledger.core.note import Checkpoint, Note, VerifierKey, open_note
from ledger.core.receipt import Anchor
from ledger.errors import LedgerError
from ledger.verify.chain import Answer, Question, Silence
from ledger.verify.evidence import Case
from ledger.verify.report import Finding, Result, failed
from ledger.verify.steps import Findings, fault, lacking, required
from ledger.verify.trust import Trust, TrustedChain

CLOCK_TOLERANCE_MS: Final = 5 * 60_000
"""How far the ledger's clock may be ahead of a cosignature (formats §9)."""
DAY_MS: Final = 86_400_000


def checkpoint(case: Case) -> Findings:
    """A trusted log key signed the checkpoint, and enough trusted witnesses and auditors cosigned it."""
    evidence, trust = case.evidence, case.trust
    claimed = required(evidence.checkpoint, "checkpoint")
    keys = trust.logs.get(claimed.origin)
    if keys is None:
        yield fault(
            "a ledger that you do not trust", "checkpoint", expected=" or ".join(trust.logs), got=claimed.origin
        )
        return
    note = _opened(evidence.note, (*keys, *trust.witnesses))
    if note.text != evidence.text:
        yield fault("another text is signed than the one that is read", "checkpoint", got=note.text)
    if not any(signature.key in keys for signature in note.signatures):
        yield fault("the log did not sign the checkpoint", "checkpoint", expected=claimed.origin)
    times = note.cosigners()
    yield from _quorum(times, trust)
    yield from _clock(case, note)
    if not trust.policy.chains and trust.policy.witnesses:
        yield from _witnessed_lately(case, sorted(times.values(), reverse=True))


@lru_cache(maxsize=64)
def _opened(note: str, keys: tuple[VerifierKey, ...]) -> Note:
    """`open_note`, remembered if it succeeds: all receipts of one checkpoint show the same note."""
    return open_note(note, keys)


def _quorum(times: dict[bytes, int], trust: Trust) -> Findings:
    policy = trust.policy
    for name, wanted, found in (
        ("witnesses", policy.witnesses, len(times)),
        ("auditors", policy.auditors, len(times.keys() & trust.auditors)),
    ):
        if found < wanted:
            yield Finding("missing", f"too few {name} cosigned", "checkpoint", f"at least {wanted}", str(found))


def _clock(case: Case, note: Note) -> Findings:
    """No entry that is shown claims a time well after a witness had seen it."""
    evidence = case.evidence
    last = [*evidence.shown, *([evidence.commitment] if evidence.commitment else [])]
    newest = max((shown.entry.chain.at for shown in last if shown.entry), default=0)
    for signature in note.signatures:
        if signature.time_s is not None and newest > signature.time_s * 1000 + CLOCK_TOLERANCE_MS:
            yield fault(
                "the ledger's clock is ahead of a witness's",
                "chain.at",
                expected=f"at most {signature.time_s * 1000 + CLOCK_TOLERANCE_MS} ({signature.key.name})",
                got=newest,
            )


def _witnessed_lately(case: Case, times: Sequence[int]) -> Findings:
    """Where no chain is asked for, the policy's age is that of the cosignatures that make the quorum."""
    wanted = case.trust.policy.witnesses
    if len(times) >= wanted:
        yield from _age(case, times[wanted - 1], "checkpoint")


def _age(case: Case, time_s: int, field: str) -> Findings:
    days = case.trust.policy.max_age_days
    if isinstance(days, UnsetType):
        return
    if case.now_ms is None:
        yield lacking("the age cannot be told without the time now", field)
    elif case.now_ms - time_s * 1000 > days * DAY_MS:
        age = f"{(case.now_ms - time_s * 1000) // DAY_MS} days"
        yield Finding("outdated", "older than the policy allows", field, f"at most {days} days", age)


# batched, anchored ----------------------------------------------------------------------------------------------------


def batched(case: Case) -> Findings:
    """The ledger's (id, size, root) leads to the root of every batch that is named."""
    evidence = case.evidence
    claimed = required(evidence.checkpoint, "checkpoint")
    leaf = batch_leaf(ledger_id(claimed.origin), claimed.size, claimed.root)
    for place, anchor in enumerate(evidence.anchors):
        try:
            verify_path(leaf, anchor.path, decode_digest(anchor.batch_root))
        except LedgerError as error:
            yield failed(error, f"anchors.{place}")
    if not evidence.anchors:
        yield _no_anchor(case)


def _no_anchor(case: Case) -> Finding:
    if case.trust.policy.chains:
        return lacking("not anchored yet", "anchors")
    return Finding("not_asked", "the policy asks for no chain", "anchors")


class _Looked(NamedTuple):
    """What looking at one chain gave: whether it counts, and what it found."""

    result: Result
    findings: list[Finding]


def anchored(case: Case) -> Findings:
    """Enough of the trusted chains hold the batch and the ledger's head, deep enough and not too old."""
    claimed = required(case.evidence.checkpoint, "checkpoint")
    wanted = case.trust.policy.chains
    if not case.evidence.anchors or (not wanted and case.chain is None):
        yield _no_anchor(case)
        return
    looked = list(_look_at_chains(case, claimed))
    if wanted and not looked:
        trusted = ", ".join(f"{chain.id} {chain.contract}" for chain in case.trust.chains)
        named = ", ".join(f"{anchor.chain_id} {anchor.contract}" for anchor in case.evidence.anchors)
        yield fault("anchored where you do not trust", "anchors", expected=trusted, got=named)
    yield from _count(looked, wanted)


def _count(looked: Sequence[_Looked], wanted: int) -> Findings:
    """A contradiction always tells; what is missing or too old does only while other chains do not make up for it."""
    held = sum(chain.result == "ok" for chain in looked)
    aged = sum(chain.result == "outdated" for chain in looked)
    for chain in looked:
        if chain.result == "failed" or held < wanted:
            yield from chain.findings
    if held + aged < wanted:
        yield Finding("missing", "held by too few chains", "anchors", f"at least {wanted}", str(held + aged))
    if not wanted:
        yield Finding("not_asked", "the policy asks for no chain", "anchors")


def _look_at_chains(case: Case, claimed: Checkpoint) -> Iterator[_Looked]:
    chains = {(chain.id, chain.contract): chain for chain in case.trust.chains}
    seen = set()
    for place, anchor in enumerate(case.evidence.anchors):
        name, field = (anchor.chain_id, anchor.contract), f"anchors.{place}"
        if name in seen:
            yield _Looked("failed", [fault("a contract is named twice", field, got=anchor.contract)])
            continue
        seen.add(name)
        if chain := chains.get(name):
            findings = list(_look(case, claimed, chain, anchor, field))
            results = {finding.result for finding in findings}
            weights: tuple[Result, ...] = ("failed", "missing", "outdated")
            yield _Looked(next((result for result in weights if result in results), "ok"), findings)


def _look(case: Case, claimed: Checkpoint, chain: TrustedChain, anchor: Anchor, field: str) -> Findings:
    question = Question(ledger_id(claimed.origin), claimed.size, anchor.batch, anchor.block)
    if case.chain is None:
        yield lacking("the chain was not asked", field)
        return
    answers: list[Answer] = []
    asked = case.chain.ask(chain, question)
    for answer in asked:
        if isinstance(answer, Silence):
            yield lacking(f"{answer.rpc} did not answer: {answer.reason}", field)
        else:
            answers.append(answer)
            yield from _agrees(answer, claimed, chain, anchor, field)
    if len(asked) < max(1, len(chain.rpc)):
        yield lacking("not every node of the chain was asked", field)
    if len({(a.chain_id, a.code_hash, a.batch, a.anchor) for a in answers}) > 1:
        yield from _disagree(answers, anchor, field)
    for time_s in sorted({answer.anchor.time_s for answer in answers if answer.anchor})[:1]:
        yield from _age(case, time_s, field)


def _agrees(answer: Answer, claimed: Checkpoint, chain: TrustedChain, anchor: Anchor, field: str) -> Findings:
    """What one node says, against the trust file and the proof."""
    if answer.chain_id != chain.id:
        yield fault(f"{answer.rpc} is on another chain", f"{field}.chain_id", expected=chain.id, got=answer.chain_id)
    if chain.code_hash is not UNSET and answer.code_hash != chain.code_hash:
        got = answer.code_hash or "no code"
        yield fault("another contract stands there", f"{field}.contract", expected=chain.code_hash, got=got)
    if answer.latest < anchor.block:
        yield lacking(f"{answer.rpc} has not come to block {anchor.block} yet", field)
        return
    if answer.batch is None:
        yield fault("the contract holds no such batch", f"{field}.batch", got=anchor.batch)
    elif answer.batch.root.hex() != anchor.batch_root:
        root = answer.batch.root.hex()
        yield fault("the batch has another root", f"{field}.batch_root", expected=root, got=anchor.batch_root)
    stored = answer.anchor
    if stored is None:
        yield fault("the contract holds no anchor of this size", f"{field}.batch", expected=claimed.size)
    else:
        wanted = (claimed.size, claimed.root.hex(), anchor.batch, anchor.block)
        found = (stored.size, stored.root.hex(), stored.batch, stored.block)
        if found != wanted:
            yield fault("the contract holds another anchor of this ledger", field, expected=wanted, got=found)
        depth = answer.latest - stored.block + 1
        if depth < chain.confirmations:
            yield Finding("missing", "too few blocks", field, f"at least {chain.confirmations}", str(depth))
    if answer.transactions is None or anchor.tx not in answer.transactions:
        yield fault("no such transaction in the block", f"{field}.tx", got=anchor.tx)


def _disagree(answers: Sequence[Answer], anchor: Anchor, field: str) -> Findings:
    """Nodes that have come to the block must say the same; one that lags behind is told as missing."""
    grown = [answer for answer in answers if answer.latest >= anchor.block]
    if len({(a.chain_id, a.code_hash, a.batch, a.anchor) for a in grown}) > 1:
        yield fault("the nodes of the chain contradict each other", field, got=", ".join(a.rpc for a in grown))
