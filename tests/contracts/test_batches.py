"""Rules 1 and 2: the contract recomputes the batch root, and batches follow each other without gap or overwrite."""

from __future__ import annotations

import pytest
from blockcerts_merkletools import MerkleTools

from . import oracle
from .typed import account
from .world import GAS, HARNESS, Ledger, World, deploy, send


@pytest.fixture
def pair(world: World) -> list[Ledger]:
    """Two registered ledgers, ascending by id."""
    return sorted((world.ledger("a-village"), world.ledger("b-village")), key=lambda one: one.id)


def merkletools_root(leaves: list[bytes]) -> bytes:
    tools = MerkleTools(hash_type="sha256")
    tools.add_leaf([leaf.hex() for leaf in leaves])
    tools.make_tree()
    return bytes.fromhex(tools.get_merkle_root())


# Rule 1: the root


def test_the_batch_root_is_that_of_merkletools_for_any_number_of_ledgers(world: World) -> None:
    harness = deploy(world.w3, HARNESS)
    for count in [*range(1, 20), 31, 32, 33, 68]:
        checkpoints = [(i.to_bytes(32, "big"), i, bytes([i]) * 32, [], b"") for i in range(1, count + 1)]
        leaves = [oracle.batch_leaf(*one[:3]) for one in checkpoints]
        got = harness.functions.batchRoot(checkpoints).call({"gas": GAS})
        assert got == oracle.batch_root(leaves) == merkletools_root(leaves)


def test_a_batch_of_several_ledgers_is_stored_under_the_recomputed_root(world: World, pair: list[Ledger]) -> None:
    checkpoints = [world.checkpoint(pair[0], 3), world.checkpoint(pair[1], 5)]
    call = world.anchor(1, checkpoints)
    expected = oracle.batch_root([oracle.batch_leaf(*one[:3]) for one in checkpoints])
    assert call.call({"gas": GAS}) == expected
    world.send(call)
    root, hash_, _, epoch = world.contract.functions.batch(1).call()
    assert (root, hash_, epoch) == (expected, oracle.batch_hash(oracle.ZERO32, 1, expected), 1)


def test_a_batch_tells_each_ledger_and_the_whole_in_events(world: World, pair: list[Ledger]) -> None:
    receipt = world.anchor_next((pair[0], 3), (pair[1], 5))
    assert world.events("Anchored", receipt) == [
        {"ledger": pair[0].id, "size": 3, "root": pair[0].root(3), "batchId": 1},
        {"ledger": pair[1].id, "size": 5, "root": pair[1].root(5), "batchId": 1},
    ]
    root, hash_, _, _ = world.contract.functions.batch(1).call()
    assert world.events("BatchAnchored", receipt) == [{"batchId": 1, "root": root, "hash": hash_, "count": 2}]


def test_a_batch_without_checkpoints_reverts(world: World) -> None:
    world.reverts(world.contract.functions.anchor(1, [], []), "NoCheckpoints")


def test_ledgers_out_of_order_revert(world: World, pair: list[Ledger]) -> None:
    checkpoints = [world.checkpoint(pair[1], 5), world.checkpoint(pair[0], 3)]
    world.reverts(world.anchor(1, checkpoints), "LedgersNotAscending", previous=pair[1].id, got=pair[0].id)


def test_a_ledger_twice_in_a_batch_reverts(world: World, pair: list[Ledger]) -> None:
    checkpoints = [world.checkpoint(pair[0], 3), world.checkpoint(pair[0], 5, proof=pair[0].proof(3, 5))]
    world.reverts(world.anchor(1, checkpoints), "LedgersNotAscending", previous=pair[0].id, got=pair[0].id)


def test_the_zero_ledger_id_reverts(world: World, ledger: Ledger) -> None:
    checkpoints = [(bytes(32), *world.checkpoint(ledger, 3)[1:])]
    world.reverts(world.anchor(1, checkpoints), "LedgersNotAscending")


def test_one_bad_checkpoint_undoes_the_whole_batch(world: World, pair: list[Ledger]) -> None:
    bad = world.checkpoint(pair[1], 5, signer=account(1))
    call = world.anchor(1, [world.checkpoint(pair[0], 3), bad])
    world.reverts(call, "HeadSignerWrong", ledger=pair[1].id)
    with pytest.raises(AssertionError, match="reverted"):
        send(world.w3, call)
    assert world.contract.functions.head(pair[0].id).call() == [0, oracle.ZERO32, 0, 0]
    assert world.contract.functions.lastBatch().call() == [0, oracle.ZERO32]


# Rule 2: the sequence


def test_batch_hashes_form_a_chain(world: World, ledger: Ledger) -> None:
    previous = oracle.ZERO32
    for batch_id, size in enumerate([2, 3, 7], start=1):
        world.anchor_next((ledger, size))
        root, hash_, _, _ = world.contract.functions.batch(batch_id).call()
        assert hash_ == oracle.batch_hash(previous, batch_id, root)
        assert world.contract.functions.lastBatch().call() == [batch_id, hash_]
        previous = hash_


@pytest.mark.parametrize("batch_id", [0, 2, 3, 2**64 - 1])
def test_the_first_batch_must_be_number_one(world: World, ledger: Ledger, batch_id: int) -> None:
    call = world.anchor(batch_id, [world.checkpoint(ledger, 3)])
    world.reverts(call, "BatchOutOfOrder", expected=1, got=batch_id)


def test_a_gap_in_batch_ids_reverts(world: World, ledger: Ledger) -> None:
    world.anchor_next((ledger, 3))
    world.reverts(world.anchor(3, [world.checkpoint(ledger, 5)]), "BatchOutOfOrder", expected=2, got=3)


def test_the_same_batch_again_changes_nothing_and_succeeds(world: World, ledger: Ledger) -> None:
    call = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(call)
    before = world.contract.functions.batch(1).call(), world.contract.functions.head(ledger.id).call()
    assert world.send(call)["logs"] == []
    assert (world.contract.functions.batch(1).call(), world.contract.functions.head(ledger.id).call()) == before


def test_an_old_batch_that_lands_late_changes_nothing_and_succeeds(world: World, ledger: Ledger) -> None:
    old = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(old)
    world.anchor_next((ledger, 5))
    before = world.contract.functions.lastBatch().call()
    assert world.send(old)["logs"] == []
    assert world.contract.functions.lastBatch().call() == before


def test_a_repeated_batch_needs_no_signatures_since_it_does_nothing(world: World, ledger: Ledger) -> None:
    checkpoint = world.checkpoint(ledger, 3)
    world.send(world.anchor(1, [checkpoint]))
    bare = (*checkpoint[:3], [], b"")
    assert world.send(world.contract.functions.anchor(1, [bare], []))["logs"] == []


def test_a_taken_batch_id_with_another_root_reverts(world: World, ledger: Ledger) -> None:
    world.anchor_next((ledger, 3))
    other = world.checkpoint(ledger, 5)
    stored = world.contract.functions.batch(1).call()[0]
    got = oracle.batch_leaf(*other[:3])
    world.reverts(world.anchor(1, [other]), "BatchConflict", batchId=1, expected=stored, got=got)


def test_any_older_batch_id_with_another_root_reverts(world: World, ledger: Ledger) -> None:
    for size in (3, 5, 7):
        world.anchor_next((ledger, size))
    for batch_id in (1, 2, 3):
        call = world.anchor(batch_id, [world.checkpoint(ledger, 9)])
        world.reverts(
            call, "BatchConflict", batchId=batch_id, expected=world.contract.functions.batch(batch_id).call()[0]
        )


def test_a_taken_batch_id_without_one_of_its_ledgers_reverts(world: World, pair: list[Ledger]) -> None:
    checkpoints = [world.checkpoint(pair[0], 3), world.checkpoint(pair[1], 5)]
    world.send(world.anchor(1, checkpoints))
    world.reverts(world.contract.functions.anchor(1, checkpoints[:1], []), "BatchConflict", batchId=1)


def test_an_old_batch_cannot_be_sent_again_under_the_next_id(world: World, ledger: Ledger) -> None:
    first = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(first)
    _, checkpoints, cosignatures = first.args
    name, _ = world.error_of(world.contract.functions.anchor(2, checkpoints, cosignatures))
    assert name in {"SignerNotMember", "SignersNotAscending"}  # over another struct they recover to strangers


def test_members_cannot_anchor_an_old_head_again(world: World, ledger: Ledger) -> None:
    checkpoint = world.checkpoint(ledger, 3)
    world.send(world.anchor(1, [checkpoint]))
    world.reverts(world.anchor(2, [checkpoint]), "SizeNotLarger", ledger=ledger.id, previous=3, got=3)
