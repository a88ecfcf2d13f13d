"""Verifying one proof: read it once, run every step, tell everything (formats §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ledger.core.receipt import RECEIPT_FORMAT, STATEMENT_FORMAT, Proof, Receipt, parse
from ledger.errors import FormatError, LedgerError
from ledger.verify import outside, statement, steps
from ledger.verify.chain import ChainReader
from ledger.verify.evidence import Case, Evidence, read
from ledger.verify.fresh import current
from ledger.verify.report import Finding, Report, Step, Subject, failed, report_of, step_of
from ledger.verify.trust import Trust, trust_of

Check = Callable[[Case], Iterable[Finding]]

_RECORD: Final[tuple[tuple[str, Check], ...]] = (
    ("bound", steps.bound),
    ("signed", steps.signed),
    ("authorised", steps.authorised),
    ("private", steps.private),
    ("effects", steps.effects),
    ("included", steps.included),
    ("checkpoint", outside.checkpoint),
    ("batched", outside.batched),
    ("anchored", outside.anchored),
)
RECEIPT_STEPS: Final = _RECORD
STATEMENT_STEPS: Final = (*_RECORD, ("complete", statement.complete))
"""The steps after ``format``, in the order in which they are told."""

UNREADABLE: Final = frozenset({"not_json", "too_large"})
"""Codes of a `FormatError` for bytes that make no claim: they are not judged, but raised."""


def verify(
    data: bytes | str,
    trust: Trust | str,
    *,
    chain: ChainReader | None = None,
    now_ms: int | None = None,
    fresh: bytes | str | None = None,
) -> Report:
    """Verify a receipt or a statement against a verifier's own trust.

    ``trust`` may be the text of a trust file. ``chain`` is a reader, such as `ledger.rpc.RpcReader`, or answers fetched
    beforehand; ``now_ms`` the verifier's clock in ms since 1970 UTC, needed for the policy's ``max_age_days``.
    ``fresh`` is a newer statement about a party of the receipt's entry: it shows whether the entry was taken back.

    Raises `FormatError` if ``data`` is too large or no JSON at all, `ConfigError` if ``trust`` is wrong. Whatever else
    is wrong with ``data`` is told in the report.
    """
    believed = trust_of(trust) if isinstance(trust, str) else trust
    report, evidence = _judge(_bytes_of(data), believed, chain, now_ms)
    if fresh is None:
        return report
    newer, newest = _judge(_bytes_of(fresh), believed, chain, now_ms)
    if evidence is None or newest is None:
        step = Step("current", "missing", (Finding("missing", "one of the two cannot be read", "fresh"),))
    else:
        step = run("current", current, evidence, newest, newer.verdict)
    return report_of([*report.steps, step], report.subject)


def _judge(data: bytes, trust: Trust, chain: ChainReader | None, now_ms: int | None) -> tuple[Report, Evidence | None]:
    try:
        proof = parse(data)
    except FormatError as error:
        if error.code in UNREADABLE:
            raise
        return _not_a_proof(error), None
    evidence, findings = read(proof)
    case = Case(evidence, trust, chain, now_ms)
    checks = RECEIPT_STEPS if isinstance(proof, Receipt) else STATEMENT_STEPS
    told = [step_of("format", findings), *(run(code, check, case) for code, check in checks)]
    return report_of(told, _subject(proof, evidence)), evidence


def run(code: str, check: Callable[..., Iterable[Finding]], *arguments: object) -> Step:
    """The step of a check. What it raises makes it fail, whatever that is: verification fails closed."""
    findings: list[Finding] = []
    try:
        findings += check(*arguments)
    except LedgerError as error:
        findings.append(failed(error))
    except Exception as error:  # a fault of ours must never pass for a proof
        findings.append(Finding("failed", f"the check broke down: {type(error).__name__}"))
    return step_of(code, findings)


def _not_a_proof(error: FormatError) -> Report:
    """The report about JSON that is no proof: no step can be run, so none passes."""
    reason = Finding("failed", "cannot be looked at, since the file cannot be read")
    skipped = [Step(code, "failed", (reason,)) for code, _ in RECEIPT_STEPS]
    return report_of([step_of("format", [failed(error)]), *skipped], Subject())


def _subject(proof: Proof, evidence: Evidence) -> Subject:
    checkpoint = evidence.checkpoint
    receipt = isinstance(proof, Receipt)
    return Subject(
        format=RECEIPT_FORMAT if receipt else STATEMENT_FORMAT,
        origin=checkpoint.origin if checkpoint else None,
        size=checkpoint.size if checkpoint else None,
        leaf_index=proof.index if isinstance(proof, Receipt) else None,
        party=evidence.party,
    )


def _bytes_of(data: bytes | str) -> bytes:
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError as error:
            raise FormatError("not Unicode text", code="not_json") from error
    return bytes(data)
