"""Reading what concerns a household: who ever belonged to it, and what they did while they did.

Members' points are never copied to the household: they are added up here, by query (domain §3). An act counts for the
household of which its subject was a member on that day, so a move takes nothing along and counts nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import Final, NamedTuple

from msgspec import UnsetType
from sqlalchemy import Connection

from ledger.core.types import MAX_INT, parse_party
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.facts import Account, Honour, Honours, Membership, PartyFact
from ledger.domain.fields import day_of
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.domain.kinds.recognition import honour_stands, honours_key
from ledger.errors import NotFoundError
from ledger.store import entries as log
from ledger.store.facts import read_facts

CHUNK: Final = 100
"""Entries of a party in memory at a time."""
_MOVES: Final = b'"kind":"%b"' % PartyChanged.kind.encode()
"""What the bytes of every entry that changes a membership hold."""


class Home:
    """A household, and whoever was a member of it at any time. Raises `NotFoundError` if there is none."""

    def __init__(self, connection: Connection, row: log.LedgerRow, household: str) -> None:
        self.household = parse_party(household, "household")
        self._connection = connection
        self._ledger_id = row.ledger_id
        keys = (f"party:{household}", f"account:{household}", honours_key(household))
        facts = read_facts(connection, row.ledger_id, keys)
        fact, account, honours = (facts[key] for key in keys)
        if not isinstance(fact, PartyFact) or fact.type != "household" or not isinstance(account, Account):
            got = fact.type if isinstance(fact, PartyFact) else household
            raise NotFoundError("no such household", field="household", expected="a household", got=got)
        self.fact = fact
        self._honours = honours.honours if isinstance(honours, Honours) else []
        self._accounts: dict[str, Account] = {self.household: account}
        self._stays: dict[str, list[Membership]] = {}
        self._find_residents()

    def _find_residents(self) -> None:
        """Whoever joined did so in an entry that concerns the household as well."""
        moved: set[str] = set()
        for stored in self._entries_of(self.household):
            if _MOVES in stored.data:
                moved.update(parse_entry(stored.data).effects.parties)
        keys = [f"{kind}:{party}" for party in sorted(moved) for kind in ("party", "account")]
        facts = read_facts(self._connection, self._ledger_id, keys)
        for party in sorted(moved):
            fact, account = facts[f"party:{party}"], facts[f"account:{party}"]
            if isinstance(fact, PartyFact) and isinstance(account, Account):
                stays = [stay for stay in fact.memberships if stay.household == self.household]
                if stays:
                    self._stays[party], self._accounts[party] = stays, account

    def members_on(self, day: str) -> dict[str, str]:
        """The members on a day, each with the day since when."""
        return {party: stay.from_ for party, stays in self._stays.items() for stay in stays if _covers(stay, day)}

    def counts(self, subject: str, day: str) -> bool:
        """Whether what a party did on a day counts for the household."""
        return subject == self.household or any(_covers(stay, day) for stay in self._stays.get(subject, ()))

    def honours_on(self, day: str) -> list[Honour]:
        """The household's honours that stand on a day."""
        return [honour for honour in self._honours if honour_stands(honour, day)]

    def balances(self, party: str) -> dict[str, int]:
        """What the household, or somebody who ever was a member, has now."""
        return dict(self._accounts[party].balances)

    def entries(self) -> Iterator[Entry]:
        """Every entry that concerns the household or anybody who ever was a member, newest first."""
        seen = -1
        for stored in merge(*map(self._entries_of, self._accounts), key=lambda one: -one.seq):
            if stored.seq != seen:
                seen = stored.seq
                yield parse_entry(stored.data)

    def _entries_of(self, party: str) -> Iterator[log.StoredEntry]:
        last = self._accounts[party].last
        return log.stream_party_entries(self._connection, self._ledger_id, party, last, chunk=CHUNK)


def _covers(stay: Membership, day: str) -> bool:
    return stay.from_ <= day and (isinstance(stay.to, UnsetType) or day < stay.to)


def together(household: dict[str, int], members: dict[str, int]) -> dict[str, int]:
    """Both sides of a sum as one, by unit."""
    return {unit: units + members[unit] for unit, units in household.items()}


class Counted(NamedTuple):
    """An award that counts for a household: what it gave its subject, and the event that took it back, if one did."""

    entry: Entry
    body: PointsAwarded
    units: dict[str, int]
    reversed_by: str | None


class Sum:
    """What the household itself got, and what its members did, by unit in hundredths, in the period of a prefix."""

    def __init__(self, period: str, units: dict[str, int]) -> None:
        self.household = dict.fromkeys(units, 0)
        self.members = dict.fromkeys(units, 0)
        self._period = period

    def add(self, day: str, gained: dict[str, int], *, own: bool) -> None:
        """Count what an act on a day gave, or took."""
        if day.startswith(self._period):
            side = self.household if own else self.members
            for unit, delta in gained.items():
                side[unit] += delta


class Walk:
    """Back through the entries of a household from its newest: its balances, sums and awards as of the end of ``day``.

    ``deductions`` says whether the sums count them. Entries after that day change the balances back, while sums and
    awards hold whatever is known now of acts up to that day.
    """

    def __init__(self, home: Home, day: str, *, deductions: bool) -> None:
        self._home = home
        self._day = day
        self._kinds = (PointsAwarded, PointsDeducted) if deductions else (PointsAwarded,)
        self.members = home.members_on(day)
        self.balances = {party: home.balances(party) for party in (home.household, *self.members)}
        units = self.balances[home.household]
        self.month, self.year = Sum(day[:7], units), Sum(day[:4], units)
        self.awards: list[Counted] = []

    def go(self, *, before: int | None = None, awards: int = 0) -> None:
        """Walk as far as it takes for the sums, and for so many awards of entries before one of seq ``before``."""
        last, reversals = MAX_INT if before is None else before - 1, {}
        for entry in self._home.entries():
            recorded_on, event = day_of(entry.chain.at), entry.event
            if recorded_on[:4] < self._day[:4] and len(self.awards) >= awards:
                return  # no act is recorded before it happened, so none of this year is left
            if recorded_on > self._day:
                self._undo(entry)
            if event.reverses:
                reversals[event.reverses] = event.id
            body = event.body
            if not isinstance(body, self._kinds) or not self._counts(body.subject, event.occurred_on):
                continue
            gained = {p.account[29:]: p.delta for p in entry.effects.postings if p.account.startswith(body.subject)}
            reversed_by = reversals.get(event.id)
            if reversed_by is None:
                for period in (self.month, self.year):
                    period.add(event.occurred_on, gained, own=body.subject == self._home.household)
            if isinstance(body, PointsAwarded) and entry.chain.seq <= last and len(self.awards) < awards:
                self.awards.append(Counted(entry, body, gained, reversed_by))

    def _counts(self, subject: str, day: str) -> bool:
        return day <= self._day and self._home.counts(subject, day)

    def _undo(self, entry: Entry) -> None:
        for posting in entry.effects.postings:
            held = self.balances.get(posting.account[:28])
            if held is not None:
                held[posting.account[29:]] -= posting.delta
