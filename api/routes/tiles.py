"""The log as C2SP tlog-tiles: checkpoint, hash tiles, entry bundles (formats §5), under ``/<short name>/``."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.deps import admitted, reply_bytes, service_of
from api.openapi import answer, described
from ledger.service.queries import tile_bytes
from ledger.store import entries as log

router = APIRouter(tags=["tiles"])
TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"
YEAR: Final = "max-age=31536000, immutable"


@router.get("/{name}/checkpoint", **described({200: answer("signed note", None, TEXT)}))
async def get_checkpoint(request: Request, name: str) -> Response:
    """The newest checkpoint, public."""
    service = service_of(request)
    note = await service.read(name, lambda connection, row: log.latest_checkpoint(connection, row.ledger_id))
    return reply_bytes(note.encode(), TEXT, cache="no-cache")


@router.get("/{name}/tile/entries/{path:path}", **described({200: answer("entry bundle", None, BINARY)}, scope="read"))
async def get_bundle(request: Request, name: str, path: str) -> Response:
    """A bundle of entries: pseudonymous personal data, so it takes a token."""
    service = admitted(request, "read", name)
    data = await service.read(name, lambda connection, row: tile_bytes(connection, row, f"tile/entries/{path}"))
    return reply_bytes(data, BINARY, cache=f"private, {YEAR}")


@router.get("/{name}/tile/{path:path}", **described({200: answer("hash tile", None, BINARY)}))
async def get_tile(request: Request, name: str, path: str) -> Response:
    """A tile of hashes, public."""
    data = await service_of(request).read(name, lambda link, row: tile_bytes(link, row, f"tile/{path}"))
    return reply_bytes(data, BINARY, cache=f"public, {YEAR}")
