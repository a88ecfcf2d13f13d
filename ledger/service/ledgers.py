"""The running ledgers of one server: a sequencer each, and the clock that commits their state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from ledger.errors import NotFoundError
from ledger.service.queue import Observer, Sequencer, Writer
from ledger.service.remote import WriterProcess
from ledger.service.storage import Storage

logger = structlog.get_logger(__name__)


class Ledgers:
    """The running ledgers: one sequencer each, and the clock that commits their state."""

    def __init__(self, storage: Storage, *, observe: Observer | None = None) -> None:
        self.storage = storage
        self._observe = observe
        self._sequencers: dict[str, Sequencer] = {}
        self._clock: asyncio.Task[None] | None = None
        self._process: WriterProcess | None = None

    async def start(self) -> None:
        """Open every ledger for writing, within the running event loop. Raises `StateError` on doubtful state."""
        settings = self.storage.settings
        for writer in await asyncio.to_thread(self._open):
            sequencer = Sequencer(
                writer,
                queue_max=settings.queue_max,
                group_max=settings.group_max,
                gather_s=settings.gather_ms / 1000,
                observe=self._observe,
            )
            sequencer.start()
            self._sequencers[writer.row.name] = sequencer
        self._clock = asyncio.get_running_loop().create_task(self._commit_states())

    async def stop(self) -> None:
        """Finish what is under way and close."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        for sequencer in self._sequencers.values():
            await sequencer.stop()
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)
        self.storage.close()

    def _open(self) -> Sequence[Writer]:
        """The writers: in a process of their own, or in this one."""
        if self.storage.settings.writer_process:
            self._process = WriterProcess(self.storage.settings)
            return self._process.start()
        self.storage.open_for_writing()
        return [self.storage.writer(row) for row in self.storage.ledgers()]

    def sequencer(self, name: str) -> Sequencer:
        """The sequencer of a short name. Raises `NotFoundError`."""
        found = self._sequencers.get(name)
        if found is None:
            raise NotFoundError("no such ledger", field="ledger", got=name)
        return found

    def all(self) -> list[Sequencer]:
        """Every sequencer, in the order of the ledgers."""
        return list(self._sequencers.values())

    async def _commit_states(self) -> None:
        while True:
            await asyncio.sleep(self.storage.settings.commit_interval_s)
            for sequencer in self.all():
                try:
                    await sequencer.commit_state()
                except Exception:  # one ledger's trouble must not stop the others' clock; it is logged and retried
                    logger.exception("state was not committed", ledger=sequencer.writer.row.name)
