"""The writer: what was answered is durable, what failed left nothing, and a restart goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from ledger.core.note import open_checkpoint
from ledger.domain.facts import encode_fact
from ledger.domain.state import Replay
from ledger.errors import ConflictError, LedgerError, StateError
from ledger.scenarios.scenario import Chronicle
from ledger.service import commit
from ledger.service.audit import audit_ledger
from ledger.service.commit import Answer, LedgerWriter
from ledger.service.intake import prepare
from ledger.service.storage import Storage
from ledger.store import entries as log
from ledger.store import scan
from ledger.store.database import reading, writing
from tests.helpers.storage import BOTH, append_all, database, found, open_storage, small_scenario


@pytest.fixture(scope="module")
def scenario() -> Chronicle:
    return small_scenario()


@pytest.fixture(params=BOTH)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    with database(request.param, tmp_path) as url:
        opened = open_storage(url, tmp_path)
        yield opened
        opened.close()


def replayed(storage: Storage, writer: LedgerWriter) -> Replay:
    with reading(storage.engine) as connection:
        stored = [item.data for item in log.stream_entries(connection, writer.row.ledger_id, 0, writer.size)]
    replay = Replay(lambda seq: stored[seq])
    for data in stored:
        replay.apply(data)
    return replay


def test_a_scenario_is_appended_and_audits_clean(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    answers = append_all(writer, scenario.submissions())
    writer.commit_state()
    assert [answer.seq for answer in answers if not answer.replayed] == list(range(1, writer.size - 1))
    report = audit_ledger(storage.engine, writer.row, vault=storage.vault, processes=0)
    assert report.faults == []
    assert report.size == writer.size


def test_stored_facts_are_exactly_what_the_log_gives(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    append_all(writer, scenario.submissions())
    facts = {key: encode_fact(fact) for key, fact in replayed(storage, writer).facts.items() if fact is not None}
    with reading(storage.engine) as connection:
        assert dict(scan.facts_of(connection, writer.row.ledger_id)) == facts


def test_every_answer_carries_the_first_checkpoint_that_holds_its_entry(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    key = str(storage.log_key(writer.row).verifier_key)
    for answer in append_all(writer, scenario.submissions(), group=7):
        checkpoint, _ = open_checkpoint(answer.checkpoint, origin=writer.row.origin, log_keys=[key])
        assert answer.seq < checkpoint.size <= answer.seq + 7


def test_the_same_event_again_gets_the_first_answer(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    first = writer.append([prepare(scenario.submissions()[0].data, writer.public_key)])[0]
    append_all(writer, scenario.submissions())
    again = writer.append([prepare(scenario.submissions()[0].data, writer.public_key)])[0]
    assert isinstance(first, Answer)
    assert again == first._replace(replayed=True)


def test_another_event_of_the_same_id_is_a_conflict(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    conflicts = [signed for signed in scenario.submissions() if signed.refused == "id_conflict"]
    append_all(writer, scenario.submissions())
    answer = writer.append([prepare(conflicts[0].data, writer.public_key)])[0]
    assert isinstance(answer, ConflictError)


@pytest.mark.parametrize("place", ["add_tiles", "write_facts", "add_disclosures", "sign_note"])
def test_a_commit_that_fails_anywhere_leaves_nothing_behind(
    storage: Storage, scenario: Chronicle, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    writer = found(storage, scenario)
    items = [prepare(signed.data, writer.public_key) for signed in scenario.submissions()[:5]]

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(commit, place, fail)
        with pytest.raises(OSError, match="disk is full"):
            writer.append(items)
    assert writer.size == 1
    assert all(isinstance(answer, Answer) and not answer.replayed for answer in writer.append(items))
    assert audit_ledger(storage.engine, writer.row, processes=0).clean


def test_a_commit_whose_outcome_is_not_known_is_read_back(
    storage: Storage, scenario: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = found(storage, scenario)
    items = [prepare(signed.data, writer.public_key) for signed in scenario.submissions()[:5]]

    @contextmanager
    def commit_then_lose_the_connection(engine: Engine) -> Iterator[Connection]:
        with writing(engine) as connection:
            yield connection
        raise ConnectionError("the connection was lost after the commit")

    with monkeypatch.context() as patch:
        patch.setattr(commit, "writing", commit_then_lose_the_connection)
        with pytest.raises(ConnectionError):
            writer.append(items)
    again = writer.append(items)
    assert [isinstance(answer, Answer) and answer.replayed for answer in again] == [True] * 5
    assert writer.size == 6


def test_a_restart_goes_on_with_the_same_state_map(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    half = len(scenario.submissions()) // 2
    append_all(writer, scenario.submissions()[:half])
    writer.commit_state()
    append_all(writer, scenario.submissions()[half : half + 40])
    restarted = storage.writer(writer.row)
    restarted.commit_state()
    assert audit_ledger(storage.engine, writer.row, processes=0).clean
    with reading(storage.engine) as connection:
        newest = log.read_commitments(connection, writer.row.ledger_id)[0]
    assert newest.map_root == replayed(storage, restarted).map.root


def test_no_commitment_is_written_when_nothing_came(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    assert writer.commit_state() is not None
    size = writer.size
    assert writer.commit_state() is None
    assert writer.size == size


def test_a_second_writer_is_noticed(storage: Storage, scenario: Chronicle) -> None:
    one = found(storage, scenario)
    other = storage.writer(one.row)
    items = [prepare(signed.data, one.public_key) for signed in scenario.submissions()[:2]]
    one.append(items[:1])
    with pytest.raises(StateError, match="somebody else wrote this ledger"):
        other.append(items[1:])


def test_a_refusal_harms_no_neighbour(storage: Storage, scenario: Chronicle) -> None:
    writer = found(storage, scenario)
    good, bad = (
        scenario.submissions()[:3],
        [s for s in scenario.submissions() if s.refused and s.refused != "bad_signature"],
    )
    items = [prepare(s.data, writer.public_key) for s in (good[0], bad[0], good[1], good[2])]
    answers = writer.append(items)
    assert [isinstance(answer, LedgerError) for answer in answers] == [False, True, False, False]
    assert [answer.seq for answer in answers if isinstance(answer, Answer)] == [1, 2, 3]


@pytest.mark.parametrize(
    "table", ["entries", "concerned", "tiles", "checkpoints", "commitments", "map_pages", "map_values"]
)
@pytest.mark.parametrize("verb", ["UPDATE {} SET ledger_id = 9", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_the_log(
    storage: Storage, scenario: Chronicle, table: str, verb: str
) -> None:
    found(storage, scenario)
    with pytest.raises(Exception, match="append-only"), writing(storage.engine) as connection:  # noqa: PT012
        if table == "tiles":
            connection.execute(text("INSERT INTO tiles VALUES (1, 0, 0, :data)"), {"data": b"x"})
        if table in ("commitments", "map_pages", "map_values"):
            columns = {"commitments": "(1, 7, :x)"}.get(table, "(1, :x, :x)")
            connection.execute(text(f"INSERT INTO {table} VALUES {columns}"), {"x": bytes(32)})
        connection.execute(text(verb.format(table)))
