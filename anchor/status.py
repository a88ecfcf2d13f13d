"""How far anchoring is: the lag of each ledger, batches by state, chains that are away, ledgers that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine

from anchor.evidence import LedgerSource
from anchor.settings import AnchorSettings, ChainSection, LedgerSection
from ledger.errors import LedgerError
from ledger.store import outbox as store
from ledger.store.database import reading
from ledger.store.entries import all_ledgers

NO_LEDGER: Final = "no ledger is registered here: `gongfen anchor register` takes in those of the server"


class LedgerStatus(NamedTuple):
    """A ledger's newest commitment (None: the server did not answer) and how much of it has a final anchor."""

    origin: str
    committed: int | None
    anchored: int

    @property
    def lag(self) -> int | None:
        """Entries that are committed and not anchored."""
        return None if self.committed is None else max(0, self.committed - self.anchored)


class ChainStatus(NamedTuple):
    """A contract: how many batches stand in each state, and how asking its chain went last (times in ms)."""

    chain_id: int
    contract: str
    batches: dict[str, int]
    block_number: int | None
    seen_ms: int | None
    tried_ms: int | None
    error: str | None
    waiting: list[str]
    """What stands in the way of open batches."""


class Status(NamedTuple):
    """All of it."""

    ledgers: list[LedgerStatus]
    chains: list[ChainStatus]
    left_out: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ledgers": [one._asdict() | {"lag": one.lag} for one in self.ledgers],
            "chains": [one._asdict() for one in self.chains],
            "left_out": self.left_out,
        }


def collect(engine: Engine, source: LedgerSource, settings: AnchorSettings) -> Status:
    """Read the outbox, and ask the ledger server for its newest commitments."""
    committed = {section.origin: _committed(source, section) for section in settings.ledger}
    with reading(engine) as connection:
        origins = {row.ledger_id: row.origin for row in all_ledgers(connection)}
        numbers = {origin: number for number, origin in origins.items()}
        ledgers = [
            LedgerStatus(
                origin, size, store.read_anchored_size(connection, numbers[origin]) if origin in numbers else 0
            )
            for origin, size in committed.items()
        ]
        seen = {(row.chain_id, row.contract): row for row in store.read_chains(connection)}
        chains = [_chain(connection, section, seen.get(section.key)) for section in settings.chain]
        flags = store.read_flags(connection)
    return Status(ledgers, chains, [_left_out(flag, origins) for flag in flags])


def lines(status: Status) -> Sequence[str]:
    """For people."""
    found = [] if status.ledgers else [NO_LEDGER]
    for ledger in status.ledgers:
        told = "the server does not answer" if ledger.lag is None else f"{ledger.lag} entries behind"
        found.append(f"{ledger.origin}: anchored to {ledger.anchored} of {ledger.committed or '?'}, {told}")
    for chain in status.chains:
        states = ", ".join(f"{count} {state}" for state, count in sorted(chain.batches.items())) or "no batch yet"
        found.append(f"chain {chain.chain_id}, {chain.contract}: {states}; newest block {chain.block_number or '?'}")
        found += [f"  WAITS: {reason}" for reason in (chain.error, *chain.waiting) if reason]
    found += [f"LEFT OUT: {flag['origin']} on chain {flag['chain_id']}: {flag['detail']}" for flag in status.left_out]
    return found


def _committed(source: LedgerSource, section: LedgerSection) -> int | None:
    try:
        found = source.newest_commitment(section.name)
    except LedgerError:
        return None
    return 0 if found is None else found.size


def _chain(connection: Any, section: ChainSection, seen: store.ChainRow | None) -> ChainStatus:
    waiting = [row.error for row in store.open_batches(connection, section.key) if row.error]
    return ChainStatus(
        *section.key,
        batches=store.count_states(connection, section.key),
        block_number=seen.block_number if seen else None,
        seen_ms=seen.seen_ms if seen else None,
        tried_ms=seen.tried_ms if seen else None,
        error=seen.error if seen else "no round was made yet",
        waiting=waiting,
    )


def _left_out(flag: store.FlagRow, origins: dict[int, str]) -> dict[str, Any]:
    values = flag._asdict()
    return {"origin": origins.get(values.pop("ledger_id"), "?")} | values
