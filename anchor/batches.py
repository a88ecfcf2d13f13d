"""What goes into a batch, and the tree over it (formats §8, docs/adr/0004-batch-tree.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from blockcerts_merkletools import MerkleTools

from anchor.profiles import Profile
from ledger.core.batch import Head, PathStep, batch_leaves, verify_path
from ledger.core.encoding import decode_digest
from ledger.core.types import Digest
from ledger.errors import StateError

GAS_BATCH: Final = 160_000
GAS_COSIGNATURE: Final = 10_000
GAS_LEDGER: Final = 90_000
GAS_HASH: Final = 1_300
"""What a batch costs, with a margin over the measured figures (docs/spec/contract.md, "Sizes and cost")."""
GAS_SHARE_PERCENT: Final = 80
"""How much of a transaction's gas is planned for; the rest is for what the figures do not know."""


class Candidate(NamedTuple):
    """A ledger's committed checkpoint that a contract does not hold yet, checked, with its proof from what it holds."""

    ledger_id: int
    origin: str
    head: Head
    note: str
    proof: list[Digest]


class BatchTree(NamedTuple):
    """The root over a batch, and each head's path, in the order of the heads."""

    root: Digest
    paths: list[list[PathStep]]


def build_tree(heads: Sequence[Head]) -> BatchTree:
    """The tree over heads that ascend by ledger id, built by MerkleTools, every path verified by our own fold.

    Raises `FormatError` or `ProofError` for heads that are no batch, `StateError` if the library built another tree.
    """
    leaves = batch_leaves(heads)
    tools = MerkleTools(hash_type="sha256")
    tools.add_leaf([leaf.hex() for leaf in leaves])
    tools.make_tree()
    root = decode_digest(str(tools.get_merkle_root()), "batch_root")
    paths: list[list[PathStep]] = [tools.get_proof(index) for index in range(len(leaves))]
    if len(paths) != len(heads):
        raise StateError("a batch tree of another size", expected=len(heads), got=len(paths))
    for leaf, path in zip(leaves, paths, strict=True):
        verify_path(leaf, path, root)
    return BatchTree(root, paths)


def choose(
    candidates: Sequence[Candidate], profile: Profile, *, cosignatures: int, turns: Mapping[int, int]
) -> list[Candidate]:
    """As many candidates as one transaction's gas allows, ascending by ledger id.

    Those that waited longest come first: ``turns`` has each ledger's last batch, in any ascending measure.
    """
    left = profile.gas_cap * GAS_SHARE_PERCENT // 100 - GAS_BATCH - GAS_COSIGNATURE * cosignatures
    chosen: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (turns.get(one.ledger_id, -1), one.head)):
        left -= GAS_LEDGER + GAS_HASH * len(candidate.proof)
        if left < 0:
            break
        chosen.append(candidate)
    return sorted(chosen, key=lambda one: one.head)
