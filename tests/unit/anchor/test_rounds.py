"""Rounds of the anchor service against the contract on a chain in process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.core.batch import batch_leaf, verify_path
from ledger.core.hashing import ledger_id
from ledger.store import outbox as store
from ledger.store.database import reading
from ledger.store.outbox import BatchRow
from tests.unit.anchor.rig import PROFILE, Rig, SpoiltChain


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


def test_a_large_county_is_anchored_in_batches_that_fit_a_transaction(tmp_path: Path) -> None:
    names = [f"village-{number}" for number in range(7)]
    rig = Rig(tmp_path, *names)
    for name in names:
        rig.village.grow(name)
    chain = SpoiltChain(rig, profile=replace(PROFILE, gas_cap=600_000))
    [result] = rig.service(chain).round()
    assert result.settled
    assert len(rig.batches()) > 2
    assert {rig.on_chain(name) for name in names} == {5}


def test_ledgers_that_waited_come_first(tmp_path: Path) -> None:
    names = [f"village-{number}" for number in range(3)]
    rig = Rig(tmp_path, *names)
    chain = SpoiltChain(rig, profile=replace(PROFILE, gas_cap=400_000))  # one ledger a batch
    service = rig.service(chain)
    for _ in range(3):
        for name in names:
            rig.village.grow(name)
        service.round()
    assert [rig.on_chain(name) for name in names] == [15, 15, 15]
    order = [_ledgers(rig, row) for row in rig.batches()]
    assert order[:3] == order[3:6] == order[6:9]  # each has its turn before one comes again


def _ledgers(rig: Rig, row: BatchRow) -> list[str]:
    with reading(rig.engine) as connection:
        return [head.origin for head in store.checkpoints_of(connection, row)]
