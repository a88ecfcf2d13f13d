"""Private details of many entries at once, for who may see them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ledger.core import disclosure
from ledger.store.vault import Vault, read_many_disclosures

Details = dict[int, dict[str, str]]
"""By seq, the texts of an entry's private details by name."""


def read_details(
    connection: Connection, vault: Vault, ledger_id: int, seqs: Sequence[int], names: Sequence[str]
) -> Details:
    """The details of the given names, as far as they can still be read: those of an erased party are left out."""
    sealed = [one for one in read_many_disclosures(connection, ledger_id, seqs) if one.name in names]
    found: Details = {}
    for one, text in zip(sealed, vault.open_all(ledger_id, sealed), strict=True):
        if text is not None:
            found.setdefault(one.seq, {})[one.name] = str(disclosure.parse(text).value)
    return found
