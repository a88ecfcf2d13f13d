"""Receipts through the whole verifier: every verdict, and what each step says."""

from __future__ import annotations

import json

import pytest

from ledger.core.note import VerifierKey
from ledger.core.receipt import serialise
from ledger.errors import ConfigError, FormatError
from ledger.verify import Trust, outside, verify
from ledger.verify.evidence import Case, read
from tests.helpers.cast import seed_of
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder
from tests.helpers.receipts import dump, failing, results, sample

ALL_STEPS = [
    "format",
    "bound",
    "signed",
    "authorised",
    "private",
    "effects",
    "included",
    "checkpoint",
    "batched",
    "anchored",
]
DAY_MS = 86_400_000


def test_a_good_receipt_is_genuine_in_every_step() -> None:
    s = sample()
    report = s.judge(s.receipt())
    assert (report.verdict, report.exit_code) == ("genuine", 0)
    assert results(report) == dict.fromkeys(ALL_STEPS, "ok")
    assert report.as_of == s.size
    assert report.subject.leaf_index == s.seq
    assert report.subject.origin == s.ledger.origin
    assert report.missing == report.faults == ()


@pytest.mark.parametrize("seq", range(sample().size))
def test_every_entry_has_a_genuine_receipt_even_the_first_and_the_commitments(seq: int) -> None:
    s = sample()
    assert s.judge(s.receipt(seq)).verdict == "genuine"


def test_older_receipts_stay_genuine_as_of_their_size() -> None:
    s = sample()
    report = s.judge(s.receipt(size=s.first))
    assert report.verdict == "genuine"
    assert report.as_of == s.first
    assert str(s.first) in report.sentence
    assert str(s.first) in report.sentence_zh


def test_trust_may_be_parsed_once_or_given_as_text_and_data_as_text() -> None:
    s = sample()
    text = serialise(s.receipt()).decode()
    parsed = verify(text, Trust.parse(s.trust), chain=s.chain, now_ms=s.chain.now_ms)
    assert parsed == s.judge(s.receipt())


def test_spaces_and_the_order_of_keys_do_not_matter() -> None:
    s = sample()
    turned = dict(reversed(s.receipt_json().items()))
    assert s.judge(json.dumps(turned, indent=3).encode()).verdict == "genuine"


def test_showing_fewer_private_details_is_allowed() -> None:
    s = sample()
    receipt = s.receipt_json()
    receipt["disclosures"].pop()
    assert s.judge(receipt).verdict == "genuine"
    receipt["disclosures"] = []
    report = s.judge(receipt)
    assert report.verdict == "genuine"
    assert results(report)["private"] == "not_asked"


def test_an_early_receipt_is_pending_and_says_what_is_missing() -> None:
    s = sample()
    report = s.judge(s.ledger.early_receipt(s.seq))
    assert (report.verdict, report.exit_code) == ("pending", 3)
    told = results(report)
    assert [code for code in ALL_STEPS if told[code] == "missing"] == [
        "signed",
        "authorised",
        "included",
        "batched",
        "anchored",
    ]
    assert any("committed" in sentence for sentence in report.missing)


def test_the_early_receipt_of_entry_0_has_its_signatures_checked() -> None:
    s = sample()
    told = results(s.judge(s.ledger.early_receipt(0, 3)))
    assert told["signed"] == told["authorised"] == "ok"


def test_a_committed_receipt_without_an_anchor_is_pending_if_a_chain_is_asked_for() -> None:
    s = sample()
    for receipt in (s.ledger.receipt(s.seq, s.size), _without_anchors(s.receipt_json())):
        report = s.judge(receipt)
        assert report.verdict == "pending"
        assert results(report)["anchored"] == results(report)["batched"] == "missing"


def _without_anchors(receipt: dict[str, object]) -> dict[str, object]:
    del receipt["anchors"]
    return receipt


def test_where_the_policy_asks_for_witnesses_alone_no_chain_is_needed() -> None:
    s = sample()
    trust = s.ledger.trust()
    report = verify(serialise(s.ledger.receipt(s.seq, s.size)), trust)
    assert report.verdict == "genuine"
    assert results(report)["anchored"] == "not_asked"
    report = verify(serialise(s.receipt()), trust)
    assert report.verdict == "genuine"
    assert (results(report)["batched"], results(report)["anchored"]) == ("ok", "not_asked")


def test_too_few_witnesses_are_pending() -> None:
    s = sample()
    for kept, missing in (
        (s.ledger.witnesses[:1], "witnesses"),
        (s.ledger.witnesses[:1], "auditors"),
        ((), "auditors"),
    ):
        note = s.ledger.checkpoint(s.size, witnesses=kept)
        report = s.judge(s.ledger.receipt(s.seq, s.size, chains=[s.chain], checkpoint=note))
        assert report.verdict == "pending"
        assert any(missing in sentence for sentence in report.missing)


def test_after_a_rotation_any_of_the_listed_log_keys_will_do() -> None:
    s = sample()
    new = seed_of("new log key")
    key = str(VerifierKey.of(name=s.ledger.origin, key=new))
    note = s.ledger.checkpoint(s.size, seed=new)
    receipt = s.ledger.receipt(s.seq, s.size, chains=[s.chain], checkpoint=note)
    assert failing(s.judge(receipt)) == {"checkpoint"}
    both = s.ledger.trust(chains=[s.chain], logs=[key])
    assert s.judge(receipt, trust=both).verdict == "genuine"
    assert s.judge(s.receipt(), trust=both).verdict == "genuine"


def test_a_receipt_older_than_the_policy_allows_is_superseded_and_without_a_clock_pending() -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], policy={"max_age_days": 30})
    assert s.judge(s.receipt(), trust=trust).verdict == "genuine"
    late = s.judge(s.receipt(), trust=trust, now_ms=s.chain.now_ms + 30 * DAY_MS)
    assert (late.verdict, late.exit_code) == ("superseded", 4)
    assert results(late)["anchored"] == "outdated"
    assert s.judge(s.receipt(), trust=trust, now_ms=None).verdict == "pending"


def test_without_chains_the_age_is_that_of_the_cosignatures_of_the_quorum() -> None:
    s = sample()
    trust = s.ledger.trust(policy={"max_age_days": 30})
    assert s.judge(s.receipt(), trust=trust).verdict == "genuine"
    late = s.judge(s.receipt(), trust=trust, now_ms=s.chain.now_ms + 31 * DAY_MS)
    assert late.verdict == "superseded"
    assert results(late)["checkpoint"] == "outdated"
    assert s.judge(s.receipt(), trust=trust, now_ms=None).verdict == "pending"


def test_a_newer_statement_shows_that_an_entry_was_taken_back() -> None:
    s = sample()
    fresh = serialise(s.statement())
    taken_back = s.judge(s.receipt(s.other), fresh=fresh)
    assert (taken_back.verdict, results(taken_back)["current"]) == ("superseded", "outdated")
    stands = s.judge(s.receipt(), fresh=fresh)
    assert (stands.verdict, results(stands)["current"]) == ("genuine", "ok")


def test_a_statement_that_settles_nothing_leaves_the_receipt_pending() -> None:
    s = sample()
    elsewhere = LedgerBuilder.village("gongfen.example/elsewhere")
    size = elsewhere.commit()
    s.chain.anchor([elsewhere.head(size)])
    trust = s.trust + "\n" + elsewhere.trust().split("\n\n")[0]
    cases = {
        "older": s.statement(size=s.first),
        "somebody else": s.statement("li"),
        "another ledger": elsewhere.statement("zhang", size, chains=[s.chain]),
        "itself is pending": s.ledger.statement("zhang", s.size),
    }
    for words, fresh in cases.items():
        report = s.judge(s.receipt(), trust=trust, fresh=serialise(fresh))
        assert report.verdict == "pending", words
        assert words in report.steps[-1].detail
    spoilt = s.receipt_json()
    spoilt["entry"] = "AAAA"
    assert results(s.judge(spoilt, fresh=serialise(s.statement())))["current"] == "failed"
    unread = s.judge(s.receipt(), fresh=b"{}")
    assert (unread.verdict, results(unread)["current"]) == ("pending", "missing")


def test_a_statement_of_a_forked_book_contradicts_the_receipt() -> None:
    s = sample()
    fork = LedgerBuilder.village()
    fork.award(private={"place": "elsewhere"})
    for _ in range(6):
        fork.award("li")
    size = fork.commit()
    chain = FakeChain()
    chain.anchor([fork.head(size)])
    trust = s.ledger.trust()
    report = s.judge(s.receipt(), trust=trust, fresh=serialise(fork.statement("zhang", size)))
    assert report.verdict == "invalid"
    assert results(report)["current"] == "failed"


def test_bytes_that_are_no_json_are_refused_and_not_judged() -> None:
    s = sample()
    for data in (b"", b"%PDF-1.7", b'{"format":"gongfen-receipt/1",', b"\xff\xfe", b"[" * 100_000, b" " * (65 << 20)):
        with pytest.raises(FormatError):
            verify(data, s.trust)
    with pytest.raises(FormatError):
        verify("\ud800", s.trust)


@pytest.mark.parametrize(
    "value", [[], 5, "x", {}, {"format": "gongfen-presentation/1"}, {"format": 7}, {"format": None}]
)
def test_json_that_is_no_known_proof_is_invalid_in_every_step(value: object) -> None:
    report = sample().judge(dump(value))
    assert (report.verdict, report.exit_code) == ("invalid", 1)
    assert failing(report) == set(ALL_STEPS)
    assert report.subject.format is None
    assert "?" not in report.sentence


def test_a_wrong_trust_file_is_the_verifiers_fault() -> None:
    with pytest.raises(ConfigError):
        verify(serialise(sample().receipt()), "[policy]")


def test_a_fault_of_the_programme_never_passes_for_a_proof() -> None:
    class Broken:
        def ask(self, chain: object, question: object) -> object:
            raise ZeroDivisionError

    s = sample()
    report = s.judge(s.receipt(), chain=Broken())
    assert report.verdict == "invalid"
    assert "ZeroDivisionError" in report.steps[-1].detail


def test_all_faults_are_told_not_only_the_first() -> None:
    s = sample()
    receipt = s.receipt_json()
    receipt["index"] += 1
    receipt["disclosures"] = s.receipt_json(0)["disclosures"] + ["AAAA"]
    receipt["anchors"][0]["batch_root"] = "00" * 32
    assert failing(s.judge(receipt)) == {"bound", "private", "included", "batched", "anchored"}


def test_a_receipt_of_unreadable_parts_fails_wherever_they_are_needed() -> None:
    s = sample()
    receipt = s.receipt_json()
    receipt["entry"] = "AAAA"
    receipt["commitment"]["entry"] = "AAAA"
    receipt["keys"][0]["value"] = {"party": "x"}
    receipt["checkpoint"] = "nothing"
    report = s.judge(receipt)
    assert report.verdict == "invalid"
    assert failing(report) == set(ALL_STEPS)
    assert report.as_of is None
    assert report.subject.origin is None


def test_steps_that_looked_at_another_checkpoint_than_the_signed_one_would_notice() -> None:
    s = sample()
    evidence, _ = read(s.receipt())
    other = evidence._replace(text=evidence.text.replace("foshan", "elsewhere"))
    (finding,) = outside.checkpoint(Case(other, Trust.parse(s.trust), None, None))
    assert (finding.result, finding.field) == ("failed", "checkpoint")
