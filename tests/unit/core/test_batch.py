"""The anchor batch against the library that builds it, and against malformed paths (formats §8)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from blockcerts_merkletools import MerkleTools

from ledger.core.batch import (
    batch_hash,
    batch_leaf,
    batch_leaves,
    batch_paths,
    batch_root,
    check_heads,
    fold_path,
    verify_path,
)
from ledger.core.hashing import ledger_id
from ledger.core.types import Digest
from ledger.errors import FormatError, LedgerError, ProofError


def sha(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest())


def leaves_of(count: int) -> list[Digest]:
    return [sha(f"leaf {i}".encode()) for i in range(count)]


@pytest.mark.parametrize("count", [*range(1, 35), 63, 64, 65, 100])
def test_root_and_paths_equal_those_of_merkletools(count: int) -> None:
    leaves = leaves_of(count)
    tools = MerkleTools(hash_type="sha256")
    tools.add_leaf([leaf.hex() for leaf in leaves])
    tools.make_tree()
    assert batch_root(leaves).hex() == tools.get_merkle_root()
    for index, (leaf, path) in enumerate(zip(leaves, batch_paths(leaves), strict=True)):
        assert path == tools.get_proof(index)
        assert fold_path(leaf, path) == batch_root(leaves)
        verify_path(leaf, path, batch_root(leaves))


def test_an_odd_node_rises_unchanged() -> None:
    a, b, c = leaves_of(3)
    assert batch_root([a, b, c]) == sha(sha(a + b) + c)
    assert batch_paths([a, b, c])[2] == [{"left": sha(a + b).hex()}]
    assert batch_paths([a, b, c])[0] == [{"right": b.hex()}, {"right": c.hex()}]


def test_a_single_leaf_is_the_root_and_its_path_is_empty() -> None:
    (leaf,) = leaves_of(1)
    assert batch_root([leaf]) == leaf
    assert batch_paths([leaf]) == [[]]
    verify_path(leaf, [], leaf)


def test_a_batch_leaf_hashes_the_95_bytes_of_the_text() -> None:
    ledger, root = ledger_id("gongfen.example/foshan-village"), sha(b"root")
    preimage = b"gongfen/anchor-leaf/v1\n" + ledger + (70000).to_bytes(8, "big") + root
    assert len(preimage) == 95
    assert batch_leaf(ledger, 70000, root) == sha(preimage)


def test_a_batch_hash_chains_to_the_one_before() -> None:
    root = sha(b"root")
    first = sha(b"gongfen/batch/v1\n" + bytes(32) + bytes(7) + b"\x01" + root)
    assert batch_hash(bytes(32), 1, root) == first
    assert batch_hash(first, 2, root) == sha(b"gongfen/batch/v1\n" + first + bytes(7) + b"\x02" + root)


def test_a_path_of_64_steps_is_read_and_one_of_65_refused() -> None:
    leaf = sha(b"leaf")
    step = {"left": sha(b"sibling").hex()}
    node = leaf
    for _ in range(64):
        node = sha(sha(b"sibling") + node)
    assert fold_path(leaf, [step] * 64) == node
    with pytest.raises(ProofError, match="too long"):
        fold_path(leaf, [step] * 65)


LEAF, SIBLING, UPPER = sha(b"leaf"), sha(b"sibling").hex(), "AB" * 32
BAD_PATHS: dict[str, Any] = {
    "none": None,
    "a step alone": {"left": SIBLING},
    "text": SIBLING,
    "a generator": iter([{"left": SIBLING}]),
    "empty step": [{}],
    "step is none": [None],
    "step is text": [SIBLING],
    "step is a pair": [("left", SIBLING)],
    "step is a list": [["left", SIBLING]],
    "both keys": [{"left": SIBLING, "right": SIBLING}],
    "an extra key": [{"left": SIBLING, "note": "x"}],
    "another key": [{"up": SIBLING}],
    "key in capitals": [{"Left": SIBLING}],
    "key with a space": [{"left ": SIBLING}],
    "key is a number": [{0: SIBLING}],
    "key is a tuple": [{("left",): SIBLING}],
    "short node": [{"right": SIBLING[:62]}],
    "odd number of digits": [{"right": SIBLING[:63]}],
    "empty node": [{"right": ""}],
    "long node": [{"right": SIBLING + "00"}],
    "upper-case hex": [{"right": UPPER}],
    "0x before": [{"right": "0x" + SIBLING[:62]}],
    "0x and 64 digits": [{"right": "0x" + SIBLING}],
    "spaces between": [{"right": SIBLING[:62] + " 0"}],
    "a newline after": [{"right": SIBLING[:63] + "\n"}],
    "not hex": [{"right": "g" * 64}],
    "full-width digits": [{"right": "\uff11" * 64}],
    "node as bytes": [{"right": bytes.fromhex(SIBLING)}],
    "node is none": [{"right": None}],
    "node is a number": [{"right": 10**5000}],
    "node is a list": [{"right": [SIBLING]}],
    "the second step is bad": [{"right": SIBLING}, {"right": SIBLING[1:]}],
    "a million steps": [{"right": SIBLING}] * 1_000_000,
}


@pytest.mark.parametrize("name", BAD_PATHS)
def test_a_malformed_path_is_refused(name: str) -> None:
    with pytest.raises(ProofError):
        fold_path(LEAF, BAD_PATHS[name])
    with pytest.raises(ProofError):
        verify_path(LEAF, BAD_PATHS[name], LEAF)


WRONG_HASHES: list[Any] = [b"", bytes(31), bytes(33), "00" * 32, bytearray(32), None, 0]


@pytest.mark.parametrize("wrong", WRONG_HASHES, ids=repr)
def test_what_is_not_32_bytes_is_refused_everywhere(wrong: Any) -> None:
    for call in (
        lambda: batch_leaf(wrong, 1, LEAF),
        lambda: batch_leaf(LEAF, 1, wrong),
        lambda: fold_path(wrong, []),
        lambda: verify_path(LEAF, [], wrong),
        lambda: batch_hash(wrong, 1, LEAF),
        lambda: batch_hash(LEAF, 1, wrong),
        lambda: batch_root([LEAF, wrong]),
        lambda: batch_paths([wrong]),
    ):
        with pytest.raises(ProofError):
            call()


WRONG_NUMBERS: dict[str, Any] = {
    "negative": -1,
    "one more than a u64": 2**64,
    "too long to print": 10**5000,
    "true": True,
    "fraction": 1.0,
    "text": "1",
    "none": None,
}


@pytest.mark.parametrize("name", WRONG_NUMBERS)
def test_a_number_that_is_no_u64_is_refused(name: str) -> None:
    with pytest.raises(ProofError):
        batch_leaf(LEAF, WRONG_NUMBERS[name], LEAF)
    with pytest.raises(ProofError):
        batch_hash(LEAF, WRONG_NUMBERS[name], LEAF)


def test_batch_ids_count_from_one_to_the_end_of_a_u64() -> None:
    with pytest.raises(ProofError):
        batch_hash(LEAF, 0, LEAF)
    assert batch_hash(LEAF, 2**64 - 1, LEAF) == sha(b"gongfen/batch/v1\n" + LEAF + b"\xff" * 8 + LEAF)


def test_another_leaf_root_side_or_order_does_not_verify() -> None:
    leaves = leaves_of(5)
    root, paths = batch_root(leaves), batch_paths(leaves)
    mirrored = [{"left" if "right" in step else "right": next(iter(step.values()))} for step in paths[1]]
    for leaf, path, other_root in (
        (leaves[0], paths[1], root),
        (leaves[1], paths[1], leaves[1]),
        (leaves[1], mirrored, root),
        (leaves[1], paths[1][::-1], root),
        (leaves[1], paths[1][:-1], root),
        (leaves[1], paths[1] + paths[1][-1:], root),
        (leaves[1], [], root),
    ):
        with pytest.raises(ProofError, match="another root"):
            verify_path(leaf, path, other_root)


def test_one_flipped_bit_anywhere_in_a_path_does_not_verify() -> None:
    leaves = leaves_of(6)
    root, path = batch_root(leaves), batch_paths(leaves)[2]
    for place, step in enumerate(path):
        ((side, text),) = step.items()
        for bit in range(256):
            turned = f"{int(text, 16) ^ 1 << bit:064x}"
            with pytest.raises(ProofError, match="another root"):
                verify_path(leaves[2], [*path[:place], {side: turned}, *path[place + 1 :]], root)


IDS = sorted(ledger_id(f"gongfen.example/village-{i}") for i in range(4))
ROOT = sha(b"root")


def test_the_leaves_of_a_batch_stand_in_the_order_of_ledger_ids() -> None:
    heads = [(name, size, ROOT) for size, name in enumerate(IDS, 2)]
    check_heads(heads)
    assert batch_leaves(heads) == [batch_leaf(name, size, ROOT) for name, size, _ in heads]


BAD_HEADS: dict[str, list[Any]] = {
    "none at all": [],
    "the same ledger twice": [(IDS[0], 2, ROOT), (IDS[0], 3, ROOT)],
    "descending": [(IDS[1], 2, ROOT), (IDS[0], 2, ROOT)],
    "the third before the second": [(IDS[0], 2, ROOT), (IDS[2], 2, ROOT), (IDS[1], 2, ROOT)],
    "an empty log": [(IDS[0], 0, ROOT)],
    "a negative size": [(IDS[0], -1, ROOT)],
    "a size beyond a u64": [(IDS[0], 2**64, ROOT)],
    "a short id": [(IDS[0][:31], 2, ROOT)],
    "a short root": [(IDS[0], 2, ROOT[:31])],
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_batch_that_breaks_a_rule_is_refused(name: str) -> None:
    with pytest.raises(LedgerError):
        check_heads(BAD_HEADS[name])
    with pytest.raises(LedgerError):
        batch_leaves(BAD_HEADS[name])


def test_a_tree_without_leaves_is_refused() -> None:
    with pytest.raises(FormatError, match="empty batch"):
        batch_root([])
    with pytest.raises(FormatError, match="empty batch"):
        batch_paths([])
