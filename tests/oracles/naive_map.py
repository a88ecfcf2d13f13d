"""The state map a second time, word for word from formats §7: strings of bits, no sharing.

A place in the map is the text of the bits walked to it, ``""`` for the root. Nothing of `ledger` is imported.
"""

from __future__ import annotations

import functools
import hashlib

EMPTY = bytes(32)


def root(items: dict[bytes, bytes]) -> bytes:
    """The root of the map from 32-byte keys to value bytes."""
    return subtree(items, "")


def subtree(items: dict[bytes, bytes], place: str) -> bytes:
    """The hash of the subtree at ``place``."""
    here = [key for key in items if bits(key).startswith(place)]
    if not here:
        return EMPTY
    if len(here) == 1:
        return leaf(here[0], items[here[0]])
    return hashlib.sha256(b"\x03" + subtree(items, place + "0") + subtree(items, place + "1")).digest()


def path(items: dict[bytes, bytes], key: bytes) -> list[bytes]:
    """Siblings on the walk of ``key``, deepest first, down to the first place with at most one leaf."""
    siblings: list[bytes] = []
    place = ""
    while sum(bits(other).startswith(place) for other in items) > 1:
        step = bits(key)[len(place)]
        siblings.insert(0, subtree(items, place + ("1" if step == "0" else "0")))
        place += step
    return siblings


def end(items: dict[bytes, bytes], key: bytes) -> tuple[bytes, bytes] | None:
    """The leaf (key, value hash) at which the walk of ``key`` ends, or None for an empty subtree."""
    place = bits(key)[: len(path(items, key))]
    for other, value in items.items():
        if bits(other).startswith(place):
            return other, hashlib.sha256(value).digest()
    return None


def leaf(key: bytes, value: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x02" + key + hashlib.sha256(value).digest()).digest()


@functools.cache
def bits(key: bytes) -> str:
    """A key as 256 characters 0 and 1, most significant first."""
    return "".join(f"{byte:08b}" for byte in key)
