"""Whether what must hold does, judged by what was read back from the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.domain.entries import Entry, parse_entry
from ledger.scenarios.kangbashi.plan import Plan
from ledger.scenarios.reading import Found

SHARES: Final = 3


class Watcher:
    """Keeps, of all entries: the residents, who claimed and who was awarded for each task, what was granted."""

    def __init__(self) -> None:
        self.residents: set[str] = set()
        self.claimed: dict[str, list[str]] = {}
        self.awarded: dict[str, list[str]] = {}
        self.granted: set[str] = set()
        self.rated = 0
        self.netted_units = 0
        self._kinds: dict[str, Callable[[Any], None]] = {
            "party_changed": self._party,
            "task_claimed": lambda body: self.claimed.setdefault(body.task, []).append(body.claimant),
            "points_awarded": self._award,
            "benefit_changed": self._benefit,
            "rating_published": self._rating,
            "merchant_settled": self._settlement,
        }

    def see(self, entry: Entry) -> None:
        """The next entry."""
        body = entry.event.body
        found = self._kinds.get(body.kind)
        if found is not None:
            found(body)

    def _party(self, body: Any) -> None:
        if body.action == "register" and body.type == "resident":
            self.residents.add(body.party)

    def _award(self, body: Any) -> None:
        if body.claim and body.task:
            self.awarded.setdefault(body.task, []).append(body.subject)

    def _benefit(self, body: Any) -> None:
        if body.action == "grant":
            self.granted.add(body.benefit)

    def _rating(self, body: Any) -> None:
        self.rated += len(body.tiers)

    def _settlement(self, body: Any) -> None:
        self.netted_units += body.netted_units or 0


def further(found: Found) -> Mapping[str, int]:
    """``residents`` are those with moral points, as the system counts them."""
    balances, watcher = found.only.balances, found.only.watcher
    return {
        "residents": sum(1 for party in watcher.residents if balances.get(f"{party}/merit", 0) > 0),
        "school_upgrades": len(watcher.granted),
        "ratings": watcher.rated,
        "netted_units": watcher.netted_units,
    }


def checks(plan: Plan, one_score: str, issues: int) -> dict[str, Callable[[Found], bool]]:
    """The checks by the id of their sentence; ``one_score`` is the party whose score is stated."""
    return {
        "bill": lambda found: all(_bill_holds(found, plan, place) for place in range(SHARES)),
        "merit": lambda found: _merit_is_exact(found, one_score, plan.stated.one_score_units),
        "grab": lambda found: all(_first_has_it(found, number) for number in range(issues)),
    }


def _bill_holds(found: Found, plan: Plan, place: int) -> bool:
    """The exact share was taken, a fen's worth more refused."""
    shares = (plan.stated.bill_share_bp[0], sum(plan.stated.bill_share_bp) // 2, plan.stated.bill_share_bp[1])
    bill_fen = plan.split.bill_fen
    most = bill_fen * shares[place] * plan.stated.points_per_yuan // 10_000
    taken, refused = found.only.answers[f"exactly {place}"], found.only.answers[f"over {place}"]
    body: Any = parse_entry(found.client.entry(found.only.chronicle.name, taken.seq)).event.body
    asked = _body_of(refused.signed.data)
    return (
        (body.bill_fen, body.amount_units) == (bill_fen, most)
        and (asked["bill_fen"], asked["amount_units"]) == (bill_fen, most + 100)
        and refused.code == "bill_cap_exceeded"
    )


def _merit_is_exact(found: Found, party: str, units: int) -> bool:
    """The account and the sum of all entries say 211.20."""
    stated = found.client.account(found.only.chronicle.name, party, limit=1)["balances"]["merit"]
    return bool(stated == found.only.balances[f"{party}/merit"] == units)


def _first_has_it(found: Found, number: int) -> bool:
    """Two departments asked for one place: the first has it in the log and was awarded, the second was refused."""
    first, second = (found.only.answers[f"grab {number} {which}"] for which in ("first", "second"))
    one, other = _body_of(first.signed.data), _body_of(second.signed.data)
    watcher, task = found.only.watcher, one["task"]
    return (
        first.seq > 0
        and second.code == "no_place_left"
        and other["task"] == task
        and other["claimant"] != one["claimant"]
        and watcher.claimed[task] == [one["claimant"]] == watcher.awarded[task]
    )


def _body_of(submission: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(submission)["event"]["body"]
    return body
