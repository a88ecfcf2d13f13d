"""What the routes share: the running ledgers, reading in a bounded pool, bodies, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
from fastapi import Request, Response
from sqlalchemy import Connection

from api.auth import Gate, Scope
from api.metrics import Metrics
from ledger.errors import AccessError, FormatError
from ledger.service.ledgers import AnySequencer, Ledgers
from ledger.service.receipts import ReceiptDesk
from ledger.store.database import reading
from ledger.store.entries import LedgerRow

READERS: Final = 8
"""Requests that read the database at the same time; the others wait."""
JSON_TYPE: Final = "application/json"
NDJSON_TYPE: Final = "application/x-ndjson"

T = TypeVar("T")
_encode: Final = msgspec.json.Encoder().encode


class Service:
    """The running ledgers as the routes use them. Made within the event loop, closed with the application."""

    def __init__(self, ledgers: Ledgers, gate: Gate, metrics: Metrics) -> None:
        self.ledgers = ledgers
        self.gate = gate
        self.metrics = metrics
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._desks: dict[str, ReceiptDesk] = {}

    def sequencer(self, name: str) -> AnySequencer:
        """The sequencer of a short name. Raises `NotFoundError`."""
        return self.ledgers.sequencer(name)

    def desk(self, row: LedgerRow) -> ReceiptDesk:
        """Where the receipts of a ledger are made."""
        desk = self._desks.get(row.name)
        if desk is None:
            desk = self._desks.setdefault(row.name, ReceiptDesk(row, self.ledgers.storage.vault))
        return desk

    async def read(self, name: str, query: Callable[[Connection, LedgerRow], T]) -> T:
        """What ``query`` finds in a ledger, read in one transaction off the event loop. Raises `NotFoundError`."""
        row = self.sequencer(name).row
        return await self.read_all(lambda connection: query(connection, row))

    async def read_all(self, query: Callable[[Connection], T]) -> T:
        """As `read`, over all ledgers."""

        def work() -> T:
            with reading(self.ledgers.storage.engine) as connection:
                return query(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def close(self) -> None:
        """Let the reading threads go."""
        self._readers.shutdown()


def service_of(request: Request) -> Service:
    """The service of the application."""
    service: Service = request.app.state.service
    return service


def admitted(request: Request, scope: Scope, ledger: str | None = None) -> Service:
    """The service, for a request that may use it. Raises `AccessError`."""
    service = service_of(request)
    if not service.gate.open:
        service.gate.admit(_header(request, b"authorization"), scope, ledger)
    return service


def may(request: Request, scope: Scope, ledger: str) -> bool:
    """Whether a request may see more than everybody: the server is open, or a token of the scope came with it."""
    try:
        admitted(request, scope, ledger)
    except AccessError:
        return False
    return True


def _header(request: Request, wanted: bytes) -> bytes | None:
    for name, value in request.scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None


async def read_body(request: Request, most: int, *types: str) -> bytes:
    """The body, of at most ``most`` bytes; reading stops where the bound is passed, whatever the headers say.

    A body without a ``Content-Type`` is taken as it should be; one of another type than ``types`` is refused. Raises
    `FormatError`.
    """
    for name, value in request.scope["headers"]:
        if name == b"content-type" and value.partition(b";")[0].strip().lower().decode("latin-1") not in types:
            raise _bad_type("Content-Type", " or ".join(types), value)
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            raise _bad_type("Content-Encoding", "identity", value)
        if name == b"content-length" and int(value) > most:
            raise _too_large(most, f"{int(value)} bytes")
    message = await request.receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_rest(request, body, most)
    if len(body) > most:
        raise _too_large(most, f"{len(body)} bytes")
    return body


async def _read_rest(request: Request, first: bytes, most: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more and size <= most:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise FormatError("the body ended too early", code="cut_off", field="body")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


def reply(value: object, *, cache: str = "") -> Response:
    """An answer as JSON; ``cache`` is its ``Cache-Control``."""
    return reply_bytes(_encode(value), cache=cache)


def reply_bytes(data: bytes, media_type: str = JSON_TYPE, *, cache: str = "") -> Response:
    """An answer that is bytes already; ``cache`` is its ``Cache-Control``."""
    return Response(data, headers={"Cache-Control": cache} if cache else None, media_type=media_type)


def _bad_type(field: str, expected: str, got: bytes) -> FormatError:
    return FormatError(
        "the body is of another type",
        code="bad_media_type",
        field=field,
        expected=expected,
        got=ascii(got.decode("latin-1")),
    )


def _too_large(most: int, got: str) -> FormatError:
    return FormatError(
        "the body is too large", code="too_large", field="body", expected=f"at most {most} bytes", got=got
    )
