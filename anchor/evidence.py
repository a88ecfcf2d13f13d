"""What is checked before anything is signed: that the log signed a checkpoint, and that it only grew.

The head signer and every member check for themselves, by the same rules (docs/spec/anchoring.md, "What is checked").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ledger.client import Committed
from ledger.core.merkle import verify_consistency
from ledger.core.note import Checkpoint, VerifierKey, open_checkpoint
from ledger.core.types import Digest, short_name
from ledger.errors import ProofError


class LedgerSource(Protocol):
    """Where committed checkpoints and proofs come from, such as `ledger.client.LedgerClient`. It is not trusted."""

    def newest_commitment(self, name: str) -> Committed | None:
        """The newest committed checkpoint of a ledger, if there is one."""

    def consistency(self, name: str, size_1: int, size_2: int) -> list[bytes]:
        """The consistency proof between two sizes of a ledger."""


class Watched(NamedTuple):
    """A ledger and the keys that its log signs with, as an operator pinned them."""

    origin: str
    log_keys: tuple[VerifierKey, ...]

    @property
    def name(self) -> str:
        """Its short name."""
        return short_name(self.origin)


class TreeHead(NamedTuple):
    """A size and its root."""

    size: int
    root: Digest


def open_note(note: str, ledger: Watched) -> Checkpoint:
    """The checkpoint that a note states, signed by the ledger's log. Raises `FormatError` or `ProofError`."""
    checkpoint, _ = open_checkpoint(note, origin=ledger.origin, log_keys=ledger.log_keys)
    if checkpoint.size == 0:
        raise ProofError("an empty log is not anchored", field="size")
    return checkpoint


def check_growth(source: LedgerSource, ledger: Watched, old: TreeHead, new: TreeHead) -> list[Digest]:
    """The verified proof that the tree of ``old`` grew into that of ``new``; empty from size 0 or to the same size.

    Raises `ProofError` if it did not, or has shrunk.
    """
    if old.size == 0:
        return []
    if old.size > new.size:
        raise ProofError("the log has shrunk", code="shrunk", field=ledger.origin, expected=old.size, got=new.size)
    path = source.consistency(ledger.name, old.size, new.size) if old.size < new.size else []
    check_proof(ledger, old, new, path)
    return [Digest(item) for item in path]


def check_proof(ledger: Watched, old: TreeHead, new: TreeHead, path: Sequence[bytes]) -> None:
    """Verify a consistency proof. Raises `ProofError`."""
    try:
        verify_consistency(size_1=old.size, root_1=old.root, size_2=new.size, root_2=new.root, path=path)
    except ProofError as error:
        raise ProofError(
            f"the log has no common history with size {old.size}", code="forked", field=ledger.origin
        ) from error


def check_same_history(source: LedgerSource, ledger: Watched, one: TreeHead, other: TreeHead) -> None:
    """Verify that the smaller of two heads grew into the larger. Raises `ProofError`."""
    smaller, larger = sorted((one, other), key=lambda head: head.size)
    check_growth(source, ledger, smaller, larger)
