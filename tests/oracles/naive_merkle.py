"""The tree by the recursive definitions of RFC 6962 §2.1, letter by letter; slow, shares no code with the ledger."""

from __future__ import annotations

import hashlib
from functools import cache

Entries = tuple[bytes, ...]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def split_at(n: int) -> int:
    """k: the largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def mth(entries: Entries) -> bytes:
    """MTH(D[n]), §2.1."""
    n = len(entries)
    if n == 0:
        return sha256(b"")
    if n == 1:
        return sha256(b"\x00" + entries[0])
    k = split_at(n)
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:]))


def path(m: int, entries: Entries) -> list[bytes]:
    """PATH(m, D[n]), §2.1.1."""
    n = len(entries)
    if n == 1:
        return []
    k = split_at(n)
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: Entries) -> list[bytes]:
    """PROOF(m, D[n]), §2.1.2."""
    return subproof(m, entries, True)


def subproof(m: int, entries: Entries, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b), §2.1.2."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = split_at(n)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]
