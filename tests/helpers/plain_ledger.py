"""A ledger recomputed from its entries alone, the plain way: what must hold after every entry of any history."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from itertools import pairwise
from typing import Any

from ledger.core.merkle import leaf_hash
from ledger.core.types import ZERO_DIGEST
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.events import pairs
from ledger.domain.facts import Account, Figures, Lots, Members, PartyFact, Task
from tests.helpers.village import Village, person


class PlainLedger:
    """The plain recomputation: balances, accounts and what was counted, from the entries alone."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = defaultdict(int)
        self.heads: dict[str, tuple[bytes, int, int]] = {}
        self.entries: dict[str, Entry] = {}
        self.given_back: set[str] = set()
        self.reversed: set[str] = set()
        self.captures: set[tuple[str, str, int]] = set()

    def apply(self, data: bytes) -> None:
        entry = parse_entry(data)
        event, postings = entry.event, pairs(entry.effects.postings)
        body = event.body
        assert body.parties() == entry.effects.parties == sorted(set(entry.effects.parties))
        assert body.check_postings(postings), "a verifier without any state accepts the postings"
        assert {account[:28] for account, _ in postings} <= set(entry.effects.parties)
        assert [account for account, _ in postings] == sorted({account for account, _ in postings})
        for unit in ("merit", "spend"):
            assert sum(delta for account, delta in postings if account.endswith(unit)) == 0
        if body.kind == "points_redeemed":
            assert all(account.endswith("spend") for account, _ in postings), "merit is never exchanged"
        for account, delta in postings:
            self.balances[account] += delta
            assert delta
            if account.endswith("spend") and account[:28] != person("coop").party:
                assert self.balances[account] >= 0, "points are never a debt"
        self._bind(entry, leaf_hash(data))
        self._count(entry)

    def _bind(self, entry: Entry, leaf: bytes) -> None:
        for party in entry.effects.parties:
            head, count, _ = self.heads.get(party, (ZERO_DIGEST, 0, -1))
            self.heads[party] = (sha256(b"\x04" + head + leaf).digest(), count + 1, entry.chain.seq)

    def _count(self, entry: Entry) -> None:
        event: Any = entry.event
        assert event.id not in self.entries
        self.entries[event.id] = entry
        if event.reverses:
            assert event.reverses not in self.reversed, "an entry is reversed once"
            assert event.reverses in self.entries
            self.reversed.add(event.reverses)
            if event.body.act:
                self.given_back.add(event.reverses)
        if event.device:
            capture = (event.actor, event.device.id, event.device.seq)
            assert capture not in self.captures, "a capture counts once"
            self.captures.add(capture)

    def check(self, village: Village) -> None:
        """Compare with the facts; nothing that may happen once stands twice."""
        for party, (head, count, last) in self.heads.items():
            account = village.facts[f"account:{party}"]
            assert isinstance(account, Account)
            assert (account.head, account.count, account.last) == (head.hex(), count, last)
            assert account.balances == {unit: self.balances[f"{party}/{unit}"] for unit in ("merit", "spend")}
        self._check_caps()
        self._check_once(village)
        self._check_claims(village)
        self._check_lots(village)
        self._check_tills(village)
        self._check_figures(village)
        self._check_households(village)

    def _awards(self, without: set[str]) -> list[Any]:
        events = [e.event for e in self.entries.values() if e.event.body.kind == "points_awarded"]
        return [event for event in events if event.id not in without]

    def _check_caps(self) -> None:
        got: Counter[tuple[str, str]] = Counter()
        for event in self._awards(self.given_back):
            if event.rule.id == "capped":
                for length in (10, 7, 4):
                    got[event.body.subject, event.occurred_on[:length]] += event.body.amount_units
        most = {10: 400, 7: 600, 4: 800}
        assert all(units <= most[len(period)] for (_, period), units in got.items())

    def _check_once(self, village: Village) -> None:
        taken: dict[str, list[str]] = defaultdict(list)
        for event in self._awards(self.given_back):
            if event.body.task:
                taken[event.body.task].append(event.body.subject)
        for task, subjects in taken.items():
            fact = village.facts[f"task:{task}"]
            assert isinstance(fact, Task)
            assert len(set(subjects)) == len(subjects), "nobody is rewarded twice for one task"
            assert fact.claimants or len(subjects) == fact.taken
            assert 0 <= fact.taken <= fact.capacity
            assert 0 <= fact.used_units <= (fact.budget_units or fact.used_units)
        carried = [e.event for e in self.entries.values() if e.event.body.kind == "balance_carried"]
        standing: list[Any] = [event.body for event in carried if event.id not in self.reversed]
        assert len({(body.subject, body.unit) for body in standing}) == len(standing)

    def _check_claims(self, village: Village) -> None:
        """A declared act is rewarded at most once, after somebody else approved it; claimed places fit."""
        rewarded = [event.body.claim for event in self._awards(self.reversed) if event.body.claim]
        assert len(set(rewarded)) == len(rewarded), "one act counts once"
        reviews: list[Any] = [e.event for e in self.entries.values() if e.event.body.kind == "claim_reviewed"]
        outcomes = {event.body.claim: event for event in reviews}
        assert len(outcomes) == len(reviews), "a declaration is reviewed once"
        for declared in rewarded:
            assert outcomes[declared].body.outcome == "approve"
            assert outcomes[declared].actor != self.entries[declared].event.actor
        places: Counter[str] = Counter()
        for entry in self.entries.values():
            body: Any = entry.event.body
            if body.kind == "task_claimed":
                places[body.task] += 1 if body.action == "claim" else -1
        for task, taken in places.items():
            fact: Any = village.facts[f"task:{task}"]
            assert fact.taken == taken

    def _check_lots(self, village: Village) -> None:
        """Lots are part of the balance, in the order in which they are used, and no more than was given."""
        for key, fact in village.facts.items():
            if not isinstance(fact, Lots) or not key.startswith("lots:"):
                continue
            places = [(lot.expires_on, lot.seq) for lot in fact.lots]
            assert places == sorted(set(places))
            given: list[Any] = [parse_entry(village.entries[lot.seq]).event.body for lot in fact.lots]
            assert all(0 < lot.units <= body.amount_units for lot, body in zip(fact.lots, given, strict=True))
            assert sum(lot.units for lot in fact.lots) <= self.balances[f"{key[5:]}/spend"]

    def _check_tills(self, village: Village) -> None:
        """What a shop has is what it took in and was not settled."""
        for shop in ("shop", "market"):
            till: Any = village.facts.get(f"till:{person(shop).party}/{person('coop').party}")
            if till is not None:
                assert self.balances[f"{person(shop).party}/spend"] == till.taken_units - till.settled_units
                assert till.owed_units >= 0

    def _check_figures(self, village: Village) -> None:
        """What is outstanding by the figures is what the one issuer has given out."""
        for unit in ("merit", "spend"):
            figures = [fact for fact in village.facts.values() if isinstance(fact, Figures)]
            issued = sum(fact.issuer.get(unit, 0) for fact in figures)
            assert issued == self.balances[f"{person('coop').party}/{unit}"]

    def _check_households(self, village: Village) -> None:
        """Stays neither overlap nor leave doubt about who is a member now; nobody is counted twice."""
        now: dict[str, list[str]] = defaultdict(list)
        for key, fact in village.facts.items():
            if not isinstance(fact, PartyFact):
                continue
            for before, after in pairwise(fact.memberships):
                assert before.to, "only the last stay lasts"
                assert before.from_ <= before.to <= after.from_
            if fact.memberships and not fact.memberships[-1].to:
                now[fact.memberships[-1].household].append(key[6:])
        members = {key[8:]: fact.residents for key, fact in village.facts.items() if isinstance(fact, Members)}
        assert {home: sorted(residents) for home, residents in now.items()} == {
            home: residents for home, residents in members.items() if residents
        }
