"""What `gongfen verify` says, and with which exit code, for true and changed receipts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import cli
from ledger.commands.receipts import RESULTS, recorded, told
from ledger.core.encoding import canonical, decode_base64, encode_base64
from ledger.core.receipt import serialise
from ledger.verify import Finding, Report, Step, Subject
from tests.helpers.ledger_builder import LedgerBuilder


@pytest.fixture(scope="module")
def ledger() -> LedgerBuilder:
    return LedgerBuilder.village()


class Desk:
    """Writes receipts and runs the command over them."""

    def __init__(self, folder: Path, ledger: LedgerBuilder) -> None:
        self.folder = folder
        self.ledger = ledger
        self.trust = folder / "trust.toml"
        self.trust.write_text(ledger.trust())

    def verify(self, data: bytes, *options: str) -> int:
        """The exit code."""
        (self.folder / "receipt.json").write_bytes(data)
        with pytest.raises(SystemExit) as stopped:
            cli.main(["verify", str(self.folder / "receipt.json"), "--trust", str(self.trust), *options])
        assert isinstance(stopped.value.code, int)
        return stopped.value.code


@pytest.fixture
def desk(tmp_path: Path, ledger: LedgerBuilder) -> Desk:
    return Desk(tmp_path, ledger)


def test_a_genuine_receipt_is_told_step_by_step(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    size = desk.ledger.commit()
    assert desk.verify(serialise(desk.ledger.receipt(seq, size))) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Genuine, as of {size} entries.")
    for code in ("format", "bound", "signed", "authorised", "effects", "included", "checkpoint"):
        assert f"  {code:11} ok " in shown
    assert "Those who recorded it signed exactly this text." in shown
    assert desk.ledger.origin in shown


def test_what_the_record_says_is_told_unless_it_is_invalid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    receipt = desk.ledger.receipt(seq, desk.ledger.commit())
    assert desk.verify(serialise(receipt)) == 0
    shown = capsys.readouterr().out
    assert "  kind         points_awarded\n" in shown
    assert "  points       +" in shown
    assert "  points       -" in shown
    forged = replace(receipt, entry=receipt.entry.replace(b'"amount_units":', b'"amount_units":9'))
    assert desk.verify(serialise(forged)) == 1
    assert "points_awarded" not in capsys.readouterr().out
    assert recorded(b"{}") == []


def test_it_speaks_chinese_when_asked_to(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    size = desk.ledger.commit()
    assert desk.verify(serialise(desk.ledger.receipt(seq, size)), "--lang", "zh") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("真实有效")
    assert "记录人签署的正是这一内容。" in shown


def test_programs_get_json(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    size = desk.ledger.commit()
    assert desk.verify(serialise(desk.ledger.receipt(seq, size)), "--json", "--no-rpc") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["exit_code"]) == ("genuine", 0)
    assert {step["code"] for step in value["steps"]} >= {"format", "anchored"}


def test_a_changed_receipt_is_invalid_and_the_fault_is_told(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    size = desk.ledger.commit()
    value = json.loads(serialise(desk.ledger.receipt(seq, size)))
    value["path"].pop()
    assert desk.verify(json.dumps(value).encode()) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("Not valid: do not rely on it.")
    assert "  included    WRONG" in shown


def test_what_a_forger_wrote_cannot_speak_for_the_verifier(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts of an entry are quoted in one line, with nothing in it that a terminal would act on."""
    seq = desk.ledger.award()
    proof = json.loads(serialise(desk.ledger.receipt(seq, desk.ledger.commit())))
    entry = json.loads(decode_base64(proof["entry"]))
    entry["event"]["ledger"] = "x\nGenuine, as of 1000 entries.\x9b2J\u202e"
    proof["entry"] = encode_base64(canonical(entry))
    assert desk.verify(json.dumps(proof).encode()) == 1
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert "\nGenuine" not in shown
    assert "got x\\nGenuine, as of 1000 entries.\\x9b2J\\u202e" in shown


def test_an_early_receipt_is_pending_and_says_what_is_missing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    seq = desk.ledger.award()
    assert desk.verify(serialise(desk.ledger.early_receipt(seq))) == 3
    assert "missing" in capsys.readouterr().out


def test_a_newer_statement_shows_that_it_was_taken_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = desk.ledger
    seq = ledger.award()
    receipt = serialise(ledger.receipt(seq, ledger.commit()))
    ledger.reverse(seq)
    newer = desk.folder / "statement.json"
    newer.write_bytes(serialise(ledger.statement("zhang", ledger.commit())))
    assert desk.verify(receipt) == 0
    assert desk.verify(receipt, "--fresh", str(newer)) == 4
    assert "It was taken back later." in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"", b"not json", b"\xff"])
def test_what_cannot_be_read_is_an_error(desk: Desk, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.verify(data) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("gongfen: not JSON")


@pytest.mark.parametrize("text", ["", "x", "[policy]\nwitnesses = 0\n"])
def test_a_trust_file_that_trusts_nobody_is_an_error(desk: Desk, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    desk.trust.write_text(text)
    assert desk.verify(b"{}") == 2
    assert capsys.readouterr().err.startswith("gongfen: ")


def test_a_trust_file_that_is_no_text_is_an_error(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.trust.write_bytes(b"\xff\xfe")
    assert desk.verify(b"{}") == 2
    assert "UTF-8" in capsys.readouterr().err


def test_every_result_has_a_word_in_both_languages() -> None:
    for result, words in RESULTS.items():
        finding = Finding(result, "why", "entry", "this", "that")  # type: ignore[arg-type]
        report = Report("pending", (Step("checkpoint", "ok"), Step("anchored", "missing", (finding,))), Subject())
        text = told(report, "en")
        assert ("why" in text) == (result != "not_asked")
        assert all(words)
