"""Reading a whole ledger back over HTTP, so that a report tells what the ledger holds and not what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from ledger.client import LedgerClient
from ledger.domain.entries import Entry, parse_entry
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded, PointsRedeemed, TaskPublished
from ledger.errors import StateError

LEAVING = frozenset({"move_out", "death"})


def read_entries(client: LedgerClient, name: str) -> Iterator[Entry]:
    """Every entry of a ledger, in order. Raises `BusyError` if the server does not answer, `StateError` on a gap."""
    for seq, data in enumerate(client.entries(name)):
        entry = parse_entry(data)
        if entry.chain.seq != seq:
            raise StateError("an entry is missing", expected=seq, got=entry.chain.seq)
        yield entry


class Figures(NamedTuple):
    """What the entries of a ledger add up to; what was reversed counts in nothing but ``reversals``.

    Units are hundredths of a point, counted once though an award may credit two units.
    """

    entries: int
    residents: int
    households: int
    groups: int
    activities: int
    participations: int
    places: dict[int, int]
    awarded_units: int
    deducted_units: int
    redeemed_units: int
    redemptions: int
    saved_fen: int
    reversals: int
    issuer: str
    shops: list[str]

    @property
    def net_units(self) -> int:
        """Awarded less deducted."""
        return self.awarded_units - self.deducted_units


def add_up(entries: Iterator[Entry]) -> Figures:
    """The figures of a ledger's entries."""
    standing: dict[str, Entry] = {}
    count = reversals = 0
    for entry in entries:
        count += 1
        standing[entry.event.id] = entry
        if not isinstance(entry.event.reverses, UnsetType):
            reversals += 1
            standing.pop(entry.event.reverses)
    parties = _parties(standing)
    moved = _moved(standing)
    awards = [e.event.body for e in standing.values() if isinstance(e.event.body, PointsAwarded)]
    redemptions = [e.event.body for e in standing.values() if isinstance(e.event.body, PointsRedeemed)]
    per_task = Counter(award.task for award in awards if award.task is not UNSET)
    return Figures(
        entries=count,
        residents=len(parties["resident"]),
        households=len(parties["household"]),
        groups=len(parties["group"]),
        activities=sum(isinstance(entry.event.body, TaskPublished) for entry in standing.values()),
        participations=per_task.total(),
        places=dict(sorted(Counter(per_task.values()).items())),
        awarded_units=moved["points_awarded"],
        deducted_units=moved["points_deducted"],
        redeemed_units=moved["points_redeemed"],
        redemptions=len(redemptions),
        saved_fen=sum(body.bill_fen for body in redemptions),
        reversals=reversals,
        issuer=awards[0].issuer if awards else "",
        shops=sorted(parties["shop"]),
    )


def _parties(standing: dict[str, Entry]) -> dict[str, set[str]]:
    """The parties registered and not gone, by type."""
    found: dict[str, set[str]] = {kind: set() for kind in ("resident", "household", "group", "shop")}
    for entry in standing.values():
        body = entry.event.body
        if not isinstance(body, PartyChanged):
            continue
        if body.action == "register" and not isinstance(body.type, UnsetType):
            found.setdefault(body.type, set()).add(body.party)
        elif body.action in LEAVING:
            found["resident"].discard(body.party)
        elif body.action == "merge":
            found["household"].discard(body.party)
    return found


def _moved(standing: dict[str, Entry]) -> Counter[str]:
    """By kind, the points that went from one account to another."""
    moved: Counter[str] = Counter()
    for entry in standing.values():
        units: Counter[str] = Counter()
        for posting in entry.effects.postings:
            if posting.delta > 0:
                units[posting.account[29:]] += posting.delta
        if units:
            moved[entry.event.body.kind] += max(units.values())
    return moved
