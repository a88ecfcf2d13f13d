"""What the code at a household's door shows to whoever stands there."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from api.answers import DoorCode
from api.deps import JSON_TYPE, may, read_body, reply, service_of
from api.openapi import answer, content, described
from ledger.core.encoding import decode_base64url
from ledger.errors import FormatError
from ledger.service.doors import DoorView, view_door

router = APIRouter(prefix="/v1/ledgers/{name}", tags=["households"])
BODY_MAX: Final = 1024
_decode: Final = msgspec.json.Decoder(DoorCode).decode


@router.post(
    "/doors",
    **described(
        {200: answer("what is public of the household", DoorView)},
        413,
        415,
        requestBody={"required": True, "content": content(DoorCode)},
    ),
)
async def post_door(request: Request, name: str) -> Response:
    """The public view of a household by its door code, which comes in the body: addresses stand in too many logs."""
    service = service_of(request)
    service.sequencer(name)
    secret = _secret(await read_body(request, BODY_MAX, JSON_TYPE))
    now_ms, reader = service.ledgers.storage.clock(), may(request, "read", name)
    found = await service.read(name, lambda link, row: view_door(link, row, secret, now_ms=now_ms, reader=reader))
    return reply(found, cache="no-store")


def _secret(data: bytes) -> bytes:
    """The bytes of the secret. Raises `FormatError`, which repeats nothing of it."""
    try:
        return decode_base64url(_decode(data).secret)
    except (msgspec.DecodeError, UnicodeDecodeError, FormatError):
        raise FormatError(
            "not a door code", code="bad_field", field="secret", expected="16 to 64 bytes in base64url"
        ) from None
