"""Nodes that are away, forget, lag or reorganise; transactions that are late, lost or another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from anchor.chain import Signed
from anchor.deploy import fund, register_ledgers
from anchor.outbox import _checkpoints, _split
from ledger.core.batch import batch_leaf, verify_path
from ledger.core.hashing import ledger_id
from ledger.errors import ChainError
from ledger.store import outbox as store
from ledger.store.database import reading, writing
from ledger.store.outbox import BatchState
from ledger.store.schema import anchor_batches, anchor_checkpoints
from tests.unit.anchor.rig import PROFILE, Rig, SpoiltChain

NAME = "foshan-village"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.village.grow(NAME)
    return rig


@contextmanager
def nothing_mined(rig: Rig) -> Iterator[None]:
    rig.tester.disable_auto_mine_transactions()
    yield
    rig.tester.enable_auto_mine_transactions()


def away(*_: object) -> Any:
    raise ChainError("no answer")


def test_a_chain_that_is_away_is_noted_and_caught_up_with(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.spoil["newest_block"] = away
    service = rig.service(chain)
    for _ in range(3):
        [result] = service.round()
        assert result.error == "no answer"
        rig.village.grow(NAME)
    with reading(rig.engine) as connection:
        [noted] = store.read_chains(connection)
    assert (noted.error, noted.seen_ms) == ("no answer", None)
    chain.spoil.clear()
    service.round()
    assert rig.states() == [(1, "final")]
    assert rig.on_chain(NAME) == rig.village.logs[NAME].size
    with reading(rig.engine) as connection:
        [noted] = store.read_chains(connection)
    assert (noted.error, noted.seen_ms) == (None, rig.now_ms)


def test_a_chain_that_is_away_holds_up_no_other(rig: Rig) -> None:
    rig.contracts.append(rig.deploy())
    rig.register()
    lost = SpoiltChain(rig)
    lost.spoil["newest_block"] = away
    other = rig.chain(rig.contracts[1])
    first, second = rig.service(lost, other).round()
    assert (first.error, second.error) == ("no answer", None)
    assert other.last_batch().id == 1
    rig.service(rig.chain(), other).round()
    assert rig.chain().last_batch().id == other.last_batch().id == 1
    with reading(rig.engine) as connection:
        assert len(store.read_anchors(connection, 1, 5)) == 2


def test_two_contracts_of_one_submitter_do_not_quarrel_over_nonces(rig: Rig) -> None:
    rig.contracts.append(rig.deploy())
    rig.register()
    service = rig.service(rig.chain(), rig.chain(rig.contracts[1]))
    for _ in range(2):
        rig.village.grow(NAME)
        assert all(result.settled for result in service.round())
    nonces = [row.nonce for row in rig.batches()]
    assert sorted(nonces) == list(range(min(nonces), min(nonces) + 4))


def test_another_chain_behind_the_same_address_is_refused(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.key = chain.key._replace(chain_id=999)
    with pytest.raises(ChainError, match="another chain"):
        chain.check()


def test_a_contract_with_other_code_is_refused(rig: Rig) -> None:
    made = rig.contracts[0]
    [result] = rig.service(rig.chain(made._replace(code_hash="0" * 64))).round()
    assert result.error is not None
    assert "not the one that was deployed" in result.error
    nowhere = made._replace(key=made.key._replace(contract="0x" + "12" * 20))
    with pytest.raises(ChainError, match="no code"):
        rig.chain(nowhere).check()


def test_a_transaction_in_the_pool_is_waited_for(rig: Rig) -> None:
    service = rig.service()
    with nothing_mined(rig):
        for _ in range(2):
            [result] = service.round()
            assert not result.settled
            assert rig.states() == [(1, "sent")]
        assert rig.anchored(NAME) == 0
    service.round()
    assert rig.states() == [(1, "final")]


def test_a_transaction_that_the_node_forgot_is_sent_again_byte_for_byte(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    sent: list[bytes] = []

    def lose_the_first(true: Any, raw: bytes) -> None:
        sent.append(raw)
        if len(sent) > 1:
            true(raw)

    chain.spoil["send"] = lose_the_first
    rig.service(chain).round()
    assert rig.states() == [(1, "final")]
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_a_node_that_forgets_every_time_cannot_hold_the_round(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.spoil["send"] = lambda *_: None
    [result] = rig.service(chain).round()
    assert not result.settled


def test_a_node_that_refuses_what_it_has_already_is_no_trouble(rig: Rig) -> None:
    chain = SpoiltChain(rig)

    def send(true: Any, raw: bytes) -> None:
        true(raw)
        raise ChainError("already known")

    chain.spoil["send"] = send
    with nothing_mined(rig):
        rig.service(chain).round()
        assert rig.states() == [(1, "sent")]
    rig.service(chain).round()
    assert rig.states() == [(1, "final")]


def test_a_node_that_takes_nothing_leaves_the_batch_signed(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.spoil["send"] = away
    [result] = rig.service(chain).round()
    assert result.error == "no answer"
    assert rig.states() == [(1, "signed")]


def test_an_anchor_is_final_only_when_enough_blocks_stand(tmp_path: Path) -> None:
    rig = Rig(tmp_path, confirmations=3)
    rig.village.grow(NAME)
    service = rig.service()
    for state in ("mined", "mined", "final"):
        service.round()
        assert rig.states() == [(1, state)]
        rig.tester.mine_block()


def test_the_next_batch_does_not_wait_for_confirmations(tmp_path: Path) -> None:
    rig = Rig(tmp_path, confirmations=3)
    service = rig.service()
    for _ in range(2):
        rig.village.grow(NAME)
        service.round()
    assert rig.states() == [(1, "mined"), (2, "mined")]
    rig.tester.mine_blocks(3)
    service.round()
    assert rig.states() == [(1, "final"), (2, "final")]


def test_batches_that_a_reorganisation_took_land_again_in_order(tmp_path: Path) -> None:
    rig = Rig(tmp_path, confirmations=5)
    before = rig.tester.take_snapshot()
    service = rig.service()
    for _ in range(2):
        rig.village.grow(NAME)
        service.round()
    raw = [row.raw for row in rig.batches()]
    rig.tester.revert_to_snapshot(before)
    rig.tester.mine_blocks(2)  # the anchors come to stand in other blocks
    service.round()
    assert rig.states() == [(1, "mined"), (2, "mined")]
    assert [row.raw for row in rig.batches()] == raw
    rig.tester.mine_blocks(6)
    service.round()
    assert rig.states() == [(1, "final"), (2, "final")]
    for row in rig.batches():
        assert bytes(rig.w3.eth.get_block(row.block_number)["hash"]) == row.block_hash


def test_a_chain_that_lost_final_batches_stops_anchoring_loudly(rig: Rig) -> None:
    before = rig.tester.take_snapshot()
    service = rig.service()
    service.round()
    rig.tester.revert_to_snapshot(before)
    rig.village.grow(NAME)
    [result] = service.round()
    assert result.error is not None
    assert "fewer batches than were final" in result.error
    assert rig.states() == [(1, "final")]


def given_up(rig: Rig) -> bytes:
    """A signed batch that was given up and not sent; answers its raw transaction."""
    chain = SpoiltChain(rig)
    chain.spoil["send"] = away
    rig.service(chain).round()
    [row] = rig.batches()
    with writing(rig.engine) as connection:
        store.move_batch(connection, row, BatchState.DROPPED, now_ms=rig.now_ms, error="given up")
    assert row.raw is not None
    return row.raw


def test_a_batch_that_was_given_up_and_lands_late_is_recognised(rig: Rig) -> None:
    rig.w3.eth.send_raw_transaction(given_up(rig))
    rig.service().round()
    assert rig.states() == [(1, "final")]
    assert rig.anchored(NAME) == 5


def test_a_batch_that_lands_late_after_another_took_its_id_does_no_harm(rig: Rig) -> None:
    raw = given_up(rig)
    rig.village.grow(NAME)
    with nothing_mined(rig):
        rig.service().round()
        assert rig.states() == [(1, "dropped"), (1, "sent")]
    rig.service().round()
    with pytest.raises(ChainError):
        rig.chain().send(raw)  # its nonce is spent
    rig.service().round()
    assert rig.states() == [(1, "dropped"), (1, "final")]
    assert rig.anchored(NAME) == 10


def test_a_batch_that_another_process_anchored_is_not_anchored_twice(rig: Rig) -> None:
    """The lock is no fence: two processes with one outbox each planned the same heads."""
    chain = SpoiltChain(rig)
    chain.spoil["send"] = away
    rig.service(chain).round()
    [row] = rig.batches()
    call = rig.chain().anchor_data(1, *_content(rig))
    rig.w3.eth.send_transaction({"from": rig.w3.eth.accounts[1], "to": _address(rig), "data": rig.w3.to_hex(call)})
    rig.service().round()
    [row] = rig.batches()
    assert row.state == "final"
    assert row.block_number == rig.w3.eth.block_number
    transaction = rig.w3.eth.get_transaction(rig.w3.to_hex(row.tx_hash))
    assert transaction["from"] == rig.w3.eth.accounts[1]


def _address(rig: Rig) -> Any:
    return rig.w3.to_checksum_address(rig.contracts[0].key.contract)


def _content(rig: Rig) -> tuple[Any, Any]:
    [row] = rig.batches()
    with reading(rig.engine) as connection:
        return _checkpoints(store.checkpoints_of(connection, row)), _split(row.cosignatures)


def test_a_lost_outbox_is_rebuilt_from_the_chain(tmp_path: Path) -> None:
    rig = Rig(tmp_path, NAME, "hangzhou-town")
    service = rig.service()
    for _ in range(2):
        for name in rig.village.logs:
            rig.village.grow(name)
        service.round()
    known = rig.batches()
    with writing(rig.engine) as connection:
        connection.execute(delete(anchor_checkpoints))
        connection.execute(delete(anchor_batches))
    rig.service().round()
    found = rig.batches()
    for name in ("batch_id", "state", "epoch", "previous_hash", "batch_root", "tx_hash", "block_number", "block_hash"):
        assert [getattr(row, name) for row in found] == [getattr(row, name) for row in known], name
    for number, log in enumerate(rig.village.logs.values(), 1):
        for size in (5, 10):
            with reading(rig.engine) as connection:
                [anchor] = store.read_anchors(connection, number, size)
            leaf = batch_leaf(ledger_id(log.origin), size, log.root(size))
            verify_path(leaf, anchor.path, bytes.fromhex(anchor.batch_root))


def test_a_foreign_head_that_is_not_of_our_history_is_flagged_and_no_receipt_shows_it(rig: Rig) -> None:
    rig.service().round()
    with writing(rig.engine) as connection:
        connection.execute(delete(anchor_checkpoints))
        connection.execute(delete(anchor_batches))
    rig.village.logs[NAME].fork_at = 2
    rig.service().round()
    assert rig.flags() == {1: "forked"}
    assert rig.anchored(NAME) == 0
    assert rig.states() == [(1, "final")]


def test_a_mined_transaction_that_failed_is_planned_anew(rig: Rig) -> None:
    """It passed the preflight, and something changed before it was mined."""
    chain = SpoiltChain(rig)

    chain.spoil["sign"] = lambda _, __, account, nonce: _failing(rig, account, nonce)
    rig.service(chain).round()
    chain.spoil.clear()
    rig.service(chain).round()
    states = rig.states()
    assert states[-1] == (1, "final")
    assert set(states[:-1]) == {(1, "dropped")}
    assert rig.on_chain(NAME) == 5


def _failing(rig: Rig, account: Any, nonce: int) -> Any:
    """A signed transaction to the contract that reverts when it is mined."""
    signed = account.sign_transaction(
        {"to": _address(rig), "data": "0xdeadbeef", "value": 0, "nonce": nonce, "gas": 100_000,
         "gasPrice": 2 * 10**9, "chainId": rig.w3.eth.chain_id}
    )  # fmt: skip
    return Signed(bytes(signed.raw_transaction), bytes(signed.hash))


def test_a_nonce_that_another_transaction_took_drops_the_batch(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.spoil["send"] = away
    rig.service(chain).round()
    fund(rig.w3, PROFILE, rig.submitter.address)
    extra = ("gongfen.example/other", rig.members[0].address)
    register_ledgers(rig.w3, PROFILE, rig.contracts[0].key, rig.submitter, [extra], rig.members)
    rig.service().round()
    assert rig.states() == [(1, "dropped"), (1, "final")]
    assert rig.batches()[0].error == "another transaction took the nonce"


def test_nothing_is_planned_while_anchoring_rests(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    for rest in ({"paused": True}, {"ended": True}):
        chain.spoil["consortium"] = lambda true, rest=rest: true()._replace(**rest)
        [result] = rig.service(chain).round()
        assert result.settled
        assert rig.states() == []


def test_a_batch_that_was_planned_before_a_pause_waits_and_says_why(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    calls = []

    def pause_after_planning(true: Any) -> Any:
        calls.append(1)
        return true()._replace(paused=len(calls) > 1)

    chain.spoil["consortium"] = pause_after_planning
    [result] = rig.service(chain).round()
    assert not result.settled
    [row] = rig.batches()
    assert (row.state, row.error) == ("planned", "anchoring is paused, or ended by a successor")
    rig.service().round()
    assert rig.states() == [(1, "final")]


def test_a_batch_of_an_old_epoch_is_planned_anew(rig: Rig) -> None:
    chain = SpoiltChain(rig)
    chain.spoil["preflight"] = away
    rig.service(chain).round()
    assert rig.states() == [(1, "cosigned")]
    with writing(rig.engine) as connection:
        connection.exec_driver_sql("UPDATE anchor_batches SET epoch = 0")
    rig.service().round()
    assert rig.states() == [(1, "dropped"), (1, "final")]
