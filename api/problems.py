"""The one table from errors to HTTP: every failure is an RFC 9457 problem with a stable ``code``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException

from ledger.errors import (
    AccessError,
    BusyError,
    ChainError,
    ConfigError,
    ConflictError,
    FormatError,
    LedgerError,
    NotFoundError,
    ProofError,
    RefusalError,
    SignatureError,
    StateError,
)

logger = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1
TYPE_PREFIX: Final = "tag:gongfen.example,2026:problem/"


class Problem(Struct, frozen=True, omit_defaults=True):
    """Why a request failed. ``code`` never changes its meaning; ``detail`` is for people and may."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | UnsetType = UNSET
    expected: str | UnsetType = UNSET
    got: str | UnsetType = UNSET


class _Kind(NamedTuple):
    status: int
    title: str


STATUSES: Final[Mapping[type[LedgerError], _Kind]] = {
    FormatError: _Kind(400, "The request is malformed"),
    AccessError: _Kind(403, "Not allowed"),
    NotFoundError: _Kind(404, "Not found"),
    ConflictError: _Kind(409, "In conflict with what is stored"),
    SignatureError: _Kind(422, "A signature does not hold"),
    ProofError: _Kind(422, "Evidence does not hold"),
    RefusalError: _Kind(422, "The rules of the ledger do not allow it"),
    ChainError: _Kind(502, "The chain did not answer"),
    BusyError: _Kind(503, "Try again later"),
    StateError: _Kind(500, "The server is in trouble"),
    ConfigError: _Kind(500, "The server is in trouble"),
    LedgerError: _Kind(500, "The server is in trouble"),
}
"""Every error of the ledger, and what the client is told."""
CODES: Final[Mapping[str, _Kind]] = {
    "unauthenticated": _Kind(401, "A token is needed"),
    "too_large": _Kind(413, "The request is too large"),
    "bad_media_type": _Kind(415, "The body is of another type"),
}
"""Codes that have a status of their own."""
_FRAMEWORK: Final[Mapping[int, tuple[str, str]]] = {
    404: ("no_such_path", "Not found"),
    405: ("method_not_allowed", "The method is not allowed here"),
}
_TROUBLE: Final = "the server could not do this; its operator finds the cause in the log"
_encode: Final = msgspec.json.Encoder().encode


def problem_of(error: BaseException) -> Problem:
    """The problem of any error. What is the server's own fault is logged, and told without its inner life."""
    if not isinstance(error, LedgerError):
        logger.error("unexpected error", exc_info=error)
        return _problem(500, "internal", "The server is in trouble", _TROUBLE)
    kind = CODES.get(error.code) or next(STATUSES[base] for base in type(error).__mro__ if base in STATUSES)
    if kind.status == 500:
        logger.error("the ledger is in trouble", code=error.code, exc_info=error)
        return _problem(kind.status, error.code, kind.title, _TROUBLE)
    return _problem(
        kind.status,
        error.code,
        kind.title,
        error.message,
        field=error.field or UNSET,
        expected=UNSET if error.expected is None else error.expected,
        got=UNSET if error.got is None else error.got,
    )


def _problem(status: int, code: str, title: str, detail: str, **more: str | UnsetType) -> Problem:
    return Problem(type=TYPE_PREFIX + code, title=title, status=status, code=code, detail=detail, **more)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an HTTP answer."""
    more = dict(headers or {})
    if problem.status == 503:
        more["Retry-After"] = str(RETRY_AFTER_S)
    elif problem.status == 401:
        more["WWW-Authenticate"] = 'Bearer realm="gongfen"'
    elif problem.status == 413:
        more["Connection"] = "close"  # the rest of the body is not read
    return Response(_encode(problem), problem.status, more, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Have every error that a route raises answered as a problem."""
    app.add_exception_handler(LedgerError, _on_ledger_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameter)


async def _on_ledger_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    request.app.state.metrics.refused(problem.code)
    return respond(problem)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, title = _FRAMEWORK.get(error.status_code, ("malformed", "The request is malformed"))
    detail = f"{request.method} {request.url.path}: {error.detail.lower()}" if code != "malformed" else error.detail
    request.app.state.metrics.refused(code)
    return respond(_problem(error.status_code, code, title, detail), error.headers)


async def _on_bad_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    problem = problem_of(
        FormatError(
            "a parameter is not what it should be",
            code="bad_parameter",
            field=".".join(map(str, first["loc"][1:])) or None,
            expected=str(first["msg"])[:1].lower() + str(first["msg"])[1:],
            got=str(first.get("input", "")),
        )
    )
    request.app.state.metrics.refused(problem.code)
    return respond(problem)
