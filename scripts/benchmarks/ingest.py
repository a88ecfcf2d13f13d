"""Durable signed events over HTTP, one by one from 64 connections, against a route that only verifies the signature."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import trigger_chain
from benchmarks.common import ORIGIN, Result, Village, folder
from ledger.core.types import short_name

CONNECTIONS = 64
EVENTS = 6_000
ROUNDS = 5
WARM_UP = 1_000


def measure() -> list[Result]:
    with folder() as path:
        village = Village(path / "data")
        batches = [village.awards(EVENTS) for _ in range(ROUNDS)]
        warm_up = village.awards(WARM_UP)
        keys = {village.officer.key_id: village.officer.public.hex()}
        village.storage.close()
        route = f"/v1/ledgers/{short_name(ORIGIN)}/events"
        with _server(path) as ours, _verify_only(path, keys, route) as baseline:
            _load(path, baseline, route, warm_up)
            _load(path, ours, route, warm_up)
            runs = [(_load(path, baseline, route, batch), _load(path, ours, route, batch)) for batch in batches]
        chain_rate = trigger_chain.rate(path, batches[0])
    runs.sort(key=lambda pair: pair[1]["rate"] / pair[0]["rate"])
    base, best = runs[len(runs) // 2]
    p50 = statistics.median(run["p50_ms"] for _, run in runs)
    p99 = statistics.median(run["p99_ms"] for _, run in runs)
    results = [
        Result(
            "durable events over HTTP",
            best["rate"],
            "events/s",
            "the same route, verifying only",
            base["rate"],
            0.70,
            1.2,
            "higher",
        ),
        Result("its slowest hundredth", p99, "ms (p99)", "its median, ms", p50, 4.0, 2.5, "lower"),
    ]
    if chain_rate is not None:
        name = "durable events over HTTP against a trigger"
        results.append(
            Result(
                name, best["rate"], "events/s", "PostgreSQL trigger chain, 8 writers", chain_rate, 1.1, 1.5, "higher"
            )
        )
    return results


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: list[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            _wait(port, process, log)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def _server(path: Path) -> Iterator[int]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("gongfen")), "serve", "--port", str(port)]
    with _process(command, port, path / "serve.log", GONGFEN_DATA_DIR=str(path / "data"), GONGFEN_PORT=str(port)):
        yield port


@contextmanager
def _verify_only(path: Path, keys: dict[str, str], route: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.verify_only", str(port), route, json.dumps(keys)]
    with _process(command, port, path / "verify-only.log"):
        yield port


def _load(path: Path, port: int, route: str, batch: list[bytes]) -> dict[str, float]:
    """Send a batch from a process of its own; answers rate, p50_ms and p99_ms."""
    file = path / "batch.ndjson"
    file.write_bytes(b"\n".join(batch))
    command = [sys.executable, "-m", "benchmarks.load", str(port), route, str(file), str(CONNECTIONS)]
    done = subprocess.run(command, check=True, capture_output=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result
