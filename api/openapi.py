"""The OpenAPI document: routes from FastAPI, schemas from the types that requests and answers are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import answers
from api.auth import SCOPES, Scope
from api.deps import JSON_TYPE, NDJSON_TYPE
from api.problems import MEDIA_TYPE, Problem
from ledger.core.receipt import Receipt
from ledger.domain.entries import Entry, Submission
from ledger.service.doors import DoorView
from ledger.service.figures import LedgerFigures
from ledger.service.households import HouseholdView
from ledger.service.queries import TaskView

REFS: Final = "#/components/schemas/"
_TYPES: Final[tuple[type, ...]] = (
    Submission,
    Entry,
    Receipt,
    Problem,
    answers.Appended,
    answers.LedgerList,
    answers.EntryPage,
    answers.Found,
    answers.PartyAccount,
    answers.DoorCode,
    LedgerFigures,
    HouseholdView,
    DoorView,
    TaskView,
    answers.Lapsed,
    answers.CommittedState,
    answers.ConsistencyPath,
    answers.AnchorList,
    answers.Status,
)
_SECURITY: Final = "token"


def ref(kind: type) -> dict[str, str]:
    """A reference to the schema of a type."""
    return {"$ref": REFS + kind.__name__}


def content(kind: type | None, media_type: str = JSON_TYPE) -> dict[str, Any]:
    """The content of a request or answer: a type's JSON, or, without one, text or bytes."""
    return {media_type: {"schema": ref(kind) if kind else {"type": "string"}}}


def answer(description: str, kind: type | None, media_type: str = JSON_TYPE) -> dict[str, Any]:
    """One documented answer."""
    return {"description": description, "content": content(kind, media_type)}


def described(
    good: dict[int, dict[str, Any]], *statuses: int, scope: Scope | None = None, **operation: Any
) -> dict[str, Any]:
    """What FastAPI is told of a route: its answers, the problems it may answer with, the scope it takes."""
    responses: dict[int | str, dict[str, Any]] = dict(good.items())
    guarded = (401, 403) if scope else ()
    for status in sorted({*statuses, *guarded, 400, 403, 404, 500, 503}):
        responses[status] = answer(_PROBLEMS[status], Problem, MEDIA_TYPE)
    if scope:
        operation["security"] = [{_SECURITY: []}]
        operation["x-gongfen-scope"] = scope
    return {
        "responses": responses | {"4XX": answer("any other refusal", Problem, MEDIA_TYPE)},
        "openapi_extra": operation,
        "response_model": None,
    }


_PROBLEMS: Final = {
    400: "malformed request",
    401: "no token, or one that does not count",
    403: "the token, or the caller's host, may not do this",
    404: "not here",
    409: "in conflict with what is stored",
    413: "too large",
    415: "body of another type",
    422: "a signature or the rules do not allow it; nothing was stored",
    500: "the server is in trouble",
    503: "too busy, nothing was stored; try again after `Retry-After` seconds",
}


def document(app: FastAPI, posts: Iterable[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    """The document of an application. ``posts`` are the routes beside FastAPI's: path, method, operation."""
    value = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    for path, method, operation in posts:
        value["paths"].setdefault(path, {})[method] = operation
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=REFS + "{name}")
    components = value.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {
        _SECURITY: {
            "type": "http",
            "scheme": "bearer",
            "description": "scopes: " + "; ".join(f"`{name}`: {text}" for name, text in SCOPES.items()),
        }
    }
    return value


def path_parameters(names: Sequence[str]) -> list[dict[str, Any]]:
    """Path parameters of a route that FastAPI does not describe."""
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def post_operation(summary: str, *, name: str, ndjson: bool, good: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The operation of a route that takes submissions."""
    body = content(None, NDJSON_TYPE) if ndjson else content(Submission)
    told = described(good, 409, 413, 415, 422, scope="append")
    return {
        "summary": summary,
        "operationId": name,
        "tags": ["events"],
        "parameters": path_parameters(["name"]),
        "requestBody": {"required": True, "content": body},
        "responses": {str(status): one for status, one in told["responses"].items()},
        **told["openapi_extra"],
    }
