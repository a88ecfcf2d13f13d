"""Whatever is set in whatever order: pages, plain map and naive map agree, and proofs hold for what is so only."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.mappages import prove_from_pages, prove_many_from_pages, update
from ledger.core.statemap import EMPTY, Absence, Presence, prove, root_of, verify_absence, verify_presence
from ledger.core.types import Digest
from ledger.errors import ProofError
from tests.oracles import naive_map

RANDOM = st.binary(min_size=32, max_size=32)
CLOSE = st.builds(
    lambda depth, low: ((1 << 255 >> depth) | low).to_bytes(32, "big"), st.integers(0, 255), st.integers(0, 3)
)
"""Keys that share long runs of bits: a single bit somewhere, and the last two."""
KEYS = st.one_of(CLOSE, CLOSE, RANDOM).map(Digest)
MAPS = st.dictionaries(KEYS, st.binary(max_size=3), max_size=14)
STEPS = st.lists(st.dictionaries(KEYS, st.binary(max_size=3), max_size=8), min_size=1, max_size=6)


@given(items=MAPS, strangers=st.lists(KEYS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_root_and_proofs_equal_the_naive_map_and_verify(items: dict[Digest, bytes], strangers: list[Digest]) -> None:
    plain: dict[bytes, bytes] = dict(items)
    root = root_of(plain)
    assert root == naive_map.root(plain)
    for key in [*items, *strangers]:
        proof = prove(plain, key)
        assert list(proof.path) == naive_map.path(plain, key)
        if isinstance(proof, Presence):
            verify_presence(root=root, key=key, value=items[key], path=proof.path)
            with pytest.raises(ProofError):
                verify_absence(root=root, key=key, path=proof.path, other=(key, proof.value_hash))
        else:
            assert key not in items
            assert proof.other == naive_map.end(plain, key)
            verify_absence(root=root, key=key, path=proof.path, other=proof.other)


@given(steps=STEPS, strangers=st.lists(KEYS, max_size=3))
@settings(max_examples=120, deadline=None)
def test_pages_follow_any_series_of_changes_and_old_roots_still_prove(
    steps: list[dict[Digest, bytes]], strangers: list[Digest]
) -> None:
    store: dict[Digest, bytes] = {}
    root, items = EMPTY, {}
    history: list[tuple[Digest, dict[bytes, bytes]]] = []
    for changes in steps:
        hashes = {key: Digest(hashlib.sha256(value).digest()) for key, value in changes.items()}
        root, pages = update(root, hashes, lambda asked: {digest: store[digest] for digest in asked})
        assert all(store.get(digest, data) == data for digest, data in pages.items())
        store.update(pages)
        items = items | changes
        history.append((root, dict(items)))
    for old_root, old_items in history:
        assert old_root == root_of(old_items)
        asked = [*items, *strangers]
        together = prove_many_from_pages(old_root, asked, lambda asked: {digest: store[digest] for digest in asked})
        for key in asked:
            assert together[key] == prove(old_items, key)
            assert prove_from_pages(old_root, key, lambda asked: {d: store[d] for d in asked}) == together[key]


@given(items=MAPS, key=KEYS, wrong=st.lists(st.one_of(RANDOM, st.just(bytes(32))), max_size=6), end=RANDOM)
@settings(max_examples=150, deadline=None)
def test_no_made_up_path_proves_what_is_not_so(
    items: dict[Digest, bytes], key: Digest, wrong: list[bytes], end: bytes
) -> None:
    """Pieces of honest proofs, zeros and noise, put together at will."""
    plain: dict[bytes, bytes] = dict(items)
    root, honest = root_of(plain), prove(plain, key)
    for path in (wrong, [*wrong, *honest.path], [*honest.path, *wrong], list(honest.path)[1:], list(honest.path)[:-1]):
        fits = path == list(honest.path)
        if not (fits and isinstance(honest, Presence)):
            with pytest.raises(ProofError):
                verify_presence(root=root, key=key, value=items.get(key, b""), path=path)
        if not (fits and isinstance(honest, Absence) and honest.other is None):
            with pytest.raises(ProofError):
                verify_absence(root=root, key=key, path=path)
        with pytest.raises(ProofError):
            verify_absence(root=root, key=key, path=path, other=(end, end))


JUNK = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=4), st.binary(max_size=33), RANDOM, st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.tuples(inner, inner)),
    max_leaves=6,
)


@given(root=JUNK, key=JUNK, value=JUNK, path=JUNK, other=JUNK)
@settings(max_examples=300, deadline=None)
def test_junk_raises_nothing_but_a_proof_error(
    root: object, key: object, value: object, path: object, other: object
) -> None:
    with pytest.raises(ProofError):
        verify_presence(root=root, key=key, value=value, path=path)  # type: ignore[arg-type]
    try:
        verify_absence(root=root, key=key, path=path, other=other)  # type: ignore[arg-type]
    except ProofError:
        return
    assert root == EMPTY
    assert not path
    assert other is None
