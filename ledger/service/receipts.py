"""Receipts: collecting from the store what proves one entry (formats §9)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from msgspec import UNSET
from sqlalchemy import Connection

from ledger.core.hashing import state_key
from ledger.core.mappages import prove_many_from_pages
from ledger.core.note import Checkpoint, parse_note
from ledger.core.receipt import Commitment, MapProof, Receipt
from ledger.core.statemap import Presence
from ledger.core.tiles import RightEdge, TreeReader
from ledger.core.types import Digest
from ledger.domain.entries import parse_entry
from ledger.errors import NotFoundError, StateError
from ledger.store import entries as log
from ledger.store.database import party_text
from ledger.store.facts import read_pages, read_value
from ledger.store.outbox import read_anchored_size, read_anchors
from ledger.store.tiles import StoredTiles, UpperTiles
from ledger.store.vault import Sealed, Vault, read_disclosures

EDGES_KEPT: Final = 64


class ReceiptDesk:
    """Makes receipts of one ledger. Keeps the folded right edges of the sizes it proved at lately."""

    def __init__(self, row: log.LedgerRow, vault: Vault) -> None:
        self._row = row
        self._vault = vault
        self._edges: OrderedDict[int, RightEdge] = OrderedDict()
        self._upper: UpperTiles = {}

    def receipt(self, connection: Connection, seq: int, *, disclose: bool) -> Receipt:
        """The best receipt there is of entry ``seq``: anchored, else committed, else early.

        ``disclose`` adds the entry's private details, where their party's key still exists. Raises `NotFoundError`.
        """
        ledger_id = self._row.ledger_id
        stored = log.read_entry(connection, ledger_id, seq)
        shown = self.disclosures(connection, seq) if disclose else []
        commitment = self._commitment_after(connection, seq)
        if commitment is None:
            note = log.checkpoint_covering(connection, ledger_id, seq)
            size = Checkpoint.parse(parse_note(note).text).size
            path = self.reader(connection, size).inclusion_path(seq)
            return Receipt(entry=stored.data, disclosures=shown, index=seq, path=path, checkpoint=note)
        reader = self.reader(connection, commitment.size)
        return Receipt(
            entry=stored.data,
            disclosures=shown,
            index=seq,
            path=reader.inclusion_path(seq),
            commitment=self.commitment_part(connection, commitment, reader),
            keys=self._signing_keys(connection, stored.data, commitment.map_root),
            checkpoint=commitment.note,
            anchors=read_anchors(connection, ledger_id, commitment.size) or UNSET,
        )

    def disclosures(self, connection: Connection, seq: int) -> list[str]:
        """The private details of an entry that can still be read."""
        ledger_id = self._row.ledger_id
        opened = self._vault.open_all(
            ledger_id,
            [
                Sealed(party_text(party), seq, name, sealed)
                for name, party, sealed in read_disclosures(connection, ledger_id, seq)
            ],
        )
        return [text for text in opened if text is not None]

    def reader(self, connection: Connection, size: int) -> TreeReader:
        """Proofs in the tree of one size."""
        source = StoredTiles(connection, self._row.ledger_id, self._upper)
        edge = self._edges.get(size)
        if edge is None:
            stored = log.read_head(connection, self._row.ledger_id).size
            edge = self._edges[size] = RightEdge.load(size, source, stored_size=stored)
            if len(self._edges) > EDGES_KEPT:
                self._edges.popitem(last=False)
        return TreeReader(source, edge)

    def commitment_part(self, connection: Connection, row: log.CommitmentRow, reader: TreeReader) -> Commitment:
        """The `state_committed` entry that ends a committed checkpoint, with its path."""
        stored = log.read_entry(connection, self._row.ledger_id, row.size - 1)
        return Commitment(entry=stored.data, path=reader.inclusion_path(row.size - 1))

    def map_proofs(self, connection: Connection, map_root: Digest, facts: Sequence[tuple[str, str]]) -> list[MapProof]:
        """Proofs that the map of a root holds facts, given as (type, id). Raises `NotFoundError` for one it lacks."""
        ledger_id = self._row.ledger_id
        names = [state_key(kind, identifier) for kind, identifier in facts]
        proofs = prove_many_from_pages(map_root, names, lambda hashes: read_pages(connection, ledger_id, hashes))
        found = []
        for name, (kind, identifier) in zip(names, facts, strict=True):
            proof = proofs[name]
            if not isinstance(proof, Presence):
                raise NotFoundError("the state map holds no such fact yet", field=kind, got=identifier)
            found.append(MapProof.of(read_value(connection, ledger_id, proof.value_hash), proof.path))
        return found

    def _signing_keys(self, connection: Connection, data: bytes, map_root: Digest) -> list[MapProof]:
        facts = [("key", signature.key) for signature in parse_entry(data).signatures]
        return self.map_proofs(connection, map_root, facts)

    def _commitment_after(self, connection: Connection, seq: int) -> log.CommitmentRow | None:
        """The newest anchored commitment that holds an entry, else the newest, else None."""
        ledger_id = self._row.ledger_id
        anchored = read_anchored_size(connection, ledger_id)
        if anchored > seq:
            row = log.read_commitment(connection, ledger_id, anchored)
            if row is None:
                raise StateError("an anchored checkpoint is not stored", field="commitments", got=str(anchored))
            return row
        newest = log.read_commitments(connection, ledger_id, above=seq)
        return newest[0] if newest else None
