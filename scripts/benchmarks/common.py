"""What every benchmark shares: results, paired rounds, the Ed25519 baseline, a village to measure with."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from nacl.signing import SigningKey, VerifyKey

from ledger.config import Settings
from ledger.core.encoding import canonical, encode_base64url
from ledger.keys import KeyFile, new_event_key
from ledger.service.commit import LedgerWriter
from ledger.service.founding import create_ledger
from ledger.service.intake import prepare
from ledger.service.storage import Storage
from ledger.store.entries import LedgerRow

ORIGIN = "bench.example/village"
DAY = "2021-11-20"
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Result:
    """One figure beside its baseline. ``ratio`` is value / baseline_value; ``better`` says which way is good."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float
    floor: float | None
    aim: float | None
    better: str

    @property
    def ratio(self) -> float:
        return self.value / self.baseline_value

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio}


def show(result: Result) -> str:
    """One line for a person."""
    good = result.floor is None or (
        result.ratio >= result.floor if result.better == "higher" else result.ratio <= result.floor
    )
    sign = "≥" if result.better == "higher" else "≤"
    bound = f"floor {sign} {result.floor}, aim {result.aim}" if result.floor is not None else "for information"
    return (
        f"{'ok  ' if good else 'MISS'} {result.name}: {result.value:,.5g} {result.unit}; "
        f"{result.baseline}: {result.baseline_value:,.5g}; ratio {result.ratio:.2f} ({bound})"
    )


def rounds(baseline: Callable[[], float], ours: Callable[[], float], count: int = 5) -> tuple[float, float]:
    """Measure both in turn ``count`` times; the medians of each, of the round with the median ratio."""
    pairs = [(baseline(), ours()) for _ in range(count)]
    pairs.sort(key=lambda pair: pair[1] / pair[0])
    return pairs[len(pairs) // 2]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def per_call(work: Callable[[int], object], count: int) -> float:
    """Median seconds of ``work(i)`` over ``count`` calls."""
    times = []
    for index in range(count):
        started = time.perf_counter()
        work(index)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _verify_share(count: int, size: int) -> float:
    key = SigningKey.generate()
    message = os.urandom(size)
    signature = key.sign(message).signature
    verify = VerifyKey(bytes(key.verify_key)).verify
    started = time.perf_counter()
    for _ in range(count):
        verify(message, signature)
    return count / (time.perf_counter() - started)


class VerifyRate:
    """How many Ed25519 signatures `pynacl` verifies a second on all cores, in processes of their own."""

    def __enter__(self) -> VerifyRate:
        self._pool = ProcessPoolExecutor(CORES)
        self(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def __call__(self, count: int = 12_000, size: int = 700) -> float:
        shares = [self._pool.submit(_verify_share, count // CORES, size) for _ in range(CORES)]
        return sum(share.result() for share in shares)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on disk (not in memory) that goes away afterwards."""
    path = Path(tempfile.mkdtemp(prefix="gongfen-bench-", dir=os.environ.get("GONGFEN_BENCH_DIR")))
    try:
        yield path
    finally:
        shutil.rmtree(path)


class Village:
    """A ledger with an issuer, officers, residents and a rule; makes signed awards."""

    def __init__(self, data_dir: Path, residents: int = 1151) -> None:
        self.storage = Storage(Settings(data_dir=data_dir))
        self.storage.open_for_writing()
        root = new_event_key()
        create_ledger(self.storage, ORIGIN, roots=[root], profile="bench")
        self.row: LedgerRow = self.storage.ledgers()[0]
        self.writer: LedgerWriter = self.storage.writer(self.row)
        self.officer = new_event_key()
        clerks = [new_event_key(), new_event_key()]
        council, oversight = new_event_key(), new_event_key()
        self.issuer = new_event_key().party_id
        self.residents = [new_event_key().party_id for _ in range(residents)]
        roles = [(clerks[0], "clerk"), (clerks[1], "clerk"), (self.officer, "issuer"), (council, "council")]
        self.found(
            [
                *(self._grant(root, key, role) for key, role in [*roles, (oversight, "oversight")]),
                *(self._register(clerks, party, "organisation") for party in [self.issuer]),
                *(self._register(clerks, party, "resident") for party in self.residents),
                self._adopt(council, oversight, root),
            ]
        )

    def found(self, submissions: list[bytes]) -> None:
        """Append in large groups; every one must be accepted."""
        for start in range(0, len(submissions), 2000):
            group = [prepare(item, self.writer.public_key) for item in submissions[start : start + 2000]]
            for answer in self.writer.append(group):
                if isinstance(answer, Exception):
                    raise answer

    def awards(self, count: int) -> list[bytes]:
        """Signed awards over all residents in turn, as submissions."""
        body = {"amount_units": 400, "issuer": self.issuer, "quantity": 2, "units": ["merit", "spend"]}
        rule = {"book": "points", "version": 1, "id": "volunteer"}
        return [
            self.sign(
                "points_awarded", {**body, "subject": self.residents[i % len(self.residents)]}, self.officer, rule=rule
            )
            for i in range(count)
        ]

    def sign(self, kind: str, body: dict[str, object], *keys: KeyFile, **more: object) -> bytes:
        """One submission, signed by each key."""
        event = {
            "v": 1,
            "ledger": ORIGIN,
            "id": _uuid7(),
            "kind": kind,
            "occurred_on": DAY,
            "actor": keys[0].party_id,
            "body": body,
            **more,
        }
        message = b"gongfen/event/v1\n" + canonical(event)
        signed = [
            {
                "key": key.key_id,
                "suite": "ed25519",
                "sig": encode_base64url(SigningKey(key.seed).sign(message).signature),
            }
            for key in keys
        ]
        ordered = [signed[0], *sorted(signed[1:], key=lambda item: item["key"])]
        return msgspec.json.encode({"event": event, "signatures": ordered, "disclosures": []})

    def _grant(self, root: KeyFile, key: KeyFile, role: str) -> bytes:
        body = {"action": "grant", "party": key.party_id, "role": role, "scope": "*", "key": key.reference()}
        return self.sign("role_changed", body, root)

    def _register(self, clerks: list[KeyFile], party: str, kind: str) -> bytes:
        return self.sign("party_changed", {"action": "register", "party": party, "type": kind}, *clerks)

    def _adopt(self, *signers: KeyFile) -> bytes:
        rule = {
            "id": "volunteer", "type": "award", "name_zh": "志愿服务", "name_en": "volunteering", "category": "service",
            "units": ["merit", "spend"], "target": "person", "points_units": 200,
        }  # fmt: skip
        book = {"book": "points", "version": 1, "title": "bench", "rules": [rule]}
        votes = {"eligible": 10, "present": 8, "in_favour": 7, "against": 1}
        return self.sign("rulebook_adopted", {"book": book, "effective_on": "2021-01-01", "votes": votes}, *signers)


def _uuid7() -> str:
    stamp = time.time_ns() // 1_000_000
    value = stamp << 80 | 7 << 76 | int.from_bytes(os.urandom(10), "big") & ((1 << 76) - 1)
    value = value & ~(3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def dump(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))
