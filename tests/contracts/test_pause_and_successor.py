"""Rule 6: pause stops new anchors and nothing else; a successor ends anchoring, and continues it without a fork."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .typed import account
from .world import ARTIFACT, NOBODY, Ledger, World

# Pause


def test_a_pause_stops_new_anchors(world: World, ledger: Ledger) -> None:
    call = world.anchor(1, [world.checkpoint(ledger, 3)])
    assert world.events("PauseChanged", world.send(world.set_paused(True))) == [{"paused": True}]
    world.reverts(call, "AnchoringPaused")


def test_a_paused_contract_still_answers_and_takes_repeated_batches(world: World, ledger: Ledger) -> None:
    call = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(call)
    world.send(world.set_paused(True))
    world.send(call)
    assert world.contract.functions.head(ledger.id).call()[0] == 3
    assert world.contract.functions.isAnchored(ledger.id, 3, ledger.root(3)).call()
    assert world.contract.functions.governance().call()[2] is True


def test_anchoring_goes_on_after_a_pause(world: World, ledger: Ledger) -> None:
    call = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(world.set_paused(True))
    world.send(world.set_paused(False))
    world.send(call)
    assert world.contract.functions.lastBatch().call()[0] == 1


def test_a_pause_that_changes_nothing_reverts(world: World) -> None:
    world.reverts(world.set_paused(False), "PauseUnchanged", paused=False)
    world.send(world.set_paused(True))
    world.reverts(world.set_paused(True), "PauseUnchanged", paused=True)


# No way round


def test_nothing_else_changes_state() -> None:
    changing = {one["name"] for one in ARTIFACT["abi"] if one.get("stateMutability") in {"nonpayable", "payable"}
                and one["type"] == "function"}  # fmt: skip
    acts = {"registerLedgers", "rotateSigner", "setConsortium", "setPaused", "setSuccessor"}
    assert changing == {"anchor"} | acts


def test_it_takes_no_money(world: World) -> None:
    assert not [one for one in ARTIFACT["abi"] if one.get("stateMutability") == "payable" or one["type"] == "receive"]


# Successor


def follow(world: World) -> World:
    """A second contract on the same chain that names the first as its predecessor."""
    return World(w3=world.w3, predecessor=world.contract.address)


@pytest.fixture
def moved(world: World, ledger: Ledger) -> World:
    """The successor of a contract that anchored the ledger at 5 and then ended; the ledger is registered again."""
    world.anchor_next((ledger, 5))
    after = follow(world)
    world.send(world.set_successor(after.contract.address))
    after.send(after.register([ledger]))
    return after


def test_a_successor_ends_anchoring(world: World, ledger: Ledger) -> None:
    repeated = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.send(repeated)
    call = world.anchor(2, [world.checkpoint(ledger, 5)])
    after = follow(world).contract.address
    receipt = world.send(world.set_successor(after))
    assert world.events("SuccessorNamed", receipt) == [{"successor": after}]
    world.reverts(call, "AnchoringEnded", successor=after.lower())
    assert world.contract.functions.successor().call() == after
    assert world.send(repeated)["logs"] == []


def test_a_successor_is_named_once(world: World) -> None:
    after, other = follow(world).contract.address, follow(world).contract.address
    world.send(world.set_successor(after))
    for address in (other, after):
        world.reverts(world.set_successor(address), "SuccessorAlreadyNamed", successor=after.lower())


def test_a_mistyped_successor_reverts(world: World) -> None:
    stranger = World(w3=world.w3).contract.address  # names no predecessor
    for address in (NOBODY, account(1).address, stranger, world.contract.address):
        world.reverts(world.set_successor(address), "SuccessorInvalid", got=address.lower())


def test_a_predecessor_without_code_cannot_be_named(world: World) -> None:
    with pytest.raises(AssertionError, match="reverted"):
        World(w3=world.w3, predecessor=account(1).address)


def test_the_predecessor_is_known_for_ever(world: World) -> None:
    assert follow(world).contract.functions.predecessor().call() == world.contract.address


def test_the_first_anchor_extends_the_predecessors_head(moved: World, ledger: Ledger) -> None:
    assert moved.contract.functions.frontier(ledger.id).call() == [5, ledger.root(5)]
    assert moved.contract.functions.head(ledger.id).call()[3] == 0
    moved.send(moved.anchor(1, [moved.checkpoint(ledger, 9, proof=ledger.proof(5, 9))]))
    moved.anchor_next((ledger, 12))
    assert moved.contract.functions.frontier(ledger.id).call() == [12, ledger.root(12)]


def test_the_first_anchor_may_repeat_the_predecessors_head_once(moved: World, ledger: Ledger) -> None:
    moved.send(moved.anchor(1, [moved.checkpoint(ledger, 5, proof=[])]))
    moved.reverts(moved.anchor(2, [moved.checkpoint(ledger, 5, proof=[])]), "SizeNotLarger", previous=5, got=5)


def test_the_first_anchor_may_not_fork_from_the_predecessor(moved: World, ledger: Ledger) -> None:
    forked = replace(ledger, fork_at=4)
    bad = moved.checkpoint(ledger, 9, root=forked.root(9), proof=forked.proof(5, 9))
    moved.reverts(moved.anchor(1, [bad]), "ProofInvalid", ledger=ledger.id, previousSize=5, size=9)


def test_the_first_anchor_may_not_drop_the_proof(moved: World, ledger: Ledger) -> None:
    bad = moved.checkpoint(ledger, 9, proof=[])
    moved.reverts(moved.anchor(1, [bad]), "ProofLengthWrong", expected=len(ledger.proof(5, 9)), got=0)


def test_the_first_anchor_may_not_be_smaller_than_the_predecessors(moved: World, ledger: Ledger) -> None:
    moved.reverts(moved.anchor(1, [moved.checkpoint(ledger, 4, proof=[])]), "SizeNotLarger", previous=5, got=4)


def test_the_same_size_with_another_root_is_no_repetition(moved: World, ledger: Ledger) -> None:
    bad = moved.checkpoint(ledger, 5, root=bytes([1]) * 32, proof=[])
    moved.reverts(moved.anchor(1, [bad]), "ProofInvalid", previousSize=5, size=5)


def test_a_ledger_that_the_predecessor_never_anchored_starts_freely(moved: World) -> None:
    fresh = moved.ledger("fresh")
    moved.anchor_next((fresh, 3))
    assert moved.contract.functions.frontier(fresh.id).call() == [3, fresh.root(3)]


def test_nothing_is_anchored_while_the_predecessor_can_still_grow(world: World) -> None:
    after = follow(world)
    ledger = after.ledger()
    call = after.anchor(1, [after.checkpoint(ledger, 3)])
    old = world.contract.address.lower()
    after.reverts(call, "PredecessorOpen", predecessor=old, successor=NOBODY)
    world.send(world.set_successor(follow(world).contract.address))  # ended, but for another
    after.reverts(call, "PredecessorOpen", predecessor=old)


def test_a_chain_of_successors_leads_back_to_the_first(world: World, ledger: Ledger) -> None:
    world.anchor_next((ledger, 5))
    middle = follow(world)
    last = follow(middle)
    middle.send(middle.set_successor(last.contract.address))
    last.send(last.register([ledger]))
    early = last.anchor(1, [last.checkpoint(ledger, 9, proof=ledger.proof(5, 9))])
    last.reverts(early, "PredecessorOpen", predecessor=world.contract.address.lower(), successor=NOBODY)
    world.send(world.set_successor(middle.contract.address))
    assert last.contract.functions.frontier(ledger.id).call() == [5, ledger.root(5)]
    last.reverts(last.anchor(1, [last.checkpoint(ledger, 9, proof=[])]), "ProofLengthWrong")
    last.send(early)
    assert last.contract.functions.head(ledger.id).call()[0] == 9


def test_batches_are_counted_anew_in_a_successor(moved: World, ledger: Ledger) -> None:
    moved.reverts(moved.anchor(2, [moved.checkpoint(ledger, 9)]), "BatchOutOfOrder", expected=1, got=2)
