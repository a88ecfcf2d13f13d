"""The Merkle tree of the log: RFC 6962 §2.1 and RFC 9162 §2.1, SHA-256 (formats §5).

Nodes are named by coordinates ``(level, index)``: level 0 holds the leaves, and node ``(l, i)`` covers the leaves
``i·2^l … (i+1)·2^l - 1`` as far as they exist. An odd node at the end of a level rises unchanged, which gives the
same tree as the recursive definition of the RFC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from ledger.core.hashing import LEAF_PREFIX, NODE_PREFIX
from ledger.core.types import DIGEST_SIZE, MAX_INT, Digest
from ledger.errors import ProofError, StateError

Node = tuple[int, int]
"""Coordinates: level, and 0-based index within the level."""

EMPTY_ROOT: Final = Digest(sha256(b"").digest())
"""Root of the tree without leaves."""
MAX_SIZE: Final = MAX_INT
"""The largest tree that any proof may speak of; checkpoints carry no larger one."""


def leaf_hash(data: bytes) -> Digest:
    """The leaf hash of an entry's bytes: ``SHA-256(0x00 || data)`` (RFC 9162 §2.1.1)."""
    return Digest(sha256(LEAF_PREFIX + data).digest())


def leaf_hashes_of(entries: Iterable[bytes]) -> list[bytes]:
    """The leaf hashes of many entries, in order."""
    hash_, prefix = sha256, LEAF_PREFIX
    return [hash_(prefix + data).digest() for data in entries]


def node_hash(left: bytes, right: bytes) -> Digest:
    """The hash of an inner node: ``SHA-256(0x01 || left || right)`` (RFC 9162 §2.1.1)."""
    return Digest(sha256(NODE_PREFIX + left + right).digest())


def pair_up(nodes: Iterable[bytes]) -> list[bytes]:
    """The parents of neighbouring nodes of one level; an odd last node is left out."""
    hash_, prefix, rest = sha256, NODE_PREFIX, iter(nodes)
    return [hash_(prefix + left + right).digest() for left, right in zip(rest, rest, strict=False)]


def root_of(leaf_hashes: Sequence[bytes]) -> Digest:
    """The root over leaf hashes of 32 bytes each, in order (RFC 9162 §2.1.1)."""
    if not leaf_hashes:
        return EMPTY_ROOT
    *_, top = _levels(leaf_hashes)
    return Digest(top[0])


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The path of leaf ``index``, from the leaf's sibling to the root's child (RFC 9162 §2.1.3.1).

    Raises `ProofError` unless 0 ≤ index < number of leaves.
    """
    return _collect(leaf_hashes, inclusion_nodes(index, len(leaf_hashes)))


def consistency_path(leaf_hashes: Sequence[bytes], size_1: int) -> list[bytes]:
    """The proof that the first ``size_1`` of the leaves are a prefix of them all (RFC 9162 §2.1.4.1).

    Empty when ``size_1`` is the number of leaves. Raises `ProofError` unless 1 ≤ size_1 ≤ number of leaves.
    """
    return _collect(leaf_hashes, consistency_nodes(size_1, len(leaf_hashes)))


def inclusion_nodes(index: int, size: int) -> list[Node]:
    """Coordinates of the nodes of an inclusion path, in its order.

    At most one of them, the one that covers the last leaf, need not be a perfect subtree. Raises `ProofError` unless
    0 ≤ index < size ≤ 2^53-1.
    """
    _check_index(index, size)
    return _siblings(index, size, 0)


def consistency_nodes(size_1: int, size_2: int) -> list[Node]:
    """Coordinates, in the tree of ``size_2``, of the nodes of a consistency proof, in its order.

    That is the last whole subtree of the smaller tree, left out when it is all of it, and then its own path. Raises
    `ProofError` unless 1 ≤ size_1 ≤ size_2 ≤ 2^53-1.
    """
    _check_sizes(size_1, size_2)
    if size_1 == size_2:
        return []
    level = trailing_zeros(size_1)
    start = [] if size_1 == 1 << level else [(level, (size_1 - 1) >> level)]
    return start + _siblings(size_1 - 1, size_2, level)


def trailing_zeros(size: int) -> int:
    """Level of the last perfect subtree of a tree of ``size`` ≥ 1 leaves."""
    return (size & -size).bit_length() - 1


def verify_inclusion(leaf_hash: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise `ProofError` unless ``path`` leads from leaf ``index`` to the root of a tree of ``size``.

    RFC 9162 §2.1.3.2. Hashes are 32 bytes; the path has exactly the needed length.
    """
    _check_index(index, size)
    _check_hashes([leaf_hash, root], "leaf hash or root")
    _check_path(path)
    first, last, running = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise ProofError("inclusion path is too long", field="path", got=f"{len(path)} hashes")
        if first & 1 or first == last:
            running = sha256(NODE_PREFIX + sibling + running).digest()
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            running = sha256(NODE_PREFIX + running + sibling).digest()
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("inclusion path is too short", field="path", got=f"{len(path)} hashes")
    if running != root:
        raise ProofError("inclusion path leads to another root", expected=root.hex(), got=running.hex())


def verify_consistency(*, size_1: int, root_1: bytes, size_2: int, root_2: bytes, path: Sequence[bytes]) -> None:
    """Raise `ProofError` unless the tree of ``size_1`` is a prefix of the tree of ``size_2``.

    RFC 9162 §2.1.4.2, for 1 ≤ size_1 ≤ size_2; between equal sizes the path is empty and the roots are equal.
    """
    _check_sizes(size_1, size_2)
    _check_hashes([root_1, root_2], "root")
    _check_path(path)
    if size_1 == size_2:
        if len(path):
            raise ProofError(
                "consistency proof is too long", field="path", expected="no hash", got=f"{len(path)} hashes"
            )
        if root_1 != root_2:
            raise ProofError("two roots of one size", expected=root_1.hex(), got=root_2.hex())
        return
    old, new = _fold_consistency(size_1, root_1, size_2, path)
    if old != root_1:
        raise ProofError("consistency proof leads to another old root", expected=root_1.hex(), got=old.hex())
    if new != root_2:
        raise ProofError("consistency proof leads to another new root", expected=root_2.hex(), got=new.hex())


def _fold_consistency(size_1: int, root_1: bytes, size_2: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the smaller and the larger tree that the path leads to."""
    hashes = [root_1, *path] if size_1 & (size_1 - 1) == 0 else list(path)
    if not hashes:
        raise ProofError("consistency proof is too short", field="path", got="no hash")
    level = trailing_zeros(size_1)
    first, last = (size_1 - 1) >> level, (size_2 - 1) >> level
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError("consistency proof is too long", field="path", got=f"{len(path)} hashes")
        if first & 1 or first == last:
            old = sha256(NODE_PREFIX + sibling + old).digest()
            new = sha256(NODE_PREFIX + sibling + new).digest()
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            new = sha256(NODE_PREFIX + new + sibling).digest()
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("consistency proof is too short", field="path", got=f"{len(path)} hashes")
    return old, new


class CompactRange:
    """The frontier of a growing tree: one hash per perfect subtree, enough to append and to know the root.

    Appending is O(1) amortised and hashes only. Not safe to share between threads; take a `copy` before work that may
    have to be undone.
    """

    __slots__ = ("_peaks", "size")

    size: int
    """How many leaves were appended."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    @classmethod
    def of(cls, size: int, hashes: Sequence[bytes]) -> CompactRange:
        """The frontier that `size` and `hashes` describe. Raises `StateError` if they do not fit each other."""
        if type(size) is not int or not 0 <= size <= MAX_SIZE or len(hashes) != size.bit_count():
            raise StateError(
                "frontier does not fit its size", field="frontier", expected=_shown(size), got=f"{len(hashes)} hashes"
            )
        if any(not isinstance(item, bytes) or len(item) != DIGEST_SIZE for item in hashes):
            raise StateError("frontier holds something else than hashes", field="frontier")
        frontier = cls()
        frontier.size = size
        frontier._peaks = list(hashes)
        return frontier

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest (leftmost) first: one per set bit of the size."""
        return tuple(self._peaks)

    def copy(self) -> CompactRange:
        """An independent frontier of the same tree."""
        return CompactRange.of(self.size, self._peaks)

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        peaks, size = self._peaks, self.size
        while size & 1:
            leaf = sha256(NODE_PREFIX + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append many leaf hashes, level by level."""
        size, peaks, nodes = self.size, self._peaks, list(leaves)
        self.size += len(nodes)
        risen: list[bytes] = []
        while nodes:
            if size & 1:
                nodes.insert(0, peaks.pop())
            if len(nodes) & 1:
                risen.append(nodes[-1])
            nodes = pair_up(nodes)
            size >>= 1
        peaks.extend(reversed(risen))

    def root(self) -> Digest:
        """The root of the tree so far."""
        if not self._peaks:
            return EMPTY_ROOT
        running = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            running = sha256(NODE_PREFIX + peak + running).digest()
        return Digest(running)


def _levels(leaf_hashes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Every level of the tree, leaves first, the root alone last."""
    nodes = leaf_hashes
    yield nodes
    while len(nodes) > 1:
        parents = pair_up(nodes)
        if len(nodes) & 1:
            parents.append(nodes[-1])
        nodes = parents
        yield nodes


def _siblings(index: int, size: int, level: int) -> list[Node]:
    """The siblings, from ``level`` up, of the nodes that lead from leaf ``index`` to the root; those that exist."""
    return [
        (height, sibling)
        for height in range(level, (size - 1).bit_length())
        if (sibling := (index >> height) ^ 1) << height < size
    ]


def _collect(leaf_hashes: Sequence[bytes], nodes: list[Node]) -> list[bytes]:
    levels = list(_levels(leaf_hashes))
    return [levels[level][index] for level, index in nodes]


def _check_index(index: object, size: object) -> None:
    if type(size) is not int or not 1 <= size <= MAX_SIZE:
        raise ProofError("no such tree size", field="size", expected="1 … 2^53-1", got=_shown(size))
    if type(index) is not int or not 0 <= index < size:
        raise ProofError("no such leaf", field="index", expected=f"0 … {size - 1}", got=_shown(index))


def _check_sizes(size_1: object, size_2: object) -> None:
    if type(size_2) is not int or not 1 <= size_2 <= MAX_SIZE:
        raise ProofError("no such tree size", field="size_2", expected="1 … 2^53-1", got=_shown(size_2))
    if type(size_1) is not int or not 1 <= size_1 <= size_2:
        raise ProofError("no such earlier size", field="size_1", expected=f"1 … {size_2}", got=_shown(size_1))


def _check_path(path: object) -> None:
    if not isinstance(path, list | tuple):
        raise ProofError("not a path", field="path", expected="a list of hashes", got=type(path).__name__)
    if len(path) > MAX_SIZE.bit_length() + 1:
        raise ProofError("path is too long", field="path", got=f"{len(path)} hashes")
    _check_hashes(path, "path")


def _check_hashes(hashes: Sequence[object], field: str) -> None:
    for item in hashes:
        if not isinstance(item, bytes) or len(item) != DIGEST_SIZE:
            raise ProofError("not a hash", field=field, expected=f"{DIGEST_SIZE} bytes", got=_shown(item))


def _shown(value: object) -> str:
    """A stranger's value for a message; of a huge number only the size, since its decimal form may be refused."""
    if type(value) is int:
        return str(value) if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"
    return f"{len(value)} bytes" if isinstance(value, bytes) else type(value).__name__
