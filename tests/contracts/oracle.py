"""What the contract must agree with: naive RFC 9162 recursion and batch trees, written apart from the product.

Sources: RFC 9162 §2.1.1 and §2.1.4.1, formats §2 and §8.
"""

from __future__ import annotations

import hashlib
import random
from functools import cache

ZERO32 = bytes(32)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def split(n: int) -> int:
    """The largest power of two smaller than ``n``."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def root(leaves: tuple[bytes, ...]) -> bytes:
    """MTH over leaf hashes (RFC 9162 §2.1.1)."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def consistency(m: int, leaves: tuple[bytes, ...]) -> list[bytes]:
    """PROOF(m, D[n]) (RFC 9162 §2.1.4.1); empty between equal sizes."""
    return _subproof(m, leaves, whole=True)


def _subproof(m: int, leaves: tuple[bytes, ...], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole), root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), root(leaves[:k])]


def synthetic(m: int, n: int, rng: random.Random, m_root: bytes | None = None) -> tuple[bytes, bytes, list[bytes]]:
    """Both roots and the proof of trees too large to build: every subtree that the proof names is a random hash.

    ``m_root``: the older root, where it is given and ``m`` is a power of two (it is then one whole subtree).
    """

    def go(m: int, n: int, whole: bool) -> tuple[bytes, bytes, list[bytes]]:
        if m == n:
            subtree = m_root if whole and m_root else rng.randbytes(32)
            return subtree, subtree, [] if whole else [subtree]
        k, other = split(n), rng.randbytes(32)
        if m <= k:
            old, new, proof = go(m, k, whole)
            return old, node(new, other), [*proof, other]
        old, new, proof = go(m - k, n - k, False)
        return node(other, old), node(other, new), [*proof, other]

    return go(m, n, True)


def ledger_id(origin: str) -> bytes:
    return sha256(b"gongfen/ledger/v1\n" + origin.encode())


def batch_leaf(ledger: bytes, size: int, ledger_root: bytes) -> bytes:
    return sha256(b"gongfen/anchor-leaf/v1\n" + ledger + size.to_bytes(8, "big") + ledger_root)


def batch_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    pairs = [leaves[i : i + 2] for i in range(0, len(leaves), 2)]
    return batch_root([sha256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs])


def batch_hash(previous: bytes, batch_id: int, batch_root_: bytes) -> bytes:
    return sha256(b"gongfen/batch/v1\n" + previous + batch_id.to_bytes(8, "big") + batch_root_)
