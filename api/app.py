"""Wiring: settings in, application out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any

from fastapi import FastAPI

from api import openapi
from api.auth import Gate, TokenFile
from api.deps import Service
from api.guard import LOOPBACK, Guard
from api.metrics import Metrics
from api.problems import add_handlers
from api.routes import (
    accounts,
    checks,
    commitments,
    doors,
    entries,
    events,
    expiries,
    figures,
    health,
    households,
    ledgers,
    receipts,
    tasks,
    tiles,
)
from ledger.config import Settings
from ledger.errors import ConfigError
from ledger.service.ledgers import Ledgers
from ledger.service.storage import Storage

DESCRIPTION = "A signed, hash-chained, anchored ledger of village points. Specification: docs/spec/http.md."

_PARTS = (ledgers, entries, receipts, accounts, households, doors, tasks, figures, commitments, expiries, health, tiles)


def create_app(settings: Settings) -> FastAPI:
    """The application. Its lifespan opens every ledger for writing and raises what speaks against that.

    Raises `ConfigError` if the server would be open to other machines.
    """
    gate = Gate(TokenFile.of(settings.data_dir))
    check_host(settings.host, gate)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        running = Ledgers(Storage(settings), observe=metrics.observe)
        try:
            await running.start()
            running.storage.vault  # noqa: B018 - a missing or foreign vault key is noticed now
            metrics.watch(running)
            service = Service(running, gate, metrics)
            app.state.service = service
            try:
                yield
            finally:
                service.close()
        finally:
            await running.stop()

    app = FastAPI(
        title="Gongfen ledger",
        version=version("gongfen-ledger"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # paths name parties
    )
    app.state.metrics = metrics
    app.add_middleware(Guard, gate=gate)
    add_handlers(app)
    app.router.routes[:0] = [*events.ROUTES, *checks.ROUTES]  # first, because they are asked for most
    for part in _PARTS:
        app.include_router(part.router)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def check_host(host: str, gate: Gate) -> None:
    """Raise `ConfigError` unless the host is this machine's own, or a token guards the server."""
    if gate.open and host not in LOOPBACK and not _is_loopback(host):
        raise ConfigError(
            "without a token the server is open, so it serves this machine only; make a token with"
            " `gongfen token create`, or set the host to 127.0.0.1",
            field="host",
            expected="a loopback address",
            got=host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi.document(app, [*events.operations(), *checks.operations()])
    return app.openapi_schema
