"""Real EVM nodes as processes on loopback ports, each ended by its own handle, and started again at will."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from web3 import HTTPProvider, Web3

from ledger.scenarios.processes import Child, Processes, free_port, hardhat_command, node_binary, wait_for

PROJECT = Path(__file__).resolve().parents[2]
MODULES = PROJECT / "node_modules"


def environment() -> dict[str, str]:
    """With Node first on the path, and without usage reports."""
    path = os.pathsep.join([str(Path(node_binary()).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path, "HARDHAT_DISABLE_TELEMETRY": "true", "NO_COLOR": "1"}


def anvil_command(port: int) -> list[str]:
    """The binary itself: the script that npm links starts it as a child, which would outlive its parent."""
    [binary] = MODULES.glob("@foundry-rs/anvil-*/bin/anvil*")
    chain = ["--hardfork", "london", "--block-time", "1", "--gas-price", "0", "--base-fee", "0"]
    return [str(binary), "--host", "127.0.0.1", "--port", str(port), "--silent", *chain]


COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "anvil": anvil_command,
    "hardhat": partial(hardhat_command, PROJECT),
}


class Node:
    """A node of a kind (``hardhat``, ``anvil``) that keeps its port when it is stopped and started again."""

    def __init__(self, processes: Processes, kind: str, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.w3 = Web3(HTTPProvider(self.url))
        self._processes = processes
        self._command = [*COMMANDS[kind](self.port), *options]
        self._child: Child | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = self._processes.start(f"node-{self.port}", self._command, env=environment(), cwd=PROJECT)
        wait_for(self._child, self.w3.is_connected)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self._child is not None:
            self._processes.end(self._child)
            self._child = None


@contextmanager
def started(kind: str, *options: str) -> Iterator[Node]:
    """A running node."""
    with tempfile.TemporaryDirectory() as logs, Processes(Path(logs)) as processes:
        node = Node(processes, kind, *options)
        node.start()
        yield node


def lasting(folder: Path) -> list[str]:
    """Options by which anvil keeps its chain in a folder across restarts."""
    return ["--state", str(folder / "anvil-state.json")]
