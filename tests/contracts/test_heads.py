"""Rule 3: a registered ledger's own signer signed the head, and it extends the last: no fork, rewrite or shrinking."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from . import oracle
from .typed import Domain, account, with_high_s
from .world import Ledger, World

TOP = 2**53 - 1


@pytest.fixture
def grown(world: World, ledger: Ledger) -> Ledger:
    """A ledger that was anchored once, at size 5."""
    world.anchor_next((ledger, 5))
    return ledger


# Registered


def test_an_unregistered_ledger_reverts(world: World) -> None:
    stranger = Ledger("gongfen.example/stranger", account(1))
    world.reverts(world.anchor(1, [world.checkpoint(stranger, 3)]), "LedgerUnknown", ledger=stranger.id)


# Signed by the ledger


def test_a_quorum_cannot_invent_a_head_that_the_ledger_never_signed(world: World, ledger: Ledger) -> None:
    bad = world.checkpoint(ledger, 3, signer=world.members[0])
    expected, got = ledger.signer.address, world.members[0].address
    world.reverts(
        world.anchor(1, [bad], world.members), "HeadSignerWrong",
        ledger=ledger.id, expected=expected.lower(), got=got.lower(),
    )  # fmt: skip


def head_signature(
    world: World, ledger: Ledger, domain: Domain | None = None, values: dict[str, object] | None = None
) -> bytes:
    """Over the head of size 3, with some values replaced, for the contract's domain unless another is given."""
    head = {"ledger": ledger.id, "size": 3, "root": ledger.root(3)} | (values or {})
    return (domain or world.domain).sign(ledger.signer, "Head", head)


@pytest.mark.parametrize("other", [{"size": 4}, {"root": bytes(32)}, {"ledger": bytes([1]) * 32}], ids=list)
def test_a_signature_over_another_head_reverts(world: World, ledger: Ledger, other: dict[str, object]) -> None:
    bad = world.checkpoint(ledger, 3, signature=head_signature(world, ledger, values=other))
    world.reverts(world.anchor(1, [bad]), "HeadSignerWrong", ledger=ledger.id)


@pytest.mark.parametrize("other", [{"chain_id": 1}, {"contract": "0x" + "11" * 20}], ids=list)
def test_a_signature_for_another_chain_or_contract_reverts(world: World, ledger: Ledger, other: dict) -> None:
    bad = world.checkpoint(ledger, 3, signature=head_signature(world, ledger, replace(world.domain, **other)))
    world.reverts(world.anchor(1, [bad]), "HeadSignerWrong", ledger=ledger.id)


@pytest.mark.parametrize("length", [1, 64, 66, 130])
def test_a_signature_of_another_length_reverts(world: World, ledger: Ledger, length: int) -> None:
    signature = (head_signature(world, ledger) * 2)[:length]
    bad = world.checkpoint(ledger, 3, signature=signature)
    world.reverts(world.anchor(1, [bad]), "ECDSAInvalidSignatureLength", length=length)


def test_a_head_without_a_signature_reverts(world: World, ledger: Ledger) -> None:
    bad = (*world.checkpoint(ledger, 3)[:4], b"")
    world.reverts(world.anchor(1, [bad]), "ECDSAInvalidSignatureLength", length=0)


def test_a_head_signature_with_high_s_reverts(world: World, ledger: Ledger) -> None:
    bad = world.checkpoint(ledger, 3, signature=with_high_s(head_signature(world, ledger)))
    world.reverts(world.anchor(1, [bad]), "ECDSAInvalidSignatureS")


def test_a_head_signature_that_recovers_to_nobody_reverts(world: World, ledger: Ledger) -> None:
    bad = world.checkpoint(ledger, 3, signature=head_signature(world, ledger)[:64] + b"\x00")
    world.reverts(world.anchor(1, [bad]), "ECDSAInvalidSignature")


def test_after_a_rotation_only_the_new_signer_counts(world: World, grown: Ledger) -> None:
    new = account(9)
    world.send(world.rotate(grown.id, new.address))
    world.reverts(world.anchor(2, [world.checkpoint(grown, 8)]), "HeadSignerWrong", expected=new.address.lower())
    world.send(world.anchor(2, [world.checkpoint(grown, 8, signer=new)]))
    assert world.contract.functions.head(grown.id).call()[0] == 8


# Sizes


@pytest.mark.parametrize("size", [0, 1, 4, 5])
def test_a_ledger_cannot_shrink_or_stand_still(world: World, grown: Ledger, size: int) -> None:
    bad = world.checkpoint(grown, size, proof=[])
    world.reverts(world.anchor(2, [bad]), "SizeNotLarger", ledger=grown.id, previous=5, got=size)


def test_the_same_size_with_another_root_reverts(world: World, grown: Ledger) -> None:
    bad = world.checkpoint(grown, 5, root=bytes([1]) * 32, proof=[])
    world.reverts(world.anchor(2, [bad]), "SizeNotLarger", previous=5, got=5)


def test_a_first_head_of_size_zero_reverts(world: World, ledger: Ledger) -> None:
    world.reverts(world.anchor(1, [world.checkpoint(ledger, 0)]), "SizeNotLarger", previous=0, got=0)


def test_the_largest_size_is_2_to_the_53_less_one(world: World, ledger: Ledger) -> None:
    for size in (TOP + 1, 2**64 - 1):
        bad = world.checkpoint(ledger, size, proof=[])
        world.reverts(world.anchor(1, [bad]), "SizeTooLarge", ledger=ledger.id, most=TOP, got=size)
    world.send(world.anchor(1, [world.checkpoint(ledger, TOP, proof=[])]))
    assert world.contract.functions.head(ledger.id).call()[0] == TOP


# Consistency


def test_a_ledger_grows_by_every_step_with_the_right_proof(world: World, ledger: Ledger) -> None:
    for batch_id, size in enumerate([1, 2, 3, 8, 9, 64, 100], start=1):
        world.anchor_next((ledger, size))
        assert world.contract.functions.head(ledger.id).call() == [size, ledger.root(size), batch_id, batch_id]


def test_a_large_ledger_grows_with_the_right_proof(world: World, ledger: Ledger) -> None:
    old, new, proof = oracle.synthetic(2**40 - 7, TOP, random.Random(6))
    world.send(world.anchor(1, [world.checkpoint(ledger, 2**40 - 7, root=old)]))
    world.send(world.anchor(2, [world.checkpoint(ledger, TOP, root=new, proof=proof)]))
    assert world.contract.functions.frontier(ledger.id).call() == [TOP, new]


@pytest.mark.parametrize("fork_at", [0, 3, 4])
def test_a_rewritten_history_reverts_whatever_its_own_proof(world: World, grown: Ledger, fork_at: int) -> None:
    forked = replace(grown, fork_at=fork_at)
    bad = world.checkpoint(grown, 9, root=forked.root(9), proof=forked.proof(5, 9))
    world.reverts(world.anchor(2, [bad], world.members), "ProofInvalid", ledger=grown.id, previousSize=5, size=9)


def test_new_entries_after_the_last_head_may_be_any(world: World, grown: Ledger) -> None:
    other = replace(grown, fork_at=5)
    world.send(world.anchor(2, [world.checkpoint(grown, 9, root=other.root(9), proof=other.proof(5, 9))]))


def test_a_proof_from_another_size_of_the_right_length_reverts(world: World, grown: Ledger) -> None:
    proof = grown.proof(7, 9)
    assert len(proof) == len(grown.proof(5, 9))
    world.reverts(world.anchor(2, [world.checkpoint(grown, 9, proof=proof)]), "ProofInvalid")


@pytest.mark.parametrize("at", range(4))
def test_a_forged_hash_anywhere_in_the_proof_reverts(world: World, grown: Ledger, at: int) -> None:
    proof = grown.proof(5, 8)
    proof[at % len(proof)] = bytes(32)
    world.reverts(world.anchor(2, [world.checkpoint(grown, 8, proof=proof)]), "ProofInvalid")


def test_a_proof_in_another_order_reverts(world: World, grown: Ledger) -> None:
    bad = world.checkpoint(grown, 8, proof=grown.proof(5, 8)[::-1])
    world.reverts(world.anchor(2, [bad]), "ProofInvalid")


@pytest.mark.parametrize("change", ["none", "short", "long", "double"])
def test_a_proof_of_another_length_reverts(world: World, grown: Ledger, change: str) -> None:
    good = grown.proof(5, 8)
    proof = {"none": [], "short": good[:-1], "long": [*good, bytes(32)], "double": good * 2}[change]
    bad = world.checkpoint(grown, 8, proof=proof)
    world.reverts(world.anchor(2, [bad]), "ProofLengthWrong", ledger=grown.id, expected=len(good), got=len(proof))


def test_a_first_head_with_a_proof_reverts(world: World, ledger: Ledger) -> None:
    bad = world.checkpoint(ledger, 5, proof=[bytes(32)])
    world.reverts(world.anchor(1, [bad]), "ProofLengthWrong", expected=0, got=1)


def test_a_root_that_does_not_follow_from_the_proof_reverts(world: World, grown: Ledger) -> None:
    bad = world.checkpoint(grown, 8, root=grown.root(9), proof=grown.proof(5, 8))
    world.reverts(world.anchor(2, [bad]), "ProofInvalid")
