"""Running the application on uvicorn: one process, one event loop, the one writer of its ledgers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final, TextIO, cast

import structlog
import uvicorn
from structlog.tracebacks import ExceptionDictTransformer
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app import create_app
from ledger.config import Settings
from ledger.errors import ConfigError
from ledger.service.memory import settle

BACKLOG: Final = 2048
HEAD_MAX: Final = 65_536
"""Bytes of a request's line and headers, and of headers after a chunked body; more closes the connection."""
STOP_AFTER_S: Final = 30


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); ``ready`` is told the address once events are taken.

    Raises `LedgerError` if the process must not start.
    """
    configure_logging()
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[str], None]) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        with _listen(settings.host, settings.port) as listener:
            config = uvicorn.Config(
                app,
                http=_BoundedProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=STOP_AFTER_S,
            )
            settle()
            ready(_url(listener))
            await _Server(config).serve([listener])


class _BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own would keep headers without end: they come before any token is looked at."""

    _head = 0
    _in_head = True

    def on_message_begin(self) -> None:
        self._head, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head, self._in_head = 0, False
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head += 0 if self._in_head else len(name) + len(value)

    def data_received(self, data: bytes) -> None:
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._head > HEAD_MAX and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")


class _Server(uvicorn.Server):
    """Ends by returning, so that the ledgers are closed; uvicorn's own would raise the signal again before that."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        for number in handled:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen here: {error.strerror}; choose another with --host and --port", field=f"{host}:{port}"
        ) from error
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":  # pragma: no cover - uvloop does not exist there
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def configure_logging() -> None:
    """One line of JSON for each thing that happens, on stderr."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # they hold secrets
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )


class _StandardError:
    """Standard error as it is now. A line that cannot be written is lost: it must not change an answer."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
