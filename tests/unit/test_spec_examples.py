"""The worked examples are what the product makes, and what other software makes of the specification.

The second half uses nothing of `ledger`: SHA-256, `cryptography`, `rfc8785`, and the oracles of tests/oracles.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.encoding import parse_canonical
from ledger.errors import FormatError
from ledger.verify import verify
from ledger.verify.chain import AnchorRecord, Answer, BatchRecord, HeadRecord, Prefetched
from tests.helpers.spec_examples import EXAMPLES, VECTORS, vector_text
from tests.helpers.spec_page import PAGE, page
from tests.oracles import naive_map, naive_merkle
from tests.oracles.plain_formats import (
    base64url,
    batch_leaf,
    check_effects,
    check_in_map,
    check_line,
    check_signature,
    checked_entry,
    crockford,
    folded,
    folded_in_map,
    hexes,
    is_canonical,
    map_key,
    naive_batch,
    secret_scalar_public,
    un_base64url,
)

Json = dict[str, Any]


@cache
def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


# What the product makes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_committed_vectors_are_what_the_product_makes(name: str) -> None:
    committed = (VECTORS / f"{name}.json").read_text(encoding="utf-8")
    assert committed == vector_text(name), "run: python -m tests.helpers.spec_examples"


def test_the_committed_page_is_what_the_vectors_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.helpers.spec_examples"


def test_no_other_file_stands_beside_the_vectors() -> None:
    assert {path.stem for path in VECTORS.iterdir()} == set(EXAMPLES)


@pytest.mark.parametrize("row", load("encoding")["refused"], ids=lambda row: row["why"])
def test_our_reader_refuses_what_the_page_says(row: Json) -> None:
    with pytest.raises(FormatError):
        parse_canonical(row["bytes"].encode())


@pytest.mark.parametrize(
    ("file", "name", "verdict"),
    [
        ("receipt", "receipt", "genuine"),
        ("receipt", "early", "pending"),
        ("statement", "statement", "genuine"),
        ("statement", "absent", "genuine"),
    ],
)
def test_our_verifier_judges_the_examples_as_the_page_says(file: str, name: str, verdict: str) -> None:
    data = load(file)
    report = verify(json.dumps(data[name]), data["trust"], chain=answers(data["chain"]), now_ms=data["now_ms"])
    assert report.verdict == verdict, report.faults


def answers(told: Json) -> Prefetched:
    """The chain's answers as a verifier is given them."""
    batch, anchor = told["batch"], told["anchor"]
    root = bytes.fromhex(anchor["root"])
    answer = Answer(
        rpc="http://127.0.0.1:8545",
        chain_id=told["chain_id"],
        code_hash=told["code_hash"],
        latest=told["latest"],
        head=HeadRecord(anchor["size"], root, anchor["batch"], 1),
        batch=BatchRecord(bytes.fromhex(batch["root"]), bytes.fromhex(batch["hash"]), batch["time_s"], batch["epoch"]),
        anchor=AnchorRecord(anchor["size"], root, anchor["batch"], anchor["time_s"], anchor["block"]),
        transactions=tuple(told["transactions"]),
    )
    return Prefetched({(told["chain_id"], told["contract"]): [answer]})


# What other software makes ------------------------------------------------------------------------------------------


def test_canonical_bytes_are_those_of_another_implementation() -> None:
    for row in load("encoding")["canonical"]:
        assert rfc8785.dumps(row["value"]) == row["bytes"].encode()
        assert is_canonical(row["bytes"])
    for row in load("encoding")["refused"]:
        assert not is_canonical(row["bytes"]), row["why"]


def test_identifiers_are_the_hashes_and_letters_of_the_text() -> None:
    data = load("identifiers")
    for row in data["ledgers"]:
        assert sha256(f"gongfen/ledger/v1\n{row['origin']}".encode()).hexdigest() == row["ledger_id"]
    for row in data["parties"]:
        assert crockford(bytes.fromhex(row["bytes"])) == row["party"]
    for row in data["keys"]:
        check_signer(row)


def check_signer(row: Json) -> None:
    seed, public = bytes.fromhex(row["seed"]), bytes.fromhex(row["public"])
    assert Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == public
    assert secret_scalar_public(seed) == public
    assert base64url(public) == row["public_base64url"]
    assert sha256(b"gongfen/key/v1\ned25519\n" + public).hexdigest() == row["key"]


def test_signatures_of_events_hold_over_the_prefix_and_the_canonical_bytes() -> None:
    for row in load("events")["events"]:
        data = row["bytes"].encode()
        assert rfc8785.dumps(row["event"]) == data
        assert sha256(data).hexdigest() == row["sha256"]
        assert row["signatures"][0]["party"] == row["event"]["actor"]
        for signer in row["signatures"]:
            check_signer(signer)
            check_signature(signer["public"], signer["sig"], b"gongfen/event/v1\n" + data)


def test_entries_are_chained_and_hashed_as_leaves() -> None:
    before, at = "0" * 64, 0
    for seq, row in enumerate(load("entries")["entries"]):
        data = row["bytes"].encode()
        entry = json.loads(data)
        assert rfc8785.dumps(entry) == data
        assert set(entry) == {"v", "event", "signatures", "chain", "effects"}
        assert (row["seq"], entry["chain"]["seq"], entry["chain"]["prev"]) == (seq, seq, before)
        assert entry["chain"]["at"] >= at
        before, at = sha256(b"\x00" + data).hexdigest(), entry["chain"]["at"]
        assert row["leaf"] == before
        check_effects(entry["effects"])


def test_roots_and_proofs_are_those_of_the_recursive_definition() -> None:
    data = load("tree")
    entries = tuple(row["bytes"].encode() for row in load("entries")["entries"][:8])
    assert [row["leaf"] for row in load("entries")["entries"][:8]] == data["leaves"]
    assert [naive_merkle.mth(entries[:size]).hex() for size in range(9)] == data["roots"]
    assert len(data["inclusion"]) == len(data["consistency"]) == 36
    for row in data["inclusion"]:
        assert hexes(naive_merkle.path(row["index"], entries[: row["size"]])) == row["path"]
    for row in data["consistency"]:
        assert hexes(naive_merkle.proof(row["size_1"], entries[: row["size_2"]])) == row["path"]


def test_notes_and_cosignatures_hold_as_c2sp_defines_them() -> None:
    data = load("checkpoint")
    origin = data["text"].split("\n")[0]
    entries = tuple(row["bytes"].encode() for row in load("entries")["entries"])
    assert data["text"] == f"{origin}\n{len(entries)}\n{base64.b64encode(naive_merkle.mth(entries)).decode()}\n"
    check_line(data["note"], data["text"], data["verifier_key"], data["text"])
    for witness in data["cosigners"]:
        assert witness["signed"] == f"cosignature/v1\ntime {witness['time_s']}\n{data['text']}"
        check_line(data["cosigned_note"], data["text"], witness["verifier_key"], witness["signed"], witness["time_s"])
    header, index, *path = data["tlog_proof"].split("\n\n")[0].split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    seq = int(index.removeprefix("index "))
    assert path == [base64.b64encode(item).decode() for item in naive_merkle.path(seq, entries)]
    assert data["tlog_proof"].partition("\n\n")[2] == data["cosigned_note"]


def test_disclosures_are_base64url_of_a_canonical_array() -> None:
    for row in load("disclosures")["disclosures"]:
        array = rfc8785.dumps([base64url(bytes.fromhex(row["salt"])), row["name"], row["value"]])
        assert array.decode() == row["array"]
        assert base64url(array) == row["disclosure"]
        assert base64url(sha256(row["disclosure"].encode()).digest()) == row["digest"]


def test_the_state_map_is_the_naive_one() -> None:
    data = load("state_map")
    items = {map_key(row["type"], row["id"]): row["value"].encode() for row in data["values"]}
    keys = list(items)
    roots = [naive_map.root({key: items[key] for key in keys[:size]}).hex() for size in range(4)]
    assert roots == data["roots"]
    for row, key in zip(data["values"], keys, strict=True):
        value = row["value"].encode()
        assert rfc8785.dumps(json.loads(value)) == value
        assert (row["key"], row["value_hash"]) == (key.hex(), sha256(value).hexdigest())
        assert row["leaf"] == naive_map.leaf(key, value).hex()
        assert row["path"] == hexes(naive_map.path(items, key))
    assert ["other" in row for row in data["absence"]] == [True, False]
    for row in data["absence"]:
        key = map_key(row["type"], row["id"])
        end = naive_map.end(items, key)
        assert (row["key"], row["path"]) == (key.hex(), hexes(naive_map.path(items, key)))
        assert row.get("other") == (end and {"key": end[0].hex(), "value_hash": end[1].hex()})


def test_the_history_head_binds_the_entries_of_a_party() -> None:
    history, head = load("state_map")["history"], bytes(32)
    concerned = [row for row in load("entries")["entries"] if history["party"] in parties_of(row)]
    assert [row["seq"] for row in concerned] == [row["seq"] for row in history["entries"]]
    for entry, row in zip(concerned, history["entries"], strict=True):
        head = sha256(b"\x04" + head + bytes.fromhex(entry["leaf"])).digest()
        assert row["head"] == head.hex()


def parties_of(row: Json) -> list[str]:
    parties: list[str] = json.loads(row["bytes"])["effects"]["parties"]
    return parties


def test_batches_are_pairs_hashed_and_odd_nodes_risen() -> None:
    previous = bytes(32)
    for row in load("batch")["batches"]:
        leaves = []
        for head in row["heads"]:
            ledger = sha256(f"gongfen/ledger/v1\n{head['origin']}".encode()).digest()
            assert ledger.hex() == head["ledger_id"]
            leaves.append(batch_leaf(ledger, head["size"], bytes.fromhex(head["root"])))
            assert leaves[-1].hex() == head["leaf"]
            assert folded(leaves[-1], head["path"]).hex() == row["root"]
        assert [head["ledger_id"] for head in row["heads"]] == sorted(head["ledger_id"] for head in row["heads"])
        assert naive_batch(leaves).hex() == row["root"]
        assert row["previous"] == previous.hex()
        number = row["batch"].to_bytes(8, "big")
        previous = sha256(b"gongfen/batch/v1\n" + previous + number + bytes.fromhex(row["root"])).digest()
        assert row["hash"] == previous.hex()


def test_the_whole_receipt_holds_by_the_text_alone() -> None:
    data = load("receipt")
    shown = data["receipt"]
    root = checked_checkpoint(shown["checkpoint"])
    entry = checked_entry(shown, root)
    commitment = checked_entry({**shown["commitment"], "index": root[0] - 1, "disclosures": []}, root)
    assert commitment["event"]["kind"] == "state_committed"
    assert commitment["event"]["body"]["size"] == root[0] - 1
    map_root = commitment["event"]["body"]["root"]
    body = entry["event"]["body"]
    assert {(posting["account"], posting["delta"]) for posting in entry["effects"]["postings"]} == {
        (f"{body[who]}/{unit}", sign * body["amount_units"])
        for unit in body["units"]
        for who, sign in (("issuer", -1), ("subject", 1))
    }
    for proof, signature in zip(shown["keys"], entry["signatures"], strict=True):
        assert proof["value"]["key"] == signature["key"]
        check_in_map(map_root, "key", signature["key"], proof)
        message = b"gongfen/event/v1\n" + rfc8785.dumps(entry["event"])
        check_signature(un_base64url(proof["value"]["public"]).hex(), signature["sig"], message)
        seq = entry["chain"]["seq"]
        in_force = [g for g in proof["value"]["grants"] if g["from"] < seq and ("until" not in g or seq < g["until"])]
        assert [grant["role"] for grant in in_force] == ["issuer"]
    for anchor in shown["anchors"]:
        check_anchor(anchor, entry["event"]["ledger"], root, data["chain"])


def test_the_whole_statement_holds_by_the_text_alone() -> None:
    shown = load("statement")["statement"]
    root = checked_checkpoint(shown["checkpoint"])
    commitment = checked_entry({**shown["commitment"], "index": root[0] - 1, "disclosures": []}, root)
    account = shown["account"]["value"]
    check_in_map(commitment["event"]["body"]["root"], "account", shown["party"], shown["account"])
    head, sums = bytes(32), dict.fromkeys(account["balances"], 0)
    for one in shown["entries"]:
        entry = checked_entry(one, root)
        head = sha256(b"\x04" + head + sha256(b"\x00" + base64.b64decode(one["entry"])).digest()).digest()
        for posting in entry["effects"]["postings"]:
            party, _, unit = posting["account"].partition("/")
            sums[unit] += posting["delta"] if party == shown["party"] else 0
    assert (account["count"], account["last"]) == (len(shown["entries"]), shown["entries"][-1]["index"])
    assert (account["head"], account["balances"]) == (head.hex(), sums)


def test_the_statement_of_absence_holds_by_the_text_alone() -> None:
    shown = load("statement")["absent"]
    root = checked_checkpoint(shown["checkpoint"])
    commitment = checked_entry({**shown["commitment"], "index": root[0] - 1, "disclosures": []}, root)
    key, absence = map_key("account", shown["party"]), shown["absence"]
    end = bytes(32)
    if other := absence.get("other"):
        end = sha256(b"\x02" + bytes.fromhex(other["key"]) + bytes.fromhex(other["value_hash"])).digest()
        shared = len(absence["path"])
        assert naive_map.bits(bytes.fromhex(other["key"]))[:shared] == naive_map.bits(key)[:shared]
        assert other["key"] != key.hex()
    assert folded_in_map(key, end, absence["path"]) == commitment["event"]["body"]["root"]


def checked_checkpoint(note: str) -> tuple[int, str]:
    """Size and root of a note that the log and both witnesses signed."""
    data = load("checkpoint")
    text = note.rpartition("\n\n")[0] + "\n"
    origin, size, root = text.rstrip("\n").split("\n")
    assert origin == data["verifier_key"].split("+")[0]
    check_line(note, text, data["verifier_key"], text)
    for witness in data["cosigners"]:
        name = witness["verifier_key"].split("+")[0]
        line = next(line for line in note.split("\n") if line.startswith(f"— {name} "))
        time_s = int.from_bytes(base64.b64decode(line.split(" ")[2])[4:12], "big")
        check_line(note, text, witness["verifier_key"], f"cosignature/v1\ntime {time_s}\n{text}", time_s)
    return int(size), base64.b64decode(root).hex()


def check_anchor(anchor: Json, origin: str, root: tuple[int, str], chain: Json) -> None:
    ledger = sha256(f"gongfen/ledger/v1\n{origin}".encode()).digest()
    leaf = batch_leaf(ledger, root[0], bytes.fromhex(root[1]))
    assert folded(leaf, anchor["path"]).hex() == anchor["batch_root"] == chain["batch"]["root"]
    assert (chain["anchor"]["size"], chain["anchor"]["root"]) == root
    assert (anchor["chain_id"], anchor["contract"]) == (chain["chain_id"], chain["contract"])
    assert (anchor["batch"], anchor["block"]) == (chain["anchor"]["batch"], chain["anchor"]["block"])
    assert anchor["tx"] in chain["transactions"]


def test_a_changed_example_does_not_hold() -> None:
    row = load("events")["events"][0]
    signer = row["signatures"][0]
    with pytest.raises(InvalidSignature):
        check_signature(signer["public"], signer["sig"], b"gongfen/event/v1\n " + row["bytes"].encode())
