"""What a verifier asks of a chain, and the answers (formats §9, step ``anchored``).

Verifying itself reaches no network: it is handed a reader (`ledger.rpc.RpcReader`) or answers fetched beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from ledger.core.types import Digest
from ledger.verify.trust import TrustedChain


class Question(NamedTuple):
    """What a receipt claims of a chain: the ledger's id and size, the batch's id, the transaction's block."""

    ledger: Digest
    size: int
    batch: int
    block: int


class BatchRecord(NamedTuple):
    """A batch as the contract stores it; ``time_s`` is its block's time in seconds since 1970."""

    root: Digest
    hash: Digest
    time_s: int
    epoch: int


class AnchorRecord(NamedTuple):
    """An anchor of the ledger as the contract stores it; ``time_s`` is its block's time in seconds since 1970."""

    size: int
    root: Digest
    batch: int
    time_s: int
    block: int


class HeadRecord(NamedTuple):
    """The ledger's newest anchor in the contract, and how many there are; all zero if there is none."""

    size: int
    root: Digest
    batch: int
    anchors: int


class Answer(NamedTuple):
    """What one node says. ``batch`` and ``anchor`` are None if the contract holds no such batch or anchor of that size.

    ``code_hash`` is the keccak-256 of the contract's runtime code in hex, empty where no code stands; ``latest`` the
    newest block's number; ``transactions`` the hashes (``0x…``) in the asked block, None if the node has no such block.
    """

    rpc: str
    chain_id: int
    code_hash: str
    latest: int
    head: HeadRecord
    batch: BatchRecord | None
    anchor: AnchorRecord | None
    transactions: tuple[str, ...] | None


class Silence(NamedTuple):
    """A node that gave no usable answer, and why."""

    rpc: str
    reason: str


ChainAnswers: TypeAlias = Sequence[Answer | Silence]
"""One answer, or its absence, for every node that the trust file lists for a chain."""


class ChainReader(Protocol):
    """Asks every node of a chain the same question. Never raises for a node that fails: that is a `Silence`."""

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        """The answers of all nodes of ``chain``."""


class Prefetched:
    """Answers fetched beforehand, by chain id and contract; other chains have none."""

    def __init__(self, answers: Mapping[tuple[int, str], ChainAnswers]) -> None:
        self._answers = dict(answers)

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        """The answers held for ``chain``, whatever is asked: the verifier compares every value it relies on."""
        return self._answers.get((chain.id, chain.contract), ())
