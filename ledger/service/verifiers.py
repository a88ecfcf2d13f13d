"""Verifying many signatures on all cores, in processes that do nothing else."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from types import TracebackType
from typing import Self

from ledger.core.ed25519 import SIGNATURE_SIZE
from ledger.core.encoding import decode_base64url
from ledger.core.signature import verify_event_bytes
from ledger.errors import LedgerError

Signed = tuple[bytes, str, bytes]
"""One signature to verify: the event's canonical bytes, the signature in base64url, the raw public key."""


def cores() -> int:
    """How many processes verifying may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SignatureChecker:
    """A pool of verifying processes. Use as a context manager; ``processes`` 0 verifies in this process."""

    def __init__(self, processes: int | None = None) -> None:
        self._count = cores() if processes is None else processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._count:
            # a fork is instant, and safe while no other thread may hold a lock
            method = "fork" if threading.active_count() == 1 and sys.platform == "linux" else "spawn"
            self._pool = ProcessPoolExecutor(self._count, mp_context=multiprocessing.get_context(method))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def check(self, items: Sequence[Signed]) -> Future[list[int]]:
        """The places of the signatures that do not hold, empty when all do; computed elsewhere meanwhile."""
        if self._pool is not None:
            return self._pool.submit(failing, items)
        done: Future[list[int]] = Future()
        done.set_result(failing(items))
        return done

    def check_ahead(self, groups: Iterable[Sequence[Signed]], *, ahead: int = 8) -> Iterator[list[int]]:
        """The failing places of each group, in order, at most ``ahead`` groups in flight.

        A group that is alone is verified in this process: starting others would take longer.
        """
        coming = iter(groups)
        first = list(islice(coming, 2))
        if len(first) < 2:
            yield from map(failing, first)
            return
        waiting: deque[Future[list[int]]] = deque()
        for group in chain(first, coming):
            waiting.append(self.check(group))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def failing(items: Sequence[Signed]) -> list[int]:
    """The places of the signatures that do not hold."""
    bad = []
    for place, (event_data, signature, public) in enumerate(items):
        try:
            verify_event_bytes(event_data, decode_base64url(signature, size=SIGNATURE_SIZE), public)
        except LedgerError:
            bad.append(place)
    return bad
