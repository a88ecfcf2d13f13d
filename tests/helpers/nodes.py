"""Real EVM nodes as processes on loopback ports, each ended by its own handle, and started again at will."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from web3 import HTTPProvider, Web3

from tests.contracts.nodes import COMMANDS, environment, free_port, wait_for
from tests.contracts.world import PROJECT


class Node:
    """A node of a kind (``hardhat``, ``anvil``) that keeps its port when it is stopped and started again."""

    def __init__(self, kind: str, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command: Sequence[str] = [*COMMANDS[kind](self.port), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, cwd=PROJECT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(Web3(HTTPProvider(self.url)), self._process)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def started(kind: str, *options: str) -> Iterator[Node]:
    """A running node."""
    node = Node(kind, *options)
    try:
        node.start()
        yield node
    finally:
        node.stop()


def lasting(folder: Path) -> list[str]:
    """Options by which anvil keeps its chain in a folder across restarts."""
    return ["--state", str(folder / "anvil-state.json")]
