"""The anchor service put together: every contract's outbox and planner, and one round of work over all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine

from anchor.chain import AnchorChain, Web3Chain
from anchor.connect import connect
from anchor.database import check_database, ledger_numbers
from anchor.evidence import LedgerSource, Watched
from anchor.keys import read_key
from anchor.members import LocalMembers, Member, MemberMemory
from anchor.outbox import Outbox, Signer
from anchor.planning import Planner
from anchor.settings import AnchorSettings, ChainSection
from ledger.errors import ConfigError, LedgerError
from ledger.store import outbox as store
from ledger.store.database import writing
from ledger.store.outbox import ContractKey

logger = structlog.get_logger(__name__)
BATCHES_PER_ROUND: Final = 50


def now_ms() -> int:
    """The wall clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class RoundResult(NamedTuple):
    """How a round went with one contract: whether everything is final, and the error if it was cut short."""

    key: ContractKey
    settled: bool
    error: str | None


class Anchoring:
    """One contract: what is open moves on, what landed is recorded, what is not anchored is planned."""

    def __init__(self, engine: Engine, chain: AnchorChain, outbox: Outbox, planner: Planner) -> None:
        self.chain = chain
        self._engine = engine
        self._outbox = outbox
        self._planner = planner

    def round(self) -> bool:
        """Do whatever can be done now; True if nothing is left to send. Raises `LedgerError` if it is cut short."""
        self.chain.check()
        for _ in range(BATCHES_PER_ROUND):
            done = self._outbox.advance()
            if self._planner.adopt():
                continue
            if not done:
                return False
            if self._planner.plan(alone=self._outbox.one_by_one) is None:
                self._outbox.one_by_one = False
                return True
        return False


class AnchorService:
    """All contracts of a settings file, over one database."""

    def __init__(self, engine: Engine, parts: Sequence[Anchoring], *, clock: Callable[[], int] = now_ms) -> None:
        self._engine = engine
        self._parts = list(parts)
        self._clock = clock

    def round(self) -> list[RoundResult]:
        """One round over every contract. A chain that is away holds up no other."""
        return [self._round(part) for part in self._parts]

    def _round(self, part: Anchoring) -> RoundResult:
        key = part.chain.key
        error: str | None = None
        block: int | None = None
        settled = False
        try:
            block = part.chain.newest_block().number
            settled = part.round()
        except LedgerError as caught:
            error = str(caught)
            logger.warning("a round was cut short", chain=key.chain_id, contract=key.contract, reason=error)
        with writing(self._engine) as connection:
            store.note_chain(connection, key, now_ms=self._clock(), block_number=block, error=error)
            settled = settled and not store.open_batches(connection, key)
        return RoundResult(key, settled, error)


def assemble(
    engine: Engine,
    source: LedgerSource,
    chains: Sequence[tuple[AnchorChain, int]],
    *,
    signer: Signer,
    members: LocalMembers,
    submitter: LocalAccount,
    clock: Callable[[], int] = now_ms,
) -> AnchorService:
    """The service over chains that are given with their confirmations."""
    parts = []
    for chain, depth in chains:
        outbox = Outbox(
            engine, chain, signer=signer, members=members, submitter=submitter, confirmations=depth, clock=clock
        )
        planner = Planner(
            engine, chain, signer=signer, source=source, numbers=lambda: ledger_numbers(engine), clock=clock
        )
        parts.append(Anchoring(engine, chain, outbox, planner))
    return AnchorService(engine, parts, clock=clock)


def open_service(engine: Engine, source: LedgerSource, settings: AnchorSettings, folder: Path) -> AnchorService:
    """The service that a settings file describes; key paths are relative to ``folder``. Raises `ConfigError`."""
    check_database(engine)
    if not settings.chain:
        raise ConfigError("no chain is configured; run `gongfen anchor deploy`", field="chain")
    watched = {section.origin: Watched(section.origin, section.verifier_keys()) for section in settings.ledger}
    heads = {
        section.origin: (watched[section.origin], read_key(folder / section.head_key, "head", section.origin).account)
        for section in settings.ledger
    }
    return assemble(
        engine,
        source,
        [(open_chain(section), section.depth) for section in settings.chain],
        signer=Signer(heads),
        members=LocalMembers(open_members(settings, folder), source),
        submitter=read_key(folder / settings.submitter, "submitter").account,
    )


def open_chain(section: ChainSection) -> Web3Chain:
    """The chain of a section; nothing is asked yet."""
    w3 = connect(section.rpc, section.kind)
    return Web3Chain(w3, section.kind, section.key, code_hash=section.code_hash, first_block=section.first_block)


def open_members(settings: AnchorSettings, folder: Path) -> list[Member]:
    """The members whose keys lie here."""
    watched = [Watched(section.origin, section.verifier_keys()) for section in settings.ledger]
    members = []
    for section in settings.member:
        key = read_key(folder / section.key, "member")
        members.append(Member(key.account, MemberMemory(folder / section.memory, key.address), watched))
    return members
