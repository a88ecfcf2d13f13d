"""The committed bytecode on real nodes with the rules of London and without fees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3 import Web3

from tests.helpers.nodes import COMMANDS, started

from .world import World

pytestmark = pytest.mark.node


@pytest.fixture(params=sorted(COMMANDS))
def w3(request: pytest.FixtureRequest) -> Iterator[Web3]:
    with started(request.param) as node:
        yield node.w3


def test_it_deploys_anchors_and_refuses_on_a_real_node(w3: Web3) -> None:
    assert w3.eth.chain_id == 31337
    world = World(w3=w3)
    ledger = world.ledger()
    world.anchor_next((ledger, 5))
    receipt = world.anchor_next((ledger, 9))
    assert receipt["effectiveGasPrice"] == 0
    assert world.contract.functions.head(ledger.id).call() == [9, ledger.root(9), 2, 2]
    assert world.contract.functions.isAnchored(ledger.id, 5, ledger.root(5)).call()
    block = w3.eth.get_block(receipt["blockNumber"])
    assert world.contract.functions.anchorAt(ledger.id, 1).call()[3:] == [block["timestamp"], block["number"]]
    world.reverts(world.anchor(3, [world.checkpoint(ledger, 8, proof=[])]), "SizeNotLarger", previous=9, got=8)
