"""Verifying many signatures on all cores: joined blobs to worker processes, where libsodium does nothing else."""

from __future__ import annotations

import multiprocessing
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, NamedTuple, Self

from ledger.core.ed25519 import PUBLIC_KEY_SIZE, SIGNATURE_SIZE
from ledger.core.encoding import decode_base64url
from ledger.core.signature import verify_event_bytes
from ledger.errors import LedgerError

_HEADER: Final = struct.Struct(">I")


class Signed(NamedTuple):
    """One signature to verify: the event's canonical bytes, the signature in base64url, the raw public key."""

    event_data: bytes
    signature: str
    public: bytes


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
            self._pool = ProcessPoolExecutor(self._count, mp_context=multiprocessing.get_context("forkserver"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def check(self, items: Sequence[Signed]) -> Future[list[int]]:
        """The places of the signatures that do not hold, empty when all do; computed elsewhere meanwhile."""
        blob = _join(items)
        if self._pool is not None:
            return self._pool.submit(failing, blob)
        done: Future[list[int]] = Future()
        done.set_result(failing(blob))
        return done

    def check_ahead(self, groups: Iterable[Sequence[Signed]], *, ahead: int = 8) -> Iterator[list[int]]:
        """The failing places of each group, in order, at most ``ahead`` groups in flight."""
        waiting: deque[Future[list[int]]] = deque()
        for group in groups:
            waiting.append(self.check(group))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def failing(blob: bytes) -> list[int]:
    """The places of the signatures in a joined blob that do not hold."""
    bad: list[int] = []
    at, place = 0, 0
    while at < len(blob):
        (size,) = _HEADER.unpack_from(blob, at)
        at += _HEADER.size
        public = blob[at : at + PUBLIC_KEY_SIZE]
        signature = blob[at + PUBLIC_KEY_SIZE : at + PUBLIC_KEY_SIZE + SIGNATURE_SIZE]
        at += PUBLIC_KEY_SIZE + SIGNATURE_SIZE
        try:
            verify_event_bytes(blob[at : at + size], signature, public)
        except LedgerError:
            bad.append(place)
        at += size
        place += 1
    return bad


def _join(items: Sequence[Signed]) -> bytes:
    parts: list[bytes] = []
    for event_data, signature, public in items:
        parts += (_HEADER.pack(len(event_data)), public, decode_base64url(signature, size=SIGNATURE_SIZE), event_data)
    return b"".join(parts)
