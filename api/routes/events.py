"""Submitting events: one, or many as NDJSON (formats §11).

These two are plain routes that take the raw body: FastAPI's own reading of parameters and bodies costs more than
verifying a signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request, Response
from starlette.routing import Route

from api.answers import Appended
from api.deps import JSON_TYPE, NDJSON_TYPE, Service, admitted, read_body
from api.openapi import answer, post_operation
from api.problems import Problem, problem_of
from ledger.domain.entries import SUBMISSION_MAX_BYTES
from ledger.errors import FormatError, LedgerError
from ledger.service.commit import Answer
from ledger.service.intake import Prepared, prepare
from ledger.service.ledgers import AnySequencer

BATCH_MAX_BYTES: Final = 32 << 20
BATCH_MAX_LINES: Final = 2_000
LINES_AT_A_TIME: Final = 32
"""Lines verified before other requests get their turn: about 3 ms."""
_encode: Final = msgspec.json.Encoder().encode
_Given = TypeVar("_Given")
_Done = TypeVar("_Done")


async def post_event(request: Request) -> Response:
    """Append one event."""
    name = request.path_params["name"]
    sequencer = admitted(request, "append", name).sequencer(name)
    data = await read_body(request, SUBMISSION_MAX_BYTES, JSON_TYPE)
    given = await sequencer.submit(prepare(data, sequencer.public_key))
    return Response(_encode(Appended.of(given)), 200 if given.replayed else 201, media_type=JSON_TYPE)


async def post_events(request: Request) -> Response:
    """Append many events in order; one line for each, in order. A line that is refused harms no other."""
    name = request.path_params["name"]
    service = admitted(request, "append", name)
    sequencer = service.sequencer(name)
    lines = split_lines(await read_body(request, BATCH_MAX_BYTES, NDJSON_TYPE))
    outcomes = await append_lines(sequencer, lines)
    return Response(b"".join([_line(service, outcome) for outcome in outcomes]), media_type=NDJSON_TYPE)


def split_lines(data: bytes, most: int = BATCH_MAX_LINES) -> list[bytes]:
    """The lines of an NDJSON body; the last may end without a newline. Raises `FormatError` beyond the bound."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if len(lines) > most:
        raise FormatError(
            "too many lines",
            code="too_large",
            field="body",
            expected=f"at most {most} lines",
            got=f"{len(lines)} lines",
        )
    return lines


async def each(lines: Sequence[_Given], work: Callable[[_Given], _Done]) -> list[_Done | LedgerError]:
    """What ``work`` makes of each line, or what refused it; other requests get their turn in between."""
    outcomes: list[_Done | LedgerError] = []
    for place, line in enumerate(lines):
        if place % LINES_AT_A_TIME == 0:
            await asyncio.sleep(0)
        try:
            outcomes.append(work(line))
        except LedgerError as error:
            outcomes.append(error)
    return outcomes


async def append_lines(sequencer: AnySequencer, lines: Sequence[bytes]) -> list[Answer | BaseException]:
    """The answer to each line, or what refused it. Raises `BusyError` if the queue has no room for all of them."""
    prepared = await each(lines, lambda line: prepare(line, sequencer.public_key))
    waiters = sequencer.put([item for item in prepared if isinstance(item, Prepared)])
    answers = iter(await asyncio.gather(*waiters, return_exceptions=True))
    return [next(answers) if isinstance(item, Prepared) else item for item in prepared]


def _line(service: Service, outcome: Answer | BaseException) -> bytes:
    value: Appended | Problem
    if isinstance(outcome, Answer):
        value = Appended.of(outcome)
    else:
        value = problem_of(outcome)
        service.metrics.refused(value.code)
    return _encode(value) + b"\n"


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """How the OpenAPI document describes these routes."""
    one = {
        201: answer("appended, durable", Appended),
        200: answer("appended before: the first answer's values", Appended),
    }
    many = {200: answer("one line for each line: `Appended`, or a `Problem` with its `status`", None, NDJSON_TYPE)}
    return [
        (_EVENTS, "post", post_operation("Append one event", name="post_event", ndjson=False, good=one)),
        (_BATCH, "post", post_operation("Append many events in order", name="post_events", ndjson=True, good=many)),
    ]


_EVENTS: Final = "/v1/ledgers/{name}/events"
_BATCH: Final = "/v1/ledgers/{name}/events:batch"
ROUTES: Final = (
    Route(_EVENTS, post_event, methods=["POST"], include_in_schema=False),
    Route(_BATCH, post_events, methods=["POST"], include_in_schema=False),
)
