"""Reports: worst finding first, plain words for every result, and plain values for programmes."""

from __future__ import annotations

import json
import string

from ledger.verify.report import EXIT_CODES, Finding, Step, Subject, report_of, step_of
from ledger.verify.sentences import SENTENCES, VERDICTS
from ledger.verify.verifier import RECEIPT_STEPS, STATEMENT_STEPS
from tests.helpers.receipts import sample


def test_the_worst_finding_decides_a_step_and_the_worst_step_the_verdict() -> None:
    order = ["failed", "missing", "outdated", "not_asked"]
    for place, result in enumerate(order):
        findings = [Finding(name, "x") for name in reversed(order[place:])]
        assert step_of("anchored", findings).result == result
    verdicts = {"failed": "invalid", "missing": "pending", "outdated": "superseded", "not_asked": "genuine"}
    for place, result in enumerate(order):
        steps = [Step("anchored", name) for name in ["ok", *reversed(order[place:])]]
        assert report_of(steps, Subject()).verdict == verdicts[result]


def test_no_steps_at_all_prove_nothing() -> None:
    assert report_of([], Subject()).verdict == "invalid"


def test_every_step_has_words_in_two_languages() -> None:
    codes = {"format", "current"} | {code for code, _ in (*RECEIPT_STEPS, *STATEMENT_STEPS)}
    assert set(SENTENCES) == codes
    for words in SENTENCES.values():
        assert {"ok", "failed", "missing"} <= set(words)
        for sentence in words.values():
            assert sentence.en[-1] == "."
            assert sentence.zh[-1] == "。"
            assert not set(sentence.zh) & set(string.ascii_letters)


def test_every_verdict_has_words_and_an_exit_code() -> None:
    assert set(VERDICTS) == set(EXIT_CODES)
    assert EXIT_CODES == {"genuine": 0, "invalid": 1, "pending": 3, "superseded": 4}


def test_a_report_as_json_holds_everything_and_no_nulls() -> None:
    s = sample()
    for proof in (s.receipt(), s.ledger.early_receipt(s.seq), {"format": "x"}):
        report = s.judge(proof)
        value = json.loads(json.dumps(report.as_json(), ensure_ascii=False))
        assert value["verdict"] == report.verdict
        assert value["exit_code"] == report.exit_code
        assert value["missing"] == list(report.missing)
        assert [(step["code"], step["result"]) for step in value["steps"]] == [(x.code, x.result) for x in report.steps]
        assert all(step["sentence"] and step["sentence_zh"] for step in value["steps"])
        assert "null" not in json.dumps(value)


def test_a_detail_tells_field_expected_and_got() -> None:
    s = sample()
    receipt = s.receipt_json()
    receipt["index"] += 1
    step = next(step for step in s.judge(receipt).steps if step.code == "bound")
    assert step.detail == f"chain.seq: the entry has another place; expected {s.seq + 1}; got {s.seq}"
    assert s.judge(receipt).faults[0] == f"bound: {step.detail}"
