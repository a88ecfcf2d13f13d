"""Whether the server lives, whether it takes events, what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.answers import Status
from api.deps import admitted, reply, reply_bytes, service_of
from api.openapi import answer, described
from ledger.store import entries as log

router = APIRouter(tags=["operations"])
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/livez", **described({200: answer("it lives", Status)}))
async def livez() -> Response:
    """The process answers."""
    return reply(Status("live"))


@router.get("/readyz", **described({200: answer("it takes events", Status)}))
async def readyz(request: Request) -> Response:
    """The ledgers are open, a writer is there and the database answers."""
    service = service_of(request)
    service.ledgers.check_open()
    await service.read_all(log.all_ledgers)
    return reply(Status("ready"))


@router.get("/metrics", **described({200: answer("Prometheus text", None, METRICS_TYPE)}, scope="operate"))
async def metrics(request: Request) -> Response:
    """What the server counts."""
    return reply_bytes(admitted(request, "operate").metrics.text(), METRICS_TYPE)
