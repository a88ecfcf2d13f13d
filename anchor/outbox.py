"""A batch's way to its contract: ``planned → cosigned → signed → sent → mined → final``, or ``dropped``.

Each step reads the chain, does one thing, and stores its outcome in one transaction; so after a crash at any point the
next round goes on from what is stored (docs/spec/anchoring.md, "States"). Chain state decides, never our memory of what
was sent: a lock is no fence, but the contract takes only the next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine

from anchor.chain import AnchorChain, Checkpoint, Consortium, Landing, Mined
from anchor.connect import Reverted
from anchor.evidence import TreeHead, Watched, check_proof, open_note
from anchor.members import LocalMembers
from anchor.typed import SIGNATURE_SIZE, BatchStatement, head_message, sign
from ledger.core.hashing import ledger_id
from ledger.errors import ChainError, FormatError, LedgerError, ProofError
from ledger.store import outbox as store
from ledger.store.database import reading, writing
from ledger.store.outbox import BatchRow, BatchState, CheckpointRow

logger = structlog.get_logger(__name__)
STEPS_MAX: Final = 12
"""Steps of one batch in one round, so that a node that takes and forgets a transaction cannot hold the round."""
REFUSED: Final = "refused:"
"""Start of a flag's code when the contract or the members refused a ledger that passed our own checks."""
UNMINED: Final = (BatchState.PLANNED, BatchState.COSIGNED, BatchState.SIGNED, BatchState.SENT)


class Signer:
    """The keys that sign heads, one per ledger, and the logs they belong to."""

    def __init__(self, ledgers: Mapping[str, tuple[Watched, LocalAccount]]) -> None:
        self._ledgers = dict(ledgers)

    def watched(self) -> list[Watched]:
        """Every ledger that can be signed for."""
        return [ledger for ledger, _ in self._ledgers.values()]

    def address(self, origin: str) -> str:
        """Who signs for a ledger, lower case."""
        return str(self._ledgers[origin][1].address).lower()

    def sign(self, chain: AnchorChain, row: CheckpointRow, frontier: TreeHead) -> bytes:
        """The signature over a head whose note and proof hold against what the contract has. Raises `ProofError`."""
        entry = self._ledgers.get(row.origin)
        if entry is None:
            raise ProofError("no head key for this ledger", field=row.origin)
        ledger, account = entry
        checkpoint = open_note(row.note, ledger)
        if (checkpoint.size, checkpoint.root) != (row.size, row.root):
            raise ProofError("the stored head is not the one that the log signed", field=row.origin)
        if frontier.size:
            check_proof(ledger, frontier, TreeHead(row.size, row.root), row.proof)
        return sign(account, head_message(chain.key, ledger_id(row.origin), row.size, row.root))


class Outbox:
    """Takes the open batches of one contract as far as the chain allows."""

    def __init__(
        self,
        engine: Engine,
        chain: AnchorChain,
        *,
        signer: Signer,
        members: LocalMembers,
        submitter: LocalAccount,
        confirmations: int,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._chain = chain
        self._signer = signer
        self._members = members
        self._submitter = submitter
        self._confirmations = confirmations
        self._clock = clock
        self.one_by_one = False
        """Whether ledgers are to be sent alone, because a batch was refused and the node does not say for which."""

    def advance(self) -> bool:
        """Take every open batch as far as it goes; True if none is short of being mined.

        Raises `ChainError` when the chain is away, `BusyError` when the ledger is.
        """
        with reading(self._engine) as connection:
            rows = store.open_batches(connection, self._chain.key)
        moved = [self._advance(row) for row in rows]
        return all(row.state not in UNMINED for row in moved)

    def _advance(self, row: BatchRow) -> BatchRow:
        steps: dict[BatchState, Callable[[BatchRow], BatchRow]] = {
            BatchState.PLANNED: self._cosign,
            BatchState.COSIGNED: self._sign,
            BatchState.SIGNED: self._send,
            BatchState.SENT: self._watch,
            BatchState.MINED: self._confirm,
        }
        for _ in range(STEPS_MAX):
            step = steps.get(row.state)
            moved = step(row) if step else row
            if moved == row:
                break
            row = moved
        return row

    # planned → cosigned

    def _cosign(self, row: BatchRow) -> BatchRow:
        consortium = self._chain.consortium()
        if (stale := self._is_stale(row, consortium)) is not None:
            return stale
        if consortium.paused or consortium.ended:
            return self._note(row, ChainError("anchoring is paused, or ended by a successor"))
        with reading(self._engine) as connection:
            heads = store.checkpoints_of(connection, row)
        statement = BatchStatement(row.batch_id, row.batch_root, row.previous_hash, row.epoch)
        try:
            signatures = self._sign_heads(heads)
            notes = [head.note for head in heads]
            cosignatures = self._members.cosign(self._chain.key, consortium, statement, notes)
        except (ProofError, FormatError) as error:
            return self._refused(row, heads, error)
        with writing(self._engine) as connection:
            store.sign_heads(connection, row, signatures)
            return self._move(connection, row, BatchState.COSIGNED, cosignatures=b"".join(cosignatures))

    def _sign_heads(self, heads: Sequence[CheckpointRow]) -> dict[int, bytes]:
        frontiers = self._chain.frontiers([ledger_id(head.origin) for head in heads])
        return {
            head.ledger_id: self._signer.sign(self._chain, head, TreeHead(frontier.size, frontier.root))
            for head, frontier in zip(heads, frontiers, strict=True)
        }

    # cosigned → signed

    def _sign(self, row: BatchRow) -> BatchRow:
        if (stale := self._is_stale(row, self._chain.consortium())) is not None:
            return stale
        with reading(self._engine) as connection:
            heads = store.checkpoints_of(connection, row)
            held = store.next_nonce(connection, row.chain_id, self._address)
        data = self._chain.anchor_data(row.batch_id, _checkpoints(heads), _split(row.cosignatures))
        try:
            self._chain.preflight(data, self._address)
        except Reverted as error:
            return self._refused(row, heads, error)
        _, waiting = self._chain.nonces(self._address)
        nonce = max(held, waiting)
        signed = self._chain.sign(data, self._submitter, nonce)
        with writing(self._engine) as connection:
            return self._move(
                connection,
                row,
                BatchState.SIGNED,
                submitter=self._address,
                nonce=nonce,
                raw=signed.raw,
                tx_hash=signed.hash,
            )

    # signed → sent → mined

    def _send(self, row: BatchRow) -> BatchRow:
        settled = self._settle(row)
        if settled is not None:
            return settled
        try:
            self._chain.send(row.raw or b"")
        except ChainError as error:
            return self._after_refusal(row, error)
        with writing(self._engine) as connection:
            return self._move(connection, row, BatchState.SENT)

    def _after_refusal(self, row: BatchRow, error: ChainError) -> BatchRow:
        """The node did not take the transaction: because it has it, mined it and it failed, or cannot take it now."""
        settled = self._settle(row)
        if settled is not None:
            return settled
        if not self._chain.knows(row.tx_hash or b""):
            raise error
        with writing(self._engine) as connection:
            return self._move(connection, row, BatchState.SENT)

    def _watch(self, row: BatchRow) -> BatchRow:
        settled = self._settle(row)
        if settled is None and not self._chain.knows(row.tx_hash or b""):
            with writing(self._engine) as connection:
                return self._move(connection, row, BatchState.SIGNED, error="the node forgot the transaction")
        return settled or row

    def _settle(self, row: BatchRow) -> BatchRow | None:
        """Where a signed batch came to by the chain's word; None if that is still open."""
        last = self._chain.last_batch()
        mined = self._chain.outcome(row.tx_hash or b"")
        if mined is not None and mined.anchored:
            return self._landed(row, mined, row.tx_hash or b"")
        if last.id >= row.batch_id:
            return self._settle_taken(row)
        if mined is not None:
            return self._drop(row, "the transaction was mined and failed")
        spent = self._chain.nonces(row.submitter or self._address)[0] > (row.nonce or 0)
        if spent and self._chain.outcome(row.tx_hash or b"") is None:
            return self._drop(row, "another transaction took the nonce")
        return None

    def _settle_taken(self, row: BatchRow) -> BatchRow | None:
        """The batch id is taken: by this batch in another transaction, or by another batch."""
        if self._chain.batch(row.batch_id).root != row.batch_root:
            return self._drop(row, "another batch took the id")
        landing = self._chain.landing(row.batch_id)
        if landing is None:
            return None
        return self._landed(row, landing, landing.tx_hash)

    def _landed(self, row: BatchRow, place: Mined | Landing, tx_hash: bytes) -> BatchRow:
        with writing(self._engine) as connection:
            return self._move(
                connection,
                row,
                BatchState.MINED,
                tx_hash=tx_hash,
                block_number=place.block_number,
                block_hash=place.block_hash,
            )

    # mined → final, or back

    def _confirm(self, row: BatchRow) -> BatchRow:
        mined = self._chain.outcome(row.tx_hash or b"")
        if mined is None or not mined.anchored:
            return self._vanished(row)
        if (mined.block_number, mined.block_hash) != (row.block_number, row.block_hash):
            with writing(self._engine) as connection:
                return self._move(
                    connection, row, BatchState.MINED, block_number=mined.block_number, block_hash=mined.block_hash
                )
        standing = self._chain.newest_block().number - mined.block_number + 1
        if standing < self._confirmations or self._chain.block_hash(mined.block_number) != mined.block_hash:
            return row
        if self._chain.batch(row.batch_id).root != row.batch_root:
            return row
        with writing(self._engine) as connection:
            return self._move(connection, row, BatchState.FINAL)

    def _vanished(self, row: BatchRow) -> BatchRow:
        """A reorganisation took the block away: the same bytes go out again; what was not ours is looked for anew."""
        logger.warning("an anchor vanished from the chain", batch=row.batch_id, block=row.block_number)
        state = BatchState.DROPPED if row.raw is None else BatchState.SIGNED
        with writing(self._engine) as connection:
            return self._move(
                connection,
                row,
                state,
                block_number=None,
                block_hash=None,
                tx_hash=row.tx_hash if row.raw is None else keccak(row.raw),
                error="the chain was reorganised",
            )

    # ends

    def _is_stale(self, row: BatchRow, consortium: Consortium) -> BatchRow | None:
        """Drop a batch that history has passed before it was sent; None if it is still the next."""
        last = self._chain.last_batch()
        if (row.batch_id, row.previous_hash) != (last.id + 1, last.hash):
            return self._drop(row, "planned on another history")
        if row.epoch != consortium.epoch:
            return self._drop(row, "the members changed")
        return None

    def _refused(self, row: BatchRow, heads: Sequence[CheckpointRow], error: LedgerError) -> BatchRow:
        """Drop a batch that is refused for one ledger's sake and flag that; any other refusal is waited out."""
        nameless = isinstance(error, Reverted) and not error.name
        blamed = [head for head in heads if _blames(error, head) or (nameless and len(heads) == 1)]
        if not blamed and not nameless:
            return self._note(row, error)
        self.one_by_one = self.one_by_one or nameless
        with writing(self._engine) as connection:
            for head in blamed:
                self._flag(connection, head, error)
            return self._move(connection, row, BatchState.DROPPED, error=str(error))

    def _note(self, row: BatchRow, error: LedgerError) -> BatchRow:
        """Keep a batch where it is, with what stands in its way."""
        if row.error != str(error):
            logger.error("a batch waits", chain=row.chain_id, batch=row.batch_id, reason=str(error))
            with writing(self._engine) as connection:
                store.move_batch(connection, row, row.state, now_ms=self._clock(), error=str(error))
        return row

    def _drop(self, row: BatchRow, reason: str) -> BatchRow:
        with writing(self._engine) as connection:
            return self._move(connection, row, BatchState.DROPPED, error=reason)

    def _flag(self, connection: Connection, head: CheckpointRow, error: LedgerError) -> None:
        code = error.name if isinstance(error, Reverted) and error.name else error.code
        flag = store.FlagRow(
            head.ledger_id, *self._chain.key, head.size, REFUSED + code[:32], str(error), self._clock()
        )
        if store.set_flag(connection, flag):
            logger.error("a ledger is left out of the batches", ledger=head.origin, code=code, reason=str(error))

    def _move(self, connection: Connection, row: BatchRow, state: BatchState, **values: Any) -> BatchRow:
        moved = store.move_batch(connection, row, state, now_ms=self._clock(), **values)
        logger.info("batch", chain=row.chain_id, batch=row.batch_id, state=str(state), error=moved.error)
        return moved

    @property
    def _address(self) -> str:
        return str(self._submitter.address).lower()


def _checkpoints(heads: Sequence[CheckpointRow]) -> list[Checkpoint]:
    ordered = sorted((ledger_id(head.origin), head) for head in heads)
    return [
        Checkpoint(identifier, head.size, head.root, list(head.proof), head.signature or b"")
        for identifier, head in ordered
    ]


def _split(cosignatures: bytes | None) -> list[bytes]:
    data = cosignatures or b""
    return [data[start : start + SIGNATURE_SIZE] for start in range(0, len(data), SIGNATURE_SIZE)]


def _blames(error: LedgerError, head: CheckpointRow) -> bool:
    """Whether a refusal names a ledger: the contract by its id, members and proofs by its origin."""
    if isinstance(error, Reverted):
        return error.arguments.get("ledger") == ledger_id(head.origin)
    return error.field == head.origin
