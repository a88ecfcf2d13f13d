"""Deciding what the next batch holds, and recognising batches that landed without us."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from anchor.batches import Candidate, build_tree, choose
from anchor.chain import AnchorChain, BatchRef, Consortium, Frontier, Landing
from anchor.evidence import LedgerSource, TreeHead, Watched, check_growth, check_same_history, open_note
from anchor.outbox import REFUSED, Signer
from ledger.core.batch import PathStep
from ledger.core.hashing import ledger_id
from ledger.core.types import ZERO_DIGEST, Digest
from ledger.errors import BusyError, ChainError, FormatError, LedgerError, NotFoundError, ProofError
from ledger.store import outbox as store
from ledger.store.database import reading, writing
from ledger.store.outbox import BatchRow, BatchState, CheckpointRow, FlagRow

logger = structlog.get_logger(__name__)
RETRY_MS: Final = 3_600_000
"""How long a ledger stays out after the contract or the members refused it."""


class Planner:
    """Plans the batches of one contract out of the ledgers that the signer has keys for."""

    def __init__(
        self,
        engine: Engine,
        chain: AnchorChain,
        *,
        signer: Signer,
        source: LedgerSource,
        numbers: Callable[[], Mapping[str, int]],
        clock: Callable[[], int],
    ) -> None:
        """``numbers`` answers the ledger numbers of the database by origin."""
        self._engine = engine
        self._chain = chain
        self._signer = signer
        self._source = source
        self._numbers = numbers
        self._clock = clock
        self._turns: dict[int, int] = {}

    def plan(self, *, alone: bool = False) -> BatchRow | None:
        """Plan the next batch of whatever is not anchored; None if there is nothing, or anchoring rests.

        ``alone`` takes one ledger. Raises `ChainError` when the chain is away.
        """
        consortium = self._chain.consortium()
        if consortium.paused or consortium.ended:
            return None
        last = self._chain.last_batch()
        chosen = choose(self._candidates(), self._chain.profile, cosignatures=consortium.quorum, turns=self._turns)
        if not chosen:
            return None
        return self._store(chosen[:1] if alone else chosen, last, consortium)

    def _store(self, chosen: Sequence[Candidate], last: BatchRef, consortium: Consortium) -> BatchRow:
        tree = build_tree([candidate.head for candidate in chosen])
        checkpoints = [_checkpoint(candidate, path) for candidate, path in zip(chosen, tree.paths, strict=True)]
        row = self._row(last.id + 1, BatchState.PLANNED, consortium.epoch, last.hash, tree.root)
        with writing(self._engine) as connection:
            stored = store.add_batch(connection, row, checkpoints)
            store.clear_flags(connection, self._chain.key, [candidate.ledger_id for candidate in chosen])
        self._turns.update((candidate.ledger_id, stored.number) for candidate in chosen)
        logger.info("batch", chain=row.chain_id, batch=row.batch_id, state="planned", ledgers=len(chosen))
        return stored

    def _row(self, batch_id: int, state: BatchState, epoch: int, previous: Digest, root: Digest) -> BatchRow:
        now = self._clock()
        return BatchRow(
            *self._chain.key, number=0, batch_id=batch_id, state=state, epoch=epoch, previous_hash=previous,
            batch_root=root, cosignatures=None, submitter=None, nonce=None, raw=None, tx_hash=None,
            block_number=None, block_hash=None, planned_ms=now, changed_ms=now, error=None,
        )  # fmt: skip

    # What is not anchored

    def _candidates(self) -> list[Candidate]:
        numbers = self._numbers()
        watched = [ledger for ledger in self._signer.watched() if ledger.origin in numbers]
        frontiers = self._chain.frontiers([ledger_id(ledger.origin) for ledger in watched])
        refused = self._refused()
        found = []
        for ledger, frontier in zip(watched, frontiers, strict=True):
            number = numbers[ledger.origin]
            if number not in refused and (candidate := self._examine(ledger, number, frontier)) is not None:
                found.append(candidate)
        return found

    def _refused(self) -> set[int]:
        """Ledgers that were refused lately, and wait."""
        with reading(self._engine) as connection:
            flags = store.read_flags(connection)
        since = self._clock() - RETRY_MS
        return {
            flag.ledger_id
            for flag in flags
            if (flag.chain_id, flag.contract) == self._chain.key and flag.code.startswith(REFUSED)
            and flag.since_ms > since
        }  # fmt: skip

    def _examine(self, ledger: Watched, number: int, frontier: Frontier) -> Candidate | None:
        """The ledger's newest committed checkpoint, if it is to be anchored and everything about it holds."""
        size = 0
        try:
            self._check_registered(ledger, frontier)
            committed = self._source.newest_commitment(ledger.name)
            if committed is None:
                return None
            size = committed.size
            checkpoint = open_note(committed.checkpoint, ledger)
            head = TreeHead(checkpoint.size, checkpoint.root)
            if head.size != committed.size:
                raise ProofError("the checkpoint is of another size", field=ledger.origin)
            proof = check_growth(self._source, ledger, TreeHead(frontier.size, frontier.root), head)
            self._check_other_chains(ledger, number, head)
            if head.size == frontier.size:
                self._unflag(number)
                return None
        except BusyError as error:
            logger.warning("the ledger is away; it is anchored later", ledger=ledger.origin, reason=str(error))
            return None
        except (ProofError, FormatError, NotFoundError) as error:
            self._flag(ledger, number, size, error)
            return None
        return Candidate(
            number, ledger.origin, (ledger_id(ledger.origin), head.size, head.root), committed.checkpoint, proof
        )

    def _check_registered(self, ledger: Watched, frontier: Frontier) -> None:
        if not frontier.signer:
            raise ProofError("the ledger is not registered in the contract", code="unregistered", field=ledger.origin)
        ours = self._signer.address(ledger.origin)
        if frontier.signer != ours:
            raise ProofError(
                "the contract expects another head key", code="other_signer", field=ledger.origin,
                expected=frontier.signer, got=ours,
            )  # fmt: skip

    def _check_other_chains(self, ledger: Watched, number: int, head: TreeHead) -> None:
        """One history on all chains: the largest head ever signed for any of them is of the same log."""
        with reading(self._engine) as connection:
            signed = store.newest_signed(connection, number)
        if signed is not None:
            check_same_history(self._source, ledger, TreeHead(signed.size, signed.root), head)

    def _flag(self, ledger: Watched, number: int, size: int, error: LedgerError) -> None:
        flag = FlagRow(number, *self._chain.key, size, error.code, str(error), self._clock())
        with writing(self._engine) as connection:
            fresh = store.set_flag(connection, flag)
        if fresh:
            logger.error(
                "a ledger is left out of the batches", ledger=ledger.origin, code=error.code, reason=str(error)
            )

    def _unflag(self, number: int) -> None:
        """What is anchored and holds is not left out any more."""
        with reading(self._engine) as connection:
            flagged = [flag for flag in store.read_flags(connection, number) if flag[1:3] == self._chain.key]
        if flagged:
            with writing(self._engine) as connection:
                store.clear_flags(connection, self._chain.key, [number])

    # What landed without us

    def adopt(self) -> bool:
        """Record the batches that the contract has and the outbox does not know as landed; True if there were any.

        They are attempts of ours that were given up too early, or batches of an outbox that was lost: their heads are
        in the contract's events. Raises `ChainError` if the chain shows fewer batches than were final here.
        """
        last = self._chain.last_batch()
        with reading(self._engine) as connection:
            known = store.landed_id(connection, self._chain.key)
            open_ids = {row.batch_id for row in store.open_batches(connection, self._chain.key)}
        if known > last.id and known not in open_ids:
            raise ChainError(
                "the chain shows fewer batches than were final here: the node lags, or the chain was rewound",
                code="rewound", expected=known, got=last.id,
            )  # fmt: skip
        for batch_id in range(known + 1, last.id + 1):
            landing = self._chain.landing(batch_id)
            if landing is None:
                raise ChainError("the node does not show the event of a batch", got=batch_id)
            self._adopt(batch_id, landing)
        return known < last.id

    def _adopt(self, batch_id: int, landing: Landing) -> None:
        place: dict[str, Any] = {
            "tx_hash": landing.tx_hash,
            "block_number": landing.block_number,
            "block_hash": landing.block_hash,
        }
        root, _, _, epoch = self._chain.batch(batch_id)
        with reading(self._engine) as connection:
            attempts = store.attempts_of(connection, self._chain.key, batch_id)
        ours = [row for row in attempts if row.batch_root == root]
        logger.warning("a batch landed that was not expected", batch=batch_id, ours=bool(ours))
        if ours:
            with writing(self._engine) as connection:
                store.move_batch(connection, ours[-1], BatchState.MINED, now_ms=self._clock(), **place)
            return
        tree = build_tree(landing.heads)
        if tree.root != root:
            raise ChainError("the events of a batch do not lead to its root", got=batch_id)
        previous = self._chain.batch(batch_id - 1).hash if batch_id > 1 else ZERO_DIGEST
        row = self._row(batch_id, BatchState.MINED, epoch, previous, root)._replace(**place)
        candidates = self._known_heads(landing)
        with writing(self._engine) as connection:
            rows = [
                _checkpoint(candidate, path)
                for head, path in zip(landing.heads, tree.paths, strict=True)
                if (candidate := candidates.get(head[0])) is not None
            ]
            store.add_batch(connection, row, rows)

    def _known_heads(self, landing: Landing) -> dict[bytes, Candidate]:
        """Those heads of a batch that are of our ledgers, and of their history: a fork is flagged, not adopted."""
        numbers = self._numbers()
        watched = {ledger_id(ledger.origin): ledger for ledger in self._signer.watched() if ledger.origin in numbers}
        found: dict[bytes, Candidate] = {}
        for head in landing.heads:
            ledger = watched.get(head[0])
            if ledger is None:
                continue
            number = numbers[ledger.origin]
            try:
                self._check_ours(ledger, TreeHead(head[1], head[2]))
            except (ProofError, FormatError) as error:
                self._flag(ledger, number, head[1], error)
                continue
            found[head[0]] = Candidate(number, ledger.origin, head, "", [])
        return found

    def _check_ours(self, ledger: Watched, anchored: TreeHead) -> None:
        committed = self._source.newest_commitment(ledger.name)
        if committed is None:
            raise ProofError("an anchored ledger has no commitment here", code="shrunk", field=ledger.origin)
        checkpoint = open_note(committed.checkpoint, ledger)
        check_growth(self._source, ledger, anchored, TreeHead(checkpoint.size, checkpoint.root))


def _checkpoint(candidate: Candidate, path: list[PathStep]) -> CheckpointRow:
    _, size, root = candidate.head
    return CheckpointRow(candidate.ledger_id, size, candidate.origin, root, candidate.note, path, candidate.proof, None)
