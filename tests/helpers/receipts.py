"""A good receipt and a good statement to start from, and ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ledger.core.receipt import Receipt, Statement, serialise
from ledger.verify import Report, verify
from ledger.verify.chain import ChainReader
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder

Json = dict[str, Any]


class Sample(NamedTuple):
    """A village with two anchored checkpoints, ``first`` and ``size``; the award at ``seq`` shows a private place.

    Entry ``other`` is another award; ``redeemed`` has two signatures; ``reversed`` takes ``other`` back. ``trust`` asks
    for both witnesses, one of them an auditor, and for the chain.
    """

    ledger: LedgerBuilder
    chain: FakeChain
    seq: int
    other: int
    redeemed: int
    reversed: int
    first: int
    size: int
    trust: str

    def receipt(self, seq: int | None = None, size: int | None = None) -> Receipt:
        """The anchored receipt of an entry."""
        return self.ledger.receipt(self.seq if seq is None else seq, size or self.size, chains=[self.chain])

    def statement(self, name: str = "zhang", size: int | None = None) -> Statement:
        """The anchored statement about a party."""
        return self.ledger.statement(name, size or self.size, chains=[self.chain])

    def receipt_json(self, seq: int | None = None, size: int | None = None) -> Json:
        """The receipt as plain values, to be spoilt."""
        found: Json = json.loads(serialise(self.receipt(seq, size)))
        return found

    def statement_json(self, name: str = "zhang", size: int | None = None) -> Json:
        """The statement as plain values, to be spoilt."""
        found: Json = json.loads(serialise(self.statement(name, size)))
        return found

    def judge(self, proof: Any, *, trust: str | None = None, chain: ChainReader | None = None, **more: Any) -> Report:
        """What the verifier says of a proof: bytes, a typed proof, or plain values."""
        if isinstance(proof, Receipt | Statement):
            data = serialise(proof)
        else:
            data = proof if isinstance(proof, bytes) else dump(proof)
        now_ms = more.pop("now_ms", self.chain.now_ms)
        return verify(data, trust or self.trust, chain=chain or self.chain, now_ms=now_ms, **more)


@cache
def sample() -> Sample:
    """The same sample for every test; nobody changes it."""
    ledger = LedgerBuilder.village()
    chain = FakeChain()
    seq = ledger.award(private={"place": "村委会", "matter": "sweeping"})
    ledger.award("li")
    first = ledger.commit()
    chain.anchor([ledger.head(first)])
    other = ledger.award(quantity=3)
    redeemed = ledger.redeem()
    taken_back = ledger.reverse(other)
    size = ledger.commit()
    chain.anchor([ledger.head(size)])
    return Sample(ledger, chain, seq, other, redeemed, taken_back, first, size, ledger.trust(chains=[chain]))


def dump(value: Any) -> bytes:
    """Compact JSON, as proofs are handed out."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def spoil(proof: Json, change: Callable[[Json], object]) -> Json:
    """A deep copy of plain values, changed."""
    copy: Json = json.loads(json.dumps(proof))
    change(copy)
    return copy


def results(report: Report) -> dict[str, str]:
    """The result of each step by its code."""
    return {step.code: step.result for step in report.steps}


def failing(report: Report) -> set[str]:
    """The codes of the steps that failed."""
    return {step.code for step in report.steps if step.result == "failed"}
