"""Checking events before they are submitted: what would become of many, together, if they were sent now.

An import of a spreadsheet asks this first, so that nothing of a sheet is appended while one of its rows is bad. It is
advice: what others append in between may change the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import Request, Response
from msgspec import Struct
from starlette.routing import Route

from api.answers import Seq
from api.deps import NDJSON_TYPE, Service, admitted, read_body
from api.openapi import answer, post_operation
from api.problems import problem_of
from api.routes.events import BATCH_MAX_BYTES, each, split_lines
from ledger.domain.entries import Submission, parse_submission
from ledger.domain.facts import Key
from ledger.domain.judge import public_bytes
from ledger.errors import LedgerError
from ledger.service.commit import Verdict
from ledger.service.intake import Prepared, prepare_submission
from ledger.store.facts import read_facts

CHECK_MAX_LINES: Final = 10_000
"""Lines of one check: judging so many holds the writer up for about a second."""
_encode: Final = msgspec.json.Encoder().encode


class Checked(Struct, frozen=True):
    """That an event would be appended as entry ``seq``, or stands there, if it was ``replayed``."""

    seq: Seq
    replayed: bool


async def check_events(request: Request) -> Response:
    """Judge many events in order, each after the ones before it, and append none; one line for each, in order."""
    name = request.path_params["name"]
    service = admitted(request, "append", name)
    lines = split_lines(await read_body(request, BATCH_MAX_BYTES, NDJSON_TYPE), CHECK_MAX_LINES)
    prepared = await _verified(service, name, await each(lines, parse_submission))
    verdicts = iter(await service.sequencer(name).check([one for one in prepared if isinstance(one, Prepared)]))
    outcomes = [next(verdicts) if isinstance(one, Prepared) else one for one in prepared]
    return Response(b"".join(map(_line, outcomes)), media_type=NDJSON_TYPE)


async def _verified(
    service: Service, name: str, submissions: Sequence[Submission | LedgerError]
) -> list[Prepared | LedgerError]:
    """Each submission with its signatures verified here, so that the writer is not held up by them."""
    named = {one.key for read in submissions if isinstance(read, Submission) for one in read.signatures}
    keys = await service.read(name, lambda link, row: read_facts(link, row.ledger_id, [f"key:{key}" for key in named]))
    publics = {fact.key: public_bytes(fact.public) for fact in keys.values() if isinstance(fact, Key)}

    def prepare(read: Submission | LedgerError) -> Prepared | LedgerError:
        return prepare_submission(read, publics.get) if isinstance(read, Submission) else read

    return await each(submissions, prepare)


def _line(outcome: Verdict | LedgerError) -> bytes:
    return _encode(Checked(*outcome) if isinstance(outcome, Verdict) else problem_of(outcome)) + b"\n"


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """How the OpenAPI document describes this route."""
    good = {200: answer("one line for each: `seq` and `replayed`, or a `Problem` with its `status`", None, NDJSON_TYPE)}
    told = post_operation("Judge many events without appending any", name="check_events", ndjson=True, good=good)
    return [(_CHECK, "post", told)]


_CHECK: Final = "/v1/ledgers/{name}/events:check"
ROUTES: Final = (Route(_CHECK, check_events, methods=["POST"], include_in_schema=False),)
