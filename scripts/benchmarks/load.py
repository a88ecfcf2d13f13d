"""A load generator: ``load.py PORT ROUTE FILE CONNECTIONS`` posts each line of a file once and prints the figures."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop


class Poster(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last has come whole."""

    def __init__(self, requests: list[bytes], times: list[float], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._times = times
        self._done = done
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._times.append(time.perf_counter() - self._sent)
        if not head.startswith((b"http/1.1 201", b"http/1.1 200")):
            self._done.set_exception(RuntimeError(self._buffer.decode(errors="replace")))
            return
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or RuntimeError("the server closed the connection"))

    def _next(self) -> None:
        if not self._requests:
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(self._requests.pop())  # type: ignore[attr-defined]


async def run(port: int, route: str, bodies: list[bytes], connections: int) -> dict[str, float]:
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in reversed(bodies)]
    loop = asyncio.get_running_loop()
    times: list[float] = []
    waiting = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for done in waiting:
        await loop.create_connection(lambda done=done: Poster(requests, times, done), "127.0.0.1", port)
    await asyncio.wait_for(asyncio.gather(*waiting), 300)
    elapsed = time.perf_counter() - started
    times.sort()
    return {
        "rate": len(times) / elapsed,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    lines = Path(sys.argv[3]).read_bytes().split(b"\n")
    print(json.dumps(uvloop.run(run(int(sys.argv[1]), sys.argv[2], lines, int(sys.argv[4])))))
