"""The demonstration behind ``scripts/demo``: every step one line, three verdicts, and what to try by hand."""

from __future__ import annotations

import argparse
import base64
import json
import re
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from msgspec.structs import replace

from ledger.client import LedgerClient
from ledger.errors import LedgerError
from ledger.scenarios.foshan import generate
from ledger.scenarios.processes import Processes, gongfen, run_to_end
from ledger.scenarios.report import Report
from ledger.scenarios.runner import opened
from ledger.scenarios.scenario import Chronicle
from ledger.scenarios.town import Town

PARTS = ("data", "keys", "anchor", "logs", "receipt.json", "tampered.json", "another.json", "trust.toml", "report.json")
"""What a demonstration leaves in its folder; an earlier one's is replaced."""
MARK = "demo.json"
ANCHOR_EVERY_S = 10


class Case(NamedTuple):
    """One verification: a file, whether a node may be asked, and what must come out."""

    title: str
    file: str
    options: tuple[str, ...]
    verdict: str
    exit_code: int


CASES = (
    Case("the receipt, with the chain at hand", "receipt.json", (), "genuine", 0),
    Case("the receipt, without asking any node", "receipt.json", ("--no-rpc",), "pending", 3),
    Case("a copy with one digit of the amount changed", "tampered.json", (), "invalid", 1),
)


class Steps:
    """Tells each step on a line of its own, with the seconds it took."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the first step began."""
        return round(time.monotonic() - self._started, 1)

    def tell(self, text: str) -> None:
        """One step that is done."""
        print(f"{self.seconds:5.0f} s  {text}", flush=True)


def main() -> int:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs start with SIGINT ignored
        signal.signal(number, _ended)
    folder = options.out.resolve()
    _make_room(folder)
    try:
        with Processes(folder / "logs") as processes:
            town = Town(folder, processes)
            good = _demonstrate(town, options)
            if options.check:
                return 0 if good else 1
            town.keep_anchoring(ANCHOR_EVERY_S)
            _stay_up(processes)
            return 0 if good else 1
    except KeyboardInterrupt:
        print("\nended; everything is kept in", folder)
        return 0
    except LedgerError as error:
        print(f"demo: {error}\nthe logs are in {folder / 'logs'}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="A whole village on this machine.")
    parser.add_argument("--check", action="store_true", help="exit at the end: 0 if every verdict is as said")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "var" / "demo")
    parser.add_argument("--port", type=int, default=0, help="port of the server; default: a free one")
    parser.add_argument("--rpc-port", type=int, default=0, help="port of the chain node; default: a free one")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the village, from 0.01 to 1")
    options = parser.parse_args()
    if not 0.01 <= options.scale <= 1:
        parser.error("--scale must lie within 0.01 and 1")
    return options


def _make_room(folder: Path) -> None:
    """An empty folder; what an earlier demonstration left is removed, anything else is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / MARK).exists():
        sys.exit(f"demo: {folder} holds other files; choose an empty folder with --out")
    for name in PARTS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (folder / MARK).write_text("{}\n", encoding="utf-8")


def _demonstrate(town: Town, options: argparse.Namespace) -> bool:
    """Everything up to the verdicts. Answers whether all is as said."""
    steps = Steps()
    scenario = generate(scale=options.scale)
    (chronicle,) = scenario.chronicles
    number = len(chronicle.submissions())
    steps.tell(f"made up a village and its year: {number:,} signed events (keys for show only)")
    log_keys = town.found(scenario)
    steps.tell(f"made the ledger {chronicle.origin}")
    town.serve(options.port)
    steps.tell(f"started the server on {town.url}")
    town.start_chain(options.rpc_port)
    steps.tell(f"started a Hardhat node on {town.rpc}")
    contract = town.deploy()
    town.register(log_keys)
    steps.tell(f"deployed the anchor contract {contract['contract']} and registered the ledger")
    with opened(scenario, town.url) as run:
        run.drive()
        steps.tell("sent every event over HTTP; each was answered as it must be, the forbidden ones refused")
        town.anchor(log_keys)
        steps.tell("anchored the ledger on the chain")
        report = run.report()
    audit = town.audit()
    report = replace(report, audit=audit, steps={"everything": steps.seconds})
    steps.tell(f"replayed the whole ledger: {audit}")
    _write_files(town, chronicle, log_keys[chronicle.name], contract["trust"])
    (town.folder / "report.json").write_text(report.as_json(indent=2) + "\n", encoding="utf-8")
    print(f"\n{report.as_text()}\n", flush=True)
    results = [_verify(town, case) for case in CASES]
    good = all(results) and report.good and report.figures["anchored_ledgers"] == 1
    _summarise(town, chronicle.name, report, good, staying=not options.check)
    return good


def _write_files(town: Town, chronicle: Chronicle, log_key: str, chain: str) -> None:
    """The receipt of the year's last award, a copy with one digit changed, and the verifier's own trust file."""
    event = [s for s in chronicle.submissions() if s.kind == "points_awarded" and s.refused is None][-1]
    with LedgerClient(town.url) as client:
        receipt = json.loads(client.receipt(chronicle.name, event.id, disclose=True))
    _write_json(town.folder / "receipt.json", receipt)
    changed = tampered(receipt)
    _write_json(town.folder / "tampered.json", changed)
    before, after = (_amount(base64.b64decode(one["entry"])) for one in (receipt, changed))
    print(f"         wrote receipt.json, trust.toml, and tampered.json, which says {after} points instead of {before}")
    trust = (
        "# Whom this verifier believes. It is the verifier's own file, never taken from what is verified.\n"
        f"[[log]]\norigin = {json.dumps(chronicle.origin)}\nkeys = [{json.dumps(log_key)}]\n\n"
        f"[policy]\nwitnesses = 0\nchains = 1\nmax_age_days = 30\n\n{chain}"
    )
    (town.folder / "trust.toml").write_text(trust, encoding="utf-8")


def tampered(receipt: dict[str, Any]) -> dict[str, Any]:
    """A copy of a receipt whose entry says another amount: its first digit is changed, nothing else."""
    entry = base64.b64decode(receipt["entry"])
    changed, count = re.subn(rb'("amount_units":)([0-9])', _another_digit, entry, count=1)
    if count != 1:
        raise ValueError("the receipt's entry states no amount")
    return {**receipt, "entry": base64.b64encode(changed).decode()}


def _amount(entry: bytes) -> str:
    """The amount that an entry states, in points."""
    units = int(json.loads(entry)["event"]["body"]["amount_units"])
    return f"{units // 100}.{units % 100:02}"


def _another_digit(found: re.Match[bytes]) -> bytes:
    return found[1] + (b"9" if found[2] != b"9" else b"8")


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _verify(town: Town, case: Case) -> bool:
    """Run the verifier as a resident would; tells verdict and exit code, and where it fails."""
    command = ("verify", case.file, "--trust", "trust.toml", *case.options, "--json")
    done = run_to_end(gongfen(*command), env=town.env, cwd=town.folder)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        print(f"  {case.title}: the verifier said {done.stderr.strip()!r}", flush=True)
        return False
    good = (found["verdict"], done.returncode) == (case.verdict, case.exit_code)
    told = "as it must be" if good else f"BUT MUST BE {case.verdict}, exit code {case.exit_code}"
    print(f"verify {case.title}:\n  {found['verdict']} (exit code {done.returncode}), {told}")
    print(f"  {found['sentence']}\n  {found['sentence_zh']}")
    for missing in found["missing"]:
        print(f"  still missing: {missing}")
    for step in found["steps"]:
        if step["result"] == "failed":
            where = [finding.get("field") or finding["message"] for finding in step["findings"]]
            print(f"  fails at {step['code']}: {step['sentence']} ({'; '.join(where[:2])})")
    print(flush=True)
    return good


def _summarise(town: Town, name: str, report: Report, good: bool, *, staying: bool) -> None:
    """Where everything is, and the commands to try by hand: without server and chain, unless they are staying."""
    folder = town.folder
    command = shlex.quote(gongfen()[0])
    value = {"good": good, "url": town.url, "rpc": town.rpc, "audit": report.audit, "seconds": report.seconds}
    _write_json(folder / MARK, value)
    print("everything is as it must be" if good else "SOMETHING IS NOT AS IT MUST BE", end="\n\n")
    print(f"files    {folder}: receipt.json tampered.json trust.toml report.json data/ logs/")
    if staying:
        print(f"server   {town.url}/v1/ledgers/{name}")
        print(f"log      {town.url}/{name}/checkpoint")
        print(f"chain    {town.rpc}")
    print("\ntry by hand:" if staying else "\nserver and chain have ended; what needs neither, to try by hand:")
    print(f"  cd {shlex.quote(str(folder))}")
    if staying:
        print(f"  {command} verify receipt.json --trust trust.toml")
    print(f"  {command} verify receipt.json --trust trust.toml --no-rpc --lang zh")
    print(f"  {command} verify tampered.json --trust trust.toml --no-rpc; echo $?")
    if staying:
        print(f"  {command} receipt 100 --ledger {name} --url {town.url} --out another.json")
        print(f"  {command} verify another.json --trust trust.toml")
    print(f"  GONGFEN_DATA_DIR={shlex.quote(str(town.data_dir))} {command} audit", flush=True)


def _stay_up(processes: Processes) -> None:
    print("\nserver and chain stay up, and what is added is anchored; Ctrl-C ends them", flush=True)
    while True:
        time.sleep(1)
        processes.check()


def _ended(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
