"""The running ledgers of one server: a sequencer each, and the clock that commits their state and lets points lapse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from ledger.domain.fields import day_of
from ledger.errors import NotFoundError
from ledger.service.clocks import Lapses
from ledger.service.commit import LedgerWriter
from ledger.service.queue import Observer, Sequencer
from ledger.service.remote import RemoteSequencer, WriterLink
from ledger.service.storage import Storage

logger = structlog.get_logger(__name__)

AnySequencer = Sequencer | RemoteSequencer
"""With the writer in this process, or in one of its own."""


class Ledgers:
    """The running ledgers: one sequencer each, and the clock that commits their state and lets points lapse."""

    def __init__(self, storage: Storage, *, observe: Observer | None = None) -> None:
        self.storage = storage
        self._observe = observe
        self._sequencers: dict[str, AnySequencer] = {}
        self._local: list[Sequencer] = []
        self._link: WriterLink | None = None
        self._clock: asyncio.Task[None] | None = None
        self._lapsed_on: dict[str, str] = {}

    async def start(self) -> None:
        """Open every ledger for writing, within the running event loop. Raises `StateError` on doubtful state."""
        opened: Sequence[AnySequencer]
        if self.storage.settings.writer_process:
            self._link = WriterLink(self.storage.settings, self._observe)
            opened = await self._link.start()
        else:
            writers = await asyncio.to_thread(self._open)
            opened = self._local = [self._sequence(writer) for writer in writers]
        self._sequencers = {sequencer.row.name: sequencer for sequencer in opened}
        self._clock = asyncio.get_running_loop().create_task(self._tick())

    async def stop(self) -> None:
        """Finish what is under way and close."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        for sequencer in self._local:
            await sequencer.stop()
        if self._link is not None:
            await self._link.stop()
        self.storage.close()

    def _open(self) -> list[LedgerWriter]:
        self.storage.open_for_writing()
        return [self.storage.writer(row) for row in self.storage.ledgers()]

    def _sequence(self, writer: LedgerWriter) -> Sequencer:
        settings = self.storage.settings
        sequencer = Sequencer(
            writer,
            queue_max=settings.queue_max,
            group_max=settings.group_max,
            gather_s=settings.gather_ms / 1000,
            observe=self._observe,
        )
        sequencer.start()
        return sequencer

    def sequencer(self, name: str) -> AnySequencer:
        """The sequencer of a short name. Raises `NotFoundError`."""
        found = self._sequencers.get(name)
        if found is None:
            raise NotFoundError("no such ledger", field="ledger", got=name)
        return found

    def check_open(self) -> None:
        """Raise `BusyError` while no writer is there to take events."""
        if self._link is not None:
            self._link.check_room(0)

    def all(self) -> list[AnySequencer]:
        """Every sequencer, in the order of the ledgers."""
        return list(self._sequencers.values())

    async def lapse(self, name: str) -> Lapses:
        """Let due points of a ledger lapse and tell of those that soon will, some parties at a time.

        Raises `NotFoundError`.
        """
        sequencer = self.sequencer(name)
        done = await sequencer.lapse("")
        while done.following:
            done += await sequencer.lapse(done.following)
        if done.refused:
            logger.error("points did not lapse", ledger=name, refused=done.refused, why=done.why)
        return done

    async def _tick(self) -> None:
        """At every tick commit what came; at the first one of a day let points lapse before that."""
        while True:
            await asyncio.sleep(self.storage.settings.commit_interval_s)
            for sequencer in self.all():
                await self._attempt("points did not lapse", sequencer, self._lapse_daily)
                await self._attempt("state was not committed", sequencer, lambda one: one.commit_state())

    async def _lapse_daily(self, sequencer: AnySequencer) -> None:
        name, today = sequencer.row.name, day_of(self.storage.clock())
        if self._lapsed_on.get(name) != today:
            await self.lapse(name)
            self._lapsed_on[name] = today

    async def _attempt(
        self, failure: str, sequencer: AnySequencer, work: Callable[[AnySequencer], Awaitable[object]]
    ) -> None:
        try:
            await work(sequencer)
        except Exception:  # one ledger's trouble must not stop the others' clock; it is logged and retried
            logger.exception(failure, ledger=sequencer.row.name)
