"""The state map in pages that are written once, for storage (the map of formats §7; pages are ours, not a format).

A page holds four bit-levels of the map below one place; pages of level n stand at depth 4n, n from 0 to 63. Each of
its 16 slots, named by the key's next four bits, is empty, a lone leaf, or the hash of the page below (two leaves or
more). A page is stored under the hash of the subtree it holds; so pages are never changed, only added, and every old
root stays provable. The empty map has no page. One hash names one page, because the leaves of a subtree and its depth
follow from it.

Bytes of a page: version ``0x01``; two bytes, big-endian, whose bit i (1 << i) is set where slot i is a lone leaf; two
bytes likewise for pages; then slot by slot 64 bytes (key, value hash) or 32 bytes (hash of the page below).

Stored pages are not trusted: what is loaded is hashed again and compared with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ledger.core.statemap import EMPTY, Leaf, MapProof, checked_key, leaf_hash, node_hash, proof_at
from ledger.core.types import DIGEST_SIZE, Digest
from ledger.errors import StateError

Load: TypeAlias = Callable[[Sequence[Digest]], Mapping[Digest, bytes]]
"""Fetches stored pages by their hashes: at least one, all different, all of one level."""

LAST_LEVEL: Final = 63
_VERSION: Final = 1
_HEAD_SIZE: Final = 5
_SLOTS: Final = 16

_Slot: TypeAlias = Leaf | Digest | None


def update(root: Digest, changes: Mapping[Digest, Digest], load: Load) -> tuple[Digest, dict[Digest, bytes]]:
    """Set ``changes`` (key → hash of the value's bytes) in the map of ``root``; answers the new root and the new pages.

    ``load`` is called at most once per level. The pages are to be stored under their hashes before the new root is
    used; one that is stored already (a value went back to what it was) may come again, and is the same. Nothing is
    ever removed from a map. Raises `StateError` if a stored page is missing or damaged, `ValueError` for what is not
    32 bytes.
    """
    wanted = {checked_key(key): checked_key(value_hash) for key, value_hash in changes.items()}
    if not wanted:
        return root, {}
    levels = [[_Draft(checked_key(root), wanted)]]
    while drafts := levels[-1]:
        level = len(levels) - 1
        pages = _fetch((draft.digest for draft in drafts), level, load)
        for draft in drafts:
            draft.descend(pages.get(draft.digest), level)
        levels.append([below for draft in drafts for below in draft.below.values()])
    new_pages: dict[Digest, bytes] = {}
    for drafts in reversed(levels):
        for draft in drafts:
            draft.write(new_pages)
    return levels[0][0].digest, new_pages


def prove_from_pages(root: Digest, key: Digest, load: Load) -> MapProof:
    """The proof that `statemap.prove` gives, from the stored pages below ``root``. Raises as `update` does."""
    return prove_many_from_pages(root, [key], load)[key]


def prove_many_from_pages(root: Digest, keys: Iterable[Digest], load: Load) -> dict[Digest, MapProof]:
    """A proof for each of ``keys``; ``load`` is called at most once per level for all of them. Raises as `update`."""
    walks: dict[Digest, list[Digest]] = {checked_key(key): [] for key in keys}
    under_way = dict.fromkeys(walks, checked_key(root))
    proofs: dict[Digest, MapProof] = {}
    level = 0
    while under_way:
        pages = _fetch(under_way.values(), level, load)
        onwards: dict[Digest, Digest] = {}
        for key, digest in under_way.items():
            end = pages[digest].walk(key, level, walks[key]) if digest != EMPTY else None
            if isinstance(end, bytes):
                onwards[key] = end
            else:
                proofs[key] = proof_at(key, end, walks[key])
        under_way = onwards
        level += 1
    return proofs


class _Page:
    """Sixteen slots and the subtree over them.

    ``hashes`` and ``lone`` are numbered as a heap: 1 is the page's own place, 2i and 2i+1 stand below i, 16 to 31 are
    the slots. ``lone`` holds the leaf where the subtree consists of one leaf.
    """

    __slots__ = ("hashes", "lone", "slots")

    def __init__(self, slots: Sequence[_Slot]) -> None:
        self.slots = slots
        hashes = [EMPTY] * (2 * _SLOTS)
        lone: list[Leaf | None] = [None] * (2 * _SLOTS)
        for place, slot in enumerate(slots, _SLOTS):
            if isinstance(slot, tuple):
                hashes[place], lone[place] = leaf_hash(*slot), slot
            elif slot is not None:
                hashes[place] = slot
        for place in range(_SLOTS - 1, 0, -1):
            left, right = hashes[2 * place], hashes[2 * place + 1]
            if right == EMPTY and (left == EMPTY or lone[2 * place]):
                hashes[place], lone[place] = left, lone[2 * place]
            elif left == EMPTY and lone[2 * place + 1]:
                hashes[place], lone[place] = right, lone[2 * place + 1]
            else:
                hashes[place] = node_hash(left, right)
        self.hashes, self.lone = hashes, lone

    @property
    def digest(self) -> Digest:
        return self.hashes[1]

    def walk(self, key: Digest, level: int, siblings: list[Digest]) -> _Slot:
        """Follow ``key`` through this page, adding to ``siblings``; answers the leaf, nothing or the page met."""
        nibble = _nibble(key, level)
        place = 1
        for shift in (3, 2, 1, 0):
            if self.lone[place] or self.hashes[place] == EMPTY:
                return self.lone[place]
            place = 2 * place + (nibble >> shift & 1)
            siblings.append(self.hashes[place ^ 1])
        return self.slots[place - _SLOTS]


@dataclass(slots=True)
class _Draft:
    """A page about to be written anew: the hash it had (`EMPTY` for a new one), and what is to be set below it."""

    digest: Digest
    changes: dict[Digest, Digest]
    slots: list[_Slot] = field(default_factory=lambda: [None] * _SLOTS)
    below: dict[int, _Draft] = field(default_factory=dict)

    def descend(self, stored: _Page | None, level: int) -> None:
        """Put every change into its slot, or into a draft of the page below if the slot gets two leaves or more."""
        if stored is not None:
            self.slots = list(stored.slots)
        groups: dict[int, dict[Digest, Digest]] = {}
        for key, value_hash in self.changes.items():
            groups.setdefault(_nibble(key, level), {})[key] = value_hash
        for nibble, group in groups.items():
            there = self.slots[nibble]
            if isinstance(there, bytes):
                self.below[nibble] = _Draft(there, group)
                continue
            if there is not None:
                group.setdefault(*there)
            if len(group) == 1:
                self.slots[nibble] = next(iter(group.items()))
            else:
                self.below[nibble] = _Draft(EMPTY, group)

    def write(self, new_pages: dict[Digest, bytes]) -> None:
        """Take up the pages below, which are written; then add this page's bytes to ``new_pages`` if it changed."""
        for nibble, draft in self.below.items():
            self.slots[nibble] = draft.digest
        digest = _Page(self.slots).digest
        if digest != self.digest:
            new_pages[digest] = _encode(self.slots)
            self.digest = digest


def _nibble(key: Digest, level: int) -> int:
    byte = key[level >> 1]
    return byte & 15 if level & 1 else byte >> 4


def _fetch(digests: Iterable[Digest], level: int, load: Load) -> dict[Digest, _Page]:
    """The stored pages of these hashes, checked against them; the empty subtree has none."""
    asked = [digest for digest in dict.fromkeys(digests) if digest != EMPTY]
    found = load(asked) if asked else {}
    pages: dict[Digest, _Page] = {}
    for digest in asked:
        if digest not in found:
            raise StateError("a page of the state map is missing", field="state_map", expected=digest.hex())
        pages[digest] = page = _Page(_decode(found[digest], level))
        if page.digest != digest:
            raise _damaged("its bytes hash to another name", digest.hex(), page.digest.hex())
    return pages


def _encode(slots: Sequence[_Slot]) -> bytes:
    leaves = sum(1 << i for i, slot in enumerate(slots) if isinstance(slot, tuple))
    pages = sum(1 << i for i, slot in enumerate(slots) if isinstance(slot, bytes))
    parts = [bytes([_VERSION]), leaves.to_bytes(2, "big"), pages.to_bytes(2, "big")]
    for slot in slots:
        if slot is not None:
            parts.extend(slot if isinstance(slot, tuple) else (slot,))
    return b"".join(parts)


def _decode(data: bytes, level: int) -> list[_Slot]:
    if len(data) < _HEAD_SIZE or data[0] != _VERSION:
        raise _damaged("unknown version", str(_VERSION), data[:1].hex())
    leaves, pages = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
    if leaves & pages or (pages and level == LAST_LEVEL):
        raise _damaged("slots contradict each other", "a leaf, a page or nothing", data[1:5].hex())
    if level and not pages and leaves.bit_count() < 2:
        raise _damaged("a lone leaf was not lifted", "two leaves or more", data[1:5].hex())
    size = _HEAD_SIZE + DIGEST_SIZE * (2 * leaves.bit_count() + pages.bit_count())
    if len(data) != size:
        raise _damaged("wrong length", f"{size} bytes", f"{len(data)} bytes")
    slots: list[_Slot] = [None] * _SLOTS
    at = _HEAD_SIZE
    for i in range(_SLOTS):
        if leaves >> i & 1:
            key, value_hash = Digest(data[at : at + DIGEST_SIZE]), Digest(data[at + DIGEST_SIZE : at + 2 * DIGEST_SIZE])
            if _nibble(key, level) != i:
                raise _damaged("a leaf in the wrong slot", f"slot {_nibble(key, level)}", f"slot {i}")
            slots[i] = (key, value_hash)
            at += 2 * DIGEST_SIZE
        elif pages >> i & 1:
            slots[i] = below = Digest(data[at : at + DIGEST_SIZE])
            if below == EMPTY:
                raise _damaged("an empty page", "the hash of a page", f"zeros in slot {i}")
            at += DIGEST_SIZE
    return slots


def _damaged(what: str, expected: str, got: str) -> StateError:
    return StateError(f"a page of the state map is damaged: {what}", field="state_map", expected=expected, got=got)
