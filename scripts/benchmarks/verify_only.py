"""The baseline server: the same kind of route, which reads a submission, verifies its signature and keeps nothing."""

from __future__ import annotations

import json
import sys

import msgspec
import uvicorn
from fastapi import FastAPI, Request, Response
from nacl.signing import VerifyKey

from ledger.core.encoding import decode_base64url

CONTEXT = b"gongfen/event/v1\n"
_encode = msgspec.json.Encoder(order="sorted").encode


def build(route: str, keys: dict[str, str]) -> FastAPI:
    app = FastAPI()
    verifiers = {key: VerifyKey(bytes.fromhex(public)) for key, public in keys.items()}

    async def post(request: Request) -> Response:
        submission = msgspec.json.decode(await request.body())
        message = CONTEXT + _encode(submission["event"])
        for signature in submission["signatures"]:
            verifiers[signature["key"]].verify(message, decode_base64url(signature["sig"]))
        return Response(b'{"verified":true}', status_code=201, media_type="application/json")

    async def ready(_: Request) -> Response:
        return Response(b"{}")

    app.add_route(route, post, methods=["POST"])
    app.add_route("/readyz", ready, methods=["GET"])
    return app


if __name__ == "__main__":
    application = build(sys.argv[2], json.loads(sys.argv[3]))
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        log_level="warning",
        loop="uvloop",
        http="httptools",
    )
