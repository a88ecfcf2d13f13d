"""docs/first-steps.md, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.scenarios.processes import Processes, free_port, gongfen, wait_for_line
from tests.helpers.nodes import started

pytestmark = pytest.mark.node

PAGE = Path(__file__).parents[2] / "docs" / "first-steps.md"
PLACES = {"gongfen serve\n": "serve", "npx hardhat node --hostname 127.0.0.1\n": "node"}


def test_the_first_steps_lead_to_a_genuine_receipt(tmp_path: Path) -> None:
    path, making, *blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert path.startswith("export PATH=")
    assert [block for block in blocks if block in PLACES] == list(PLACES)
    port = free_port()
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GONGFEN_PORT": str(port),
        "GONGFEN_URL": f"http://127.0.0.1:{port}",
        "GONGFEN_COMMIT_INTERVAL_S": "0.5",
    }
    run(making, tmp_path, env)
    village = tmp_path / "my-village"
    with Processes(tmp_path / "logs") as processes, started("hardhat") as node:
        wait_for_line(processes.start("server", gongfen("serve"), env=env, cwd=village), "serving on ")
        script = "\n".join(block for block in blocks if block not in PLACES)
        told = run(script.replace("http://127.0.0.1:8545", node.url), village, env)
    assert "\nGenuine, as of " in told
    assert "place        村口" in told
    assert told.index("exit code 3") > told.index("Genuine")
    assert "my-village: everything holds: " in told


def run(script: str, folder: Path, env: dict[str, str]) -> str:
    """What a script says; it must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
