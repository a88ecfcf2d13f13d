"""The state map: a sparse Merkle map of what the log adds up to (formats §7).

What its proofs are worth. Leaves (``0x02``), nodes (``0x03``) and the empty subtree (32 zero bytes, which nobody can
hash to) cannot be taken for each other without a collision of SHA-256, and a walk from the root reads the bits of the
asked key only. Two proofs for one key under one root would have to give one place two of these contents; so **under
any root, even one made by a cheat, at most one of "has this value" and "is not there" can be proved of a key, and by
one path only.**

Under an honest root, every subtree met on the walk is the honest one, so no misshapen proof folds to it, with a
single exception that no hash can catch: the asked key's own leaf shown as the "other" leaf. Hence `verify_absence`
compares keys. The remaining rules of shape hold for roots whose maker cheats or errs: a lone leaf that was not lifted
(its deepest sibling is empty), a leaf off its own walk, an empty subtree at depth 256. One such shape cannot be seen
from hashes alone: an empty subtree beside a lone leaf, which should have been lifted; the leaf itself is then not
provable, and replaying the log shows the wrong root.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from ledger.core.hashing import MAP_LEAF_PREFIX, MAP_NODE_PREFIX
from ledger.core.types import DIGEST_SIZE, ZERO_DIGEST, Digest
from ledger.errors import ProofError

MAX_DEPTH: Final = 256
"""Bits of a key: no path is longer."""
EMPTY: Final = ZERO_DIGEST
"""The hash of an empty subtree, and of the empty map."""

Leaf: TypeAlias = tuple[Digest, Digest]
"""(key, SHA-256 of the value's bytes)."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The key is in the map with the value of ``value_hash``; ``path`` as in `verify_presence`."""

    key: Digest
    value_hash: Digest
    path: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """The key is not in the map; ``path`` and ``other`` as in `verify_absence`."""

    key: Digest
    path: tuple[Digest, ...]
    other: Leaf | None


MapProof: TypeAlias = Presence | Absence


def root_of(items: Mapping[bytes, bytes]) -> Digest:
    """The root of a whole map from 32-byte keys to value bytes; the slow, plain way (formats §7).

    Raises `ValueError` for a key of another length.
    """
    return _subtree(_leaves_of(items), 0)


def prove(items: Mapping[bytes, bytes], key: bytes) -> MapProof:
    """Proof that ``key`` (32 bytes) has its value in the map ``items``, or that it is not there; the slow, plain way.

    Raises `ValueError` for a key of another length.
    """
    asked = checked_key(key)
    leaves = _leaves_of(items)
    siblings: list[Digest] = []
    while len(leaves) > 1:
        depth = len(siblings)
        cut = _cut(leaves, depth)
        near, far = leaves[:cut], leaves[cut:]
        if bit_of(asked, depth):
            near, far = far, near
        siblings.append(_subtree(far, depth + 1))
        leaves = near
    return proof_at(asked, leaves[0] if leaves else None, siblings)


def verify_presence(*, root: bytes, key: bytes, value: bytes, path: Sequence[bytes]) -> None:
    """Accept that the map of ``root`` holds ``value`` under ``key`` (formats §7).

    ``root`` and ``key`` are 32 bytes, ``value`` any bytes; ``path`` is a list or tuple of the siblings from the leaf's
    depth up to the root, at most 256 of 32 bytes, the first not empty. Raises `ProofError`, and nothing else.
    """
    asked = _checked(key, "key")
    if type(value) is not bytes:
        raise ProofError("the value of a map proof is not bytes", field="value", got=type(value).__name__)
    siblings = _checked_path(path)
    _check_root(root, _fold(asked, leaf_hash(asked, Digest(sha256(value).digest())), siblings))


def verify_absence(*, root: bytes, key: bytes, path: Sequence[bytes], other: tuple[bytes, bytes] | None = None) -> None:
    """Accept that the map of ``root`` does not hold ``key`` (formats §7).

    ``path`` are the siblings along the walk of the *asked* key, as in `verify_presence`. The walk ends at an empty
    subtree (``other`` is None) or at another leaf: ``other`` is its key and the hash of its value, 32 bytes each; its
    key differs from the asked one and shares the walked bits. Raises `ProofError`, and nothing else.
    """
    asked = _checked(key, "key")
    siblings = _checked_path(path)
    if other is None:
        if len(siblings) == MAX_DEPTH:
            # Below depth 255 stand at most two keys; with one of them missing the other would have been lifted.
            raise ProofError(
                "no empty subtree stands this deep", field="path", expected="at most 255 siblings", got=256
            )
        end = EMPTY
    else:
        end = leaf_hash(*_checked_other(other, asked, len(siblings)))
    _check_root(root, _fold(asked, end, siblings))


def leaf_hash(key: bytes, value_hash: bytes) -> Digest:
    """``SHA-256(0x02 || key || SHA-256(value))`` (formats §7)."""
    return Digest(sha256(MAP_LEAF_PREFIX + key + value_hash).digest())


def node_hash(left: bytes, right: bytes) -> Digest:
    """``SHA-256(0x03 || left || right)`` (formats §7)."""
    return Digest(sha256(MAP_NODE_PREFIX + left + right).digest())


def bit_of(key: bytes, depth: int) -> int:
    """The bit of ``key`` that chooses the side below ``depth``, counted from the most significant: 0 left, 1 right."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def proof_at(key: Digest, found: Leaf | None, siblings: Sequence[Digest]) -> MapProof:
    """The proof of a walk that met ``siblings`` from the root downwards and ended at ``found``, or at nothing."""
    path = tuple(reversed(siblings))
    if found is not None and found[0] == key:
        return Presence(key, found[1], path)
    return Absence(key, path, found)


def checked_key(key: bytes) -> Digest:
    """``key``, if it is 32 bytes. Raises `ValueError`: keys come from `hashing.state_key`, not from outside."""
    if type(key) is not bytes or len(key) != DIGEST_SIZE:
        raise ValueError(f"a map key or hash is {DIGEST_SIZE} bytes, got {key!r:.80}")
    return Digest(key)


def _leaves_of(items: Mapping[bytes, bytes]) -> list[Leaf]:
    return [(checked_key(key), Digest(sha256(items[key]).digest())) for key in sorted(items)]


def _subtree(leaves: list[Leaf], depth: int) -> Digest:
    """The hash of the subtree at ``depth`` that holds just these leaves, which are sorted and share ``depth`` bits."""
    if len(leaves) < 2:
        return leaf_hash(*leaves[0]) if leaves else EMPTY
    cut = _cut(leaves, depth)
    return node_hash(_subtree(leaves[:cut], depth + 1), _subtree(leaves[cut:], depth + 1))


def _cut(leaves: list[Leaf], depth: int) -> int:
    """How many of the sorted leaves go left."""
    return bisect_left(leaves, 1, key=lambda leaf: bit_of(leaf[0], depth))


def _fold(key: Digest, end: Digest, path: Sequence[Digest]) -> Digest:
    """The root over ``end``, which stands at depth ``len(path)`` on the walk of ``key``."""
    node: bytes = end
    bits = int.from_bytes(key) >> (MAX_DEPTH - len(path))  # the walked bits, the deepest last
    for sibling in path:
        pair = sibling + node if bits & 1 else node + sibling
        node = sha256(MAP_NODE_PREFIX + pair).digest()
        bits >>= 1
    return Digest(node)


def _check_root(root: object, found: Digest) -> None:
    given = _checked(root, "root")
    if given != found:
        raise ProofError("the map proof leads to another root", field="root", expected=given.hex(), got=found.hex())


def _checked(value: object, field: str) -> Digest:
    if type(value) is not bytes or len(value) != DIGEST_SIZE:
        raise ProofError("not a hash", field=field, expected=f"{DIGEST_SIZE} bytes", got=type(value).__name__)
    return Digest(value)


def _checked_path(path: object) -> list[Digest]:
    if type(path) is not list and type(path) is not tuple:
        raise ProofError("not a path", field="path", expected="a list of hashes", got=type(path).__name__)
    if len(path) > MAX_DEPTH:
        raise ProofError("path too long", field="path", expected=f"at most {MAX_DEPTH} siblings", got=len(path))
    for place, sibling in enumerate(path):
        if type(sibling) is not bytes or len(sibling) != DIGEST_SIZE:
            _checked(sibling, f"path.{place}")
    siblings: list[Digest] = list(path)
    if siblings and siblings[0] == EMPTY:
        raise ProofError("the deepest sibling is empty", field="path.0", expected="a lone leaf lifted to its place")
    return siblings


def _checked_other(other: object, asked: Digest, depth: int) -> Leaf:
    if type(other) is not tuple or len(other) != 2:
        raise ProofError("not a leaf", field="other", expected="(key, value hash)", got=type(other).__name__)
    key, value_hash = _checked(other[0], "other.key"), _checked(other[1], "other.value_hash")
    if key == asked:
        raise ProofError("the other leaf is the asked one", field="other.key", expected="another key", got=key.hex())
    if (int.from_bytes(key) ^ int.from_bytes(asked)) >> (MAX_DEPTH - depth):
        raise ProofError(
            "the other leaf stands elsewhere", field="other.key", expected=f"the asked key's first {depth} bits"
        )
    return key, value_hash
