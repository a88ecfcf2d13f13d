"""The state map against a second one written from the text (formats §7), and against everything a cheat may hand in."""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import Any

import pytest

from ledger.core import statemap
from ledger.core.statemap import EMPTY, Absence, Presence, leaf_hash, node_hash, prove, root_of
from ledger.errors import ProofError
from tests.oracles import naive_map

TOP = 1 << 255
LAST_BIT_ONLY = [bytes(32), bytes(31) + b"\x01"]


def key_at(number: int) -> bytes:
    return number.to_bytes(32, "big")


def sharing(count: int) -> list[bytes]:
    """Two keys that share exactly their first ``count`` bits."""
    base = int.from_bytes(hashlib.sha256(b"base").digest(), "big")
    return [key_at(base), key_at(base ^ (TOP >> count))]


def valued(keys: list[bytes]) -> dict[bytes, bytes]:
    return {key: b"value of " + key for key in keys}


SMALL_KEYS = [key_at(number << 252) for number in (0b0000, 0b0001, 0b0010, 0b0111, 0b1000, 0b1111)] + LAST_BIT_ONLY[1:]
MAPS: dict[str, dict[bytes, bytes]] = {
    "empty": {},
    "one leaf": valued([hashlib.sha256(b"only").digest()]),
    "first bit apart": valued(sharing(0)),
    "last bit apart": valued(LAST_BIT_ONLY),
    "last bit apart at the top": valued([b"\xff" * 32, b"\xff" * 31 + b"\xfe"]),
    "three, two of them deep": valued([*LAST_BIT_ONLY, b"\x80" + bytes(31)]),
    "a stair of 256 depths": valued([bytes(32)] + [key_at(TOP >> depth) for depth in range(256)]),
    "thirty by hash": valued([hashlib.sha256(bytes([i])).digest() for i in range(30)]),
}
ASKED = [*SMALL_KEYS, *(hashlib.sha256(bytes([i])).digest() for i in range(0, 60, 7)), b"\xff" * 32, *sharing(7)]


def accept(root: bytes, items: dict[bytes, bytes], proof: Any) -> None:
    if isinstance(proof, Presence):
        statemap.verify_presence(root=root, key=proof.key, value=items[proof.key], path=proof.path)
    else:
        statemap.verify_absence(root=root, key=proof.key, path=proof.path, other=proof.other)


@pytest.mark.parametrize("name", MAPS)
def test_root_and_proofs_equal_those_of_the_naive_map(name: str) -> None:
    items = MAPS[name]
    root = root_of(items)
    assert root == naive_map.root(items)
    for key in [*list(items)[:12], *ASKED]:
        proof = prove(items, key)
        end = naive_map.end(items, key)
        assert list(proof.path) == naive_map.path(items, key)
        assert isinstance(proof, Presence) is (key in items)
        if isinstance(proof, Presence):
            assert (proof.key, proof.value_hash) == end
        else:
            assert proof.other == end
        accept(root, items, proof)


def test_every_small_map_with_colliding_prefixes_equals_the_naive_map() -> None:
    for size in range(len(SMALL_KEYS) + 1):
        for keys in combinations(SMALL_KEYS, size):
            items = valued(list(keys))
            assert root_of(items) == naive_map.root(items)
            for key in SMALL_KEYS:
                proof = prove(items, key)
                assert list(proof.path) == naive_map.path(items, key)
                accept(root_of(items), items, proof)


@pytest.mark.parametrize("count", range(256))
def test_two_keys_sharing_any_number_of_bits_stand_just_below_them(count: int) -> None:
    items = valued(sharing(count))
    first, second = sharing(count)
    leaves = {key: leaf_hash(key, hashlib.sha256(items[key]).digest()) for key in items}
    for key, other in ((first, second), (second, first)):
        proof = prove(items, key)
        assert proof.path == (leaves[other], *[EMPTY] * count)
        accept(root_of(items), items, proof)


def test_the_empty_map_and_a_single_leaf_have_the_roots_of_the_text() -> None:
    key = hashlib.sha256(b"k").digest()
    assert root_of({}) == bytes(32)
    assert prove({}, key) == Absence(key, (), None)
    expected = hashlib.sha256(b"\x02" + key + hashlib.sha256(b"v").digest()).digest()
    assert root_of({key: b"v"}) == expected
    assert prove({key: b"v"}, key) == Presence(key, hashlib.sha256(b"v").digest(), ())


def test_the_order_of_insertion_does_not_matter() -> None:
    items = MAPS["thirty by hash"]
    assert root_of(dict(reversed(items.items()))) == root_of(items)


def test_a_fixed_map_keeps_its_root() -> None:
    items = {hashlib.sha256(str(i).encode()).digest(): str(i).encode() for i in range(100)}
    assert root_of(items).hex() == naive_map.root(items).hex()
    assert root_of(items).hex() == "ed7c34bb494300165418fb4dd695d541283a7a2703a2921590f043d9aad8454a"


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), "0" * 32, bytearray(32)], ids=repr)
def test_the_maker_of_a_map_is_told_of_a_key_that_is_not_32_bytes(key: Any) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        prove({}, key)
    if not isinstance(key, bytearray):
        with pytest.raises(ValueError, match="32 bytes"):
            root_of({key: b""})


def flips(data: bytes) -> list[bytes]:
    """``data`` with each of its bits turned, one at a time."""
    return [(int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big") for bit in range(8 * len(data))]


@pytest.mark.parametrize("name", ["one leaf", "first bit apart", "three, two of them deep", "thirty by hash"])
def test_one_flipped_bit_anywhere_spoils_a_proof_of_presence(name: str) -> None:
    items = MAPS[name]
    key = next(iter(items))
    proof = prove(items, key)
    good: dict[str, Any] = {"root": root_of(items), "key": key, "value": items[key], "path": list(proof.path)}
    statemap.verify_presence(**good)
    bad = [{**good, field: wrong} for field in ("root", "key", "value") for wrong in flips(good[field])]
    for place, sibling in list(enumerate(proof.path))[:6] + list(enumerate(proof.path))[-3:]:
        bad += [{**good, "path": [*proof.path[:place], wrong, *proof.path[place + 1 :]]} for wrong in flips(sibling)]
    for arguments in bad:
        with pytest.raises(ProofError):
            statemap.verify_presence(**arguments)


def missing_from_thirty(*, beside_a_leaf: bool) -> bytes:
    """The first key not in the map of thirty whose walk ends as asked."""
    strangers = (hashlib.sha256(bytes([i, i])).digest() for i in range(60))
    return next(k for k in strangers if (naive_map.end(MAPS["thirty by hash"], k) is not None) is beside_a_leaf)


ABSENCES: dict[str, tuple[dict[bytes, bytes], bytes]] = {
    "beside the only leaf": (MAPS["one leaf"], bytes(32)),
    "empty, below the top": (MAPS["last bit apart"], b"\xff" * 32),
    "empty among thirty": (MAPS["thirty by hash"], missing_from_thirty(beside_a_leaf=False)),
    "another leaf among thirty": (MAPS["thirty by hash"], missing_from_thirty(beside_a_leaf=True)),
}


@pytest.mark.parametrize("name", ABSENCES)
def test_one_flipped_bit_anywhere_spoils_a_proof_of_absence(name: str) -> None:
    items, key = ABSENCES[name]
    proof = prove(items, key)
    assert isinstance(proof, Absence)
    good: dict[str, Any] = {"root": root_of(items), "key": key, "path": proof.path, "other": proof.other}
    statemap.verify_absence(**good)
    bad = [{**good, "root": wrong} for wrong in flips(good["root"])]
    for place, sibling in list(enumerate(proof.path))[:6] + list(enumerate(proof.path))[-3:]:
        bad += [{**good, "path": (*proof.path[:place], wrong, *proof.path[place + 1 :])} for wrong in flips(sibling)]
    if proof.other is not None:
        bad += [{**good, "other": (wrong, proof.other[1])} for wrong in flips(proof.other[0])]
        bad += [{**good, "other": (proof.other[0], wrong)} for wrong in flips(proof.other[1])]
    for arguments in bad:
        with pytest.raises(ProofError):
            statemap.verify_absence(**arguments)


@pytest.mark.parametrize("name", ABSENCES)
def test_a_walked_bit_of_the_asked_key_cannot_be_turned_and_the_others_do_not_matter(name: str) -> None:
    items, key = ABSENCES[name]
    proof = prove(items, key)
    assert isinstance(proof, Absence)
    for bit, wrong in zip(range(255, -1, -1), flips(key), strict=True):
        walked = bit < len(proof.path)
        if walked or wrong in items:
            with pytest.raises(ProofError):
                statemap.verify_absence(root=root_of(items), key=wrong, path=proof.path, other=proof.other)
        else:
            statemap.verify_absence(root=root_of(items), key=wrong, path=proof.path, other=proof.other)


# Two leaves A and B that share three bits, and C on the other side of the first bit: root = node(node(0…), C).
A, B, C = key_at(0b0001 << 252), key_at(0b0000 << 252), key_at(1 << 255)
THREE = {A: b"a", B: b"b", C: b"c"}
ROOT = root_of(THREE)
HASH = {key: leaf_hash(key, hashlib.sha256(value).digest()) for key, value in THREE.items()}
VALUE = {key: hashlib.sha256(value).digest() for key, value in THREE.items()}
PATH_A = prove(THREE, A).path
PATH_B = prove(THREE, B).path
PATH_C = prove(THREE, C).path
ELSEWHERE = key_at(0b01 << 254)
PATH_ELSEWHERE = prove(THREE, ELSEWHERE).path
NEAR_C = key_at(0b11 << 254)
HALVES = (node_hash(PATH_ELSEWHERE[0], EMPTY), HASH[C])


def test_the_map_of_the_tables_below_has_the_shape_that_they_rely_on() -> None:
    assert (HASH[B], EMPTY, EMPTY, HASH[C]) == PATH_A
    assert prove(THREE, ELSEWHERE) == Absence(ELSEWHERE, (node_hash(node_hash(HASH[B], HASH[A]), EMPTY), HASH[C]), None)
    assert prove(THREE, NEAR_C) == Absence(NEAR_C, PATH_C, (C, VALUE[C]))


BAD_PRESENCE: dict[str, dict[str, Any]] = {
    "another value": {"value": b"b"},
    "no value": {"value": b""},
    "value as text": {"value": "a"},
    "value is none": {"value": None},
    "value's hash for the value": {"value": VALUE[A]},
    "another key of the map": {"key": B},
    "a key not in the map": {"key": ELSEWHERE},
    "short key": {"key": A[:31]},
    "long key": {"key": A + b"\x00"},
    "key as hex": {"key": A.hex()},
    "key as bytearray": {"key": bytearray(A)},
    "short root": {"root": ROOT[:31]},
    "root as hex": {"root": ROOT.hex()},
    "root of the empty map": {"root": EMPTY},
    "root is the leaf": {"root": HASH[A]},
    "no path": {"path": ()},
    "path is none": {"path": None},
    "path is bytes": {"path": b"".join(PATH_A)},
    "path is a generator": {"path": iter(PATH_A)},
    "path is a dict": {"path": dict.fromkeys(PATH_A)},
    "path without the deepest": {"path": PATH_A[1:]},
    "path without the top": {"path": PATH_A[:-1]},
    "path with the deepest twice": {"path": (PATH_A[0], *PATH_A)},
    "path in the wrong order": {"path": PATH_A[::-1]},
    "zero below the deepest": {"path": (EMPTY, *PATH_A)},
    "zero above the top": {"path": (*PATH_A, EMPTY)},
    "zeros below, up to 256": {"path": (EMPTY,) * 252 + PATH_A},
    "deepest replaced by zero": {"path": (EMPTY, *PATH_A[1:])},
    "path of another key": {"path": PATH_C},
    "257 siblings": {"path": (HASH[B],) * 257},
    "a million siblings": {"path": [HASH[B]] * 1_000_000},
    "a short sibling": {"path": (HASH[B][:31], *PATH_A[1:])},
    "a long sibling": {"path": (HASH[B] + b"\x00", *PATH_A[1:])},
    "a sibling as hex": {"path": (HASH[B].hex(), *PATH_A[1:])},
    "a sibling is none": {"path": (None, *PATH_A[1:])},
    "a sibling is a number": {"path": (0, *PATH_A[1:])},
}


@pytest.mark.parametrize("name", BAD_PRESENCE)
def test_a_bad_proof_of_presence_is_refused(name: str) -> None:
    good: dict[str, Any] = {"root": ROOT, "key": A, "value": b"a", "path": PATH_A}
    statemap.verify_presence(**good)
    with pytest.raises(ProofError):
        statemap.verify_presence(**{**good, **BAD_PRESENCE[name]})


BAD_ABSENCE: dict[str, dict[str, Any]] = {
    "of a key that is there": {"key": A, "path": PATH_A},
    "of a key that is there, by its own leaf": {"key": A, "path": PATH_A, "other": (A, VALUE[A])},
    "of the only other leaf, by itself": {"key": C, "path": PATH_C, "other": (C, VALUE[C])},
    "of a key that is there, by its neighbour's leaf": {"key": A, "path": PATH_A, "other": (B, VALUE[B])},
    "of a key that is there, by the neighbour and its path": {
        "key": A,
        "path": prove(THREE, B).path,
        "other": (B, VALUE[B]),
    },
    "of a key that is there, one level up": {"key": A, "path": PATH_A[1:]},
    "of a key that is there, at the root": {"key": A, "path": ()},
    "empty, where another leaf stands": {"key": NEAR_C, "path": PATH_C},
    "another leaf, where nothing stands": {"key": ELSEWHERE, "path": PATH_ELSEWHERE, "other": (A, VALUE[A])},
    "a leaf off the walk": {"key": ELSEWHERE, "path": PATH_C, "other": (C, VALUE[C])},
    "other leaf with another value": {"key": NEAR_C, "path": PATH_C, "other": (C, VALUE[A])},
    "other leaf of another key": {"key": NEAR_C, "path": PATH_C, "other": (A, VALUE[C])},
    "other leaf with its value, not the hash": {"key": NEAR_C, "path": PATH_C, "other": (C, b"c")},
    "other leaf swapped": {"key": NEAR_C, "path": PATH_C, "other": (VALUE[C], C)},
    "other leaf as a list": {"key": NEAR_C, "path": PATH_C, "other": [C, VALUE[C]]},
    "other leaf as a string": {"key": NEAR_C, "path": PATH_C, "other": "cc"},
    "other leaf of three": {"key": NEAR_C, "path": PATH_C, "other": (C, VALUE[C], b"c")},
    "other leaf of one": {"key": NEAR_C, "path": PATH_C, "other": (C,)},
    "other leaf short": {"key": NEAR_C, "path": PATH_C, "other": (C[:31], VALUE[C])},
    "other leaf is its hash": {"key": NEAR_C, "path": PATH_C, "other": HASH[C]},
    "other leaf is false": {"key": NEAR_C, "path": PATH_C, "other": False},
    "a node's halves as the other leaf": {
        "key": NEAR_C,
        "path": (),
        "other": (node_hash(PATH_ELSEWHERE[0], EMPTY), HASH[C]),
    },
    "zero below the deepest": {"path": (EMPTY, *PATH_ELSEWHERE)},
    "zeros below, up to 256": {"path": (EMPTY,) * 254 + PATH_ELSEWHERE},
    "257 siblings": {"path": (HASH[A],) * 257},
    "path without the deepest": {"path": PATH_ELSEWHERE[1:]},
    "path without the top": {"path": PATH_ELSEWHERE[:-1]},
    "no path": {"path": ()},
    "path is none": {"path": None},
    "root of the empty map": {"root": EMPTY},
    "root is none": {"root": None},
    "short key": {"key": ELSEWHERE[1:]},
    "key is none": {"key": None},
}


@pytest.mark.parametrize("name", BAD_ABSENCE)
def test_a_bad_proof_of_absence_is_refused(name: str) -> None:
    good: dict[str, Any] = {"root": ROOT, "key": ELSEWHERE, "path": PATH_ELSEWHERE}
    statemap.verify_absence(**good)
    statemap.verify_absence(root=ROOT, key=NEAR_C, path=PATH_C, other=(C, VALUE[C]))
    with pytest.raises(ProofError):
        statemap.verify_absence(**{**good, **BAD_ABSENCE[name]})


def test_in_an_empty_map_every_key_is_absent_and_none_present() -> None:
    statemap.verify_absence(root=EMPTY, key=A, path=())
    with pytest.raises(ProofError):
        statemap.verify_presence(root=EMPTY, key=A, value=b"", path=())
    with pytest.raises(ProofError):
        statemap.verify_absence(root=EMPTY, key=A, path=(), other=(B, VALUE[B]))


def test_a_leaf_cut_at_another_byte_is_not_another_leaf() -> None:
    """Key and value hash are hashed end to end: only their lengths keep the asked leaf from passing for another."""
    root = root_of({A: b"a"})
    for cut in (0, 1, 31, 33, 63, 64):
        with pytest.raises(ProofError, match="not a hash"):
            statemap.verify_absence(root=root, key=A, path=(), other=((A + VALUE[A])[:cut], (A + VALUE[A])[cut:]))


def test_a_leaf_that_a_cheat_did_not_lift_cannot_be_proved() -> None:
    """The root of a tree that keeps lone leaves at the bottom folds, but is no map of formats §7."""
    unlifted = node_hash(HASH[A], EMPTY)
    with pytest.raises(ProofError, match="deepest sibling is empty"):
        statemap.verify_presence(root=unlifted, key=A, value=b"a", path=(EMPTY,))
    with pytest.raises(ProofError, match="deepest sibling is empty"):
        statemap.verify_absence(root=unlifted, key=B, path=(EMPTY,), other=(A, VALUE[A]))
    with pytest.raises(ProofError, match="deepest sibling is empty"):
        statemap.verify_absence(root=node_hash(EMPTY, EMPTY), key=B, path=(EMPTY,))


def test_a_leaf_that_a_cheat_put_off_its_walk_proves_nothing() -> None:
    swapped = node_hash(HASH[C], HASH[A])
    with pytest.raises(ProofError, match="elsewhere"):
        statemap.verify_absence(root=swapped, key=B, path=(HASH[A],), other=(C, VALUE[C]))
    for path in ((HASH[A],), (HASH[C],)):
        with pytest.raises(ProofError, match="another root"):
            statemap.verify_presence(root=swapped, key=C, value=b"c", path=path)


def test_an_empty_subtree_at_depth_256_is_refused_and_a_leaf_there_is_not() -> None:
    """Two keys that differ in the last bit only: with one of them missing the other would stand higher."""
    items = valued(LAST_BIT_ONLY)
    zero, one = LAST_BIT_ONLY
    end = (one, hashlib.sha256(items[one]).digest())
    path = prove(items, zero).path
    assert len(path) == 256
    statemap.verify_presence(root=root_of(items), key=zero, value=items[zero], path=path)
    node = EMPTY
    for sibling in path:
        node = node_hash(node, sibling)
    with pytest.raises(ProofError, match="this deep"):
        statemap.verify_absence(root=node, key=zero, path=path)
    with pytest.raises(ProofError, match="elsewhere"):
        statemap.verify_absence(root=root_of(items), key=zero, path=path, other=end)


def test_a_leaf_is_not_taken_for_a_node_nor_a_node_for_a_leaf() -> None:
    """A leaf whose key was chosen to be a leaf hash, and a node whose children are read as key and value hash."""
    with pytest.raises(ProofError, match="another root"):
        statemap.verify_presence(root=root_of({HASH[A]: b"b"}), key=A, value=b"a", path=(VALUE[B],))
    with pytest.raises(ProofError, match="another root"):
        statemap.verify_absence(root=root_of({A: b"a", C: b"c"}), key=B, path=(), other=(HASH[A], HASH[C]))


def test_hashes_have_the_prefixes_of_the_text() -> None:
    assert leaf_hash(A, VALUE[A]) == hashlib.sha256(b"\x02" + A + hashlib.sha256(b"a").digest()).digest()
    assert node_hash(A, B) == hashlib.sha256(b"\x03" + A + B).digest()
