"""Entries, by place and by event."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from msgspec import UNSET, Raw

from api.answers import EntryPage, Found
from api.deps import admitted, reply, reply_bytes
from api.openapi import answer, described
from ledger.core.types import MAX_INT, parse_event_id
from ledger.domain.entries import Entry
from ledger.errors import FormatError
from ledger.store import entries as log

PAGE_MAX: Final = 256
Place = Annotated[int, Path(ge=0, le=MAX_INT)]
IMMUTABLE: Final = "private, max-age=31536000, immutable"

router = APIRouter(prefix="/v1/ledgers/{name}", tags=["entries"])


@router.get("/entries/{seq}", **described({200: answer("the entry, in its canonical bytes", Entry)}, scope="read"))
async def get_entry(request: Request, name: str, seq: Place) -> Response:
    """One entry, byte for byte as it was hashed."""
    service = admitted(request, "read", name)
    stored = await service.read(name, lambda connection, row: log.read_entry(connection, row.ledger_id, seq))
    return reply_bytes(stored.data, cache=IMMUTABLE)


@router.get("/entries", **described({200: answer("entries in order", EntryPage)}, scope="read"))
async def get_entries(
    request: Request,
    name: str,
    first: Annotated[int, Query(ge=0, le=MAX_INT)] = 0,
    last: Annotated[int | None, Query(ge=0, le=MAX_INT, description="exclusive")] = None,
) -> Response:
    """Entries ``first`` … ``last`` − 1, at most 256 at a time; ``next`` says where to go on."""
    service = admitted(request, "read", name)
    if last is not None and last < first:
        raise FormatError(
            "the range ends before it begins", code="bad_parameter", field="last", expected=f"≥ {first}", got=last
        )
    end = service.sequencer(name).size
    wanted = end if last is None else min(last, end)
    until = min(wanted, first + PAGE_MAX)
    stored = await service.read(name, lambda link, row: log.read_entries(link, row.ledger_id, first, until))
    return reply(EntryPage(first, [Raw(entry.data) for entry in stored], until if until < wanted else UNSET))


@router.get("/events/{event_id}", **described({200: answer("its entry", Found)}, scope="read"))
async def get_event(request: Request, name: str, event_id: str) -> Response:
    """The entry of an event."""
    service = admitted(request, "read", name)
    wanted = parse_event_id(event_id, "event_id")
    stored = await service.read(name, lambda connection, row: log.find_entry(connection, row.ledger_id, wanted))
    return reply(Found.of(stored))
