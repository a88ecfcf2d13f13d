"""Any batch: the tree equals the library's, every path leads to it, and nothing else does (formats §8)."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from blockcerts_merkletools import MerkleTools
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.batch import batch_leaves, batch_paths, batch_root, check_heads, fold_path, verify_path
from ledger.core.types import Digest
from ledger.errors import FormatError, ProofError

DIGESTS = st.binary(min_size=32, max_size=32).map(Digest)
LEAVES = st.lists(DIGESTS, min_size=1, max_size=70)


@given(leaves=LEAVES)
@settings(max_examples=100, deadline=None)
def test_root_and_paths_equal_those_of_merkletools(leaves: list[Digest]) -> None:
    tools = MerkleTools(hash_type="sha256")
    tools.add_leaf([leaf.hex() for leaf in leaves])
    tools.make_tree()
    root, paths = batch_root(leaves), batch_paths(leaves)
    assert root.hex() == tools.get_merkle_root()
    assert paths == [tools.get_proof(index) for index in range(len(leaves))]
    for leaf, path in zip(leaves, paths, strict=True):
        verify_path(leaf, path, root)


@given(leaves=st.lists(DIGESTS, min_size=2, max_size=20, unique=True), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_path_fits_its_own_leaf_only(leaves: list[Digest], data: st.DataObject) -> None:
    own, other = data.draw(st.permutations(range(len(leaves))))[:2]
    with pytest.raises(ProofError):
        verify_path(leaves[other], batch_paths(leaves)[own], batch_root(leaves))


@given(heads=st.lists(st.tuples(DIGESTS, st.integers(1, 2**64 - 1), DIGESTS), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_heads_are_taken_in_one_order_only(heads: list[tuple[Digest, int, Digest]]) -> None:
    ids = [head[0] for head in heads]
    if all(before < after for before, after in pairwise(ids)):
        assert len(batch_leaves(heads)) == len(heads)
    else:
        with pytest.raises(FormatError):
            check_heads(heads)
    ordered = sorted({head[0]: head for head in heads}.values())
    assert batch_leaves(ordered) == [
        hashlib.sha256(b"gongfen/anchor-leaf/v1\n" + name + size.to_bytes(8, "big") + root).digest()
        for name, size, root in ordered
    ]


JUNK = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=66), st.binary(max_size=33), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["left", "right", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(leaf=st.one_of(DIGESTS, JUNK), path=st.one_of(JUNK, st.lists(JUNK, max_size=3)))
@settings(max_examples=300, deadline=None)
def test_junk_raises_nothing_but_a_proof_error(leaf: object, path: object) -> None:
    try:
        folded = fold_path(leaf, path)  # type: ignore[arg-type]
    except ProofError:
        return
    assert len(folded) == 32
