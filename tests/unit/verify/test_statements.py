"""Statements through the whole verifier: everything about one party, or that there is nothing."""

from __future__ import annotations

import pytest

from tests.helpers.receipts import failing, results, sample, spoil


@pytest.mark.parametrize("name", ["zhang", "li", "shop", "cooperative", "ledger", "clerk", "township one"])
def test_the_statement_of_every_party_is_genuine(name: str) -> None:
    s = sample()
    report = s.judge(s.statement(name))
    assert report.verdict == "genuine"
    assert results(report)["complete"] == "ok"
    assert report.subject.party == s.ledger.person(name).party
    assert report.subject.leaf_index is None
    assert report.as_of == s.size


def test_a_party_that_no_entry_concerns_gets_a_statement_of_absence() -> None:
    s = sample()
    names = [f"stranger {number}" for number in range(40)]
    ends = set()
    for name in names:
        statement = s.statement(name)
        assert s.judge(statement).verdict == "genuine"
        ends.add("other" in s.statement_json(name)["absence"])
    assert ends == {True, False}


def test_a_statement_without_its_anchor_is_pending() -> None:
    s = sample()
    assert s.judge(s.ledger.statement("zhang", s.size)).verdict == "pending"


def test_the_absence_of_somebody_who_has_entries_cannot_be_shown() -> None:
    s = sample()
    absent = s.statement_json("stranger 1")
    absent["party"] = s.ledger.person("zhang").party
    assert failing(s.judge(absent)) == {"complete"}


def test_an_absence_proof_of_another_shape_fails() -> None:
    s = sample()
    absent = s.statement_json("stranger 1")
    for change in (
        lambda p: p["absence"]["path"].pop(),
        lambda p: p["absence"]["path"].append("00" * 32),
        lambda p: p["absence"]["path"].__setitem__(0, "AB" * 32),
        lambda p: p["absence"].update(other={"key": "00" * 32, "value_hash": "00" * 32}),
    ):
        assert "complete" in failing(s.judge(spoil(absent, change)))


def test_an_account_in_place_of_entries_needs_both() -> None:
    s = sample()
    statement = s.statement_json()
    both = spoil(statement, lambda p: p.update(absence={"path": []}))
    neither = spoil(statement, lambda p: p.pop("account"))
    entries = spoil(statement, lambda p: p.update(absence=p.pop("account") and {"path": []}))
    for proof in (both, neither, entries):
        report = s.judge(proof)
        assert report.verdict == "invalid"
        assert "format" in failing(report)


def test_unreadable_entries_accounts_and_commitments_fail_where_they_are_needed() -> None:
    s = sample()
    statement = s.statement_json()
    entry = spoil(statement, lambda p: p["entries"][0].update(entry="AAAA"))
    assert {"format", "bound", "signed", "authorised", "private", "effects", "complete"} <= failing(s.judge(entry))
    account = spoil(statement, lambda p: p["account"]["value"].update(count="1"))
    assert failing(s.judge(account)) == {"format", "complete"}
    commitment = spoil(statement, lambda p: p["commitment"].update(entry=p["entries"][0]["entry"]))
    assert {"bound", "authorised", "included", "complete"} <= failing(s.judge(commitment))


def test_an_account_with_no_entries_at_all_fails() -> None:
    s = sample()
    report = s.judge(spoil(s.statement_json(), lambda p: p.update(entries=[], keys=[])))
    assert failing(report) == {"complete"}
