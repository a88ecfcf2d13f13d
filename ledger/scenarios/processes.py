"""Child processes of a scenario: started with a log file each, and ended by their handles, whatever happens."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from ledger.errors import ConfigError, StateError

START_S: Final = 60.0
"""How long a child may take until it answers."""
STOP_S: Final = 15.0
"""How long a child may take to end when asked to."""


class Child(NamedTuple):
    """A running process, and the file that takes what it prints."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise `StateError`, with its last words, if the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise StateError(f"{self.name} ended with code {code}: {self.last_words()}", code="child_ended")

    def last_words(self) -> str:
        """The end of what the process printed."""
        return self.log.read_bytes()[-2_000:].decode(errors="replace").strip()


class Processes:
    """The children of one run; leaving the context ends them, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Child:
        """Start a process in a session of its own, so that Ctrl-C reaches this process first."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                list(command),
                env=environment(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def end(self, child: Child) -> None:
        """End one child and wait for it."""
        if child.process.poll() is None:
            child.process.terminate()
            try:
                child.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        if child in self._children:
            self._children.remove(child)

    def check(self) -> None:
        """Raise `StateError` if a child has ended by itself."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """End every child."""
        for child in reversed(list(self._children)):
            self.end(child)


def wait_for(child: Child, ready: Callable[[], bool], seconds: float = START_S) -> None:
    """Wait until a child is ready. Raises `StateError` if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        child.check()
        if time.monotonic() > deadline:
            raise StateError(f"{child.name} is not ready after {seconds:.0f} s: {child.last_words()}")
        time.sleep(0.05)


def wait_for_line(child: Child, beginning: str) -> str:
    """The first line a child prints that begins with a text. Raises `StateError` if it ends or takes too long."""
    found: list[str] = []

    def look() -> bool:
        lines = child.log.read_text(encoding="utf-8", errors="replace").splitlines()
        found.extend(line for line in lines if line.startswith(beginning))
        return bool(found)

    wait_for(child, look)
    return found[0]


def gongfen(*arguments: str) -> list[str]:
    """The command `gongfen` beside the running Python. Raises `ConfigError` if it is not installed."""
    beside = Path(sys.executable).with_name("gongfen")
    found = str(beside) if beside.exists() else shutil.which("gongfen")
    if found is None:
        raise ConfigError("the command gongfen is missing; run scripts/setup", field="gongfen")
    return [found, *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without settings of a ledger, which belong to another one, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONGFEN_")}
    return {**kept, **(more or {})}


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command to its end and answer what it printed. Raises `StateError` if it fails."""
    done = run_to_end(command, env=env, cwd=cwd)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise StateError(f"{' '.join(command[1:3])} ended with code {done.returncode}: {said}", code="command_failed")
    return done.stdout


def run_to_end(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit code."""
    return subprocess.run(  # noqa: S603 - our own commands, no shell
        list(command),
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def node_binary() -> str:
    """The Node beside the running Python, or on the path: the program itself, not a script that starts it as a child.

    Raises `ConfigError` if there is none.
    """
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise ConfigError("Node is missing; run scripts/setup", field="node")
    return run([found, "-p", "process.execPath"]).strip()


def hardhat_command(project: Path, port: int) -> list[str]:
    """The command of a Hardhat node on loopback. Raises `ConfigError` if the project has no node modules."""
    program = project / "node_modules" / "hardhat" / "dist" / "src" / "cli.js"
    if not program.exists():
        raise ConfigError("Hardhat is not installed; run scripts/setup", field=str(program))
    return [node_binary(), str(program), "node", "--hostname", "127.0.0.1", "--port", str(port)]
