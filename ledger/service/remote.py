"""The server's side of the writer process: events go out as they come, answers come back a group at a time.

The server reads and verifies while the writer decides and commits, on two cores. Nothing here blocks the event loop,
and no thread competes with it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Final, cast

import structlog

from ledger.config import Settings
from ledger.core.types import Digest
from ledger.errors import BusyError, LedgerError, StateError
from ledger.service import writer_process
from ledger.service.clocks import Lapses
from ledger.service.commit import Answer, Verdict
from ledger.service.intake import Prepared
from ledger.service.queue import Observer
from ledger.service.wire import (
    Ask,
    Frames,
    Judged,
    Place,
    Ready,
    Refused,
    Reply,
    Try,
    Would,
    frame,
    read_ready,
    read_reply,
)
from ledger.store.entries import LedgerRow

logger = structlog.get_logger(__name__)

START_TIMEOUT_S: Final = 60
RESTART_AFTER_S: Final = 1.0
STOP_TIMEOUT_S: Final = 30
KEYS_KEPT: Final = 200_000
IDLE_BELOW: Final = 20
"""With fewer events on their way the writer is as good as idle."""
FLUSH_BYTES: Final = 16_384
"""So many bytes are sent at once; fewer, when the event loop's turn ends."""


_Outcome = Answer | Sequence[Verdict | LedgerError] | Lapses | None
"""What a waiter is told: of an event, of a wish to judge, of one to let points lapse, of one to commit nothing new."""


class RemoteSequencer:
    """Orders the events of one ledger through the writer process (see `Sequencer`)."""

    def __init__(self, link: WriterLink, row: LedgerRow, size: int, observe: Observer | None) -> None:
        self.row = row
        self.size = size
        self._link = link
        self._observe = observe
        self._keys: dict[str, bytes] = {}
        self._pending: dict[int, asyncio.Future[_Outcome]] = {}
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many events are on their way or being committed."""
        return len(self._pending)

    def public_key(self, key: str) -> bytes | None:
        """The public key of a key id, once the writer has named it.

        None while the writer has little to do: then it is the one that verifies, and both cores have work. Under load,
        and under a flood of bad signatures, this process verifies first.
        """
        return self._keys.get(key) if len(self._pending) >= IDLE_BELOW else None

    def put(self, items: Sequence[Prepared]) -> Sequence[asyncio.Future[Answer]]:
        """Send events in order, all or none. Raises `BusyError` when too many wait, or the writer is away."""
        self._link.check_room(len(self._pending) + len(items))
        waiters = [self._new_waiter() for _ in items]
        first = self._number - len(items) + 1
        frames = [
            frame(
                Ask(
                    self.row.ledger_id,
                    number,
                    item.candidate.event_data,
                    item.candidate.signatures,  # type: ignore[arg-type] # a list wherever it was read
                    item.candidate.verified,
                    item.disclosures,  # type: ignore[arg-type]
                )
            )
            for number, item in enumerate(items, first)
        ]
        self._link.send(b"".join(frames))
        return waiters  # type: ignore[return-value] # events are never answered otherwise

    async def submit(self, item: Prepared) -> Answer:
        """The ledger's answer to one event, after it is durable. Raises the `LedgerError` that refused it."""
        return await self.put([item])[0]

    async def check(self, items: Sequence[Prepared]) -> Sequence[Verdict | LedgerError]:
        """What would become of events, in order, without appending any."""
        if not items:
            return []
        tries = [
            Try(one.event_data, one.signatures, one.verified)  # type: ignore[arg-type] # a list wherever it was read
            for one in (item.candidate for item in items)
        ]
        return await self._wish(tries)  # type: ignore[return-value] # such a wish is never answered otherwise

    async def commit_state(self) -> Answer | None:
        """Have the state map committed; None when nothing came since the last commitment."""
        return await self._wish([])  # type: ignore[return-value] # as above

    async def lapse(self, after: str) -> Lapses:
        """Let points of the next parties lapse (`LedgerWriter.lapse`)."""
        return await self._wish([], after)  # type: ignore[return-value] # as above

    async def _wish(self, tries: list[Try], lapse_after: str | None = None) -> _Outcome:
        self._link.check_room(len(self._pending) + 1)
        waiter = self._new_waiter()
        self._link.send(frame(Ask(self.row.ledger_id, self._number, b"", [], True, [], tries, lapse_after)))
        return await waiter

    def take(self, reply: Reply) -> None:
        """Wake the waiters of a group."""
        self.size = reply.size
        if len(self._keys) > KEYS_KEPT:
            self._keys.clear()
        self._keys.update(reply.keys)
        for number, outcome in zip(reply.numbers, reply.outcomes, strict=True):
            waiter = self._pending.pop(number)
            if waiter.done():
                continue
            if isinstance(outcome, Place):
                note = reply.checkpoints[outcome.checkpoint]
                waiter.set_result(Answer(outcome.seq, Digest(outcome.leaf), outcome.at_ms, outcome.replayed, note))
            elif isinstance(outcome, Refused):
                waiter.set_exception(outcome.error())
            elif isinstance(outcome, Judged):
                waiter.set_result([_verdict(one) for one in outcome.outcomes])
            else:
                waiter.set_result(outcome if isinstance(outcome, Lapses) else None)
        if self._observe is not None:
            self._observe(self.row.name, len(reply.numbers), reply.seconds)

    def lose(self, error: BusyError) -> None:
        """Tell every waiter that its answer will not come."""
        pending, self._pending = self._pending, {}
        for waiter in pending.values():
            if not waiter.done():
                waiter.set_exception(error)

    def _new_waiter(self) -> asyncio.Future[_Outcome]:
        self._number += 1
        waiter = self._pending[self._number] = asyncio.get_running_loop().create_future()
        return waiter


class WriterLink(asyncio.Protocol):
    """The connection to the writer process, and the process itself."""

    def __init__(self, settings: Settings, observe: Observer | None) -> None:
        self._settings = settings
        self._observe = observe
        self._sequencers: dict[int, RemoteSequencer] = {}
        self._frames = Frames()
        self._outbox = bytearray()
        self._process: BaseProcess | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._stopping = False
        self._restart: asyncio.Task[None] | None = None

    async def start(self) -> list[RemoteSequencer]:
        """Start the process; a sequencer for each ledger. Raises what speaks against opening them."""
        ready, own = await asyncio.to_thread(self._spawn)
        for number, name, origin, size in ready.ledgers:
            known = self._sequencers.get(number)
            if known is None:
                row = LedgerRow(number, name, origin)
                self._sequencers[number] = RemoteSequencer(self, row, size, self._observe)
            else:
                known.size = size
        self._frames = Frames()
        own.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: self, sock=own)
        return list(self._sequencers.values())

    async def stop(self) -> None:
        """Let the writer finish what it has, and wait until it has gone."""
        self._stopping = True
        if self._restart is not None:
            await asyncio.gather(self._restart, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.join, STOP_TIMEOUT_S)
            self._process.kill()  # one that hangs would hold up our own end; what it answered is durable

    def check_room(self, waiting: int) -> None:
        """Raise `BusyError` if so many may not wait, or nobody is there to answer them."""
        if self._transport is None or self._stopping:
            raise BusyError("the writer is not there at the moment; try again shortly", code="writer_lost")
        if waiting > self._settings.queue_max:
            raise BusyError(
                "too many events are waiting; nothing was stored, try again shortly",
                code="queue_full",
                expected=f"at most {self._settings.queue_max} waiting",
                got=str(waiting),
            )

    def send(self, frames: bytes) -> None:
        """Send frames; `check_room` was asked before."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox += frames
        if len(self._outbox) > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._outbox and self._transport is not None:
            self._transport.write(bytes(self._outbox))
        self._outbox.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            reply: Reply = read_reply(message)
            self._sequencers[reply.ledger].take(reply)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        lost = BusyError("the writer stopped, so the outcome is not known; send it again", code="writer_lost")
        for sequencer in self._sequencers.values():
            sequencer.lose(lost)
        if not self._stopping:
            self._restart = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        """Start another writer, however many attempts it takes; until then `check_room` tells that there is none."""
        while not self._stopping:
            try:
                await self.start()
                return
            except (LedgerError, OSError):
                logger.exception("the writer did not start again")
                await asyncio.sleep(RESTART_AFTER_S)

    def _spawn(self) -> tuple[Ready, socket.socket]:
        own, other = socket.socketpair()
        context = multiprocessing.get_context("spawn")
        arguments = (other, self._settings)
        self._process = context.Process(target=writer_process.run, args=arguments, name="gongfen-writer", daemon=True)
        self._process.start()
        other.close()
        own.settimeout(START_TIMEOUT_S)
        try:
            return _first_words(own), own
        except BaseException:
            own.close()
            self._process.kill()
            raise


def _verdict(outcome: Would | Refused) -> Verdict | LedgerError:
    return outcome.error() if isinstance(outcome, Refused) else Verdict(outcome.seq, outcome.replayed)


def _first_words(own: socket.socket) -> Ready:
    """What a writer says when it has opened its ledgers. Raises what speaks against that."""
    frames = Frames()
    while True:
        try:
            data = own.recv(1 << 16)
        except TimeoutError as error:
            raise StateError("the writer did not start in time", code="writer_late") from error
        if not data:
            raise StateError("the writer ended while starting; its words are on standard error", code="writer_late")
        for message in frames.feed(data):
            ready = read_ready(message)
            if ready.failed is not None:
                raise ready.failed.error()
            return ready
