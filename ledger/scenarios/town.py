"""A township on this machine: a data directory with its ledger, a server, and where asked a chain; ended when left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx

import ledger
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.errors import ConfigError
from ledger.keys import read_key, write_key
from ledger.scenarios.processes import (
    Child,
    Processes,
    free_port,
    gongfen,
    hardhat_command,
    run,
    run_to_end,
    wait_for,
    wait_for_line,
)
from ledger.scenarios.scenario import Chronicle, Scenario
from ledger.service.founding import create_ledger
from ledger.service.storage import Storage

ANCHOR_S: Final = "60"
"""How long an anchor may take to become final."""


def write_roots(chronicle: Chronicle, folder: Path) -> list[Path]:
    """Write the key files of a root authority, for demonstration only. A file that is there must hold the same key.

    Raises `ConfigError` if one holds another.
    """
    files = []
    for number, actor in enumerate(chronicle.roots, 1):
        path = folder / f"{chronicle.name}.township-{number}.key"
        if not path.exists():
            write_key(path, actor.key_file())
        elif read_key(path, "event") != actor.key_file():
            raise ConfigError("another key lies here; choose another folder", field=str(path))
        files.append(path)
    return files


def create_command(chronicle: Chronicle, roots: Sequence[Path]) -> list[str]:
    """The arguments of `gongfen` that make a ledger of a scenario."""
    keys = [text for path in roots for text in ("--root-key", str(path))]
    options = ["--profile", chronicle.profile, "--threshold", str(len(roots))]
    return ["ledger", "create", chronicle.origin, *options, *keys]


class Town:
    """One data directory under ``folder``, an absolute path. Commands run as processes, as an operator runs them."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.processes = processes
        self.anchor_config = folder / "anchor" / "anchor.toml"
        self.url = ""
        self.rpc = ""

    def gongfen(self, *arguments: str) -> str:
        """Run a command on the town's data directory to its end; answers what it printed. Raises `StateError`."""
        return run(gongfen(*arguments), env=self.env, cwd=self.folder)

    @property
    def env(self) -> dict[str, str]:
        """The environment of every command of this town."""
        return {"GONGFEN_DATA_DIR": str(self.data_dir)}

    def found(self, scenario: Scenario) -> dict[str, str]:
        """Make the ledgers that are not there yet. Answers the C2SP verifier keys of the logs by short name.

        Does what the commands that `create_command` shows do, without the time that other processes take to start.
        """
        storage = Storage(self._settings())
        try:
            present = {row.name for row in storage.ledgers()}
            missing = [one for one in scenario.chronicles if one.name not in present]
            if missing:
                storage.open_for_writing()
            for one in missing:
                roots = [read_key(path, "event") for path in write_roots(one, self.folder / "keys")]
                create_ledger(storage, one.origin, roots=roots, profile=one.profile, threshold=len(roots))
        finally:
            storage.close()
        return {one.name: self._log_key(one.name) for one in scenario.chronicles}

    def _log_key(self, name: str) -> str:
        return str(read_key(self.data_dir / "keys" / f"{name}.log.key", "log").verifier_key)

    def _settings(self) -> Settings:
        """The defaults of this data directory, whatever the environment says of another one."""
        database, key_store = (f"sqlite:///{self.data_dir / name}" for name in ("ledger.db", "keystore.db"))
        return Settings(data_dir=self.data_dir, database_url=database, key_store_url=key_store)

    def serve(self, port: int = 0) -> Child:
        """Start the server; `url` says where it is."""
        child = self.processes.start(
            "server", gongfen("serve", "--port", str(port), "--json"), env=self.env, cwd=self.folder
        )
        self.url = json.loads(wait_for_line(child, '{"url"'))["url"]
        return child

    def start_chain(self, port: int | None = None) -> str:
        """Start a Hardhat node and wait until it answers; answers its JSON-RPC address."""
        project = project_root()
        port = port or free_port()
        self.rpc = f"http://127.0.0.1:{port}"
        child = self.processes.start(
            "hardhat", hardhat_command(project, port), cwd=project, env={"HARDHAT_DISABLE_TELEMETRY": "true"}
        )
        wait_for(child, lambda: _chain_id(self.rpc) is not None)
        return self.rpc

    def deploy(self) -> dict[str, Any]:
        """Deploy the contract and write ``anchor.toml``; answers what the verifier's trust file needs of it."""
        found: dict[str, Any] = json.loads(
            self.gongfen(
                *("anchor", "deploy", "--rpc", self.rpc, "--profile", "hardhat", "--server", self.url),
                *("--out", str(self.anchor_config.parent), "--json"),
            )
        )
        return found

    def register(self, log_keys: Mapping[str, str]) -> None:
        """Register ledgers in the contract, all at once, their log keys by short name as the town itself knows them."""
        options = [text for name, key in log_keys.items() for text in ("--ledger", name, "--log-key", key)]
        self.gongfen("anchor", "register", *options, "--config", str(self.anchor_config))

    def anchor(self, names: Iterable[str]) -> None:
        """Commit the states and anchor them, until that is final. Raises `StateError` if it does not become so."""
        with LedgerClient(self.url) as client:
            for name in names:
                client.commit_state(name)
        self.gongfen("anchor", "once", "--wait", ANCHOR_S, "--config", str(self.anchor_config))

    def keep_anchoring(self, every_s: int) -> Child:
        """Start the anchor service, which anchors whatever is added."""
        command = gongfen("anchor", "run", "--interval", str(every_s), "--config", str(self.anchor_config))
        return self.processes.start("anchor", command, env=self.env, cwd=self.folder)

    def audit(self) -> str:
        """Replay the whole ledger and compare everything stored: ``clean``, or the first thing that is not."""
        done = run_to_end(gongfen("audit", "--json"), env=self.env, cwd=self.folder)
        reports: list[dict[str, Any]] = []
        with suppress(ValueError):
            reports = json.loads(done.stdout)["ledgers"]
        if done.returncode == 0 and reports and all(report["clean"] for report in reports):
            return "clean"
        faults = [str(fault) for report in reports for fault in report["faults"]]
        return (faults or [done.stderr.strip() or "no ledger was audited"])[0]


def project_root() -> Path:
    """The checkout, which holds the contract and the node modules. Raises `ConfigError` outside of one."""
    for folder in (Path(ledger.__file__).resolve().parents[1], Path.cwd()):
        if (folder / "hardhat.config.js").exists():
            return folder
    raise ConfigError("the chain needs the project's checkout; or leave it out with --no-chain", field="chain")


def _chain_id(rpc: str) -> int | None:
    """The chain id that a node answers with, None while it does not answer."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        return int(httpx.post(rpc, json=asked, timeout=5).json()["result"], 16)
    except (httpx.HTTPError, ValueError, KeyError):
        return None
