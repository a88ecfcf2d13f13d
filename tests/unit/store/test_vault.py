"""Destroying a party's key: its details are gone, everybody else's and everything later stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from ledger.core.types import party_of
from ledger.errors import StateError
from ledger.store.database import open_engine, party_bytes, reading
from ledger.store.vault import Sealed, Vault
from tests.helpers.storage import BOTH, database

ZHANG, LI = str(party_of(b"\x01" * 16)), str(party_of(b"\x02" * 16))


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with database(request.param, tmp_path) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


def sealed(vault: Vault, party: str, seq: int) -> Sealed:
    vault.prepare(1, [party])
    return Sealed(party, seq, "place", vault.seal(1, party, seq, "place", f"of-{party}-{seq}"))


def test_a_destroyed_key_leaves_one_partys_details_unreadable_for_every_reader(store: Engine) -> None:
    vault, reader = Vault(store, bytes(32)), Vault(store, bytes(32))
    items = [sealed(vault, ZHANG, 7), sealed(vault, LI, 7)]
    assert reader.open_all(1, items) == [f"of-{ZHANG}-7", f"of-{LI}-7"]
    assert vault.destroy(1, {ZHANG: 8}) == [ZHANG]
    for one in (vault, reader, Vault(store, bytes(32))):
        assert one.open_all(1, items) == [None, f"of-{LI}-7"]
        assert one.open(1, *items[0]) is None


def test_what_is_sealed_after_an_erasure_is_under_a_new_key_which_the_same_erasure_leaves_be(store: Engine) -> None:
    vault, reader = Vault(store, bytes(32)), Vault(store, bytes(32))
    before = sealed(vault, ZHANG, 7)
    vault.destroy(1, {ZHANG: 8})
    after = sealed(vault, ZHANG, 9)
    assert vault.destroy(1, {ZHANG: 8}) == []
    assert reader.open_all(1, [before, after]) == [None, f"of-{ZHANG}-9"]
    assert vault.destroy(1, {ZHANG: 10}) == [ZHANG]
    assert reader.open_all(1, [before, after]) == [None, None]


def test_an_erasure_in_one_ledger_destroys_no_key_of_another(store: Engine) -> None:
    vault = Vault(store, bytes(32))
    vault.prepare(2, [ZHANG])
    elsewhere = vault.seal(2, ZHANG, 7, "place", "elsewhere")
    sealed(vault, ZHANG, 7)
    vault.destroy(1, {ZHANG: 8})
    assert vault.open(2, ZHANG, 7, "place", elsewhere) == "elsewhere"
    assert vault.destroyed(1, [ZHANG, LI]) == {ZHANG: 8}
    assert vault.destroyed(2, [ZHANG]) == {}


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "too short": lambda data: data[:5],
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_damage_after_the_last_erasure_is_not_taken_for_one(store: Engine, spoil: Callable[[bytes], bytes]) -> None:
    vault = Vault(store, bytes(32))
    vault.destroy(1, {ZHANG: 8})
    item = sealed(vault, ZHANG, 9)
    with pytest.raises(StateError, match="damaged"):
        vault.open_all(1, [item._replace(sealed=spoil(item.sealed))])


def test_many_keys_are_destroyed_at_once(store: Engine) -> None:
    parties = [str(party_of(number.to_bytes(16, "big"))) for number in range(1200)]
    vault = Vault(store, bytes(32))
    vault.prepare(1, parties)
    assert vault.destroy(1, dict.fromkeys(parties, 5)) == parties
    assert vault.destroyed(1, parties) == dict.fromkeys(parties, 5)
    with reading(store) as connection:
        assert connection.execute(text("SELECT count(*) FROM party_keys")).scalar() == 0


def test_in_sqlite_the_bytes_of_a_destroyed_key_are_gone_from_the_files(tmp_path: Path) -> None:
    """Also where SQLite was built to leave what is deleted in the file."""
    engine, other = (open_engine(f"sqlite:///{tmp_path / 'keystore.db'}") for _ in range(2))
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA secure_delete = OFF"))
    vault, reader = Vault(engine, bytes(32)), Vault(other, bytes(32))
    item = sealed(vault, ZHANG, 7)
    assert reader.open_all(1, [item]) == [f"of-{ZHANG}-7"]
    with reading(engine) as connection:
        query = text("SELECT wrapped FROM party_keys WHERE party = :party")
        wrapped = bytes(connection.execute(query, {"party": party_bytes(ZHANG)}).scalar_one())
    assert any(wrapped in path.read_bytes() for path in tmp_path.iterdir())
    vault.destroy(1, {ZHANG: 8})
    assert not any(wrapped in path.read_bytes() for path in tmp_path.iterdir())
    engine.dispose()
    other.dispose()
