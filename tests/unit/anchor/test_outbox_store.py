"""The outbox's tables, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from ledger.core.types import Digest
from ledger.errors import StateError
from ledger.store import outbox as store
from ledger.store.database import open_engine, reading, writing
from ledger.store.migrate import upgrade
from ledger.store.outbox import BatchRow, BatchState, CheckpointRow, ContractKey, FlagRow
from ledger.store.schema import metadata
from tests.helpers.storage import BOTH, database

KEY = ContractKey(31337, "0x" + "ab" * 20)
OTHER = ContractKey(31337, "0x" + "cd" * 20)


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as url:
        made = open_engine(url)
        upgrade(made)
        yield made
        made.dispose()


def batch(batch_id: int = 1, key: ContractKey = KEY, state: BatchState = BatchState.PLANNED) -> BatchRow:
    return BatchRow(
        *key, number=0, batch_id=batch_id, state=state, epoch=1, previous_hash=Digest(bytes(32)),
        batch_root=Digest(bytes([batch_id]) * 32), cosignatures=None, submitter=None, nonce=None, raw=None,
        tx_hash=None, block_number=None, block_hash=None, planned_ms=5, changed_ms=5, error=None,
    )  # fmt: skip


def head(size: int, ledger_id: int = 1) -> CheckpointRow:
    root, proof = Digest(bytes([size]) * 32), [Digest(bytes(32)), Digest(b"\x01" * 32)]
    return CheckpointRow(ledger_id, size, "a.example/b", root, "note", [{"left": "0" * 64}], proof, None)


def add(engine: Engine, row: BatchRow, *heads: CheckpointRow) -> BatchRow:
    with writing(engine) as connection:
        return store.add_batch(connection, row, heads)


def move(engine: Engine, row: BatchRow, state: BatchState, **values: Any) -> BatchRow:
    with writing(engine) as connection:
        return store.move_batch(connection, row, state, now_ms=9, **values)


def land(engine: Engine, row: BatchRow, state: BatchState = BatchState.FINAL, block: int = 8) -> BatchRow:
    return move(engine, row, state, tx_hash=bytes([block]) * 32, block_number=block, block_hash=bytes(32))


def test_the_migrations_make_the_tables_of_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_batch_and_its_heads_are_read_back_as_they_were_stored(engine: Engine) -> None:
    stored = add(engine, batch(), head(7), head(9, ledger_id=2))
    with reading(engine) as connection:
        assert store.open_batches(connection, KEY) == [stored]
        assert sorted(store.checkpoints_of(connection, stored)) == [head(7), head(9, ledger_id=2)]
        assert store.open_batches(connection, OTHER) == []


def test_attempts_are_numbered_per_contract(engine: Engine) -> None:
    numbers = [add(engine, batch(1, key)).number for key in (KEY, KEY, OTHER)]
    assert numbers == [1, 2, 1]


def test_a_batch_that_somebody_else_moved_is_not_moved_again(engine: Engine) -> None:
    row = add(engine, batch())
    move(engine, row, BatchState.COSIGNED, cosignatures=b"x")
    with pytest.raises(StateError, match="moved by somebody else"):
        move(engine, row, BatchState.DROPPED)


def test_only_final_anchors_of_exactly_this_size_are_in_receipts(engine: Engine) -> None:
    row = add(engine, batch(), head(7))
    with reading(engine) as connection:
        assert store.read_anchors(connection, 1, 7) == []
    mined = land(engine, row, BatchState.MINED)
    with reading(engine) as connection:
        assert store.read_anchors(connection, 1, 7) == []
        assert store.read_anchored_size(connection, 1) == 0
    move(engine, mined, BatchState.FINAL)
    with reading(engine) as connection:
        [anchor] = store.read_anchors(connection, 1, 7)
        assert (anchor.chain_id, anchor.contract, anchor.batch, anchor.block) == (*KEY, 1, 8)
        assert (anchor.tx, anchor.batch_root) == ("0x" + "08" * 32, "01" * 32)
        assert anchor.path == [{"left": "0" * 64}]
        assert store.read_anchors(connection, 1, 6) == store.read_anchors(connection, 2, 7) == []
        assert store.read_anchored_size(connection, 1) == 7
        assert store.read_anchored_size(connection, 2) == 0


def test_receipts_show_one_anchor_for_each_contract(engine: Engine) -> None:
    for key in (KEY, OTHER, KEY):
        land(engine, add(engine, batch(1, key), head(7)))
    with reading(engine) as connection:
        assert [anchor.contract for anchor in store.read_anchors(connection, 1, 7)] == [KEY.contract, OTHER.contract]


def test_the_list_has_all_but_what_was_dropped_the_largest_first(engine: Engine) -> None:
    land(engine, add(engine, batch(1), head(7)))
    move(engine, add(engine, batch(2), head(8)), BatchState.DROPPED, error="no")
    add(engine, batch(2), head(9))
    with reading(engine) as connection:
        found = store.list_anchors(connection, 1, 10)
        assert [(row.size, row.state, row.batch_id) for row in found] == [(9, "planned", 2), (7, "final", 1)]
        assert found[0].tx_hash is None
        assert len(store.list_anchors(connection, 1, 1)) == 1


def test_the_landed_id_and_the_next_nonce_follow_the_states(engine: Engine) -> None:
    submitter = "0x" + "11" * 20
    with reading(engine) as connection:
        assert store.landed_id(connection, KEY) == 0
        assert store.next_nonce(connection, KEY.chain_id, submitter) == 0
    row = move(engine, add(engine, batch(3)), BatchState.SIGNED, submitter=submitter, nonce=4, raw=b"r")
    with reading(engine) as connection:
        assert store.landed_id(connection, KEY) == 0
        assert store.next_nonce(connection, KEY.chain_id, submitter) == 5
        assert store.next_nonce(connection, 1, submitter) == 0
    land(engine, row)
    with reading(engine) as connection:
        assert store.landed_id(connection, KEY) == 3
        assert store.next_nonce(connection, KEY.chain_id, submitter) == 0
        assert store.count_states(connection, KEY) == {"final": 1}


def test_the_newest_signed_head_is_over_all_chains(engine: Engine) -> None:
    with reading(engine) as connection:
        assert store.newest_signed(connection, 1) is None
    for size, key in ((7, KEY), (9, OTHER), (11, KEY)):
        row = add(engine, batch(1, key), head(size))
        if size < 11:
            with writing(engine) as connection:
                store.sign_heads(connection, row, {1: b"s"})
    with reading(engine) as connection:
        found = store.newest_signed(connection, 1)
    assert found is not None
    assert (found.size, found.signature) == (9, b"s")


def test_a_flag_is_news_once_for_each_reason_and_size(engine: Engine) -> None:
    flag = FlagRow(1, *KEY, 7, "forked", "why", 5)
    news = []
    for one in (flag, flag._replace(since_ms=6), flag._replace(size=8), flag._replace(size=8, code="shrunk")):
        with writing(engine) as connection:
            news.append(store.set_flag(connection, one))
    assert news == [True, False, True, True]
    with writing(engine) as connection:
        assert [one.code for one in store.read_flags(connection, 1)] == ["shrunk"]
        assert store.read_flags(connection, 2) == []
        store.clear_flags(connection, OTHER, [1])
        assert len(store.read_flags(connection)) == 1
        store.clear_flags(connection, KEY, [1])
        assert store.read_flags(connection) == []


def test_a_chain_keeps_when_it_last_answered(engine: Engine) -> None:
    for now, block, error in ((1, 50, None), (2, None, "away")):
        with writing(engine) as connection:
            store.note_chain(connection, KEY, now_ms=now, block_number=block, error=error)
    with reading(engine) as connection:
        [row] = store.read_chains(connection)
    assert (row.tried_ms, row.seen_ms, row.block_number, row.error) == (2, 1, 50, "away")
