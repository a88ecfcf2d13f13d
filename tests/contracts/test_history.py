"""Rule 7: every anchor stays readable, with its block, in seconds on any chain."""

from __future__ import annotations

import pytest

from .typed import account
from .world import Ledger, World

SIZES = [1, 2, 5, 8, 9, 30, 31]


@pytest.fixture
def grown(world: World, ledger: Ledger) -> Ledger:
    """A ledger anchored at every one of SIZES, a batch each."""
    for size in SIZES:
        world.anchor_next((ledger, size))
    return ledger


def test_every_anchor_can_be_read(world: World, grown: Ledger) -> None:
    first_block = world.w3.eth.block_number - len(SIZES) + 1
    for index, size in enumerate(SIZES):
        block = world.w3.eth.get_block(first_block + index)
        got = world.contract.functions.anchorAt(grown.id, index).call()
        assert got == [size, grown.root(size), index + 1, block["timestamp"], block["number"]]


def test_an_anchor_past_the_last_reverts(world: World, grown: Ledger) -> None:
    for index in (len(SIZES), 2**256 - 1):
        call = world.contract.functions.anchorAt(grown.id, index)
        world.reverts(call, "AnchorUnknown", ledger=grown.id, index=index, count=len(SIZES))


def test_the_head_is_the_newest_anchor(world: World, grown: Ledger) -> None:
    last = SIZES[-1]
    assert world.contract.functions.head(grown.id).call() == [last, grown.root(last), len(SIZES), len(SIZES)]
    assert world.contract.functions.frontier(grown.id).call() == [last, grown.root(last)]


def test_a_ledger_without_anchors_has_an_empty_head(world: World, ledger: Ledger) -> None:
    for ledger_id in (ledger.id, bytes(32)):
        assert world.contract.functions.head(ledger_id).call() == [0, bytes(32), 0, 0]
        assert world.contract.functions.frontier(ledger_id).call() == [0, bytes(32)]
        assert not world.contract.functions.isAnchored(ledger_id, 0, bytes(32)).call()
        world.reverts(world.contract.functions.anchorAt(ledger_id, 0), "AnchorUnknown", count=0)


def test_exactly_the_anchored_heads_are_anchored(world: World, grown: Ledger) -> None:
    is_anchored = world.contract.functions.isAnchored
    for size in range(40):
        assert is_anchored(grown.id, size, grown.root(size)).call() is (size in SIZES)
        assert not is_anchored(grown.id, size, bytes(32)).call()
    assert not is_anchored(grown.id, 2**64 - 1, grown.root(5)).call()


def test_another_ledgers_head_is_not_anchored(world: World, grown: Ledger) -> None:
    other = world.ledger("other")
    world.anchor_next((other, 5))
    assert not world.contract.functions.isAnchored(other.id, 5, grown.root(5)).call()
    assert world.contract.functions.isAnchored(other.id, 5, other.root(5)).call()


@pytest.mark.parametrize("batch_id", [0, 1, 2**64 - 1])
def test_an_unknown_batch_reverts(world: World, batch_id: int) -> None:
    world.reverts(world.contract.functions.batch(batch_id), "BatchUnknown", batchId=batch_id)


@pytest.mark.parametrize(
    ("block_time", "seconds"),
    [
        (1_900_000_000, 1_900_000_000),
        (10**11, 10**11),
        (10**11 + 999, 10**8),
        (1_900_000_000_999, 1_900_000_000),
    ],
)
def test_times_in_milliseconds_become_seconds(block_time: int, seconds: int) -> None:
    world = World()
    ledger = world.ledger()
    call = world.anchor(1, [world.checkpoint(ledger, 3)])
    world.w3.provider.ethereum_tester.backend.time_travel(block_time)  # its front refuses such times
    receipt = world.send(call)
    assert world.w3.eth.get_block(receipt["blockNumber"])["timestamp"] == block_time
    assert world.contract.functions.batch(1).call()[2] == seconds
    assert world.contract.functions.anchorAt(ledger.id, 0).call()[3] == seconds


def test_history_outlives_a_rotation_and_a_new_consortium(world: World, grown: Ledger) -> None:
    before = [world.contract.functions.anchorAt(grown.id, i).call() for i in range(len(SIZES))]
    world.send(world.rotate(grown.id, account(1).address))
    world.send(world.set_consortium(world.members[:2], 1))
    assert [world.contract.functions.anchorAt(grown.id, i).call() for i in range(len(SIZES))] == before
