"""The ledger's own clock for points that lapse (domain §3): whom it tells on a day, and whose points it takes.

A lot lapses on its day, once its holder was told at least `NOTICE_DAYS` before; the ledger tells `AHEAD_DAYS` before.
It tells a party of an issuer's points again only when all that it told of has lapsed or was used, since a notice takes
the place of the one before and its days begin anew. So a lot may lapse some days late, but never early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection

from ledger.domain.facts import Fact, LapseNotice, Lot, Lots
from ledger.domain.fields import day_number
from ledger.domain.kinds.spending import NOTICE_DAYS, PointsExpired, notice_key
from ledger.domain.lots import lapse_day, lots_key
from ledger.store.facts import read_facts, read_range

AHEAD_DAYS: Final = 60
"""How long before its day a lot is told of."""
PARTIES: Final = 500
"""Parties looked at in one go."""


class Lapses(Struct, array_like=True, frozen=True, tag=True):
    """What the clock did: how many notices and expiries it appended, and how many hundredths lapsed.

    ``refused`` events were not taken, the first for the reason ``why``. ``following`` is the fact key to go on from,
    empty at the end.
    """

    notices: int = 0
    expiries: int = 0
    units: int = 0
    refused: int = 0
    why: str = ""
    following: str = ""

    def __add__(self, later: Lapses) -> Lapses:
        """Both together, to go on from where the later one stopped."""
        return Lapses(
            self.notices + later.notices,
            self.expiries + later.expiries,
            self.units + later.units,
            self.refused + later.refused,
            self.why or later.why,
            later.following,
        )


def read_due(connection: Connection, ledger_id: int, today: str, after: str) -> tuple[list[PointsExpired], str]:
    """What is due on a day for the next parties after a fact key; and the key to go on from, empty at the end."""
    page = read_range(connection, ledger_id, lots_key(""), after=after, limit=PARTIES)
    held = {key.removeprefix(lots_key("")): fact.lots for key, fact in page.items() if isinstance(fact, Lots)}
    issuers = [(party, issuer) for party, lots in held.items() for issuer in sorted({lot.issuer for lot in lots})]
    notices = read_facts(connection, ledger_id, [notice_key(*one) for one in issuers])
    due = [event for party, issuer in issuers for event in due_of(party, issuer, held[party], notices, today)]
    return due, max(page) if len(page) == PARTIES else ""


def due_of(
    party: str, issuer: str, lots: Sequence[Lot], notices: Mapping[str, Fact | None], today: str
) -> list[PointsExpired]:
    """What is due on a day for a party's lots of one issuer: an expiry, then a notice."""
    held, notice = [lot for lot in lots if lot.issuer == issuer], notices[notice_key(party, issuer)]
    due = []
    if isinstance(notice, LapseNotice):
        told = [lot for lot in held if notice.tells_of(lot)]
        if day_number(today) - day_number(notice.told_on) >= NOTICE_DAYS:
            lapsed = [lot for lot in told if lot.expires_on <= today]
            if lapsed:
                due.append(_event("expire", lapsed, max(lot.expires_on for lot in lapsed), issuer, party))
            held, told = ([lot for lot in some if lot not in lapsed] for some in (held, told))
        if told:
            return due  # what was told of comes first
    soon = [lot for lot in held if lot.expires_on <= lapse_day(today, AHEAD_DAYS)]
    if soon:
        earliest = lapse_day(today, NOTICE_DAYS)
        due.append(_event("notice", soon, max(earliest, *(lot.expires_on for lot in soon)), issuer, party))
    return due


def _event(action: str, lots: Sequence[Lot], due_on: str, issuer: str, subject: str) -> PointsExpired:
    return PointsExpired(
        action=action,  # type: ignore[arg-type]
        amount_units=sum(lot.units for lot in lots),
        due_on=due_on,
        issuer=issuer,
        subject=subject,
    )
