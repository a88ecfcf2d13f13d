"""A whole ledger recomputed from its entries, and everything stored compared with that.

Entries are replayed from entry 0: chain, signatures, roles, rules, effects, state map. Then tiles, checkpoints,
commitments, facts, chains of concerned parties, map pages and disclosures must be what the replay gives. The first
entry that does not hold is named; what comes after it cannot be judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

from sqlalchemy import Connection, Engine

from ledger.core import disclosure
from ledger.core.hashing import digest
from ledger.core.note import VerifierKey, open_checkpoint
from ledger.core.tiles import TILE_WIDTH, TileFrontier
from ledger.core.types import Digest, short_name
from ledger.domain.accounts import NEVER
from ledger.domain.append import Head
from ledger.domain.entries import Entry
from ledger.domain.facts import encode_fact
from ledger.domain.judge import public_bytes
from ledger.domain.kinds.commitments import StateCommitted
from ledger.domain.kinds.founding import LedgerCreated
from ledger.domain.state import Replay
from ledger.errors import LedgerError, ProofError, StateError
from ledger.service.memory import calm
from ledger.service.verifiers import SignatureChecker, Signed
from ledger.store import entries as log
from ledger.store import scan
from ledger.store.database import party_bytes, party_text, reading, uuid_bytes
from ledger.store.vault import Sealed, Vault

FAULTS_MAX: Final = 100
GROUP: Final = 500

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""


class Fault(NamedTuple):
    """Something stored that does not hold. ``seq`` is the entry it is about, None where it is about the whole."""

    seq: int | None
    where: str
    message: str


class AuditReport(NamedTuple):
    """What an audit found. Clean when there is no fault."""

    ledger: str
    origin: str
    size: int
    root: Digest
    faults: list[Fault]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everything stored is what the log says."""
        return not self.faults


def audit_ledger(
    engine: Engine,
    row: log.LedgerRow,
    *,
    vault: Vault | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit one ledger in one consistent view of the database. ``vault`` lets disclosures be compared too."""
    started = time.monotonic()
    with calm(), reading(engine) as connection, SignatureChecker(processes) as checker:
        audit = _Audit(connection, row, vault, progress)
        audit.run(checker)
    seconds = time.monotonic() - started
    return AuditReport(row.name, row.origin, audit.size, audit.frontier.root(), audit.faults, seconds)


class _Stop(Exception):
    """The replay met an entry that does not hold."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _Audit:
    def __init__(
        self, connection: Connection, row: log.LedgerRow, vault: Vault | None, progress: Progress | None
    ) -> None:
        self.row = row
        self.faults: list[Fault] = []
        self.frontier = TileFrontier()
        self.size = 0
        self._held = 0
        self._connection = connection
        self._vault = vault
        self._progress = progress
        self._replay = Replay(self._read_entry, signatures=False)
        self._last: dict[str, tuple[bytes, int]] = {}
        self._sealed: list[tuple[Sealed, str | None]] = []
        self._log_key: VerifierKey | None = None
        self._stopped: _Stop | None = None

    def run(self, checker: SignatureChecker) -> None:
        """Everything, in order. What SQLite lets stand in a column of another type ends it as a fault, too."""
        try:
            self._run(checker)
        except _Stop as stop:
            self.faults.append(stop.fault)
        except Exception:
            odd = [Fault(*found) for found in scan.odd_values(self._connection, self.row.ledger_id, FAULTS_MAX)]
            if not odd:
                raise
            self.faults = odd

    def _open(self) -> None:
        connection, row = self._connection, self.row
        self._checkpoints = scan.Cursor(scan.checkpoints_of(connection, row.ledger_id))
        self._commitments = scan.Cursor(scan.commitments_of(connection, row.ledger_id))
        self._concerned = scan.Cursor(scan.concerned_of(connection, row.ledger_id))
        self._disclosures = scan.Cursor(scan.disclosures_of(connection, row.ledger_id))
        self._tiles = scan.Cursor(scan.tiles_of(connection, row.ledger_id))
        self._upper_tiles: list[tuple[int, int, bytes]] = []
        self._tile_fault: Fault | None = None

    def _run(self, checker: SignatureChecker) -> None:
        self._open()
        if self.row.name != short_name(self.row.origin):
            self._fault(None, "ledgers", f"the name {self.row.name!r} is not the end of the origin")
        head = self._read_head()
        self._total = head.size if head else 0
        self._replay_all(checker)
        self.size = self._replay.head.size
        if head is not None and head != self._replay.head:
            self._fault(
                None, "heads", f"the head row is not the end of the log: {head.size} against {self.size} entries"
            )
        for cursor, where in (
            (self._checkpoints, "checkpoints"),
            (self._commitments, "commitments"),
            (self._concerned, "concerned"),
            (self._disclosures, "disclosures"),
        ):
            if cursor.current is not None:
                self._fault(None, where, "a row that no entry accounts for")
        self._check_tiles()
        self._check_facts()
        self._check_map()

    def _replay_all(self, checker: SignatureChecker) -> None:
        seqs: list[list[int]] = []
        groups = self._groups(seqs)
        for bad in checker.check_ahead(groups):
            owners = seqs.pop(0)
            if bad and (self._stopped is None or owners[bad[0]] < (self._stopped.fault.seq or 0)):
                self._stop(owners[bad[0]], "signatures", "a signature does not hold over the canonical event")
        if self._stopped is not None:
            raise self._stopped

    def _groups(self, seqs: list[list[int]]) -> Iterator[list[Signed]]:
        """Replay entry by entry; yields the signatures of each group, to be verified while the replay goes on."""
        group: list[Signed] = []
        owners: list[int] = []
        leaves: list[bytes] = []
        try:
            for seq, event_id, leaf, data in scan.all_entries(self._connection, self.row.ledger_id):
                entry = self._replay_one(seq, event_id, leaf, data, group)
                owners += [seq] * len(entry.signatures)
                leaves.append(leaf)
                self._check_rows(seq, entry)
                if seq + 1 == self._next_checkpoint():
                    self._grow(leaves)
                    self._check_checkpoint(entry)
                if len(group) >= GROUP:
                    seqs.append(owners)
                    yield group
                    group, owners = [], []
                    if self._progress:
                        self._progress(seq + 1, self._total)
            if leaves:
                self._grow(leaves)
                self._fault(None, "checkpoints", "the newest checkpoint does not reach the last entry")
        except _Stop as stop:  # the signatures of what came before it are told first
            self._stopped = stop
        self._check_disclosures()
        if group:
            seqs.append(owners)
            yield group

    def _replay_one(self, seq: int, event_id: bytes, leaf: bytes, data: bytes, group: list[Signed]) -> Entry:
        """Replay an entry and compare its columns; its signatures join the group."""
        expected = self._replay.head.size
        if seq != expected:
            self._stop(expected, "entries", f"missing; the next stored entry is {seq}")
        try:
            entry, found, keys = self._replay.apply(data)
            if found != leaf:
                raise ProofError(
                    "the stored bytes do not give the stored leaf hash", expected=bytes(leaf).hex(), got=found.hex()
                )
            if uuid_bytes(entry.event.id) != event_id:
                raise ProofError("stored under another event id", expected=entry.event.id, got=bytes(event_id).hex())
        except LedgerError as error:
            self._stop(seq, "entries", str(error))
        event_data = _event_slice(data)
        for signature, key in zip(entry.signatures, keys, strict=True):
            group.append((event_data, signature.sig, public_bytes(key.public)))
        if isinstance(entry.event.body, LedgerCreated):
            self._log_key = VerifierKey.parse(entry.event.body.log_key)
        return entry

    def _check_rows(self, seq: int, entry: Entry) -> None:
        """The rows that accompany an entry: whom it concerns, its disclosures."""
        last = self._last
        for party in entry.effects.parties:  # sorted as texts, which is the order of their bytes
            name, previous = last.get(party) or (party_bytes(party), NEVER)
            if self._concerned.take(seq) != (seq, name, previous):
                self._fault(seq, "concerned", f"the row for {party} is not {previous}")
            last[party] = (name, seq)
        while (row := self._disclosures.take(seq)) is not None:
            self._take_disclosure(entry, row)
        if len(self._sealed) >= GROUP:
            self._check_disclosures()

    def _take_disclosure(self, entry: Entry, row: tuple[int, str, bytes, bytes]) -> None:
        """Keep a disclosure, and the digest that its event states, until many are opened together."""
        seq, name, party, sealed = row
        try:
            stored = Sealed(party_text(party), seq, name, sealed)
        except LedgerError as error:
            self._fault(seq, "disclosures", str(error))
            return
        self._sealed.append((stored, (entry.event.private or {}).get(name)))

    def _check_disclosures(self) -> None:
        """Open what was kept, and compare it with the digests."""
        kept, self._sealed = self._sealed, []
        if self._vault is None or not kept:
            return
        items = [item for item, _ in kept]
        try:
            texts = self._vault.open_all(self.row.ledger_id, items)
        except LedgerError:  # some are damaged: one by one tells which
            texts = [self._open_one(self._vault, item) for item in items]
        for (item, stated), text in zip(kept, texts, strict=True):
            if text is not None and stated != disclosure.digest(text):
                self._fault(item.seq, "disclosures", f"{item.name} is not what the event's digest says")

    def _open_one(self, vault: Vault, item: Sealed) -> str | None:
        try:
            return vault.open(self.row.ledger_id, *item)
        except LedgerError as error:
            self._fault(item.seq, "disclosures", str(error))
            return None

    def _next_checkpoint(self) -> int:
        return self._checkpoints.current[0] if self._checkpoints.current else -1

    def _check_checkpoint(self, entry: Entry) -> None:
        size, note = self._checkpoints.pop()
        seq = size - 1
        try:
            checkpoint, _ = open_checkpoint(
                note, origin=self.row.origin, log_keys=[self._log_key] if self._log_key else []
            )
            if (checkpoint.size, checkpoint.root) != (size, self.frontier.root()):
                raise ProofError(
                    "not the root of the entries before it",
                    expected=self.frontier.root().hex(),
                    got=checkpoint.root.hex(),
                )
        except LedgerError as error:
            self._stop(self._first_change(), "checkpoints", f"checkpoint of size {size}: {error}")
        self._held = size
        body = entry.event.body
        if isinstance(body, StateCommitted):
            if self._commitments.take(size) != (size, bytes.fromhex(body.root)):
                self._fault(seq, "commitments", "no row, or another root than the entry states")
        elif self._commitments.take(size) is not None:
            self._fault(seq, "commitments", "a commitment whose checkpoint does not end with one")

    def _first_change(self) -> int:
        """The first entry that may be another than the log signed: full tiles, written earlier, tell it exactly.

        Otherwise it is the first since the last checkpoint that held.
        """
        changed = scan.first_difference(self._connection, self.row.ledger_id)
        return self._held if changed is None or changed < self._held else changed

    def _grow(self, leaves: list[bytes]) -> None:
        """Take up the leaves since the last checkpoint, and hold the tiles that they fill against those stored."""
        for tile in self.frontier.extend(leaves):
            if tile[0]:
                self._upper_tiles.append(tile)
            else:
                self._check_tile(tile)
        leaves.clear()

    def _check_tile(self, tile: tuple[int, int, bytes]) -> None:
        if self._tile_fault is None and (self._tiles.current is None or self._tiles.pop() != tile):
            level, index, _ = tile
            seq = None if level else index * TILE_WIDTH
            self._tile_fault = Fault(seq, "tiles", f"tile {level}/{index} is not what its entries give")

    def _check_tiles(self) -> None:
        """Those of the leaves were compared as they filled; those above them are few."""
        for tile in sorted(self._upper_tiles):
            self._check_tile(tile)
        if self._tile_fault is not None:
            self._fault(*self._tile_fault)
        elif self._tiles.current is not None:
            self._fault(None, "tiles", "a tile beyond the size of the log")

    def _check_facts(self) -> None:
        facts = {key: fact for key, fact in self._replay.facts.items() if fact is not None}
        for key, value in scan.facts_of(self._connection, self.row.ledger_id):
            fact = facts.pop(key, None)
            if fact is None or encode_fact(fact) != value:
                self._fault(None, "facts", f"{key} is not what the log gives")
        for key in list(facts)[:FAULTS_MAX]:
            self._fault(None, "facts", f"{key} is missing")

    def _check_map(self) -> None:
        """Every page and value of every committed map is stored, and nothing else."""
        pages = dict(self._replay.map.pages)
        for name, data in scan.pages_of(self._connection, self.row.ledger_id):
            if pages.pop(name, None) != data:
                self._fault(None, "map_pages", f"page {name.hex()} is not what the log gives")
        values = set(self._replay.map.values)
        for name, data in scan.values_of(self._connection, self.row.ledger_id):
            if name not in values or digest(data) != name:
                self._fault(None, "map_values", f"value {name.hex()} is not what the log gives")
            values.discard(name)
        for where, missing in (("map_pages", set(pages)), ("map_values", values)):
            if missing:
                self._fault(None, where, f"{len(missing)} missing, the first {min(missing).hex()}")

    def _read_entry(self, seq: int) -> bytes:
        return log.read_entry(self._connection, self.row.ledger_id, seq).data

    def _read_head(self) -> Head | None:
        try:
            return log.read_head(self._connection, self.row.ledger_id)
        except StateError:
            self._fault(None, "heads", "the head row is missing")
            return None

    def _fault(self, seq: int | None, where: str, message: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(seq, where, message))

    def _stop(self, seq: int, where: str, message: str) -> NoReturn:
        raise _Stop(Fault(seq, where, message))


def _event_slice(data: bytes) -> bytes:
    """The event's bytes within canonical entry bytes: after the effects, before the signatures (formats §4)."""
    start = data.index(b',"event":') + 9
    return data[start : data.rindex(b',"signatures":[')]
