"""The figures of a whole ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import may, reply, service_of
from api.openapi import answer, described
from ledger.service.figures import LedgerFigures, view_figures

router = APIRouter(prefix="/v1/ledgers/{name}", tags=["figures"])


@router.get("/figures", **described({200: answer("points by unit, and by rule and year", LedgerFigures)}))
async def get_figures(
    request: Request,
    name: str,
    year: Annotated[int | None, Query(ge=0, le=9999, description="show the rules of this year only")] = None,
) -> Response:
    """How many points there are and what each rule gave, public; by which rules points were taken only to readers."""
    service = service_of(request)
    now_ms, reader = service.ledgers.storage.clock(), may(request, "read", name)
    view = await service.read(name, lambda link, row: view_figures(link, row, now_ms=now_ms, year=year, reader=reader))
    return reply(view)
