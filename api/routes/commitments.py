"""Committed states, proofs between them, and where they are anchored."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from api.answers import AnchorList, AnchorSummary, CommittedState, ConsistencyPath
from api.deps import admitted, reply, service_of
from api.openapi import answer, described
from ledger.core.types import MAX_INT
from ledger.errors import NotFoundError
from ledger.store import entries as log
from ledger.store.outbox import list_anchors

router = APIRouter(prefix="/v1/ledgers/{name}", tags=["commitments"])
ANCHORS_MAX: Final = 200


@router.get("/commitments/newest", **described({200: answer("the newest, or {}", CommittedState)}))
async def get_newest_commitment(request: Request, name: str) -> Response:
    """The newest committed checkpoint; an empty object when there is none."""
    return reply(await service_of(request).read(name, _newest))


@router.post(
    "/commitments", **described({200: answer("the new one, or {} when nothing came", CommittedState)}, scope="operate")
)
async def post_commitment(request: Request, name: str) -> Response:
    """Commit the state map now; an empty object when nothing came since the last commitment."""
    service = admitted(request, "operate", name)
    given = await service.sequencer(name).commit_state()
    return reply(CommittedState() if given is None else await service.read(name, _newest))


@router.get("/consistency", **described({200: answer("the proof", ConsistencyPath)}))
async def get_consistency(
    request: Request,
    name: str,
    size_1: Annotated[int, Query(alias="from", ge=1, le=MAX_INT)],
    size_2: Annotated[int, Query(alias="to", ge=1, le=MAX_INT)],
) -> Response:
    """That the tree of size ``to`` begins with the tree of size ``from``, public like the hash tiles it comes from."""
    service = service_of(request)
    size = service.sequencer(name).size
    if not size_1 <= size_2 <= size:
        raise NotFoundError(
            "the ledger has no such sizes",
            code="no_such_size",
            field="to" if size_1 <= size_2 else "from",
            expected=f"1 ≤ from ≤ to ≤ {size}",
            got=f"{size_1} to {size_2}",
        )
    path = await service.read(name, lambda link, row: service.desk(row).reader(link, size_2).consistency_path(size_1))
    return reply(ConsistencyPath(path))


@router.get("/anchors", **described({200: answer("newest first", AnchorList)}))
async def get_anchors(request: Request, name: str, limit: Annotated[int, Query(ge=1, le=ANCHORS_MAX)] = 50) -> Response:
    """Where the ledger's checkpoints are anchored, or on their way: public, as they are on the chain."""
    rows = await service_of(request).read(name, lambda link, row: list_anchors(link, row.ledger_id, limit))
    return reply(AnchorList([AnchorSummary.of(row) for row in rows]))


def _newest(connection: Connection, row: log.LedgerRow) -> CommittedState:
    found = log.read_commitments(connection, row.ledger_id)
    return CommittedState.of(found[0] if found else None)
