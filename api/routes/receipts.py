"""Receipts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from api.deps import admitted, reply_bytes
from api.openapi import answer, described
from ledger.core.receipt import Receipt, serialise
from ledger.core.types import MAX_INT, parse_event_id
from ledger.errors import FormatError
from ledger.store import entries as log

router = APIRouter(prefix="/v1/ledgers/{name}/receipts", tags=["receipts"])


@router.get("/{event}", **described({200: answer("the best receipt there is", Receipt)}, scope="read"))
async def get_receipt(
    request: Request,
    name: str,
    event: str,
    disclose: Annotated[bool, Query(description="with private details; takes the scope `disclose` as well")] = False,
) -> Response:
    """The best receipt there is of an event, given by its id or its seq: anchored, else committed, else early."""
    service = admitted(request, "read", name)
    if disclose:
        admitted(request, "disclose", name)

    def make(connection: Connection, row: log.LedgerRow) -> bytes:
        seq = _seq_of(connection, row, event)
        return serialise(service.desk(row).receipt(connection, seq, disclose=disclose))

    return reply_bytes(await service.read(name, make), cache="no-store" if disclose else "private, no-cache")


def _seq_of(connection: Connection, row: log.LedgerRow, event: str) -> int:
    if event.isascii() and event.isdigit() and len(event) <= 16:
        if (seq := int(event)) > MAX_INT:
            raise FormatError("no entry can have this seq", field="event", expected=f"at most {MAX_INT}", got=event)
        return seq
    return log.find_entry(connection, row.ledger_id, parse_event_id(event, "event")).seq
