"""Carrying erasures out: the key of a party is destroyed after the entry that records it is durable.

Not before: if the commit then failed, the details would be gone and the log would not say so. So a crash may come
between the two, and it must be made good: the log's marks of erasures are held against what the key store says it did.
The key store notes the entry for which it destroyed a key together with destroying it, so an erasure is carried out
once. Details that are recorded after it have a new key, which neither a restart nor the same event sent again touches;
and a key that an old copy of the key store brought back is destroyed at the next start.

Nothing is appended while an erasure waits, and an erasure ends its group: otherwise what comes after it would be sealed
under the key that is about to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from ledger.domain.facts import Mark
from ledger.domain.kinds.rights import ERASED_PREFIX, PersonalDataErased, erased_key
from ledger.service.intake import Prepared
from ledger.store.database import reading
from ledger.store.facts import read_facts, stream_range
from ledger.store.vault import Vault


class Erasures:
    """The erasures of one ledger that may still have to be carried out. Of the writer's thread alone."""

    def __init__(self, engine: Engine, vault: Vault, ledger_id: int) -> None:
        self._engine = engine
        self._vault = vault
        self._ledger_id = ledger_id
        with reading(engine) as connection:
            marks = stream_range(connection, ledger_id, ERASED_PREFIX)
            self._waiting = {key.removeprefix(ERASED_PREFIX) for key, _ in marks}

    def expect(self, group: Sequence[Prepared]) -> None:
        """Note whom a group asks to erase, before it is known whether it is committed."""
        self._waiting.update(subject for item in group if (subject := _erased(item)) is not None)

    def carry_out(self) -> None:
        """Destroy the keys of those whom the log says to be erased, and that were not destroyed for it yet."""
        if not self._waiting:
            return
        with reading(self._engine) as connection:
            marks = read_facts(connection, self._ledger_id, [erased_key(party) for party in self._waiting])
        erasures = {
            key.removeprefix(ERASED_PREFIX): mark.seq
            for key, mark in marks.items()
            if isinstance(mark, Mark) and isinstance(mark.seq, int)
        }
        self._vault.destroy(self._ledger_id, erasures)
        self._waiting.clear()


def cut_after_erasures(group: Sequence[Prepared]) -> Iterator[Sequence[Prepared]]:
    """A group in parts, each of which holds at most one erasure, as its last event."""
    start = 0
    for place, item in enumerate(group, 1):
        if _erased(item) is not None:
            yield group[start:place]
            start = place
    if start < len(group):
        yield group[start:]


def _erased(item: Prepared) -> str | None:
    body = item.candidate.event.body
    return body.subject if isinstance(body, PersonalDataErased) else None
