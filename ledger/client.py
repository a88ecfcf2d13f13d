"""The HTTP client of a ledger server, shared by the command line, the scenarios and the anchor service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx
import msgspec
from msgspec import UNSET, UnsetType

from ledger.core.encoding import decode_base64, decode_digest, encode_base64url
from ledger.core.types import Digest
from ledger.errors import (
    AccessError,
    BusyError,
    ConflictError,
    FormatError,
    LedgerError,
    NotFoundError,
    RefusalError,
    StateError,
)

BATCH_LINES: Final = 2_000
"""Events sent in one batch request."""
_ERRORS: Final[dict[int, type[LedgerError]]] = {
    400: FormatError,
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    409: ConflictError,
    413: FormatError,
    422: RefusalError,
    429: BusyError,
    503: BusyError,
}


class Committed(NamedTuple):
    """A committed checkpoint: its size, the map root its last entry states, the signed note."""

    size: int
    map_root: Digest
    checkpoint: str


class _EntryPage(msgspec.Struct, frozen=True):
    first: int
    entries: list[msgspec.Raw]
    next: int | UnsetType = UNSET


class LedgerClient:
    """Talks to one server. ``token`` is a bearer token; ``transport`` replaces the network in tests.

    Every method raises the `LedgerError` that the server's problem document describes, `BusyError` when the server
    cannot be reached.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ledgers(self) -> list[dict[str, Any]]:
        """Every ledger of the server: ``name``, ``origin``, ``size``, ``root``, ``committed``, ``at``."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/ledgers")["ledgers"]
        return found

    def ledger(self, name: str) -> dict[str, Any]:
        """One ledger at a glance."""
        return self._json("GET", f"/v1/ledgers/{name}")

    def submit(self, name: str, submission: bytes) -> dict[str, Any]:
        """Submit one event: ``seq``, ``leaf``, ``at``, ``replayed``, ``checkpoint`` (formats §11)."""
        return self._json("POST", f"/v1/ledgers/{name}/events", content=submission)

    def submit_many(self, name: str, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        """Submit events in order, in batches; one answer or error for each, in order."""
        for start in range(0, len(submissions), BATCH_LINES):
            lines = submissions[start : start + BATCH_LINES]
            path = f"/v1/ledgers/{name}/events:batch"
            yield from self._send_lines(path, lines)

    def check(self, name: str, submissions: Sequence[bytes]) -> list[dict[str, Any] | LedgerError]:
        """What would become of events, judged together in order: ``seq`` and ``replayed``, or an error, for each.

        None is appended. One request takes at most 10,000.
        """
        return self._send_lines(f"/v1/ledgers/{name}/events:check", submissions)

    def entry(self, name: str, seq: int) -> bytes:
        """The canonical bytes of an entry."""
        return self._send("GET", f"/v1/ledgers/{name}/entries/{seq}").content

    def entries(self, name: str, first: int = 0) -> Iterator[bytes]:
        """The bytes of every entry from ``first`` on, in order, a page at a time. Raises `StateError` on a gap."""
        while True:
            answer = self._send("GET", f"/v1/ledgers/{name}/entries", params={"first": first})
            try:
                page = msgspec.json.decode(answer.content, type=_EntryPage)
            except msgspec.DecodeError as error:
                raise StateError(f"the server did not answer with entries: {error}") from error
            if page.first != first:
                raise StateError("the server answered another page", expected=first, got=page.first)
            yield from map(bytes, page.entries)
            if isinstance(page.next, UnsetType):
                return
            if page.next != first + len(page.entries) or not page.entries:
                raise StateError("the server left entries out", expected=first + len(page.entries), got=page.next)
            first = page.next

    def receipt(self, name: str, event: str, *, disclose: bool = False) -> bytes:
        """The best receipt there is of an event, by its id or seq, as JSON."""
        params = {"disclose": "true"} if disclose else {}
        return self._send("GET", f"/v1/ledgers/{name}/receipts/{event}", params=params).content

    def account(self, name: str, party: str, *, before: int | None = None, limit: int = 50) -> dict[str, Any]:
        """A party's balances and newest entries."""
        params: dict[str, str | int] = {"limit": limit}
        if before is not None:
            params["before"] = before
        return self._json("GET", f"/v1/ledgers/{name}/accounts/{party}", params=params)

    def household(
        self,
        name: str,
        party: str,
        *,
        on: str | None = None,
        before: int | None = None,
        limit: int = 50,
        disclose: bool = False,
    ) -> dict[str, Any]:
        """A household on a day, by default today: members, balances, sums of month and year, honours, awards."""
        params: dict[str, str | int] = {"limit": limit}
        params |= {key: value for key, value in (("on", on), ("before", before)) if value is not None}
        params |= {"disclose": "true"} if disclose else {}
        return self._json("GET", f"/v1/ledgers/{name}/households/{party}", params=params)

    def door(self, name: str, secret: bytes) -> dict[str, Any]:
        """What is public of the household at whose door a secret stands."""
        body = {"secret": encode_base64url(secret)}
        return self._json("POST", f"/v1/ledgers/{name}/doors", json=body)

    def task(self, name: str, event: str) -> dict[str, Any]:
        """Places and budget of the task that an event published."""
        return self._json("GET", f"/v1/ledgers/{name}/tasks/{event}")

    def figures(self, name: str, *, year: int | None = None) -> dict[str, Any]:
        """The figures of a ledger, with its rules of all years or of one."""
        return self._json("GET", f"/v1/ledgers/{name}/figures", params={} if year is None else {"year": year})

    def anchors(self, name: str) -> list[dict[str, Any]]:
        """The anchored checkpoints of a ledger, newest first."""
        found: list[dict[str, Any]] = self._json("GET", f"/v1/ledgers/{name}/anchors")["anchors"]
        return found

    def commit_state(self, name: str) -> Committed | None:
        """Have the state map committed now; None when nothing came since the last commitment."""
        return _committed(self._json("POST", f"/v1/ledgers/{name}/commitments"))

    def lapse(self, name: str) -> dict[str, int]:
        """Have due points lapse now: how many ``notices`` and ``expiries``, how many hundredths in ``units``."""
        return self._json("POST", f"/v1/ledgers/{name}/expiries")

    def newest_commitment(self, name: str) -> Committed | None:
        """The newest committed checkpoint, if there is one."""
        return _committed(self._json("GET", f"/v1/ledgers/{name}/commitments/newest"))

    def consistency(self, name: str, size_1: int, size_2: int) -> list[bytes]:
        """The RFC 9162 consistency proof between two sizes of a ledger."""
        params = {"from": size_1, "to": size_2}
        path = self._json("GET", f"/v1/ledgers/{name}/consistency", params=params)["path"]
        return [decode_base64(item, "path") for item in path]

    def ready(self) -> bool:
        """Whether the server takes events."""
        try:
            return self._http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def _send_lines(self, path: str, lines: Sequence[bytes]) -> list[dict[str, Any] | LedgerError]:
        body = b"\n".join(lines) + b"\n"
        response = self._send("POST", path, content=body, headers={"Content-Type": "application/x-ndjson"})
        told = response.content.splitlines()  # of the bytes: a text may hold a line separator of Unicode
        if len(told) != len(lines):
            raise StateError("the server answered fewer lines than it was sent", expected=len(lines), got=len(told))
        answers = map(json.loads, told)
        return [_error_of(answer["status"], answer) if "status" in answer else answer for answer in answers]

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        value = _object(self._send(method, path, **options))
        if value is None:
            raise StateError("the server did not answer with a JSON object", field=path)
        return value

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise BusyError(f"no answer from {self._http.base_url}: {error}", code="unreachable") from error
        if response.is_success:
            return response
        raise _error_of(response.status_code, _object(response) or {})


def join_submission(event: bytes, signatures: bytes, disclosures: Iterable[str] = ()) -> bytes:
    """One submission line, canonical, from the canonical bytes of an event and of its signatures."""
    shown = json.dumps(list(disclosures), separators=(",", ":"))
    head = f'"disclosures":{shown},'.encode() if shown != "[]" else b""
    return b'{%b"event":%b,"signatures":%b}' % (head, event, signatures)


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        value = response.json()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _error_of(status: int, problem: dict[str, Any]) -> LedgerError:
    kind = _ERRORS.get(status, StateError)
    return kind(
        str(problem.get("detail") or f"the server answered {status}"),
        code=problem.get("code"),
        field=problem.get("field"),
        expected=problem.get("expected"),
        got=problem.get("got"),
    )


def _committed(value: dict[str, Any]) -> Committed | None:
    if not value.get("size"):
        return None
    return Committed(int(value["size"]), decode_digest(value["map_root"], "map_root"), str(value["checkpoint"]))
