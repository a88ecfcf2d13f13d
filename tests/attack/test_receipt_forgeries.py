"""Forged receipts and statements: named tables of what a cheat might hand in, and which step must notice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger.core.encoding import decode_base64, encode_base64
from ledger.core.merkle import leaf_hash
from ledger.core.note import Checkpoint, cosign, sign_note
from ledger.core.receipt import serialise
from tests.helpers.cast import seed_of
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder
from tests.helpers.receipts import Json, dump, failing, sample, spoil

S = sample()
GOOD = S.receipt_json()
OTHER = S.receipt_json(S.other)
OLDER = S.receipt_json(size=S.first)
STATEMENT = S.statement_json()
OLD_STATEMENT = S.statement_json(size=S.first)


def entry_with(proof: Json, change: Callable[[Json], object]) -> str:
    """The entry of a proof, edited and canonical again, in base64."""
    entry = json.loads(decode_base64(proof["entry"]))
    change(entry)
    return encode_base64(json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())


def edited(change: Callable[[Json], object]) -> Callable[[Json], object]:
    """A change of the receipt's entry."""
    return lambda p: p.update(entry=entry_with(p, change))


def flip(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def inner_node_as_leaf(p: Json) -> None:
    """The sibling pair's 64 bytes as an entry: its hash has another prefix than the node's."""
    pair = leaf_hash(decode_base64(p["entry"])) + decode_base64(p["path"][0])
    p.update(entry=encode_base64(pair), path=p["path"][1:], index=p["index"] // 2)


def of_another_log(p: Json) -> None:
    other = LedgerBuilder.village("gongfen.example/other-village")
    p["checkpoint"] = other.checkpoint(len(other.entries))


def signed_by_nobody(p: Json) -> None:
    text = S.ledger.checkpoint(S.size).split("\n\n")[0] + "\n"
    p["checkpoint"] = sign_note(text, name=S.ledger.origin, key=seed_of("a stranger's key"))


def only_witnessed(p: Json) -> None:
    text, _, lines = S.ledger.checkpoint(S.size).rpartition("\n\n")
    p["checkpoint"] = f"{text}\n\n" + "".join(f"{line}\n" for line in lines.splitlines()[1:])


def with_root(size: int, root: bytes) -> Callable[[Json], None]:
    """A checkpoint of another root, that the log and its witnesses did sign."""

    def change(p: Json) -> None:
        note = sign_note(Checkpoint(S.ledger.origin, size, root).text(), name=S.ledger.origin, key=S.ledger.log_seed)  # type: ignore[arg-type]
        for witness in S.ledger.witnesses:
            note = cosign(note, name=witness.name, key=witness.seed, time_s=S.ledger.at_ms // 1000)
        p["checkpoint"] = note

    return change


def witnessed_at(time_s: int) -> Callable[[Json], None]:
    return lambda p: p.update(checkpoint=S.ledger.checkpoint(S.size, time_s=time_s))


def bad_cosignature(p: Json) -> None:
    lines = p["checkpoint"].split("\n")
    lines[-2] = flip(lines[-2], len(lines[-2]) - 10)
    p["checkpoint"] = "\n".join(lines)


FORGERIES: dict[str, tuple[Callable[[Json], Any], set[str]]] = {
    # The place of the entry
    "an inner node as a leaf": (inner_node_as_leaf, {"format", "included"}),
    "another index": (lambda p: p.update(index=p["index"] + 1), {"bound", "included"}),
    "an index beyond the tree": (lambda p: p.update(index=S.size), {"bound", "included"}),
    "a truncated path": (lambda p: p["path"].pop(), {"included"}),
    "an over-long path": (lambda p: p["path"].append(p["path"][0]), {"included"}),
    "an empty path": (lambda p: p.update(path=[]), {"included"}),
    "a path in another order": (lambda p: p["path"].reverse(), {"included"}),
    "a truncated commitment path": (lambda p: p["commitment"]["path"].pop(), {"included"}),
    # Parts of two receipts
    "the entry of another receipt": (lambda p: p.update(entry=OTHER["entry"]), {"bound", "included"}),
    "the path of another receipt": (lambda p: p.update(path=OTHER["path"]), {"included"}),
    "the disclosures of another receipt": (
        lambda p: p.update(disclosures=S.receipt_json(9)["disclosures"]),
        {"private"},
    ),
    "the keys of another receipt": (lambda p: p.update(keys=S.receipt_json(S.redeemed)["keys"]), {"bound", "signed"}),
    "an older commitment": (lambda p: p.update(commitment=OLDER["commitment"]), {"bound", "included", "authorised"}),
    "keys of an older state": (lambda p: p.update(keys=OLDER["keys"]), {"authorised"}),
    "an older checkpoint": (lambda p: p.update(checkpoint=OLDER["checkpoint"]), {"bound", "included", "batched"}),
    "an older anchor": (lambda p: p.update(anchors=OLDER["anchors"]), {"batched", "anchored"}),
    "another entry for the commitment": (
        lambda p: p["commitment"].update(entry=p["entry"]),
        {"bound", "authorised", "included"},
    ),
    # Signers
    "a signer's key left out": (lambda p: p["keys"].pop(), {"bound", "signed", "authorised"}),
    "a key twice": (lambda p: p["keys"].append(p["keys"][0]), {"bound"}),
    "a public key changed": (
        lambda p: p["keys"][0]["value"].update(public=S.ledger.person("zhang").public),
        {"bound", "signed", "authorised"},
    ),
    "a key given to another party": (
        lambda p: p["keys"][0]["value"].update(party=S.ledger.person("zhang").party),
        {"authorised"},
    ),
    "a grant invented": (
        lambda p: p["keys"][0]["value"]["grants"].append({"role": "township", "scope": "*", "from": 1}),
        {"authorised"},
    ),
    "a grant dated back": (lambda p: p["keys"][0]["value"]["grants"][0].update({"from": 0}), {"authorised"}),
    "a truncated map path": (lambda p: p["keys"][0]["path"].pop(), {"authorised"}),
    "a signature of the entry flipped": (
        edited(lambda e: e["signatures"][0].update(sig=flip(e["signatures"][0]["sig"], 20))),
        {"signed", "included"},
    ),
    "the event edited": (edited(lambda e: e["event"]["body"].update(quantity=2)), {"signed", "included"}),
    "an event of another ledger": (
        edited(lambda e: e["event"].update(ledger="gongfen.example/other")),
        {"bound", "signed", "included"},
    ),
    "another seq in the entry": (edited(lambda e: e["chain"].update(seq=3)), {"bound", "included", "authorised"}),
    "an actor who did not sign": (
        edited(lambda e: e["event"].update(actor=S.ledger.person("zhang").party)),
        {"signed", "authorised", "included"},
    ),
    "an entry that has none before it": (edited(lambda e: e["chain"].update(prev="0" * 64)), {"bound", "included"}),
    "an act after its entry": (
        edited(lambda e: e["event"].update(occurred_on="2099-01-01")),
        {"bound", "signed", "included"},
    ),
    "an entry after its commitment in time": (
        edited(lambda e: e["chain"].update(at=e["chain"]["at"] + 3_600_000)),
        {"bound", "included", "checkpoint"},
    ),
    # Effects
    "an amount edited": (
        edited(lambda e: [p.update(delta=p["delta"] * 100) for p in e["effects"]["postings"]]),
        {"effects", "included"},
    ),
    "one side of a movement left out": (edited(lambda e: e["effects"]["postings"].pop()), {"effects", "included"}),
    "movements in another order": (edited(lambda e: e["effects"]["postings"].reverse()), {"effects", "included"}),
    "points for a third party": (
        edited(lambda e: e["effects"]["postings"][0].update(account=S.ledger.person("li").party + "/merit")),
        {"effects", "included"},
    ),
    "a movement of nothing": (edited(lambda e: e["effects"]["postings"][0].update(delta=0)), {"effects", "included"}),
    "a party left out": (edited(lambda e: e["effects"]["parties"].pop()), {"effects", "included"}),
    "a party added": (
        edited(lambda e: e["effects"].update(parties=sorted([*e["effects"]["parties"], S.ledger.person("li").party]))),
        {"effects", "included"},
    ),
    "a commitment that moves points": (
        lambda p: p["commitment"].update(
            entry=entry_with(p["commitment"], lambda e: e["effects"]["parties"].append(S.ledger.person("li").party))
        ),
        {"effects", "included"},
    ),
    # Private details
    "a disclosure changed": (lambda p: p["disclosures"].__setitem__(0, flip(p["disclosures"][0], 30)), {"private"}),
    "a disclosure twice": (lambda p: p["disclosures"].append(p["disclosures"][0]), {"private"}),
    "a superfluous disclosure": (
        lambda p: p["disclosures"].append(S.ledger.disclosures[9][0]),
        {"private"},
    ),
    "a disclosure that is none": (lambda p: p["disclosures"].append("AAAA"), {"private"}),
    "a private field that the kind does not have": (
        edited(lambda e: e["event"]["private"].update(income=e["event"]["private"]["place"])),
        {"format", "included"},
    ),
    # The checkpoint
    "another log's checkpoint": (of_another_log, {"bound", "included", "checkpoint", "batched", "anchored"}),
    "a checkpoint signed by a stranger": (signed_by_nobody, {"checkpoint"}),
    "a checkpoint that only witnesses signed": (only_witnessed, {"checkpoint"}),
    "a cosignature that does not hold": (bad_cosignature, {"checkpoint"}),
    "an honest note over another root": (with_root(S.size, b"\x07" * 32), {"included", "batched", "anchored"}),
    "an honest note over another size": (with_root(S.size + 1, b"\x07" * 32), {"bound", "included"}),
    "an honest note over an empty book": (with_root(0, b"\x07" * 32), {"bound", "included", "batched"}),
    "a clock ahead of the witnesses": (witnessed_at(S.ledger.at_ms // 1000 - 301), {"checkpoint"}),
    # Batch and anchor
    "a batch path with a step left out": (lambda p: p["anchors"][0]["path"].pop(), {"batched"}),
    "a batch step on the other side": (
        lambda p: p["anchors"][0]["path"].__setitem__(
            0, {"left" if "right" in p["anchors"][0]["path"][0] else "right": "00" * 32}
        ),
        {"batched"},
    ),
    "a short node in a batch path": (lambda p: p["anchors"][0]["path"].__setitem__(0, {"left": "00"}), {"batched"}),
    "a step of two sides": (
        lambda p: p["anchors"][0]["path"].__setitem__(0, {"left": "00" * 32, "right": "00" * 32}),
        {"batched"},
    ),
    "a step of another name": (lambda p: p["anchors"][0]["path"].__setitem__(0, {"up": "00" * 32}), {"batched"}),
    "upper-case hex in a batch path": (
        lambda p: p["anchors"][0]["path"].__setitem__(0, {"left": "AB" * 32}),
        {"batched"},
    ),
    "another batch root": (lambda p: p["anchors"][0].update(batch_root="00" * 32), {"batched", "anchored"}),
    "another batch": (lambda p: p["anchors"][0].update(batch=1), {"anchored"}),
    "a batch to come": (lambda p: p["anchors"][0].update(batch=99), {"anchored"}),
    "another chain": (lambda p: p["anchors"][0].update(chain_id=1), {"anchored"}),
    "another contract": (lambda p: p["anchors"][0].update(contract="0x" + "00" * 20), {"anchored"}),
    "another transaction": (lambda p: p["anchors"][0].update(tx="0x" + "00" * 32), {"anchored"}),
    "another block": (lambda p: p["anchors"][0].update(block=1), {"anchored"}),
    "the same anchor twice": (lambda p: p["anchors"].append(p["anchors"][0]), {"anchored"}),
    # Form
    "an unknown format": (lambda p: p.update(format="gongfen-receipt/2"), {"format"}),
    "a receipt called a statement": (lambda p: p.update(format="gongfen-statement/1"), {"format"}),
    "an unknown field": (lambda p: p.update(note="trust me"), {"format"}),
    "an unknown field within": (lambda p: p["keys"][0].update(note="trust me"), {"format"}),
    "an unknown field of a key": (lambda p: p["keys"][0]["value"].update(note="trust me"), {"format"}),
    "a key id that is none": (lambda p: p["keys"][0]["value"].update(key="é" * 64), {"format", "bound", "signed"}),
    "a commitment without keys": (lambda p: p.pop("keys"), {"format"}),
    "keys without a commitment": (lambda p: p.pop("commitment"), {"format"}),
    "an anchor without a commitment": (lambda p: (p.pop("commitment"), p.pop("keys")), {"format"}),
    "a null": (lambda p: p.update(anchors=None), {"format"}),
    "a fraction": (lambda p: p.update(index=float(p["index"])), {"format"}),
    "a text for a number": (lambda p: p.update(index=str(p["index"])), {"format"}),
    "a negative index": (lambda p: p.update(index=-1), {"format"}),
    "a huge index": (lambda p: p.update(index=2**64), {"format"}),
    "a huge number in a key": (lambda p: p["keys"][0]["value"]["grants"][0].update({"from": 10**400}), {"format"}),
    "a truth in a key": (lambda p: p["keys"][0]["value"]["grants"][0].update({"from": True}), {"format"}),
    "base64 of another alphabet": (
        lambda p: p.update(entry=p["entry"].replace("+", "-").replace("/", "_").rstrip("=") + "-"),
        {"format"},
    ),
    "base64 without padding": (lambda p: p.update(path=[p["path"][0].rstrip("="), *p["path"][1:]]), {"format"}),
    "base64 with stray bits": (
        lambda p: p["path"].__setitem__(0, p["path"][0][:-2] + chr(ord(p["path"][0][-2]) + 1) + "="),
        {"format"},
    ),
    "base64 with a line break": (lambda p: p["path"].__setitem__(0, p["path"][0] + "\n"), {"format"}),
    "a short hash in a path": (lambda p: p["path"].__setitem__(0, "AAAA"), {"format"}),
    "upper-case hex in a map path": (lambda p: p["keys"][0]["path"].__setitem__(0, "AB" * 32), {"format"}),
    "a short hash in a map path": (lambda p: p["keys"][0]["path"].__setitem__(0, "ab"), {"format"}),
    "hashes of a map path cut elsewhere": (
        lambda p: p["keys"][0].update(path=["".join(p["keys"][0]["path"])[:66], "".join(p["keys"][0]["path"])[66:]]),
        {"format"},
    ),
    "a contract in mixed case": (lambda p: p["anchors"][0].update(contract="0x" + "Ab" * 20), {"format"}),
    "an entry with spaces": (
        lambda p: p.update(entry=encode_base64(json.dumps(json.loads(decode_base64(p["entry"]))).encode())),
        {"format", "included"},
    ),
    "an entry of an unknown kind": (edited(lambda e: e["event"].update(kind="points_invented")), {"format"}),
    "an entry of a day that never was": (edited(lambda e: e["event"].update(occurred_on="2021-02-30")), {"format"}),
    "an entry without the rule it needs": (edited(lambda e: e["event"].pop("rule")), {"format"}),
    "an entry that reverses something": (edited(lambda e: e["event"].update(reverses=e["event"]["id"])), {"format"}),
    "the same signature twice": (edited(lambda e: e["signatures"].append(e["signatures"][0])), {"format"}),
    "no signature": (edited(lambda e: e.update(signatures=[])), {"format"}),
    "a note without a blank line": (lambda p: p.update(checkpoint="x\n1\ny\n"), {"format"}),
    "a note with an extension line": (
        lambda p: p.update(checkpoint=p["checkpoint"].replace("\n\n", "\nextra\n\n")),
        {"format"},
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_receipt_is_invalid_and_the_right_step_says_so(name: str) -> None:
    change, steps = FORGERIES[name]
    forged = spoil(GOOD, change)
    assert dump(forged) != RAW
    report = S.judge(forged)
    assert report.verdict == "invalid"
    assert steps <= failing(report)
    assert not [fault for fault in report.faults if "broke down" in fault]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_receipt_is_invalid_for_a_verifier_without_a_clock_or_a_chain_too(name: str) -> None:
    change, steps = FORGERIES[name]
    if not steps - {"anchored"}:
        return  # only a chain can tell
    trust = S.ledger.trust()
    assert S.judge(spoil(GOOD, change), trust=trust, now_ms=None).verdict == "invalid"


def spelt_twice(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


RAW = dump(GOOD)
SPELLINGS = {
    "a repeated key": spelt_twice(RAW, b'"index":', b'"index":0,"index":'),
    "a repeated key after spaces": spelt_twice(RAW, b'"index":', b'"index" :0,"index":'),
    "a repeated key within": spelt_twice(RAW, b'"suite":"ed25519"', b'"suite":"x","suite":"ed25519"'),
    "a repeated format": spelt_twice(RAW, b'"format":', b'"format":"gongfen-statement/1","format":'),
    "a repeated key, escaped": spelt_twice(RAW, b'"index":', b'"\\u0069ndex":0,"index":'),
    "a side twice in a batch step": spelt_twice(RAW, b'"path":[{"', b'"path":[{"left":"x","left":"y","'),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_key_that_stands_twice_is_invalid(name: str) -> None:
    report = S.judge(SPELLINGS[name])
    assert (report.verdict, "format" in failing(report)) == ("invalid", True)


def test_a_key_is_in_force_only_after_its_grant_and_before_its_revocation() -> None:
    ledger = LedgerBuilder.village()
    seq = ledger.award()
    ledger.grant("village", "issuer", action="revoke")
    size = ledger.commit()
    good = json.loads(serialise(ledger.receipt(seq, size)))
    assert S.judge(good, trust=ledger.trust()).verdict == "genuine"
    for shift in (-20, -10, 2, 3):
        moved = spoil(good, edited(lambda e, shift=shift: e["chain"].update(seq=max(1, seq + shift))))  # type: ignore[misc]
        report = S.judge(moved, trust=ledger.trust())
        assert "authorised" in failing(report)
        assert "no role in force" in next(s for s in report.steps if s.code == "authorised").detail


def test_an_award_signed_by_somebody_without_the_role_is_not_authorised_even_in_an_honest_tree() -> None:
    """A cheating log appends what the rules refuse: the tree, the checkpoint and the anchor are all in order."""
    for signers in (["zhang's card"], ["oversight"], ["village", "zhang's card"]):
        ledger = cheating_log(signers)
        chain = FakeChain()
        size = ledger.commit()
        chain.anchor([ledger.head(size)])
        report = S.judge(
            ledger.receipt(size - 2, size, chains=[chain]), trust=ledger.trust(chains=[chain]), chain=chain
        )
        assert (report.verdict, failing(report)) == ("invalid", {"authorised"})


def cheating_log(signers: list[str]) -> LedgerBuilder:
    """A village whose log took an award signed by ``signers``."""
    ledger = LedgerBuilder.village()
    ledger.award()
    people = [ledger.people[name] for name in signers]
    entry = json.loads(ledger.entries[-1])
    entry["event"]["actor"] = people[0].party
    event = ledger.event_bytes(entry["event"])
    entry["signatures"] = ledger.signatures(event, people)
    ledger.unsafe_replace_last(json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())
    return ledger


def test_a_cheating_log_cannot_found_itself_a_second_time() -> None:
    ledger = LedgerBuilder.village()
    entry = json.loads(ledger.entries[0])
    entry["chain"] = json.loads(ledger.entries[-1])["chain"]
    ledger.unsafe_replace_last(json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())
    size = ledger.commit()
    report = S.judge(ledger.receipt(size - 2, size), trust=ledger.trust())
    assert failing(report) == {"authorised"}


def test_entry_0_of_another_ledger_does_not_found_this_one() -> None:
    ledger = LedgerBuilder("gongfen.example/foshan-village")
    ledger.found()
    other = LedgerBuilder("gongfen.example/elsewhere")
    other.found()
    receipt = json.loads(serialise(ledger.early_receipt(0, 1)))
    receipt["entry"] = encode_base64(other.entries[0])
    assert {"bound", "included"} <= failing(S.judge(receipt))


def test_founding_keys_that_the_map_gives_to_others_are_a_fault() -> None:
    receipt = S.receipt_json(0)
    receipt["keys"][0]["value"]["party"] = S.ledger.person("zhang").party
    assert "authorised" in failing(S.judge(receipt))
    del receipt["keys"][0]
    assert {"bound", "authorised"} <= failing(S.judge(receipt))
