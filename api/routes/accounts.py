"""Accounts of parties."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.answers import PartyAccount
from api.deps import admitted, reply
from api.openapi import answer, described
from ledger.core.types import MAX_INT
from ledger.service.queries import PAGE_MAX, view_account

router = APIRouter(prefix="/v1/ledgers/{name}/accounts", tags=["accounts"])


@router.get("/{party}", **described({200: answer("balances and newest entries", PartyAccount)}, scope="read"))
async def get_account(
    request: Request,
    name: str,
    party: str,
    before: Annotated[int | None, Query(ge=0, le=MAX_INT)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> Response:
    """A party's balances and its entries, newest first; ``before`` goes on from an earlier answer."""
    service = admitted(request, "read", name)
    view = await service.read(name, lambda link, row: view_account(link, row, party, before=before, limit=limit))
    return reply(PartyAccount.of(view))
