"""The batch tree against our own second construction, and what fits a batch."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anchor.batches
from anchor.batches import Candidate, build_tree, choose
from anchor.profiles import PROFILES
from ledger.core.batch import batch_leaves, batch_paths, batch_root
from ledger.core.types import Digest
from ledger.errors import FormatError, LedgerError, ProofError

PROFILE = PROFILES["hardhat"]


def head(number: int, size: int = 5) -> tuple[Digest, int, Digest]:
    return Digest(number.to_bytes(32, "big")), size, Digest(sha256(b"%d" % number).digest())


def candidate(number: int, proof: int = 20) -> Candidate:
    return Candidate(number, f"a.example/l{number}", head(number), "", [Digest(bytes(32))] * proof)


@given(st.integers(1, 70))
def test_the_library_builds_the_tree_of_the_formats(count: int) -> None:
    heads = [head(number) for number in range(1, count + 1)]
    tree = build_tree(heads)
    leaves = batch_leaves(heads)
    assert tree.root == batch_root(leaves)
    assert tree.paths == batch_paths(leaves)


@pytest.mark.parametrize(
    "heads", [[], [head(2), head(1)], [head(1), head(1)], [head(1, size=0)]], ids=["none", "order", "twice", "empty"]
)
def test_what_is_no_batch_is_refused(heads: list[Any]) -> None:
    with pytest.raises(FormatError):
        build_tree(heads)


def test_a_library_that_builds_another_tree_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(anchor.batches.MerkleTools):
        def get_proof(self, index: int) -> Any:
            return super().get_proof(0)

    monkeypatch.setattr(anchor.batches, "MerkleTools", Wrong)
    with pytest.raises(ProofError):
        build_tree([head(1), head(2), head(3)])


def test_a_library_that_makes_short_nodes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(anchor.batches.MerkleTools):
        def get_proof(self, index: int) -> Any:
            return [{side: text[2:] for side, text in step.items()} for step in super().get_proof(index)]

    monkeypatch.setattr(anchor.batches, "MerkleTools", Short)
    with pytest.raises(LedgerError):
        build_tree([head(1), head(2)])


def test_a_batch_takes_what_a_transaction_can_pay_for() -> None:
    many = [candidate(number) for number in range(1, 301)]
    chosen = choose(many, PROFILE, cosignatures=2, turns={})
    assert 68 <= len(chosen) < 140  # 6.4 M gas were measured for 68 ledgers; 16.8 M may be used
    assert [one.ledger_id for one in chosen] == sorted(one.ledger_id for one in chosen)


def test_longer_proofs_and_more_members_leave_room_for_fewer() -> None:
    def count(proof: int, cosignatures: int) -> int:
        many = [candidate(number, proof) for number in range(1, 301)]
        return len(choose(many, PROFILE, cosignatures=cosignatures, turns={}))

    assert count(0, 2) > count(31, 2) > count(53, 2)
    assert count(20, 2) > count(20, 64)


def test_those_that_were_taken_last_come_last() -> None:
    small = replace(PROFILE, gas_cap=600_000)
    chosen = choose([candidate(1), candidate(2), candidate(3)], small, cosignatures=2, turns={1: 7, 2: 6})
    assert [one.ledger_id for one in chosen] == [2, 3]
