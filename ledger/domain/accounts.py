"""Accounts: what a judged entry adds to the account of every party it concerns (formats §7)."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.core.hashing import history_step
from ledger.core.types import ZERO_DIGEST
from ledger.domain.events import Facts
from ledger.domain.facts import LEDGER, Account, Fact, Ledger
from ledger.domain.judge import Judgement

NEVER = -1
"""The ``last`` of a party that no entry has concerned yet."""


def settle(judgement: Judgement, facts: Facts, *, seq: int, leaf: bytes) -> dict[str, Fact]:
    """Every fact that the entry changes: those of the judgement, and the new account of every party it concerns.

    ``leaf`` is the entry's leaf hash; an account is balances, count, history head, last.
    """
    settled = dict(judgement.changes)
    for party in judgement.parties:
        key = f"account:{party}"
        before = facts[key]
        balances = judgement.balances.get(party)
        if isinstance(before, Account):
            head, count = bytes.fromhex(before.head), before.count
            balances = before.balances if balances is None else balances
        else:
            head, count = ZERO_DIGEST, 0
            balances = balances or _nothing(judgement, facts)
        settled[key] = Account(
            balances=balances, count=count + 1, head=history_step(head, leaf).hex(), last=seq, party=party
        )
    return settled


def _nothing(judgement: Judgement, facts: Facts) -> dict[str, int]:
    """The balances of a new account. Facts of the judgement count first: entry 0 brings the ledger's units itself."""
    ledger = judgement.changes.get(LEDGER) or facts[LEDGER]
    assert isinstance(ledger, Ledger), "judging refuses everything before entry 0"
    return dict.fromkeys(ledger.units, 0)


def previous_entries(parties: Sequence[str], facts: Facts) -> list[int]:
    """For each party, the seq of the newest entry before that concerned it, or `NEVER`."""
    previous = []
    for party in parties:
        account = facts[f"account:{party}"]
        previous.append(account.last if isinstance(account, Account) else NEVER)
    return previous
