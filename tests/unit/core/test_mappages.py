"""The paged map: the same roots and proofs as the plain one, few pages touched, and no trust in what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ledger.core.mappages import LAST_LEVEL, prove_from_pages, prove_many_from_pages, update
from ledger.core.statemap import EMPTY, leaf_hash, prove, root_of
from ledger.core.types import Digest
from ledger.errors import StateError


def sha(text: object) -> Digest:
    return Digest(hashlib.sha256(str(text).encode()).digest())


def key_at(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


def hashed(items: Mapping[Any, bytes]) -> dict[Digest, Digest]:
    return {Digest(key): Digest(hashlib.sha256(value).digest()) for key, value in items.items()}


class Pages(dict[Digest, bytes]):
    """A store in memory that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[list[Digest]] = []

    def load(self, digests: Sequence[Digest]) -> dict[Digest, bytes]:
        self.asked.append(list(digests))
        return {digest: self[digest] for digest in digests if digest in self}

    def set(self, root: Digest, items: Mapping[Any, bytes]) -> Digest:
        new_root, pages = update(root, hashed(items), self.load)
        super().update(pages)
        return new_root


THIRTY = {sha(i): str(i).encode() for i in range(30)}
LAST_BIT = {key_at(0): b"zero", key_at(1): b"one"}
STAIR = {key_at(0): b"bottom"} | {key_at(1 << bit): str(bit).encode() for bit in range(256)}
MAPS = {"one": {sha(1): b"1"}, "thirty": THIRTY, "last bit apart": LAST_BIT, "stair": STAIR}


@pytest.mark.parametrize("name", MAPS)
def test_pages_give_the_root_and_proofs_of_the_plain_map(name: str) -> None:
    items: dict[Any, bytes] = dict(MAPS[name])
    pages = Pages()
    root = pages.set(EMPTY, items)
    assert root == root_of(items)
    asked = [*list(items)[:20], *(sha(f"not there {i}") for i in range(20)), key_at(2), key_at((1 << 256) - 1)]
    for key in asked:
        assert prove_from_pages(root, key, pages.load) == prove(items, key)
    assert prove_many_from_pages(root, asked, pages.load) == {key: prove(items, key) for key in asked}


@pytest.mark.parametrize("name", MAPS)
def test_one_by_one_in_any_order_leads_to_the_same_pages_as_all_at_once(name: str) -> None:
    items = MAPS[name]
    at_once = Pages()
    root = at_once.set(EMPTY, items)
    for order in (list(items), list(reversed(items))):
        pages, reached = Pages(), EMPTY
        for key in order:
            reached = pages.set(reached, {key: items[key]})
        assert reached == root
        assert {digest: pages[digest] for digest in at_once} == at_once


def test_the_empty_map_has_no_page_and_asks_for_none() -> None:
    pages = Pages()
    assert update(EMPTY, {}, pages.load) == (EMPTY, {})
    assert prove_from_pages(EMPTY, sha(1), pages.load) == prove({}, sha(1))
    assert prove_many_from_pages(sha("any root"), [], pages.load) == {}
    assert pages.asked == []


def test_the_root_page_is_addressed_by_the_root_even_of_a_single_leaf() -> None:
    root, pages = update(EMPTY, {sha("k"): sha("v")}, Pages().load)
    assert list(pages) == [root] == [leaf_hash(sha("k"), sha("v"))]


def test_a_page_has_the_bytes_that_the_text_describes() -> None:
    low, high, deep = key_at(0x3 << 252), key_at(0xC << 252), key_at(0xC8 << 248)
    root, pages = update(EMPTY, {low: sha("a"), high: sha("b"), deep: sha("c")}, Pages().load)
    below = next(digest for digest in pages if digest != root)
    assert pages[root] == b"\x01" + b"\x00\x08" + b"\x10\x00" + low + sha("a") + below
    assert pages[below] == b"\x01" + b"\x01\x01" + b"\x00\x00" + high + sha("b") + deep + sha("c")


def test_every_old_root_stays_provable() -> None:
    pages, root, items = Pages(), EMPTY, {}
    history: list[tuple[Digest, dict[Digest, bytes]]] = []
    for step in range(20):
        changes = {sha(i): f"{step}".encode() for i in range(step, 3 * step, 2)}
        items = items | changes
        root = pages.set(root, changes)
        history.append((root, items))
    for old_root, old_items in history:
        assert old_root == root_of(dict(old_items))
        for i in range(0, 60, 7):
            assert prove_from_pages(old_root, sha(i), pages.load) == prove(dict(old_items), sha(i))


def test_setting_what_is_there_already_changes_nothing() -> None:
    pages = Pages()
    root = pages.set(EMPTY, THIRTY)
    assert update(root, hashed(THIRTY), pages.load) == (root, {})
    assert update(root, {}, pages.load) == (root, {})


def test_a_value_that_goes_back_leads_to_the_old_root() -> None:
    pages = Pages()
    root = pages.set(EMPTY, THIRTY)
    other = pages.set(root, {sha(3): b"other"})
    assert other != root
    before = dict(pages)
    assert pages.set(other, {sha(3): THIRTY[sha(3)]}) == root
    assert pages == before


def test_the_store_is_asked_once_per_level_for_distinct_pages() -> None:
    pages = Pages()
    many = {sha(i): b"" for i in range(3000)}
    root = pages.set(EMPTY, many)
    pages.asked.clear()
    update(root, {sha(i): sha("new") for i in range(0, 3000, 3)}, pages.load)
    assert 3 <= len(pages.asked) <= 6
    assert all(asked and len(set(asked)) == len(asked) for asked in pages.asked)
    assert pages.asked[0] == [root]
    pages.asked.clear()
    prove_many_from_pages(root, [sha(i) for i in range(100)], pages.load)
    assert 3 <= len(pages.asked) <= 6
    assert all(asked and len(set(asked)) == len(asked) for asked in pages.asked)


def test_one_change_rewrites_only_the_pages_on_its_walk() -> None:
    pages = Pages()
    root = pages.set(EMPTY, {sha(i): b"" for i in range(3000)})
    _, new_pages = update(root, {sha(7): sha("new")}, pages.load)
    assert len(new_pages) <= 5


@pytest.mark.parametrize("wrong", [b"", bytes(31), "0" * 32, None], ids=repr)
def test_what_is_not_32_bytes_is_refused(wrong: Any) -> None:
    load = Pages().load
    for call in (
        lambda: update(wrong, {sha(1): sha(2)}, load),
        lambda: update(EMPTY, {wrong: sha(2)}, load),
        lambda: update(EMPTY, {sha(1): wrong}, load),
        lambda: prove_from_pages(wrong, sha(1), load),
        lambda: prove_from_pages(EMPTY, wrong, load),
    ):
        with pytest.raises(ValueError, match="32 bytes"):
            call()


def test_a_missing_page_is_told() -> None:
    pages = Pages()
    root = pages.set(EMPTY, THIRTY)
    for digest in list(pages):
        gone = Pages()
        gone.update({other: data for other, data in pages.items() if other != digest})
        with pytest.raises(StateError, match="missing"):
            prove_many_from_pages(root, list(THIRTY), gone.load)
        with pytest.raises(StateError, match="missing"):
            update(root, dict.fromkeys(THIRTY, sha("new")), gone.load)


def test_a_flipped_bit_anywhere_in_a_page_is_told() -> None:
    pages = Pages()
    root = pages.set(EMPTY, {sha(i): b"" for i in range(6)})
    data = pages[root]
    for bit in range(8 * len(data)):
        pages[root] = (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")
        with pytest.raises(StateError, match="damaged"):
            prove_from_pages(root, sha(0), pages.load)


LOW, HIGH = key_at(0), key_at(1 << 255)
PAIR_ROOT = root_of({LOW: b"", HIGH: b""})
VALUE = hashlib.sha256(b"").digest()
LEAVES = LOW + VALUE + HIGH + VALUE
BAD_PAGES = {
    "nothing": b"",
    "cut in the head": b"\x01\x00\x00",
    "cut in a leaf": b"\x01\x01\x01\x00\x00" + LEAVES[:-1],
    "one byte more": b"\x01\x01\x01\x00\x00" + LEAVES + b"\x00",
    "another version": b"\x02\x01\x01\x00\x00" + LEAVES,
    "a leaf in a neighbour's slot that folds alike": b"\x01\x01\x02\x00\x00" + LEAVES,
    "leaf and page in one slot": b"\x01\x01\x01\x00\x01" + LEAVES + VALUE,
    "no slot": b"\x01\x00\x00\x00\x00",
    "a page of zeros that folds alike": b"\x01\x01\x01\x00\x02" + LOW + VALUE + bytes(32) + HIGH + VALUE,
    "another map": b"\x01\x01\x00\x00\x00" + HIGH + VALUE,
}


@pytest.mark.parametrize("name", BAD_PAGES)
def test_a_damaged_page_is_told_even_if_it_hashes_to_its_name(name: str) -> None:
    pages = Pages()
    pages[PAIR_ROOT] = b"\x01\x01\x01\x00\x00" + LEAVES
    assert prove_from_pages(PAIR_ROOT, LOW, pages.load) == prove({LOW: b"", HIGH: b""}, LOW)
    pages[PAIR_ROOT] = BAD_PAGES[name]
    with pytest.raises(StateError, match="damaged"):
        prove_from_pages(PAIR_ROOT, LOW, pages.load)
    with pytest.raises(StateError, match="damaged"):
        update(PAIR_ROOT, {LOW: sha("new")}, pages.load)


def test_a_lone_leaf_handed_out_as_a_page_of_its_own_is_told() -> None:
    """Both pages hash to their names; only the shape is wrong."""
    second = key_at(1 << 252)
    root, low = root_of({LOW: b"", second: b""}), leaf_hash(LOW, VALUE)
    pages = Pages()
    pages[root] = b"\x01\x00\x02\x00\x01" + low + second + VALUE
    with pytest.raises(StateError, match="missing"):
        prove_from_pages(root, LOW, pages.load)
    pages[low] = b"\x01\x00\x01\x00\x00" + LOW + VALUE
    with pytest.raises(StateError, match="not lifted"):
        prove_from_pages(root, LOW, pages.load)


def test_a_page_below_the_last_level_is_told() -> None:
    pages = Pages()
    root = pages.set(EMPTY, LAST_BIT)
    pages.asked.clear()
    prove_from_pages(root, key_at(0), pages.load)
    assert len(pages.asked) == LAST_LEVEL + 1
    last = pages.asked[-1][0]
    zero = leaf_hash(key_at(0), Digest(hashlib.sha256(b"zero").digest()))
    pages[last] = b"\x01\x00\x02\x00\x01" + zero + key_at(1) + hashlib.sha256(b"one").digest()
    with pytest.raises(StateError, match="contradict"):
        prove_from_pages(root, key_at(0), pages.load)
