"""The one writer of a ledger: a group of candidates becomes entries, tiles and one checkpoint in one transaction.

Head and frontier in memory move only after the commit; the known facts move while a group is planned. When a commit
fails, or its outcome is not known, all of memory is dropped and read anew from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nacl.signing import SigningKey
from sqlalchemy import Connection, Engine

from ledger.core.mappages import update
from ledger.core.note import Checkpoint, open_checkpoint, sign_note
from ledger.core.statemap import EMPTY as EMPTY_MAP
from ledger.core.tiles import TileFrontier
from ledger.core.types import Digest, Origin
from ledger.domain.append import Appended, Candidate, Head, Plan, Planner, Replayed
from ledger.domain.entries import parse_entry
from ledger.domain.facts import MAP_PREFIXES, MAP_TYPES, Fact, Key, encode_fact, fact_type
from ledger.domain.fields import day_of
from ledger.domain.judge import needs, public_bytes
from ledger.domain.kinds.commitments import StateCommitted
from ledger.domain.kinds.founding import LedgerCreated
from ledger.domain.state import map_key, value_hash
from ledger.errors import LedgerError, StateError
from ledger.keys import KeyFile
from ledger.service.clocks import Lapses, read_due
from ledger.service.erasure import Erasures, cut_after_erasures
from ledger.service.intake import Prepared
from ledger.service.own_events import own_event
from ledger.store import entries as log
from ledger.store.database import reading, writing
from ledger.store.facts import add_pages, add_values, read_facts, read_pages, write_facts
from ledger.store.tiles import StoredTiles, add_tiles
from ledger.store.vault import Vault, add_disclosures

FACTS_KEPT = 200_000


class Answer(NamedTuple):
    """What a client is told (formats §11). ``checkpoint`` is the first that holds the entry."""

    seq: int
    leaf: Digest
    at_ms: int
    replayed: bool
    checkpoint: str


class Verdict(NamedTuple):
    """What would become of an event: the place that it would get, or has, if it was ``replayed``."""

    seq: int
    replayed: bool


class _Memory(NamedTuple):
    """What the writer knows of the stored ledger; replaced as a whole."""

    head: Head
    frontier: TileFrontier
    map_root: Digest
    committed: int
    """Size of the newest committed checkpoint, 0 if there is none."""


class LedgerWriter:
    """Appends to one ledger. Not safe to share between threads, but for `public_key` and `size`."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        row: log.LedgerRow,
        *,
        log_key: KeyFile,
        event_key: KeyFile,
        now_ms: Callable[[], int],
    ) -> None:
        self.row = row
        self._engine = engine
        self._vault = vault
        self._log_key = log_key
        self._signing_key = SigningKey(log_key.seed)
        self._event_key = event_key
        self._now_ms = now_ms
        self._facts: dict[str, Fact | None] = {}
        self._dirty: dict[str, Fact] = {}
        self._pending: tuple[_Memory, Plan] | None = None
        self._memory = self._load()
        self._erasures = Erasures(engine, vault, row.ledger_id)
        self._erasures.carry_out()

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._memory.head.size

    def public_key(self, key: str) -> bytes | None:
        """The public key of a key id, if it was used lately."""
        fact = self._facts.get(f"key:{key}")
        return public_bytes(fact.public) if isinstance(fact, Key) else None

    def append(self, group: Sequence[Prepared]) -> list[Answer | LedgerError]:
        """Append what the rules allow, durably; one answer for each, in order. An erasure is carried out by then."""
        answers: list[Answer | LedgerError] = []
        for part in cut_after_erasures(group):
            answers += self._append_part(part)
        return answers

    def _append_part(self, group: Sequence[Prepared]) -> list[Answer | LedgerError]:
        self._erasures.carry_out()
        self._vault.prepare(self.row.ledger_id, [party for item in group for _, party, _ in item.disclosures])
        self._erasures.expect(group)
        answers = self._transact(lambda connection: self._append(connection, group, None))
        self._erasures.carry_out()
        return answers

    def lapse(self, after: str = "") -> Lapses:
        """Let points lapse, and tell of those that soon will, for the next parties after the fact key ``after``."""
        today = self._today()
        with reading(self._engine) as connection:
            due, following = read_due(connection, self.row.ledger_id, today, after)
        answers = self.append([own_event(self.row.origin, self._event_key, body, today) for body in due])
        taken = [body for body, answer in zip(due, answers, strict=True) if isinstance(answer, Answer)]
        expired = [body.amount_units for body in taken if body.action == "expire"]
        why = next((str(answer) for answer in answers if isinstance(answer, LedgerError)), "")
        return Lapses(len(taken) - len(expired), len(expired), sum(expired), len(due) - len(taken), why, following)

    def check(self, candidates: Sequence[Candidate]) -> list[Verdict | LedgerError]:
        """What `append` would answer if it were asked now; each sees those before it, and nothing is kept."""
        head, now_ms = self._memory.head, self._now_ms()
        today = day_of(max(now_ms, head.at_ms))
        with reading(self._engine) as connection:
            known_facts = self._gather(connection, candidates, today)
            known = log.read_known(connection, self.row.ledger_id, [one.event.id for one in candidates])
        facts = {key: known_facts[key] for one in candidates for key in _needs(one, today)}  # planning changes it
        plan = Planner(head, facts, known, now_ms=now_ms).plan(candidates)
        return [
            outcome if isinstance(outcome, LedgerError) else Verdict(outcome.seq, isinstance(outcome, Replayed))
            for outcome in plan.outcomes
        ]

    def commit_state(self) -> Answer | None:
        """State the map in the log (formats §7), unless nothing came since the last commitment."""
        self._erasures.carry_out()
        memory = self._memory
        if memory.head.size in (0, memory.committed):
            return None
        answers = self._transact(self._commit_state)
        if isinstance(answers[0], LedgerError):
            raise answers[0]
        return answers[0]

    def _today(self) -> str:
        """The day of an entry that would be appended now."""
        return day_of(max(self._now_ms(), self._memory.head.at_ms))

    def _transact(self, work: Callable[[Connection], list[Answer | LedgerError]]) -> list[Answer | LedgerError]:
        self._pending = None
        try:
            with writing(self._engine) as connection:
                answers = work(connection)
        except BaseException:
            self._forget()
            raise
        self._take_over()
        return answers

    def _take_over(self) -> None:
        """Let memory follow what was committed just now."""
        if self._pending is None:
            return
        self._memory, plan = self._pending
        if self._memory.committed == self._memory.head.size:
            self._dirty.clear()
        self._dirty.update((key, fact) for key, fact in plan.changes.items() if key.startswith(MAP_PREFIXES))

    def _append(
        self, connection: Connection, group: Sequence[Prepared], map_root: Digest | None
    ) -> list[Answer | LedgerError]:
        head = self._locked_head(connection)
        candidates = [item.candidate for item in group]
        now_ms = self._now_ms()
        facts = self._gather(connection, candidates, day_of(max(now_ms, head.at_ms)))
        known = log.read_known(connection, self.row.ledger_id, [c.event.id for c in candidates])
        plan = Planner(head, facts, known, now_ms=now_ms).plan(candidates, map_root=map_root)
        note = self._store(connection, plan, group) if plan.appended else ""
        return [self._answer(connection, outcome, head, note) for outcome in plan.outcomes]

    def _store(self, connection: Connection, plan: Plan, group: Sequence[Prepared]) -> str:
        """Write the plan; what memory will be is put down in `_pending`. Answers the signed checkpoint."""
        ledger_id, appended = self.row.ledger_id, plan.appended
        frontier = self._memory.frontier.copy()
        add_tiles(connection, ledger_id, frontier.extend([entry.leaf for entry in appended]))
        checkpoint = Checkpoint(origin=Origin(self.row.origin), size=frontier.size, root=frontier.root())
        note = sign_note(checkpoint.text(), name=self.row.origin, key=self._signing_key)
        log.add_entries(connection, ledger_id, appended)
        log.add_checkpoint(connection, ledger_id, frontier.size, note)
        write_facts(connection, ledger_id, plan.changes)
        add_disclosures(connection, self._sealed(plan, group))
        log.write_head(connection, ledger_id, plan.head)
        self._pending = (self._memory._replace(head=plan.head, frontier=frontier), plan)
        return note

    def _sealed(self, plan: Plan, group: Sequence[Prepared]) -> list[tuple[int, int, str, str, bytes]]:
        ledger_id = self.row.ledger_id
        return [
            (ledger_id, outcome.seq, name, party, self._vault.seal(ledger_id, party, outcome.seq, name, text))
            for outcome, item in zip(plan.outcomes, group, strict=True)
            if isinstance(outcome, Appended)
            for name, party, text in item.disclosures
        ]

    def _commit_state(self, connection: Connection) -> list[Answer | LedgerError]:
        ledger_id, memory = self.row.ledger_id, self._memory
        values = {key: encode_fact(fact) for key, fact in self._dirty.items()}
        changes = {map_key(key): value_hash(fact) for key, fact in self._dirty.items()}
        root, pages = update(memory.map_root, changes, lambda names: read_pages(connection, ledger_id, names))
        commitment = StateCommitted(root=root.hex(), size=memory.head.size)
        answers = self._append(
            connection, [own_event(self.row.origin, self._event_key, commitment, self._today())], root
        )
        if self._pending is None:
            return answers
        add_pages(connection, ledger_id, pages)
        add_values(connection, ledger_id, {changes[map_key(key)]: value for key, value in values.items()})
        moved, plan = self._pending
        log.add_commitment(connection, ledger_id, moved.head.size, root)
        self._pending = (moved._replace(map_root=root, committed=moved.head.size), plan)
        return answers

    def _answer(
        self, connection: Connection, outcome: Appended | Replayed | LedgerError, head: Head, note: str
    ) -> Answer | LedgerError:
        if isinstance(outcome, LedgerError):
            return outcome
        if isinstance(outcome, Appended) or outcome.seq >= head.size:
            checkpoint = note
        else:
            checkpoint = log.checkpoint_covering(connection, self.row.ledger_id, outcome.seq)
        return Answer(outcome.seq, outcome.leaf, outcome.at_ms, isinstance(outcome, Replayed), checkpoint)

    def _locked_head(self, connection: Connection) -> Head:
        head = log.read_head(connection, self.row.ledger_id, lock=True)
        if head != self._memory.head:
            raise StateError(
                "somebody else wrote this ledger; stop the other writer",
                code="second_writer",
                field="heads",
                expected=f"size {self._memory.head.size}",
                got=f"size {head.size}",
            )
        return head

    def _gather(self, connection: Connection, candidates: Sequence[Candidate], today: str) -> dict[str, Fact | None]:
        """Memory, with every fact that the group needs: what is not known yet is read in one query.

        That a fact is absent is known as well: nobody else writes this ledger.
        """
        if len(self._facts) > FACTS_KEPT:
            self._facts = {}
        facts = self._facts
        missing: dict[str, None] = {}
        for candidate in candidates:
            for key in _needs(candidate, today):
                if key not in facts:
                    missing[key] = None
        if missing:
            facts.update(read_facts(connection, self.row.ledger_id, list(missing)))
        return facts

    def _forget(self) -> None:
        self._facts = {}
        self._memory = self._load()

    def _load(self) -> _Memory:
        """Read the end of the stored ledger and check that it is whole and ours. Raises `StateError`."""
        ledger_id = self.row.ledger_id
        with reading(self._engine) as connection:
            head = log.read_head(connection, ledger_id)
            frontier = TileFrontier.load(head.size, StoredTiles(connection, ledger_id))
            if head.size:
                self._check_stored(connection, head, frontier)
            commitment = log.read_commitments(connection, ledger_id)
            committed = commitment[0].size if commitment else 0
            self._dirty = self._touched(connection, committed, head.size)
        return _Memory(head, frontier, commitment[0].map_root if commitment else Digest(EMPTY_MAP), committed)

    def _check_stored(self, connection: Connection, head: Head, frontier: TileFrontier) -> None:
        note = log.latest_checkpoint(connection, self.row.ledger_id)
        founding = parse_entry(log.read_entry(connection, self.row.ledger_id, 0).data).event.body
        key = str(self._log_key.verifier_key)
        if not isinstance(founding, LedgerCreated) or founding.log_key != key:
            raise StateError(
                "the log key is not this ledger's; give the key file that `ledger create` wrote",
                code="wrong_log_key",
                field="log_key",
                expected=founding.log_key if isinstance(founding, LedgerCreated) else None,
                got=key,
            )
        if founding.ledger.public != self._event_key.reference()["public"]:
            raise StateError("the event key is not this ledger's", code="wrong_event_key", field="event_key")
        checkpoint, _ = open_checkpoint(note, origin=self.row.origin, log_keys=[key])
        if (checkpoint.size, checkpoint.root) != (head.size, frontier.root()):
            raise StateError(
                "the stored entries do not give the signed root; run `gongfen audit`",
                code="bad_root",
                field="checkpoints",
                expected=f"size {checkpoint.size}, root {checkpoint.root.hex()}",
                got=f"size {head.size}, root {frontier.root().hex()}",
            )

    def _touched(self, connection: Connection, first: int, last: int) -> dict[str, Fact]:
        """The map's facts that entries ``first`` … ``last`` − 1 may have changed, with their values now."""
        keys: dict[str, None] = {}
        for stored in log.stream_entries(connection, self.row.ledger_id, first, last):
            entry = parse_entry(stored.data)
            keys.update(dict.fromkeys(f"account:{party}" for party in entry.effects.parties))
            body = entry.event.body
            named = body.founding_keys() if isinstance(body, LedgerCreated) else body.needs(entry.event, [], "")
            keys.update(dict.fromkeys(key for key in named if fact_type(key) in MAP_TYPES))
        facts = read_facts(connection, self.row.ledger_id, list(keys))
        return {key: fact for key, fact in facts.items() if fact is not None}


def _needs(candidate: Candidate, today: str) -> list[str]:
    return needs(candidate.event, [signature.key for signature in candidate.signatures], today)
