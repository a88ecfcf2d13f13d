"""Having points lapse that are due."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.answers import Lapsed
from api.deps import admitted, reply
from api.openapi import answer, described

router = APIRouter(prefix="/v1/ledgers/{name}", tags=["commitments"])


@router.post("/expiries", **described({200: answer("what lapsed, and who was told", Lapsed)}, scope="operate"))
async def post_expiries(request: Request, name: str) -> Response:
    """Let due points lapse now and tell of those that soon will, as the ledger does by itself once a day."""
    return reply(Lapsed.of(await admitted(request, "operate", name).ledgers.lapse(name)))
