"""Proofs over random trees hold, and with any one bit changed they do not."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core import merkle
from ledger.core.tiles import RightEdge, TileFrontier, TilePath, TreeReader, tiles_filled, tiles_of, width_at
from ledger.errors import ProofError
from tests.oracles import naive_merkle

LEAVES = [sha256(b"leaf %d" % n).digest() for n in range(70_000)]
hashes = st.binary(min_size=32, max_size=32)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@given(st.lists(st.binary(max_size=40), max_size=40))
def test_roots_and_paths_are_those_of_the_recursive_definition(entries: list[bytes]) -> None:
    leaves = merkle.leaf_hashes_of(entries)
    everything = tuple(entries)
    assert merkle.root_of(leaves) == naive_merkle.mth(everything)
    for number in range(len(entries)):
        assert merkle.inclusion_path(leaves, number) == naive_merkle.path(number, everything)
        assert merkle.consistency_path(leaves, number + 1) == naive_merkle.proof(number + 1, everything)


@given(st.integers(1, 300), st.data())
def test_one_flipped_bit_anywhere_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    path, root = merkle.inclusion_path(LEAVES[:size], index), merkle.root_of(LEAVES[:size])
    merkle.verify_inclusion(LEAVES[index], index=index, size=size, path=path, root=root)
    which = data.draw(st.integers(-2, len(path) - 1))
    leaf = flip(LEAVES[index], bit) if which == -2 else LEAVES[index]
    bad_root = flip(root, bit) if which == -1 else root
    bad_path = [flip(item, bit) if n == which else item for n, item in enumerate(path)]
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaf, index=index, size=size, path=bad_path, root=bad_root)


@given(st.integers(2, 300), st.data())
def test_one_flipped_bit_anywhere_breaks_a_consistency_proof(size_2: int, data: st.DataObject) -> None:
    size_1, bit = data.draw(st.integers(1, size_2)), data.draw(st.integers(0, 255))
    roots = [merkle.root_of(LEAVES[:size_1]), merkle.root_of(LEAVES[:size_2])]
    path = merkle.consistency_path(LEAVES[:size_2], size_1)
    good: dict[str, Any] = {"size_1": size_1, "root_1": roots[0], "size_2": size_2, "root_2": roots[1], "path": path}
    merkle.verify_consistency(**good)
    which = data.draw(st.integers(-2, len(path) - 1))
    bad = {"root_1": flip(roots[0], bit)} if which == -2 else {"root_2": flip(roots[1], bit)}
    if which >= 0:
        bad = {"path": [flip(item, bit) if n == which else item for n, item in enumerate(path)]}
    with pytest.raises(ProofError):
        merkle.verify_consistency(**{**good, **bad})


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | hashes


@given(anything, anything, anything, st.lists(anything) | anything, anything)
def test_whatever_is_offered_as_a_proof_only_proof_error_is_raised(a: Any, b: Any, c: Any, path: Any, d: Any) -> None:
    with pytest.raises(ProofError):
        merkle.verify_inclusion(a, index=b, size=c, path=path, root=d)
    with pytest.raises(ProofError):
        merkle.verify_consistency(size_1=-1, root_1=a, size_2=b, root_2=d, path=path)
    with pytest.raises(ProofError):
        merkle.verify_consistency(size_1=3, root_1=a, size_2=7, root_2=d, path=path)


@given(hashes, st.integers(0, 60), st.integers(0, 60), st.lists(hashes, max_size=8), hashes)
def test_random_hashes_prove_nothing(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    if not (leaf == root and size == 1):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaf, index=index, size=size, path=path, root=root)


@given(st.lists(st.integers(0, 200), max_size=12))
def test_a_frontier_knows_the_root_however_it_grew(groups: list[int]) -> None:
    bulk, single, size = merkle.CompactRange(), merkle.CompactRange(), 0
    for group in groups:
        bulk.extend(LEAVES[size : size + group])
        for leaf in LEAVES[size : size + group]:
            single.append(leaf)
        size += group
        assert bulk.hashes == single.hashes
    assert bulk.root() == merkle.root_of(LEAVES[:size])


class MemoryStore:
    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.tiles = {(level, index): blob for level, index, blob in TileFrontier().extend(leaves)}

    def full_tile(self, level: int, index: int) -> bytes:
        return self.tiles[level, index]

    def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
        return self.leaves[first:last]


STORE = MemoryStore(LEAVES)


@given(st.integers(1, len(LEAVES)), st.data())
def test_proofs_from_tiles_hold_between_random_sizes(size_2: int, data: st.DataObject) -> None:
    size_1, index = data.draw(st.integers(1, size_2)), data.draw(st.integers(0, size_2 - 1))
    older = RightEdge.load(size_1, STORE, stored_size=len(LEAVES))
    reader = TreeReader(STORE, RightEdge.load(size_2, STORE, stored_size=data.draw(st.integers(size_2, len(LEAVES)))))
    path = reader.inclusion_path(index)
    merkle.verify_inclusion(LEAVES[index], index=index, size=size_2, path=path, root=reader.root)
    path = reader.consistency_path(size_1)
    merkle.verify_consistency(size_1=size_1, root_1=older.root, size_2=size_2, root_2=reader.root, path=path)


@given(st.integers(0, 63) | st.none(), st.integers(0, 2**53 - 1), st.integers(1, 256))
def test_tile_paths_survive_being_spelled(level: int | None, index: int, width: int) -> None:
    path = TilePath(level, index, width)
    assert TilePath.parse(str(path)) == path


@given(st.integers(0, 300_000), st.integers(0, 3_000))
def test_filled_tiles_are_those_whose_width_becomes_256(size: int, more: int) -> None:
    filled = tiles_filled(size, size + more)
    for level, index in filled:
        assert width_at(level, index, size) < 256 == width_at(level, index, size + more)
    assert len(filled) == sum(size + more >> shift for shift in (8, 16, 24)) - sum(
        size >> shift for shift in (8, 16, 24)
    )


@given(st.integers(0, 200_000))
def test_the_tiles_of_a_tree_hold_each_node_once(size: int) -> None:
    for level in range(3):
        widths = [path.width for path in tiles_of(size) if path.level == level]
        assert sum(widths) == size >> 8 * level
        assert all(width == 256 for width in widths[:-1])
