"""The audit names what was changed, whatever was changed, with the database's own triggers out of the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ledger.core.merkle import leaf_hash
from ledger.service.audit import AuditReport, audit_ledger
from ledger.service.commit import LedgerWriter
from ledger.service.storage import Storage
from ledger.store.database import writing
from ledger.store.schema import APPEND_ONLY
from tests.helpers.storage import append_all, database, found, open_storage, small_scenario


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Storage, LedgerWriter]]:
    """A ledger of some hundred entries with full tiles, commitments and disclosures."""
    folder = tmp_path_factory.mktemp("audit")
    with database("sqlite", folder) as url:
        storage = open_storage(url, folder)
        writer = found(storage, small_scenario())
        append_all(writer, small_scenario().submissions(), group=60)
        writer.commit_state()
        yield storage, writer
        storage.close()


@pytest.fixture
def attacked(original: tuple[Storage, LedgerWriter]) -> Callable[[Callable[[Connection], None]], AuditReport]:
    """Do something to the stored ledger, audit it, undo it."""
    storage, writer = original

    def attack(work: Callable[[Connection], None]) -> AuditReport:
        backup = storage.engine.raw_connection().driver_connection
        saved = "\n".join(backup.iterdump())  # type: ignore[union-attr]
        with writing(storage.engine) as connection:
            for table in APPEND_ONLY:
                for verb in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
            work(connection)
        try:
            return audit_ledger(storage.engine, writer.row, vault=storage.vault, processes=0)
        finally:
            storage.engine.dispose()
            path = Path(str(storage.engine.url.database))
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            with storage.engine.connect() as connection:
                connection.connection.driver_connection.executescript(saved)  # type: ignore[union-attr]

    return attack


def flip(connection: Connection, table: str, column: str, where: str, place: int = -40) -> None:
    """Change one byte of a stored blob."""
    old = connection.execute(text(f"SELECT {column} FROM {table} WHERE {where} LIMIT 1")).scalar_one()
    new = bytearray(old)
    new[place] ^= 1
    query = text(f"UPDATE {table} SET {column} = :new WHERE {where} AND {column} = :old")
    connection.execute(query, {"new": bytes(new), "old": old})


ENTRY = 137


@pytest.mark.parametrize("place", [0, 30, 200, 400, -1])
def test_one_changed_byte_of_one_entry_is_named(attacked: Callable[..., AuditReport], place: int) -> None:
    report = attacked(lambda c: flip(c, "entries", "data", f"seq = {ENTRY}", place))
    assert [fault.seq for fault in report.faults] == [ENTRY]


def _swap(connection: Connection) -> None:
    rows = connection.execute(text("SELECT seq, data, leaf FROM entries WHERE seq IN (40, 41)")).fetchall()
    for (seq, _, _), (_, data, leaf) in zip(rows, rows[::-1], strict=True):
        query = text("UPDATE entries SET data = :data, leaf = :leaf WHERE seq = :seq")
        connection.execute(query, {"data": data, "leaf": leaf, "seq": seq})


def _rehash_from(connection: Connection, changed: int) -> None:
    """Raise one amount, then make every later entry name the one before again, and every leaf hash fit."""
    rows = connection.execute(text("SELECT seq, data FROM entries WHERE seq >= :seq ORDER BY seq"), {"seq": changed})
    previous = ""
    for seq, data in rows.fetchall():
        entry = json.loads(data)
        if seq == changed:
            entry["event"]["occurred_on"] = "2021-01-03"
        else:
            entry["chain"]["prev"] = previous
        forged = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        previous = leaf_hash(forged).hex()
        query = text("UPDATE entries SET data = :data, leaf = :leaf WHERE seq = :seq")
        connection.execute(query, {"data": forged, "leaf": bytes.fromhex(previous), "seq": seq})


ATTACKS: dict[str, tuple[Callable[[Connection], object], int | None, str]] = {
    "a leaf hash": (lambda c: flip(c, "entries", "leaf", f"seq = {ENTRY}", 3), ENTRY, "entries"),
    "an event id": (lambda c: flip(c, "entries", "event_id", f"seq = {ENTRY}", 3), ENTRY, "entries"),
    "two entries swapped": (_swap, 40, "entries"),
    "an entry deleted": (lambda c: c.execute(text("DELETE FROM entries WHERE seq = 50")), 50, "entries"),
    "the last entries deleted": (lambda c: c.execute(text("DELETE FROM entries WHERE seq > 300")), None, "heads"),
    "history rewritten and rehashed": (lambda c: _rehash_from(c, ENTRY), ENTRY, ""),
    "a tile": (lambda c: flip(c, "tiles", "data", "level = 0", 5), 0, "tiles"),
    "a tile's inner node": (lambda c: flip(c, "tiles", "data", "level = 0", 9000), 0, "tiles"),
    "a tile deleted": (lambda c: c.execute(text("DELETE FROM tiles WHERE \"index\" = 0 AND level = 0")), 0, "tiles"),
    "a checkpoint deleted": (
        lambda c: c.execute(text("DELETE FROM checkpoints WHERE size = (SELECT MAX(size) FROM checkpoints)")),
        None,
        "checkpoints",
    ),
    "a checkpoint's signature": (
        lambda c: c.execute(text("UPDATE checkpoints SET note = replace(note, '=', 'A') WHERE size = 1")),
        0,
        "checkpoints",
    ),
    "a commitment": (lambda c: flip(c, "commitments", "map_root", "size > 0", 5), None, "commitments"),
    "a commitment deleted": (lambda c: c.execute(text("DELETE FROM commitments")), None, "commitments"),
    "whom an entry concerns": (
        lambda c: c.execute(text(f"UPDATE concerned SET previous = 7 WHERE seq = {ENTRY}")),
        ENTRY,
        "concerned",
    ),
    "a concerned party added": (
        lambda c: c.execute(text("INSERT INTO concerned VALUES (1, 99999, :p, 5)"), {"p": bytes(16)}),
        None,
        "concerned",
    ),
    "a balance": (lambda c: flip(c, "facts", "value", "key LIKE 'account:%'", 22), None, "facts"),
    "a fact deleted": (lambda c: c.execute(text("DELETE FROM facts WHERE key LIKE 'task:%'")), None, "facts"),
    "a fact added": (
        lambda c: c.execute(text("INSERT INTO facts VALUES (1, 'mark:x', :v)"), {"v": b'{"seq":1}'}),
        None,
        "facts",
    ),
    "a page of the map": (lambda c: flip(c, "map_pages", "data", "1 = 1", 20), None, "map_pages"),
    "a page of the map deleted": (lambda c: c.execute(text("DELETE FROM map_pages")), None, "map_pages"),
    "a value of the map": (lambda c: flip(c, "map_values", "data", "1 = 1", 20), None, "map_values"),
    "a value of the map deleted": (lambda c: c.execute(text("DELETE FROM map_values")), None, "map_values"),
    "the head": (lambda c: c.execute(text("UPDATE heads SET at_ms = at_ms + 1")), None, "heads"),
    "a disclosure": (lambda c: flip(c, "disclosures", "sealed", "seq > 0", 20), None, "disclosures"),
    "a disclosure moved": (lambda c: c.execute(text("UPDATE disclosures SET seq = seq + 100000")), None, "disclosures"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_whatever_is_changed_is_found(attacked: Callable[..., AuditReport], name: str) -> None:
    work, seq, where = ATTACKS[name]
    report = attacked(work)
    assert not report.clean
    first = report.faults[0]
    if seq is not None:
        assert first.seq == seq
    if where:
        assert first.where == where


def _as(table: str, column: str, value: str, where: str = "1 = 1") -> Callable[[Connection], object]:
    row = f"SELECT {column} FROM {table} WHERE {where} LIMIT 1"
    return lambda c: c.execute(text(f"UPDATE {table} SET {column} = {value} WHERE {column} = ({row})"))


TYPES: dict[str, tuple[Callable[[Connection], object], int | None, str]] = {
    "a fact as text": (_as("facts", "value", "CAST(value AS TEXT)"), None, "facts"),
    "a fact's key that is not UTF-8": (_as("facts", "key", "CAST(x'ff' AS TEXT)"), None, "facts"),
    "an entry as a number": (_as("entries", "data", "5", f"seq = {ENTRY}"), ENTRY, "entries"),
    "a leaf hash as text": (_as("entries", "leaf", "CAST(leaf AS TEXT)", f"seq = {ENTRY}"), ENTRY, "entries"),
    "a number for a leaf hash": (_as("entries", "leaf", "9223372036854775807", f"seq = {ENTRY}"), ENTRY, "entries"),
    "a tile as text": (_as("tiles", "data", "CAST(data AS TEXT)"), None, "tiles"),
    "a party as text": (_as("concerned", "party", "'p'", f"seq = {ENTRY}"), None, "concerned"),
    "a page of the map as text": (_as("map_pages", "data", "CAST(data AS TEXT)"), None, "map_pages"),
    "the name of a value of the map": (_as("map_values", "hash", "'x'"), None, "map_values"),
    "the root of a commitment": (_as("commitments", "map_root", "CAST(map_root AS TEXT)"), None, "commitments"),
    "the size of the head": (_as("heads", "size", "'x'"), None, "heads"),
    "no head": (lambda c: c.execute(text("DELETE FROM heads")), None, "heads"),
    "a disclosure as a number": (_as("disclosures", "sealed", "5"), None, "disclosures"),
    "a disclosure's party": (_as("disclosures", "party", "x'00'"), None, "disclosures"),
}  # fmt: skip
"""SQLite keeps any value in any column; a reader that trips over one must still tell where it is."""


@pytest.mark.parametrize("name", TYPES)
def test_a_value_of_another_type_is_a_fault_of_its_row(attacked: Callable[..., AuditReport], name: str) -> None:
    work, seq, where = TYPES[name]
    first = attacked(work).faults[0]
    assert first.where == where
    if seq is not None:
        assert first.seq == seq


def test_an_entry_changed_with_its_leaf_hash_is_named_by_its_signature(attacked: Callable[..., AuditReport]) -> None:
    """The replay stops at the entry after it, whose `prev` is another; the signatures before are told first."""

    def work(connection: Connection) -> None:
        query = text("SELECT data FROM entries WHERE seq = :seq")
        entry = json.loads(connection.execute(query, {"seq": ENTRY}).scalar_one())
        entry["event"]["occurred_on"] = "2021-01-03"
        forged = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        change = text("UPDATE entries SET data = :data, leaf = :leaf WHERE seq = :seq")
        connection.execute(change, {"data": forged, "leaf": leaf_hash(forged), "seq": ENTRY})

    report = attacked(work)
    assert [(fault.seq, fault.where) for fault in report.faults] == [(ENTRY, "signatures")]


def test_a_name_that_is_not_of_the_origin_is_a_fault(original: tuple[Storage, LedgerWriter]) -> None:
    storage, writer = original
    report = audit_ledger(storage.engine, writer.row._replace(name="other"), processes=0)
    assert [fault.where for fault in report.faults] == ["ledgers"]


def test_an_untouched_ledger_is_clean_on_all_cores(original: tuple[Storage, LedgerWriter]) -> None:
    storage, writer = original
    seen: list[int] = []
    report = audit_ledger(storage.engine, writer.row, vault=storage.vault, progress=lambda done, _: seen.append(done))
    assert report.faults == []
    assert report.size == writer.size


def _disclosed(connection: Connection, condition: str) -> int:
    """The last entry with a disclosure that meets a condition."""
    query = f"SELECT seq FROM disclosures WHERE {condition} ORDER BY seq DESC LIMIT 1"
    return int(connection.execute(text(query)).scalar_one())


def test_each_of_several_damaged_disclosures_is_named_though_many_are_opened_together(
    attacked: Callable[..., AuditReport],
) -> None:
    damaged: list[int] = []

    def work(connection: Connection) -> None:
        damaged.extend(_disclosed(connection, f"seq < {bound}") for bound in (ENTRY, 10**6))
        for seq in damaged:
            flip(connection, "disclosures", "sealed", f"seq = {seq}", 20)

    report = attacked(work)
    assert damaged == sorted(set(damaged))
    assert [(fault.seq, fault.where) for fault in report.faults] == [(seq, "disclosures") for seq in damaged]


def test_a_damaged_disclosure_before_an_entry_that_does_not_hold_is_told_too(
    attacked: Callable[..., AuditReport],
) -> None:
    damaged: list[int] = []

    def work(connection: Connection) -> None:
        damaged.append(_disclosed(connection, f"seq < {ENTRY}"))
        flip(connection, "disclosures", "sealed", f"seq = {damaged[0]}", 20)
        flip(connection, "entries", "data", f"seq = {ENTRY}")

    report = attacked(work)
    assert [(fault.seq, fault.where) for fault in report.faults] == [(damaged[0], "disclosures"), (ENTRY, "entries")]
