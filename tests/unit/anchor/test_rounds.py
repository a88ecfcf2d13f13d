"""Rounds of the anchor service against the contract on a chain in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.core.batch import batch_leaf, verify_path
from ledger.core.hashing import ledger_id
from ledger.store import outbox as store
from ledger.store.database import reading
from tests.unit.anchor.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, "foshan-village", "hangzhou-town")


def test_one_round_anchors_what_is_committed(rig: Rig) -> None:
    size = rig.village.grow("foshan-village")
    [result] = rig.service().round()
    assert result.error is None
    assert result.settled
    assert rig.states() == [(1, "final")]
    assert rig.anchored("foshan-village") == rig.on_chain("foshan-village") == size


def test_every_checkpoint_of_a_batch_is_proved_by_its_stored_path(rig: Rig) -> None:
    sizes = {name: rig.village.grow(name) for name in rig.village.logs}
    rig.service().round()
    for number, (name, log) in enumerate(rig.village.logs.items(), 1):
        with reading(rig.engine) as connection:
            [anchor] = store.read_anchors(connection, number, sizes[name])
            assert store.read_anchors(connection, number, sizes[name] - 1) == []
        leaf = batch_leaf(ledger_id(log.origin), sizes[name], log.root(sizes[name]))
        verify_path(leaf, anchor.path, bytes.fromhex(anchor.batch_root))
        assert rig.chain().batch(anchor.batch).root.hex() == anchor.batch_root
        transactions = rig.w3.eth.get_block(anchor.block)["transactions"]
        assert anchor.tx in [rig.w3.to_hex(one) for one in transactions]
        assert (anchor.chain_id, anchor.contract) == rig.contracts[0].key


def test_growth_is_anchored_with_a_consistency_proof_and_chained_to_the_batch_before(rig: Rig) -> None:
    service = rig.service()
    for _ in range(3):
        rig.village.grow("foshan-village", 7)
        service.round()
    assert rig.states() == [(1, "final"), (2, "final"), (3, "final")]
    batches = rig.batches()
    assert batches[1].previous_hash == rig.chain().batch(1).hash
    assert batches[2].previous_hash == rig.chain().batch(2).hash


def test_a_round_without_news_sends_nothing(rig: Rig) -> None:
    rig.village.grow("foshan-village")
    service = rig.service()
    service.round()
    before = rig.w3.eth.block_number
    [result] = service.round()
    assert result.settled
    assert rig.w3.eth.block_number == before
    assert len(rig.batches()) == 1
