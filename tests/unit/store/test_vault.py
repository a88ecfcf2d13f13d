"""Destroying a party's key: its details are gone, everybody else's stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.core.types import party_of
from ledger.store.database import open_engine
from ledger.store.vault import Vault
from tests.helpers.storage import BOTH, database


@pytest.mark.parametrize("engine", BOTH)
def test_a_destroyed_key_leaves_one_partys_details_unreadable(engine: str, tmp_path: Path) -> None:
    zhang, li = str(party_of(b"\x01" * 16)), str(party_of(b"\x02" * 16))
    with database(engine, tmp_path) as url:
        store = open_engine(url)
        vault = Vault(store, bytes(32))
        vault.prepare(1, [zhang, li])
        sealed = {party: vault.seal(1, party, 7, "place", f"of-{party}") for party in (zhang, li)}
        assert vault.destroy(1, zhang)
        assert not vault.destroy(1, zhang)
        for reader in (vault, Vault(store, bytes(32))):
            assert reader.open(1, zhang, 7, "place", sealed[zhang]) is None
            assert reader.open(1, li, 7, "place", sealed[li]) == f"of-{li}"
        store.dispose()
