"""What a household's door code shows: honours, and what household and members got together. Nothing else is public.

Whoever stands at the door may scan it, so there are no deductions, no balances and no persons (domain §2, P0 and P1).
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection

from ledger.core.hashing import door_digest
from ledger.domain.facts import Credential
from ledger.domain.kinds.credentials import credential_key
from ledger.errors import NotFoundError
from ledger.service.homes import Home, Walk, together
from ledger.service.households import HonourShown, shown_honours, today_of
from ledger.service.queries import Hundredths
from ledger.store.entries import LedgerRow
from ledger.store.facts import read_facts


class DoorView(Struct, frozen=True, omit_defaults=True):
    """What a household and its members were awarded in the month and the year of the day ``on``, in hundredths by unit.

    ``household`` is there only for who may see accounts.
    """

    on: str
    month: dict[str, Hundredths]
    year: dict[str, Hundredths]
    honours: list[HonourShown]
    household: str | UnsetType = UNSET


def view_door(connection: Connection, row: LedgerRow, secret: bytes, *, now_ms: int, reader: bool) -> DoorView:
    """The public view of the household at whose door a secret stands; ``reader`` may see which household it is.

    Raises `NotFoundError`, with the code ``credential_ended`` for a code that was in force once; it never repeats the
    secret or its digest.
    """
    key = credential_key(door_digest(secret))
    credential = read_facts(connection, row.ledger_id, [key])[key]
    if not isinstance(credential, Credential) or credential.medium != "door":
        raise NotFoundError("no such door code", field="secret")
    if credential.status != "active":
        raise _ended("this door code is no longer in force")
    home, day = Home(connection, row, credential.party), today_of(connection, row, now_ms)
    if home.fact.status != "active":
        raise _ended("the household of this door code is no more")
    walk = Walk(home, day, deductions=False)
    walk.go()
    return DoorView(
        on=day,
        month=together(walk.month.household, walk.month.members),
        year=together(walk.year.household, walk.year.members),
        honours=shown_honours(connection, row, home.honours_on(day)),
        household=home.household if reader else UNSET,
    )


def _ended(message: str) -> NotFoundError:
    return NotFoundError(message, code="credential_ended", field="secret")
