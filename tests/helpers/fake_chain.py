"""A chain as a verifier sees it: a contract with its batches and anchors, answering like a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ledger.core.batch import Head, batch_hash, batch_leaves, batch_paths, batch_root
from ledger.core.hashing import ledger_id
from ledger.core.merkle import leaf_hash
from ledger.core.receipt import Anchor
from ledger.core.types import ZERO_DIGEST, Digest
from ledger.verify.chain import AnchorRecord, Answer, BatchRecord, ChainAnswers, HeadRecord, Prefetched, Question
from ledger.verify.trust import TrustedChain

CODE_HASH = sha256(b"code of the contract").hexdigest()
START_S = 1_637_373_600


@dataclass
class FakeChain:
    """A contract on a chain, as far as a verifier sees it; answers like a reader, the same from each of its nodes."""

    chain_id: int = 31337
    contract: str = "0x" + "ab" * 20
    code_hash: str = CODE_HASH
    latest: int = 100
    rpc: tuple[str, ...] = ("http://127.0.0.1:8545",)
    time_s: int = START_S
    batches: list[BatchRecord] = field(default_factory=list)
    heads: list[list[Head]] = field(default_factory=list)
    anchors: dict[Digest, list[AnchorRecord]] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        """A minute after the newest block."""
        return (self.time_s + 60) * 1000

    def anchor(self, heads: Sequence[Head], *, others: int = 3) -> int:
        """Anchor heads beside those of ``others`` other ledgers, in a new block; answers the batch id."""
        number = len(self.batches) + 1
        strangers = [(ledger_id(f"other.example/l{n}"), 10 + number, leaf_hash(b"%d" % n)) for n in range(others)]
        batch = sorted([*heads, *strangers])
        root = batch_root(batch_leaves(batch))
        previous = self.batches[-1].hash if self.batches else ZERO_DIGEST
        self.latest += 1
        self.time_s += 60
        self.heads.append(batch)
        self.batches.append(BatchRecord(root, batch_hash(previous, number, root), self.time_s, 1))
        for identifier, size, tree_root in batch:
            record = AnchorRecord(size, tree_root, number, self.time_s, self.latest)
            self.anchors.setdefault(identifier, []).append(record)
        return number

    def proof(self, head: Head) -> Anchor:
        """The anchor of a head, as a receipt shows it."""
        record = next(record for record in self.anchors[head[0]] if record.size == head[1])
        batch = self.heads[record.batch - 1]
        return Anchor(
            chain_id=self.chain_id,
            contract=self.contract,
            batch=record.batch,
            path=batch_paths(batch_leaves(batch))[batch.index(head)],
            batch_root=self.batches[record.batch - 1].root.hex(),
            tx=self.transaction(record.block),
            block=record.block,
        )

    def transaction(self, block: int) -> str:
        """The hash of the one transaction in a block."""
        return "0x" + sha256(b"transaction in %d" % block).hexdigest()

    def answer(self, question: Question, rpc: str = "") -> Answer:
        """What a node of this chain says; tests alter it with ``_replace``."""
        anchors = self.anchors.get(question.ledger, [])
        newest = anchors[-1] if anchors else None
        return Answer(
            rpc=rpc or self.rpc[0],
            chain_id=self.chain_id,
            code_hash=self.code_hash,
            latest=self.latest,
            head=HeadRecord(newest.size, newest.root, newest.batch, len(anchors))
            if newest
            else HeadRecord(0, ZERO_DIGEST, 0, 0),
            batch=self.batches[question.batch - 1] if 0 < question.batch <= len(self.batches) else None,
            anchor=next((record for record in anchors if record.size == question.size), None),
            transactions=(self.transaction(question.block),) if question.block <= self.latest else None,
        )

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        """As `ChainReader`: nothing for a chain that this is not."""
        if (chain.id, chain.contract) != (self.chain_id, self.contract):
            return ()
        return [self.answer(question, rpc) for rpc in self.rpc]

    def prefetched(self, head: Head) -> Prefetched:
        """The answers about a head, fetched beforehand."""
        anchor = self.proof(head)
        question = Question(head[0], head[1], anchor.batch, anchor.block)
        return Prefetched({(self.chain_id, self.contract): [self.answer(question, rpc) for rpc in self.rpc]})

    def trusted(self, **changes: object) -> dict[str, object]:
        """The section of a trust file."""
        section: dict[str, object] = {
            "id": self.chain_id,
            "contract": self.contract,
            "code_hash": self.code_hash,
            "confirmations": 1,
            "profile": "hardhat",
            "rpc": list(self.rpc),
        }
        return section | changes


class Readers:
    """Several chains read as one."""

    def __init__(self, *chains: FakeChain) -> None:
        self._chains = chains

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        """The answers of the chain that is asked."""
        return [answer for each in self._chains for answer in each.ask(chain, question)]
