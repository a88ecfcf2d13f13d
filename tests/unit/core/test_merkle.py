"""The Merkle tree against the recursive definitions of RFC 6962 and its published vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.core import merkle
from ledger.errors import ProofError, StateError
from tests.oracles import naive_merkle

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc6962_tree.json").read_text(encoding="ascii"))
LARGEST = 130
ENTRIES = tuple(b"entry %d" % n for n in range(LARGEST))
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
ROOTS = [naive_merkle.mth(ENTRIES[:n]) for n in range(LARGEST + 1)]


def included(index: int, size: int, /, **changes: Any) -> None:
    good = {"index": index, "size": size, "path": naive_merkle.path(index, ENTRIES[:size]), "root": ROOTS[size]}
    leaf = changes.pop("leaf_hash", LEAVES[index])
    merkle.verify_inclusion(leaf, **{**good, **changes})


def consistent(size_1: int, size_2: int, /, **changes: Any) -> None:
    path = naive_merkle.proof(size_1, ENTRIES[:size_2])
    good = {"size_1": size_1, "root_1": ROOTS[size_1], "size_2": size_2, "root_2": ROOTS[size_2], "path": path}
    merkle.verify_consistency(**{**good, **changes})


def test_roots_and_paths_equal_the_published_vectors() -> None:
    leaves = merkle.leaf_hashes_of(bytes.fromhex(entry) for entry in VECTORS["entries"])
    assert merkle.root_of([]).hex() == VECTORS["empty_root"]
    for size, root in enumerate(VECTORS["roots"], start=1):
        assert merkle.root_of(leaves[:size]).hex() == root
    for case in VECTORS["inclusion"]:
        path = merkle.inclusion_path(leaves[: case["size"]], case["index"])
        assert [item.hex() for item in path] == case["path"]
    for case in VECTORS["consistency"]:
        path = merkle.consistency_path(leaves[: case["size_2"]], case["size_1"])
        assert [item.hex() for item in path] == case["path"]


def test_hashes_have_the_prefixes_of_the_rfc() -> None:
    assert merkle.leaf_hash(b"x") == naive_merkle.sha256(b"\x00x")
    assert merkle.node_hash(bytes(32), bytes(32)) == naive_merkle.sha256(b"\x01" + bytes(64))
    assert merkle.leaf_hashes_of([b"a", b"b"]) == [merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")]
    assert naive_merkle.sha256(b"") == merkle.EMPTY_ROOT


def test_roots_of_all_small_trees_equal_the_recursive_definition() -> None:
    for size in range(LARGEST + 1):
        assert merkle.root_of(LEAVES[:size]) == ROOTS[size]
        assert merkle.root_of(tuple(LEAVES[:size])) == ROOTS[size]


def test_every_inclusion_path_of_small_trees_is_the_defined_one_and_verifies() -> None:
    for size in range(1, LARGEST + 1):
        leaves = LEAVES[:size]
        for index in range(0, size, 1 if size < 70 else 7):
            path = merkle.inclusion_path(leaves, index)
            assert path == naive_merkle.path(index, ENTRIES[:size])
        for index in range(size):
            included(index, size)


def test_every_consistency_proof_of_small_trees_is_the_defined_one_and_verifies() -> None:
    for size_2 in range(1, LARGEST + 1):
        for size_1 in range(1, size_2 + 1):
            consistent(size_1, size_2)
        for size_1 in range(1, size_2 + 1, 1 if size_2 < 70 else 7):
            path = merkle.consistency_path(LEAVES[:size_2], size_1)
            assert path == naive_merkle.proof(size_1, ENTRIES[:size_2])


def test_the_named_nodes_of_a_proof_are_as_many_as_its_hashes() -> None:
    for size in range(1, 70):
        for number in range(size):
            assert len(merkle.inclusion_nodes(number, size)) == len(naive_merkle.path(number, ENTRIES[:size]))
            proof = naive_merkle.proof(number + 1, ENTRIES[:size])
            assert len(merkle.consistency_nodes(number + 1, size)) == len(proof)


def test_a_path_proves_no_other_index_and_no_size_of_another_shape() -> None:
    """A path may fit several sizes if the tree has the same shape above the leaf; then the root decides."""
    for size in range(1, 40):
        for index in range(size):
            for other in range(size):
                if other != index:
                    with pytest.raises(ProofError):
                        included(index, size, index=other)
            for larger in range(size + 1, 40):
                with pytest.raises(ProofError):
                    included(index, size, size=larger, root=ROOTS[larger])


def test_a_consistency_proof_proves_no_other_pair_of_sizes() -> None:
    sizes = range(1, 20)
    for size_1, size_2 in ((a, b) for a in sizes for b in sizes if a < b):
        for other in sizes:
            if other not in (size_1, size_2):
                with pytest.raises(ProofError):
                    consistent(size_1, size_2, size_1=other, root_1=ROOTS[other])
                with pytest.raises(ProofError):
                    consistent(size_1, size_2, size_2=other, root_2=ROOTS[other])


PATH_CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "first hash missing": lambda path: path[1:],
    "last hash missing": lambda path: path[:-1],
    "no hash": lambda path: [],
    "one hash more at the end": lambda path: [*path, bytes(32)],
    "one hash more in front": lambda path: [bytes(32), *path],
    "twice as long": lambda path: path * 2,
    "first two swapped": lambda path: [*path[1:2], path[0], *path[2:]],
    "reversed": lambda path: path[::-1],
    "last hash repeated": lambda path: [*path, path[-1]],
}


@pytest.mark.parametrize("change", PATH_CHANGES.values(), ids=PATH_CHANGES.keys())
def test_paths_that_are_cut_stretched_or_swapped_are_refused(change: Callable[[list[bytes]], list[bytes]]) -> None:
    for size in (7, 8, 100):
        for number in (0, 3, 5, size - 2):
            for good, verify in (
                (naive_merkle.path(number, ENTRIES[:size]), included),
                (naive_merkle.proof(number + 1, ENTRIES[:size]), consistent),
            ):
                first = number if verify is included else number + 1
                verify(first, size)
                if (bad := change(good)) != good:
                    with pytest.raises(ProofError):
                        verify(first, size, path=bad)


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    inner = merkle.node_hash(LEAVES[0], LEAVES[1])
    path = [merkle.node_hash(LEAVES[2], LEAVES[3])]
    merkle.verify_inclusion(inner, index=0, size=2, path=path, root=ROOTS[4])  # only under a size nobody signed
    with pytest.raises(ProofError):
        included(0, 4, leaf_hash=inner, path=path)
    assert merkle.leaf_hash(LEAVES[0] + LEAVES[1]) != inner


def test_between_equal_sizes_only_equal_roots_and_an_empty_proof_hold() -> None:
    consistent(5, 5)
    with pytest.raises(ProofError, match="too long"):
        consistent(5, 5, path=[bytes(32)])
    with pytest.raises(ProofError, match="two roots of one size"):
        consistent(5, 5, root_2=ROOTS[6])


def test_either_wrong_root_refuses_a_consistency_proof() -> None:
    for size_1, size_2 in ((3, 7), (4, 7), (1, 2), (6, 8), (64, 130)):
        with pytest.raises(ProofError):
            consistent(size_1, size_2, root_1=bytes(32))
        with pytest.raises(ProofError):
            consistent(size_1, size_2, root_2=bytes(32))


BAD_NUMBERS: list[object] = [-1, 2**53, 2**63, 2**64, 10**5000, -(10**5000), True, False, 3.0, "3", None, b"\x03"]
BAD_HASHES: list[object] = [b"", bytes(31), bytes(33), bytes(64), bytearray(32), "00" * 32, None, 0, [bytes(32)]]
BAD_PATHS: list[object] = [
    None,
    b"",
    bytes(64),
    "",
    5,
    {},
    iter([]),
    {bytes(32)},
    [bytes(32)] * 100,
    *[[x] for x in BAD_HASHES],
]


@pytest.mark.parametrize("bad", BAD_NUMBERS, ids=lambda bad: type(bad).__name__)
def test_numbers_out_of_range_or_of_another_type_raise_proof_error(bad: Any) -> None:
    for attempt in (
        lambda: included(3, 7, index=bad),
        lambda: included(3, 7, size=bad),
        lambda: consistent(3, 7, size_1=bad),
        lambda: consistent(3, 7, size_2=bad),
        lambda: merkle.inclusion_path(LEAVES, bad),
        lambda: merkle.consistency_path(LEAVES, bad),
        lambda: merkle.inclusion_nodes(bad, 5),
        lambda: merkle.inclusion_nodes(0, bad),
        lambda: merkle.consistency_nodes(bad, 5),
        lambda: merkle.consistency_nodes(1, bad),
    ):
        with pytest.raises(ProofError) as caught:
            attempt()
        assert str(caught.value)


@pytest.mark.parametrize("bad", BAD_HASHES, ids=repr)
def test_hashes_of_another_size_or_type_raise_proof_error(bad: Any) -> None:
    for attempt in (
        lambda: included(3, 7, leaf_hash=bad),
        lambda: included(3, 7, root=bad),
        lambda: consistent(3, 7, root_1=bad),
        lambda: consistent(3, 7, root_2=bad),
        lambda: consistent(7, 7, root_1=bad, root_2=bad),
    ):
        with pytest.raises(ProofError, match="not a hash"):
            attempt()


@pytest.mark.parametrize("bad", BAD_PATHS, ids=lambda bad: type(bad).__name__)
def test_paths_of_another_type_raise_proof_error(bad: Any) -> None:
    for attempt in (lambda: included(3, 7, path=bad), lambda: consistent(3, 7, path=bad)):
        with pytest.raises(ProofError):
            attempt()


def test_zero_leaves_and_sizes_that_shrink_are_refused() -> None:
    with pytest.raises(ProofError, match="no such tree size"):
        merkle.inclusion_path([], 0)
    with pytest.raises(ProofError, match="no such tree size"):
        merkle.consistency_path([], 0)
    with pytest.raises(ProofError, match="no such earlier size"):
        merkle.consistency_path(LEAVES, 0)
    with pytest.raises(ProofError, match="no such earlier size"):
        merkle.consistency_path(LEAVES[:5], 6)
    with pytest.raises(ProofError, match="no such leaf"):
        merkle.inclusion_path(LEAVES[:5], 5)
    with pytest.raises(ProofError, match="no such earlier size"):
        consistent(3, 7, size_1=0)
    with pytest.raises(ProofError, match="no such earlier size"):
        consistent(3, 7, size_1=8)


def test_hashes_that_a_chain_library_hands_over_as_its_own_bytes_are_taken() -> None:
    class ChainBytes(bytes):
        pass

    included(3, 7, root=ChainBytes(ROOTS[7]), leaf_hash=ChainBytes(LEAVES[3]))
    consistent(3, 7, root_1=ChainBytes(ROOTS[3]), root_2=ChainBytes(ROOTS[7]))


def test_a_proof_at_the_largest_size_is_verified() -> None:
    size = merkle.MAX_SIZE
    path = [bytes([n]) * 32 for n in range(len(merkle.inclusion_nodes(0, size)))]
    root = LEAVES[0]
    for item in path:
        root = merkle.node_hash(root, item)
    merkle.verify_inclusion(LEAVES[0], index=0, size=size, path=path, root=root)


def test_a_frontier_grown_leaf_by_leaf_or_at_once_knows_every_root() -> None:
    slow = merkle.CompactRange()
    assert slow.root() == merkle.EMPTY_ROOT
    for size in range(LARGEST):
        for more in (0, 1, 2, 3, 5, LARGEST - size):
            quick = slow.copy()
            quick.extend(LEAVES[size : size + more])
            grown = min(size + more, LARGEST)
            assert (quick.size, quick.root()) == (grown, ROOTS[grown])
            assert len(quick.hashes) == grown.bit_count()
        slow.append(LEAVES[size])
        assert (slow.size, slow.root()) == (size + 1, ROOTS[size + 1])


def test_a_copy_of_a_frontier_does_not_grow_with_it() -> None:
    frontier = merkle.CompactRange()
    frontier.extend(LEAVES[:7])
    twin = frontier.copy()
    frontier.append(LEAVES[7])
    assert (twin.size, twin.root()) == (7, ROOTS[7])


def test_a_frontier_survives_being_written_down() -> None:
    frontier = merkle.CompactRange()
    frontier.extend(LEAVES[:77])
    again = merkle.CompactRange.of(frontier.size, frontier.hashes)
    again.extend(LEAVES[77:])
    assert again.root() == ROOTS[LARGEST]


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        (1, []),
        (0, [bytes(32)]),
        (3, [bytes(32)]),
        (-1, []),
        (True, [bytes(32)]),
        (1, [bytes(31)]),
        (1, [None]),
        (2**53, [bytes(32)]),
        (10**5000, [bytes(32)]),
    ],
    ids=lambda value: f"{len(value)} hashes" if isinstance(value, list) else type(value).__name__,
)
def test_a_stored_frontier_that_contradicts_itself_is_refused(size: Any, hashes: Any) -> None:
    with pytest.raises(StateError):
        merkle.CompactRange.of(size, hashes)
