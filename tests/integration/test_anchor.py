"""From a served ledger to a receipt that verifies against real nodes, by the commands an operator types."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec import UnsetType

from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.receipt import Receipt, parse
from ledger.keys import read_key
from ledger.rpc import RpcReader
from ledger.scenarios.processes import free_port
from ledger.verify import verify
from tests.helpers.nodes import Node, lasting, started
from tests.helpers.village import ORIGIN
from tests.unit.api.world import NAME, founded, founding_events, maker, serving

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("anchor")]
COMMAND = [sys.executable, "-c", "from ledger.cli import main; main()"]


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out)
        return value


class Site:
    """One operator's machine: a served ledger, and a folder for the anchor process."""

    def __init__(self, data: Path, url: str, folder: Path) -> None:
        self.data, self.url, self.folder = data, url, folder
        self.client = LedgerClient(url)
        self.village = maker()

    def populate(self) -> None:
        for answer in self.client.submit_many(NAME, founding_events(self.village)):
            assert isinstance(answer, dict), answer

    def award(self) -> int:
        """One more award, committed; answers its entry's seq."""
        seq = int(self.client.submit(NAME, self.village.award("zhang", "volunteer"))["seq"])
        assert self.client.commit_state(NAME) is not None
        return seq

    def anchor(self, command: str, *arguments: object) -> Done:
        run = subprocess.run(
            self.command(command, *arguments), env=self.environment, capture_output=True, text=True, timeout=180
        )
        return Done(run.returncode, run.stdout, run.stderr)

    def command(self, command: str, *arguments: object) -> list[str]:
        return [*COMMAND, "anchor", command, *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        config = {"GONGFEN_ANCHOR_CONFIG": str(self.folder / "anchor.toml"), "GONGFEN_DATA_DIR": str(self.data)}
        return os.environ | config

    def deploy(self, rpc: str, profile: str, *more: object) -> dict[str, Any]:
        done = self.anchor(
            "deploy", "--rpc", rpc, "--profile", profile, "--out", self.folder, "--server", self.url, "--json", *more
        )
        assert done.code == 0, done.err
        registered = self.anchor("register", "--json")
        assert registered.code == 0, registered.err
        assert ORIGIN in registered.json()["registered"][done.json()["contract"]]
        return done.json()

    def once(self, wait: float = 60) -> Done:
        done = self.anchor("once", "--wait", wait, "--json")
        assert done.code in (0, 3), done.err
        return done

    def trust(self, *chains: str, needed: int = 1) -> str:
        log_key = read_key(self.data / "keys" / f"{NAME}.log.key", "log").verifier_key
        head = f'[[log]]\norigin = "{ORIGIN}"\nkeys = ["{log_key}"]\n[policy]\nchains = {needed}\n'
        return head + "\n".join(chains)

    def verdict(self, seq: int, trust: str, *, ask: bool = True) -> str:
        data = self.client.receipt(NAME, str(seq))
        with RpcReader() as reader:
            return verify(data, trust, chain=reader if ask else None, now_ms=int(time.time() * 1000)).verdict


@pytest.fixture(scope="module")
def hardhat() -> Iterator[Node]:
    with started("hardhat") as node:
        yield node


@pytest.fixture(scope="module")
def anvil() -> Iterator[Node]:
    with started("anvil") as node:
        yield node


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    settings = Settings(data_dir=tmp_path / "var")
    settings.data_dir.mkdir()
    founded(settings)
    with serving(settings) as url:
        made = Site(settings.data_dir, url, tmp_path / "anchor")
        made.populate()
        yield made
        made.client.close()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} seconds for {what}"
        time.sleep(0.2)


@pytest.mark.parametrize("kind", ["hardhat", "anvil"])
def test_a_receipt_becomes_genuine(kind: str, site: Site, request: pytest.FixtureRequest) -> None:
    node: Node = request.getfixturevalue(kind)
    made = site.deploy(node.url, kind, "--members", 3, "--quorum", 2)
    trust = site.trust(made["trust"])
    seq = site.award()
    assert site.verdict(seq, trust) == "pending"

    done = site.once()
    assert done.code == 0, done.err
    size = done.json()["ledgers"][0]["committed"]
    assert done.json()["ledgers"] == [{"origin": ORIGIN, "committed": size, "anchored": size, "lag": 0}]

    receipt = parse(site.client.receipt(NAME, str(seq)))
    assert isinstance(receipt, Receipt)
    assert not isinstance(receipt.anchors, UnsetType)
    [anchor] = receipt.anchors
    assert (anchor.chain_id, anchor.contract, anchor.batch) == (made["chain_id"], made["contract"], 1)
    assert site.verdict(seq, trust) == "genuine"
    assert site.verdict(seq, trust, ask=False) == "pending", "nobody asked a node"
    other_code = trust.replace(made["code_hash"], "0" * 64)
    assert site.verdict(seq, other_code) == "invalid"

    second = site.award()
    assert site.once().code == 0
    assert site.verdict(second, trust) == "genuine"
    assert site.verdict(seq, trust) == "genuine"
    anchors = site.client.anchors(NAME)
    assert [(one["batch"], one["state"]) for one in anchors] == [(2, "final"), (1, "final")]
    status = site.anchor("status", "--json").json()
    assert status["chains"][0]["batches"] == {"final": 2}
    assert status["left_out"] == []
    assert f"{ORIGIN}: anchored to" in site.anchor("status").out


def test_an_entry_is_anchored_on_two_chains(site: Site, anvil: Node) -> None:
    """A trust file asks for both."""
    with started("anvil", "--chain-id", "31338") as other:
        first, second = site.deploy(anvil.url, "anvil"), site.deploy(other.url, "anvil")
        seq = site.award()
        assert site.once().code == 0
        receipt = parse(site.client.receipt(NAME, str(seq)))
        assert isinstance(receipt, Receipt)
        assert not isinstance(receipt.anchors, UnsetType)
        assert [anchor.chain_id for anchor in receipt.anchors] == [31337, 31338]
        trust = site.trust(first["trust"], second["trust"], needed=2)
        assert site.verdict(seq, trust) == "genuine"
    assert site.verdict(seq, trust) == "pending", "one of two chains does not answer"


@pytest.mark.slow
def test_two_chains_that_cannot_be_told_apart_are_refused(site: Site, anvil: Node) -> None:
    """Development chains often have one id, and a new submitter's first contract has one address on all of them."""
    site.deploy(anvil.url, "anvil")
    with started("anvil") as other:
        done = site.anchor("deploy", "--rpc", other.url, "--profile", "anvil", "--out", site.folder)
    assert done.code == 2
    assert "give each development chain an id of its own" in done.err


@pytest.mark.slow
def test_two_contracts_on_a_chain_that_mines_slowly_share_a_submitter(site: Site, anvil: Node) -> None:
    site.deploy(anvil.url, "anvil")
    site.deploy(anvil.url, "anvil", "--confirmations", 2)
    for _ in range(2):
        site.award()
        site.once(wait=0)  # both transactions wait in the pool
    done = site.once()
    assert done.code == 0, done.err
    assert done.json()["ledgers"][0]["lag"] == 0
    for chain in done.json()["chains"]:
        assert set(chain["batches"]) == {"final"}


@contextmanager
def anchoring(site: Site, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`gongfen anchor run` as a process of its own; it is killed if the test did not end it."""
    command = site.command("run", "--interval", 0.5, *arguments)
    errors = site.folder / "run.log"
    with errors.open("a") as log, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, env=site.environment
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("anchoring every 0.5 seconds"), errors.read_text()
            yield process
        finally:
            process.kill()


def anchored(site: Site, seq: int) -> Callable[[], bool]:
    def check() -> bool:
        receipt = parse(site.client.receipt(NAME, str(seq)))
        return isinstance(receipt, Receipt) and bool(receipt.anchors)

    return check


def test_a_killed_process_is_followed_by_one_that_goes_on(site: Site, anvil: Node) -> None:
    made = site.deploy(anvil.url, "anvil")
    for pause in (0.1, 0.6, 1.1):
        with anchoring(site) as process:
            seq = site.award()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            process.wait()
    with anchoring(site) as process:
        wait_until(anchored(site, seq), "the anchor")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0, "a process that is told to stop ends well"
    assert site.verdict(seq, site.trust(made["trust"])) == "genuine"
    states = site.anchor("status", "--json").json()["chains"][0]["batches"]
    assert set(states) <= {"final", "dropped"}


@pytest.mark.slow
def test_a_second_process_stands_by_until_the_first_ends(site: Site, anvil: Node) -> None:
    site.deploy(anvil.url, "anvil")
    with anchoring(site) as first, anchoring(site) as second:
        wait_until(anchored(site, site.award()), "the anchor")
        busy = site.anchor("once")
        assert busy.code == 2
        assert "another anchor process works on this database" in busy.err
        first.kill()
        first.wait()
        wait_until(anchored(site, site.award()), "the other process to take over")
        assert second.poll() is None


def test_a_chain_that_is_away_shows_as_lag_and_is_caught_up_with(site: Site, tmp_path: Path) -> None:
    with started("anvil", *lasting(tmp_path)) as node:
        made = site.deploy(node.url, "anvil")
        port = free_port()
        with anchoring(site, "--metrics-port", port):
            wait_until(anchored(site, site.award()), "the first anchor")
            node.stop()
            seq = site.award()

            def noticed() -> bool:
                return site.anchor("status", "--json").json()["chains"][0]["error"] is not None

            wait_until(noticed, "the outage to be noted")
            assert site.anchor("status", "--json").json()["ledgers"][0]["lag"] > 0
            assert site.verdict(seq, site.trust(made["trust"])) == "pending"
            gauges = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            assert 'gongfen_anchor_chain_up{chain="31337"} 0.0' in gauges
            assert f'gongfen_anchor_lag_entries{{ledger="{ORIGIN}"}} 2.0' in gauges
            node.start()
            wait_until(anchored(site, seq), "the anchor after the outage")
        assert site.verdict(seq, site.trust(made["trust"])) == "genuine"
        assert site.anchor("status", "--json").json()["ledgers"][0]["lag"] == 0


@pytest.mark.slow
def test_a_reset_chain_is_noticed_and_nothing_is_written_off(site: Site, anvil: Node) -> None:
    made = site.deploy(anvil.url, "anvil")
    site.award()
    assert site.once().code == 0
    path = site.folder / "anchor.toml"
    path.write_text(path.read_text().replace(made["contract"], "0x" + "12" * 20))
    done = site.once(wait=0)
    assert done.code == 3
    assert "not the one that was deployed" in done.json()["chains"][0]["error"]


def test_what_is_missing_is_said(site: Site, tmp_path: Path) -> None:
    nothing = site.anchor("once")
    assert nothing.code == 2
    assert "`gongfen anchor deploy` writes it" in nothing.err
    unreachable = site.anchor("deploy", "--rpc", f"http://127.0.0.1:{free_port()}", "--out", site.folder)
    assert unreachable.code == 2
    assert "the node gave no usable answer" in unreachable.err
    unknown = site.anchor("deploy", "--rpc", "http://127.0.0.1:1", "--profile", "dogecoin", "--out", tmp_path / "x")
    assert unknown.code == 2
    assert "unknown chain profile" in unknown.err
