"""What verifying gives: one step for each check, and a verdict over all of them (formats §9)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from ledger.errors import LedgerError
from ledger.verify.sentences import SENTENCES, VERDICTS, Sentence

Result = Literal["ok", "failed", "missing", "outdated", "not_asked"]
"""``missing``: nothing speaks against it, but evidence is not there yet. ``outdated``: it held, and no longer does.
``not_asked``: neither the proof nor the policy calls for this check."""
Verdict = Literal["genuine", "pending", "superseded", "invalid"]

EXIT_CODES: Final[dict[Verdict, int]] = {"genuine": 0, "invalid": 1, "pending": 3, "superseded": 4}
"""Of ``gongfen verify``; 2 is for what cannot be read, misuse and crashes."""


class Finding(NamedTuple):
    """One thing that a step found; a step without findings is ``ok``. Fields as in `LedgerError`."""

    result: Result
    message: str
    field: str | None = None
    expected: str | None = None
    got: str | None = None

    def __str__(self) -> str:
        parts = [f"{self.field}: {self.message}" if self.field else self.message]
        parts += [f"expected {self.expected}"] if self.expected is not None else []
        parts += [f"got {self.got}"] if self.got is not None else []
        return "; ".join(parts)


class Step(NamedTuple):
    """One check: its code, its result, and everything it found."""

    code: str
    result: Result
    findings: tuple[Finding, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in words that a resident understands, in English."""
        return self._words.en

    @property
    def sentence_zh(self) -> str:
        """The result in words that a resident understands, in Chinese."""
        return self._words.zh

    @property
    def detail(self) -> str:
        """Every finding with what was expected and what came; empty if there is none."""
        return " | ".join(map(str, self.findings))

    @property
    def _words(self) -> Sentence:
        return SENTENCES[self.code][self.result]


class Subject(NamedTuple):
    """What a report is about, as far as it could be read and whether or not it holds."""

    format: str | None = None
    origin: str | None = None
    size: int | None = None
    leaf_index: int | None = None
    party: str | None = None


class Report(NamedTuple):
    """The outcome of verifying one proof. ``subject`` is only as good as the verdict."""

    verdict: Verdict
    steps: tuple[Step, ...]
    subject: Subject

    @property
    def exit_code(self) -> int:
        """The exit code of ``gongfen verify`` (formats §9)."""
        return EXIT_CODES[self.verdict]

    @property
    def as_of(self) -> int | None:
        """The size of the checkpoint that everything holds at: nothing is said of later entries."""
        return self.subject.size

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still missing, one sentence each."""
        return tuple(str(f) for step in self.steps for f in step.findings if f.result == "missing")

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not hold, one sentence each, with the code of its step."""
        return tuple(f"{step.code}: {f}" for step in self.steps for f in step.findings if f.result == "failed")

    @property
    def sentence(self) -> str:
        """The verdict in words that a resident understands, in English."""
        return VERDICTS[self.verdict].en.format(size=self._size)

    @property
    def sentence_zh(self) -> str:
        """The verdict in words that a resident understands, in Chinese."""
        return VERDICTS[self.verdict].zh.format(size=self._size)

    @property
    def _size(self) -> str:
        return "?" if self.as_of is None else str(self.as_of)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values; what is not known is left out."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "sentence": self.sentence,
            "sentence_zh": self.sentence_zh,
            "subject": {name: value for name, value in self.subject._asdict().items() if value is not None},
            "missing": list(self.missing),
            "steps": [
                {
                    "code": step.code,
                    "result": step.result,
                    "sentence": step.sentence,
                    "sentence_zh": step.sentence_zh,
                    "findings": [
                        {name: value for name, value in finding._asdict().items() if value is not None}
                        for finding in step.findings
                    ],
                }
                for step in self.steps
            ],
        }


def failed(error: LedgerError, field: str | None = None) -> Finding:
    """An error as a finding; ``field`` says where, if the error does not know it fully."""
    place = f"{field}.{error.field}" if field and error.field else field or error.field
    return Finding("failed", error.message, place, error.expected, error.got)


_BY_WEIGHT: Final[tuple[Result, ...]] = ("failed", "missing", "outdated", "not_asked")


def step_of(code: str, findings: Sequence[Finding]) -> Step:
    """The step of these findings: the worst of them decides."""
    if not findings:
        return _passed(code)
    results = {finding.result for finding in findings}
    return Step(code, next(result for result in _BY_WEIGHT if result in results), tuple(findings))


@lru_cache(maxsize=64)
def _passed(code: str) -> Step:
    return Step(code, "ok")


def report_of(steps: Sequence[Step], subject: Subject) -> Report:
    """The verdict over all steps: invalid if any failed, else pending if any misses something, else genuine."""
    results = {step.result for step in steps}
    verdict: Verdict = "genuine"
    if "failed" in results or not steps:
        verdict = "invalid"
    elif "missing" in results:
        verdict = "pending"
    elif "outdated" in results:
        verdict = "superseded"
    return Report(verdict, tuple(steps), subject)
