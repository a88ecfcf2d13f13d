"""Lots: `spend` that lapses (domain §3). They are used by (``expires_on``, ``seq``), the oldest first.

A party's balance is its lots and what never lapses; lots are used before the rest. What an entry drew from lots is kept
under its event id, so that a reversal restores the same lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from ledger.domain.events import Facts
from ledger.domain.facts import Account, Fact, Lot, Lots
from ledger.domain.fields import Day


def lots_key(party: str) -> str:
    """The fact key of a party's lots."""
    return f"lots:{party}"


def draw_key(event_id: str) -> str:
    """The fact key of what an event drew from lots."""
    return f"draw:{event_id}"


def lots_of(facts: Facts, party: str) -> list[Lot]:
    """A party's lots, in the order in which they are used."""
    return _held(facts[lots_key(party)])


def held_units(facts: Facts, party: str) -> int:
    """A party's `spend`, in hundredths; none in a ledger that has `merit` alone."""
    account = facts[f"account:{party}"]
    return account.balances.get("spend", 0) if isinstance(account, Account) else 0


def add_lots(facts: Facts, party: str, lots: Sequence[Lot]) -> dict[str, Fact]:
    """The facts after a party got lots."""
    return {lots_key(party): Lots(_ordered([*lots_of(facts, party), *lots]))}


def draw(facts: Facts, party: str, units: int, event_id: str) -> dict[str, Fact]:
    """The facts after ``units`` of a party's points were used: lots first, the oldest of them first."""
    left, drawn = take(lots_of(facts, party), units)
    return {lots_key(party): Lots(left), draw_key(event_id): Lots(drawn)} if drawn else {}


def restore(facts: Facts, party: str, event_id: str) -> dict[str, Fact]:
    """The facts after what an event drew came back into the same lots."""
    drawn = _held(facts[draw_key(event_id)])
    if not drawn:
        return {}
    lots = {(lot.expires_on, lot.seq): lot for lot in lots_of(facts, party)}
    for lot in drawn:
        place = (lot.expires_on, lot.seq)
        lots[place] = replace(lot, units=lot.units + (lots[place].units if place in lots else 0))
    return {lots_key(party): Lots(_ordered(list(lots.values()))), draw_key(event_id): Lots([])}


def cancel(facts: Facts, party: str, units: int, seq: int) -> dict[str, Fact]:
    """The facts after ``units`` given by entry ``seq`` were taken back: its own lot, what never lapses, other lots."""
    lots = lots_of(facts, party)
    if not lots:
        return {}
    own = [lot for lot in lots if lot.seq == seq]
    others = [lot for lot in lots if lot.seq != seq]
    kept, drawn = take(own, units)
    still = units - _sum(drawn)
    lasting = held_units(facts, party) - _sum(lots)
    rest, _ = take(others, max(0, still - lasting))
    return {lots_key(party): Lots(_ordered([*kept, *rest]))}


def take(lots: list[Lot], units: int) -> tuple[list[Lot], list[Lot]]:
    """Split lots into what is left and what is drawn when up to ``units`` are used, in order."""
    left, drawn = [], []
    for lot in lots:
        used = min(units, lot.units)
        units -= used
        if used:
            drawn.append(replace(lot, units=used))
        if used < lot.units:
            left.append(replace(lot, units=lot.units - used))
    return left, drawn


def lapse_day(occurred_on: Day, days: int) -> str:
    """The day on which points for an act lapse; a day after year 9999 is the last one there is."""
    try:
        return (date.fromisoformat(occurred_on) + timedelta(days=days)).isoformat()
    except OverflowError:
        return date.max.isoformat()


def _held(fact: Fact | None) -> list[Lot]:
    return fact.lots if isinstance(fact, Lots) else []


def _ordered(lots: list[Lot]) -> list[Lot]:
    return sorted(lots, key=lambda lot: (lot.expires_on, lot.seq))


def _sum(lots: list[Lot]) -> int:
    return sum(lot.units for lot in lots)
