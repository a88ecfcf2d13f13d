"""Reading ranges of facts and chains of entries, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from ledger.core.merkle import leaf_hash
from ledger.core.types import party_of
from ledger.domain.append import Appended
from ledger.domain.facts import Fact, Tally
from ledger.errors import StateError
from ledger.store import facts as stored
from ledger.store.database import insert_rows, open_engine, party_bytes, reading, writing
from ledger.store.entries import add_entries, party_entries, stream_party_entries
from ledger.store.facts import read_range, stream_range, write_facts
from ledger.store.migrate import upgrade
from ledger.store.schema import concerned
from tests.helpers.storage import BOTH, database

LI, ZHANG = str(party_of(b"\x01" * 16)), str(party_of(b"\x02" * 16))


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as url:
        made = open_engine(url)
        upgrade(made)
        yield made
        made.dispose()


# Ranges of facts ------------------------------------------------------------------------------------------------------


IN_RANGE = ["tally:A", "tally:a/1", "tally:a1", "tally:a_", "tally:b"]
"""What begins with ``tally:``, in the order of bytes: no locale sorts so."""
KEYS = ["takings:a", "takings:z", *reversed(IN_RANGE)]


def put(engine: Engine, ledger_id: int, keys: list[str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {key: Tally(place) for place, key in enumerate(keys)}
    with writing(engine) as connection:
        write_facts(connection, ledger_id, facts)
    return facts


def test_a_range_holds_the_facts_of_a_prefix_in_the_order_of_bytes(engine: Engine) -> None:
    facts = put(engine, 1, KEYS)
    put(engine, 2, ["tally:of another ledger"])
    with reading(engine) as connection:
        found = read_range(connection, 1, "tally:", limit=100)
    assert list(found.items()) == [(key, facts[key]) for key in IN_RANGE]


def test_a_range_goes_on_where_it_stopped(engine: Engine) -> None:
    put(engine, 1, IN_RANGE)
    with reading(engine) as connection:
        first = list(read_range(connection, 1, "tally:", limit=2))
        second = list(read_range(connection, 1, "tally:", after=first[-1], limit=2))
        third = list(read_range(connection, 1, "tally:", after=second[-1], limit=2))
        rest = list(read_range(connection, 1, "tally:", after=third[-1], limit=2))
    assert [first, second, third, rest] == [IN_RANGE[:2], IN_RANGE[2:4], IN_RANGE[4:], []]


def test_a_stream_is_the_whole_range_a_page_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(engine, 1, KEYS)
    monkeypatch.setattr(stored, "PAGE", 2)
    with reading(engine) as connection:
        assert [key for key, _ in stream_range(connection, 1, "tally:")] == IN_RANGE
        assert list(stream_range(connection, 1, "nothing:")) == []


@pytest.mark.parametrize("prefix", ["tally:", "tally:a", "takings:", "ta"])
def test_a_range_is_what_comparing_prefixes_gives(engine: Engine, prefix: str) -> None:
    put(engine, 1, KEYS)
    with reading(engine) as connection:
        assert list(read_range(connection, 1, prefix, limit=100)) == sorted(k for k in KEYS if k.startswith(prefix))


# Chains of entries ----------------------------------------------------------------------------------------------------


def entry(seq: int, **previous: int) -> Appended:
    data = b"entry %d" % seq
    parties = {"li": LI, "zhang": ZHANG}
    return Appended(
        seq,
        f"00000000-0000-4000-8000-{seq:012x}",
        leaf_hash(data),
        0,
        data,
        [parties[name] for name in previous],
        list(previous.values()),
    )


def chain(connection: Connection) -> None:
    """Li in entries 0, 2, 3, 5; Zhang in 1, 2."""
    rows = [entry(0, li=-1), entry(1, zhang=-1), entry(2, li=0, zhang=1), entry(3, li=2), entry(4), entry(5, li=3)]
    add_entries(connection, 1, rows)
    add_entries(connection, 2, [entry(0, li=-1)])


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 5, 200])
def test_a_partys_entries_are_followed_backwards_whatever_the_chunk(engine: Engine, chunk: int) -> None:
    with writing(engine) as connection:
        chain(connection)
    with reading(engine) as connection:
        li = list(stream_party_entries(connection, 1, LI, 5, chunk=chunk))
        zhang = list(stream_party_entries(connection, 1, ZHANG, 2, chunk=chunk))
        none = list(stream_party_entries(connection, 1, LI, -1, chunk=chunk))
    assert [one.seq for one in li] == [5, 3, 2, 0]
    assert [one.data for one in li] == [b"entry 5", b"entry 3", b"entry 2", b"entry 0"]
    assert li[0].event_id == "00000000-0000-4000-8000-000000000005"
    assert [one.seq for one in zhang] == [2, 1]
    assert none == []


def test_as_many_of_a_partys_entries_are_read_as_were_asked_for(engine: Engine) -> None:
    with writing(engine) as connection:
        chain(connection)
    with reading(engine) as connection:
        assert [one.seq for one in party_entries(connection, 1, LI, 3, 2)] == [3, 2]
        assert [one.seq for one in party_entries(connection, 1, LI, 3, 9)] == [3, 2, 0]


BROKEN = {
    "it begins at an entry that does not concern the party": (4, []),
    "an entry names one before that does not concern the party": (6, [(1, 6, LI, 4)]),
    "an entry names itself as the one before": (6, [(1, 6, LI, 6)]),
    "an entry names a later one as the one before": (6, [(1, 6, LI, 7), (1, 7, LI, 5)]),
    "an entry of the chain is missing": (7, [(1, 7, LI, 5)]),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("chunk", [1, 2, 200])
def test_a_broken_chain_is_told_and_never_followed_for_ever(engine: Engine, name: str, chunk: int) -> None:
    last, links = BROKEN[name]
    with writing(engine) as connection:
        chain(connection)
        add_entries(connection, 1, [entry(6)])
        insert_rows(connection, concerned, [(one, seq, party_bytes(of), before) for one, seq, of, before in links])
    with reading(engine) as connection, pytest.raises(StateError, match="chain of entries is broken"):
        list(stream_party_entries(connection, 1, LI, last, chunk=chunk))
