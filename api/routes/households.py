"""Households, for those who may read entries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from api.deps import admitted, reply
from api.openapi import answer, described
from ledger.core.types import MAX_INT
from ledger.service.households import HouseholdView, view_household
from ledger.service.queries import PAGE_MAX
from ledger.store.entries import LedgerRow

router = APIRouter(prefix="/v1/ledgers/{name}/households", tags=["households"])


@router.get("/{household}", **described({200: answer("the household on a day", HouseholdView)}, scope="read"))
async def get_household(
    request: Request,
    name: str,
    household: str,
    on: Annotated[str | None, Query(max_length=10, description="the day, YYYY-MM-DD; default: today")] = None,
    before: Annotated[int | None, Query(ge=0, le=MAX_INT)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    disclose: Annotated[bool, Query(description="with private details; takes the scope `disclose` as well")] = False,
) -> Response:
    """Members, balances, sums of month and year, honours and awards of a household on a day."""
    service = admitted(request, "read", name)
    if disclose:
        admitted(request, "disclose", name)
    storage = service.ledgers.storage

    def look(connection: Connection, row: LedgerRow) -> HouseholdView:
        vault = storage.vault if disclose else None
        return view_household(
            connection, row, household, now_ms=storage.clock(), on=on, before=before, limit=limit, vault=vault
        )

    return reply(await service.read(name, look), cache="no-store" if disclose else "")
