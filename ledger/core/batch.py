"""The anchor batch: one leaf per ledger, the tree over them, the chain of batches (formats §8).

Leaves are hashes of 95 bytes and nodes of 64, so neither passes for the other. `batch_root` and `batch_paths` are a
small second construction, to check against the library that builds the batches; paths are verified by `fold_path`
only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from ledger.core.encoding import decode_digest
from ledger.core.hashing import u64
from ledger.core.types import DIGEST_SIZE, Digest
from ledger.errors import FormatError, ProofError

MAX_PATH_STEPS: Final = 64
MAX_U64: Final = 2**64 - 1

PathStep: TypeAlias = Mapping[str, str]
"""``{"left": hex}`` or ``{"right": hex}``: on which side the sibling stands, and its hash."""
Head: TypeAlias = tuple[Digest, int, Digest]
"""(ledger id, tree size, root): what a batch holds of one ledger."""

_LEAF_PREFIX: Final = b"gongfen/anchor-leaf/v1\n"
_BATCH_PREFIX: Final = b"gongfen/batch/v1\n"


def batch_leaf(ledger_id: bytes, size: int, root: bytes) -> Digest:
    """The leaf of one ledger at ``size`` with the tree's ``root``; ids and roots are 32 bytes. Raises `ProofError`."""
    _check_hash(ledger_id, "ledger_id")
    _check_hash(root, "root")
    return Digest(sha256(_LEAF_PREFIX + ledger_id + _checked_u64(size, 0, "size") + root).digest())


def fold_path(leaf: bytes, path: Sequence[PathStep]) -> Digest:
    """The root that ``path`` leads to from ``leaf`` (32 bytes), its steps in order from the leaf up.

    ``path`` is a list of at most 64 steps, each an object with exactly one key, ``left`` or ``right``, and exactly 64
    lower-case hex digits. Raises `ProofError`, and nothing else.
    """
    node = _check_hash(leaf, "leaf")
    if type(path) is not list and type(path) is not tuple:
        raise ProofError("not a batch path", field="path", expected="a list of steps", got=type(path).__name__)
    if len(path) > MAX_PATH_STEPS:
        raise ProofError("batch path too long", field="path", expected=f"at most {MAX_PATH_STEPS} steps", got=len(path))
    for place, step in enumerate(path):
        side, sibling = _parse_step(step, place)
        node = _node(sibling, node) if side == "left" else _node(node, sibling)
    return node


def verify_path(leaf: bytes, path: Sequence[PathStep], root: bytes) -> None:
    """Accept that ``leaf`` stands in the batch of ``root``. Raises `ProofError`, and nothing else."""
    wanted = _check_hash(root, "batch_root")
    found = fold_path(leaf, path)
    if found != wanted:
        raise ProofError("the batch path leads to another root", field="path", expected=wanted.hex(), got=found.hex())


def batch_hash(previous: bytes, batch_id: int, root: bytes) -> Digest:
    """The hash that chains batch ``batch_id`` (from 1) with its ``root`` to the ``previous`` hash (zeros for batch 1).

    Raises `ProofError`.
    """
    _check_hash(previous, "previous")
    _check_hash(root, "batch_root")
    return Digest(sha256(_BATCH_PREFIX + previous + _checked_u64(batch_id, 1, "batch") + root).digest())


def batch_leaves(heads: Sequence[Head]) -> list[Digest]:
    """The leaves of a batch. Raises `FormatError` if there is no head or ledger ids do not strictly ascend."""
    check_heads(heads)
    return [batch_leaf(*head) for head in heads]


def check_heads(heads: Sequence[Head]) -> None:
    """Refuse a batch that is empty, names a ledger twice or out of order, or holds an empty log (formats §8).

    Raises `FormatError` for the batch as a whole, `ProofError` for a head that cannot be a leaf.
    """
    if not heads:
        raise FormatError("an empty batch", field="heads", expected="at least one ledger")
    before = b""
    for place, (ledger_id, size, root) in enumerate(heads):
        batch_leaf(ledger_id, size, root)
        if size == 0:
            raise FormatError("an empty log in a batch", field=f"heads.{place}.size", expected="at least 1", got="0")
        if ledger_id <= before:
            raise FormatError(
                "ledgers of a batch out of order",
                field=f"heads.{place}.ledger_id",
                expected=f"more than {before.hex()}",
                got=ledger_id.hex(),
            )
        before = ledger_id


def batch_root(leaves: Sequence[bytes]) -> Digest:
    """The root over ``leaves`` (32 bytes each, at least one): pairs are hashed, an odd node rises unchanged.

    Raises `FormatError` without leaves, `ProofError` for one that is not 32 bytes.
    """
    return _levels(leaves)[-1][0]


def batch_paths(leaves: Sequence[bytes]) -> list[list[dict[str, str]]]:
    """For each leaf its path, as `fold_path` takes it. Raises as `batch_root`."""
    levels = _levels(leaves)
    return [_path(levels, index) for index in range(len(leaves))]


def _levels(leaves: Sequence[bytes]) -> list[list[Digest]]:
    if not leaves:
        raise FormatError("an empty batch", field="leaves", expected="at least one leaf")
    levels = [[_check_hash(leaf, f"leaves.{place}") for place, leaf in enumerate(leaves)]]
    while len(level := levels[-1]) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        levels.append([_node(left, right) for left, right in pairs] + level[len(level) & ~1 :])
    return levels


def _path(levels: list[list[Digest]], index: int) -> list[dict[str, str]]:
    path = []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append({"left" if sibling < index else "right": level[sibling].hex()})
        index >>= 1
    return path


def _node(left: bytes, right: bytes) -> Digest:
    return Digest(sha256(left + right).digest())


def _parse_step(step: object, place: int) -> tuple[str, Digest]:
    if type(step) is not dict or len(step) != 1:
        raise ProofError("not a step of a batch path", field=f"path.{place}", expected="an object with one key")
    ((side, text),) = step.items()
    if side not in ("left", "right") or type(text) is not str:
        raise ProofError("not a step of a batch path", field=f"path.{place}", expected="left or right, and hex")
    try:
        return side, decode_digest(text)
    except FormatError as error:
        field = f"path.{place}.{side}"
        raise ProofError(error.message, field=field, expected=error.expected, got=error.got) from error


def _check_hash(value: object, field: str) -> Digest:
    if type(value) is not bytes or len(value) != DIGEST_SIZE:
        raise ProofError("not a hash", field=field, expected=f"{DIGEST_SIZE} bytes", got=type(value).__name__)
    return Digest(value)


def _checked_u64(number: object, least: int, field: str) -> bytes:
    if type(number) is not int or not least <= number <= MAX_U64:
        raise ProofError("number out of range", field=field, expected=f"{least} to 2^64-1", got=type(number).__name__)
    return u64(number)
