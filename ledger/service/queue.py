"""The sequencer: one queue for each ledger, group commit, the answer only after the commit.

Handlers verify and put; one task takes the whole queue, hands it to the writer in a thread of its own, and wakes every
waiter. Under load it gathers a few milliseconds first, until a group is worth a durable commit; an idle ledger never
waits. `ledger.service.remote` does the same with a writer in a process of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ledger.errors import BusyError, LedgerError
from ledger.service.clocks import Lapses
from ledger.service.commit import Answer, LedgerWriter, Verdict
from ledger.service.intake import Prepared
from ledger.store.entries import LedgerRow

Observer = Callable[[str, int, float], None]
"""Told of every group after its commit: the ledger's short name, how many events it held, the seconds it took."""


class Sequencer:
    """Orders the events of one ledger. Made and used within one event loop."""

    def __init__(
        self,
        writer: LedgerWriter,
        *,
        queue_max: int,
        group_max: int,
        gather_s: float,
        observe: Observer | None = None,
    ) -> None:
        self.writer = writer
        self._observe = observe
        self._queue: deque[tuple[Prepared, asyncio.Future[Answer]]] = deque()
        self._queue_max = queue_max
        self._group_max = group_max
        self._gather_s = gather_s
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"writer-{writer.row.name}")
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to take events."""
        self._task = self._loop.create_task(self._run())

    async def stop(self) -> None:
        """Finish the group under way; waiters of what is still queued are told to try again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._turn:
            for _, waiter in self._queue:
                if not waiter.done():
                    waiter.set_exception(BusyError("the server is stopping; send it again", code="stopping"))
            self._queue.clear()
        self._thread.shutdown()

    @property
    def row(self) -> LedgerRow:
        """The ledger."""
        return self.writer.row

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self.writer.size

    def public_key(self, key: str) -> bytes | None:
        """The public key of a key id, if it was used lately."""
        return self.writer.public_key(key)

    @property
    def waiting(self) -> int:
        """How many events are queued."""
        return len(self._queue)

    def put(self, items: Sequence[Prepared]) -> list[asyncio.Future[Answer]]:
        """Queue events in order, all or none. Raises `BusyError` when the queue would overflow."""
        if len(self._queue) + len(items) > self._queue_max:
            raise BusyError(
                "too many events are waiting; nothing was stored, try again shortly",
                code="queue_full",
                expected=f"at most {self._queue_max} waiting",
                got=str(len(self._queue)),
            )
        waiters = [self._loop.create_future() for _ in items]
        self._queue.extend(zip(items, waiters, strict=True))
        self._arrived.set()
        return waiters

    async def submit(self, item: Prepared) -> Answer:
        """The ledger's answer to one event, after it is durable. Raises the `LedgerError` that refused it."""
        return await self.put([item])[0]

    async def check(self, items: Sequence[Prepared]) -> Sequence[Verdict | LedgerError]:
        """What would become of events, in order, without appending any; in turn with the groups."""
        candidates = [item.candidate for item in items]
        async with self._turn:
            return await self._loop.run_in_executor(self._thread, self.writer.check, candidates)

    async def commit_state(self) -> Answer | None:
        """Commit the state map, in turn with the groups."""
        async with self._turn:
            return await self._loop.run_in_executor(self._thread, self.writer.commit_state)

    async def lapse(self, after: str) -> Lapses:
        """Let points of the next parties lapse (`LedgerWriter.lapse`), in turn with the groups."""
        async with self._turn:
            return await self._loop.run_in_executor(self._thread, self.writer.lapse, after)

    async def _run(self) -> None:
        last = 0
        while True:
            await self._arrived.wait()
            if len(self._queue) < last // 2:
                await asyncio.sleep(self._gather_s)
            async with self._turn:
                size = min(len(self._queue), self._group_max)
                group = [self._queue.popleft() for _ in range(size)]
                if not self._queue:
                    self._arrived.clear()
                await self._commit(group)
            last = len(group)

    async def _commit(self, group: list[tuple[Prepared, asyncio.Future[Answer]]]) -> None:
        items = [item for item, _ in group]
        began = time.perf_counter()
        work = self._loop.run_in_executor(self._thread, self.writer.append, items)
        try:
            answers: Sequence[Answer | LedgerError] = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.gather(self._settle(group, work), return_exceptions=True)
            raise
        except Exception as error:  # whatever broke the commit, its waiters must hear of it
            _fail(group, error)
            return
        _answer(group, answers)
        if self._observe is not None:
            self._observe(self.writer.row.name, len(group), time.perf_counter() - began)

    async def _settle(
        self, group: list[tuple[Prepared, asyncio.Future[Answer]]], work: asyncio.Future[list[Answer | LedgerError]]
    ) -> None:
        """A commit under way when the sequencer stops still ends, and its waiters are answered."""
        try:
            _answer(group, await work)
        except Exception as error:  # as above
            _fail(group, error)


def _answer(group: list[tuple[Prepared, asyncio.Future[Answer]]], answers: Sequence[Answer | LedgerError]) -> None:
    for (_, waiter), answer in zip(group, answers, strict=True):
        if waiter.done():
            continue
        if isinstance(answer, LedgerError):
            waiter.set_exception(answer)
        else:
            waiter.set_result(answer)


def _fail(group: list[tuple[Prepared, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, waiter in group:
        if not waiter.done():
            waiter.set_exception(error)
