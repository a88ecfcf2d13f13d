"""A village behind the real application, in process or as a server of its own.

The application runs on an event loop in a thread; `InProcess` carries requests to it, so that tests, and the
`LedgerClient`, stay synchronous. Keys, ids and events come from `tests.helpers.village`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.encoding import canonical
from ledger.keys import KeyFile, new_event_key, write_key
from ledger.service.founding import create_ledger
from ledger.service.ledgers import AnySequencer
from ledger.service.storage import Storage
from tests.helpers.village import BOOK, OFFICERS, ORIGIN, Village, person, sign

NAME = "foshan-village"
HOST = "http://127.0.0.1:8000"
EVENTS = f"/v1/ledgers/{NAME}/events"
BATCH = f"{EVENTS}:batch"


def key_file(name: str) -> KeyFile:
    """The key file of a party of the village."""
    one = person(name)
    return new_event_key(one.party, seed=one.seed)


def founded(settings: Settings) -> None:
    """The village's ledger with entry 0; its root keys lie beside the data directory."""
    storage = Storage(settings)
    try:
        storage.open_for_writing()
        create_ledger(storage, ORIGIN, roots=[key_file("mayor"), key_file("deputy")], profile="foshan")
    finally:
        storage.close()


def maker() -> Village:
    """Makes signed events of today; it holds no ledger."""
    village = Village()
    village.now_ms = time.time_ns() // 1_000_000
    return village


def founding_events(village: Village) -> list[bytes]:
    """Officers, an issuing organisation, a shop, residents, a card, a rule book; later lines depend on earlier ones."""
    events = [village.role(name, name.split()[0]) for name in OFFICERS]
    for name, kind in (("coop", "organisation"), ("shop", "shop"), ("zhang", "resident"), ("li", "resident")):
        events.append(village.party("register", name, type=kind, day="2021-01-01"))
    events.append(village.role("shop", "shop", scope=person("shop").party))
    events.append(village.card("zhang/card"))
    events.append(village.adopt(BOOK, "2021-01-01"))
    return events


def changed(submission: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A submission with something changed after signing."""
    value = json.loads(submission)
    change(value)
    return canonical(value)


def resigned(submission: bytes, change: Callable[[dict[str, Any]], None], *signers: str) -> bytes:
    """A submission whose event was changed before signing."""
    event = json.loads(submission)["event"]
    change(event)
    return sign(event, *signers)


class InProcess(httpx.BaseTransport):
    """Carries requests to an application that runs in a thread of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Run the lifespan's beginning; raises what it raises."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Run the lifespan's end."""
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        self.loop.run_until_complete(self._live())
        self.loop.close()

    async def _live(self) -> None:
        try:
            async with self.app.router.lifespan_context(self.app):
                self._ready.set()
                await self._stopping.wait()
        except BaseException as error:
            self._failure = error
            self._ready.set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()

        async def send() -> httpx.Response:
            copy = httpx.Request(request.method, request.url, headers=request.headers, content=body)
            answer = await httpx.ASGITransport(self.app, raise_app_exceptions=False).handle_async_request(copy)
            stream = httpx.ByteStream(await answer.aread())
            return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)

        return asyncio.run_coroutine_threadsafe(send(), self.loop).result()


class World:
    """The village behind the application."""

    def __init__(self, settings: Settings, transport: InProcess) -> None:
        self.settings = settings
        self.transport = transport
        self.village = maker()
        self.http = httpx.Client(base_url=HOST, transport=transport)

    def client(self, token: str | None = None) -> LedgerClient:
        """The product's own client."""
        return LedgerClient(HOST, token, transport=self.transport)

    def sequencer(self) -> AnySequencer:
        """The running sequencer."""
        found: AnySequencer = self.transport.app.state.service.sequencer(NAME)
        return found

    @property
    def size(self) -> int:
        """How many entries the server says there are."""
        return int(self.http.get(f"/v1/ledgers/{NAME}").json()["size"])

    def post(self, submission: bytes, **headers: str) -> httpx.Response:
        """Submit an event."""
        return self.http.post(EVENTS, content=submission, headers={"Content-Type": "application/json", **headers})

    def post_batch(self, lines: bytes) -> httpx.Response:
        """Submit many events."""
        return self.http.post(BATCH, content=lines, headers={"Content-Type": "application/x-ndjson"})

    def must(self, submission: bytes) -> dict[str, Any]:
        """Submit an event that is appended."""
        answer = self.post(submission)
        assert answer.status_code == 201, answer.text
        value: dict[str, Any] = answer.json()
        return value

    def populate(self) -> None:
        """Append the founding events in one batch."""
        for answer in self.client().submit_many(NAME, founding_events(self.village)):
            assert isinstance(answer, dict), answer

    def populate_to(self, size: int) -> None:
        """Append awards until the ledger has at least this many entries."""
        missing = size - self.size
        for answer in self.client().submit_many(NAME, [self.village.award("li", "volunteer") for _ in range(missing)]):
            assert isinstance(answer, dict), answer


@contextmanager
def running(settings: Settings) -> Iterator[World]:
    """The application over what ``settings`` name."""
    transport = InProcess(create_app(settings))
    transport.start()
    try:
        yield World(settings, transport)
    finally:
        transport.stop()


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """A server process of its own on a free port; yields its URL."""
    environment = {
        **os.environ,
        "GONGFEN_DATA_DIR": str(settings.data_dir),
        "GONGFEN_DATABASE_URL": settings.database,
        "GONGFEN_KEY_STORE_URL": settings.key_store,
    }
    command = [sys.executable, "-c", "from ledger.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line.startswith("serving on "):
                assert server.stderr is not None
                raise AssertionError(f"the server did not start: {server.stderr.read()}")
            yield line.removeprefix("serving on ").strip()
        finally:
            server.terminate()
            server.communicate(timeout=30)
    assert server.returncode == 0, "a server that is told to stop ends well"


def write_keys(folder: Path, *names: str) -> dict[str, Path]:
    """Key files of parties of the village."""
    paths = {name: folder / f"{name.replace('/', '-').replace(' ', '-')}.key" for name in names}
    for name, path in paths.items():
        write_key(path, key_file(name))
    return paths
