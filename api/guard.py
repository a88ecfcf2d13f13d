"""The outermost layer, pure ASGI: who may call an open server, and what is left of an unexpected error."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import Gate
from api.problems import problem_of, respond
from ledger.errors import AccessError

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Refuses foreign hosts while the server is open; turns unexpected errors into problems.

    An open server trusts whoever reaches its loopback address. A web page must not be that one: a browser that was
    lured here by a name of the page's own (DNS rebinding) shows that name in ``Host``, one that posts across sites
    shows its page in ``Origin``.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if self._gate.open:
                _check_loopback(scope)
            await self._app(scope, receive, note_start)
        except Exception as error:  # told as a problem, logged with its cause
            problem = problem_of(error)
            if started:
                raise
            await respond(problem)(scope, receive, send)


def _check_loopback(scope: Scope) -> None:
    """Raise `AccessError` unless ``Host`` is a loopback name, and ``Origin``, if there is one, too."""
    host: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin" and _host_of(value.partition(b"//")[2]) not in LOOPBACK:
            raise _foreign("Origin", value)
    if host is None or _host_of(host) not in LOOPBACK:
        raise _foreign("Host", host or b"")


_known: dict[bytes, str | None] = {}


def _host_of(value: bytes) -> str | None:
    """The host of ``host[:port]``, remembered for the few that come again and again."""
    if value not in _known:
        if len(_known) > 1000:
            _known.clear()
        try:
            _known[value] = urlsplit("//" + value.decode("ascii")).hostname
        except ValueError:
            _known[value] = None
    return _known[value]


def _foreign(field: str, value: bytes) -> AccessError:
    return AccessError(
        "without a token the server answers to its loopback name only; make one with `gongfen token create`",
        code="foreign_host",
        field=field,
        expected=", ".join(sorted(LOOPBACK)),
        got=ascii(value.decode("latin-1")),
    )
