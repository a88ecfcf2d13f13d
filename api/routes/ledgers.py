"""Ledgers at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.answers import LedgerList, LedgerSummary
from api.deps import reply, service_of
from api.openapi import answer, described
from ledger.service.queries import view_ledger

router = APIRouter(prefix="/v1/ledgers", tags=["ledgers"])


@router.get("", **described({200: answer("every ledger of this server", LedgerList)}))
async def get_ledgers(request: Request) -> Response:
    """Every ledger of this server that has its entry 0."""
    service = service_of(request)
    rows = [sequencer.row for sequencer in service.ledgers.all() if sequencer.size]

    def look(connection: Connection) -> list[LedgerSummary]:
        return [LedgerSummary.of(view_ledger(connection, row)) for row in rows]

    return reply(LedgerList(await service.read_all(look)))


@router.get("/{name}", **described({200: answer("the ledger", LedgerSummary)}))
async def get_ledger(request: Request, name: str) -> Response:
    """One ledger at a glance."""
    return reply(LedgerSummary.of(await service_of(request).read(name, view_ledger)))
