"""Verifying a receipt offline, against as many `pynacl` verifies as it holds signatures."""

from __future__ import annotations

import os

from nacl.signing import SigningKey, VerifyKey

from benchmarks.common import Result, Village, folder, per_call, rounds
from ledger.core.note import COSIGNATURE, VerifierKey, cosign
from ledger.core.receipt import parse, serialise
from ledger.domain.entries import parse_entry
from ledger.service.receipts import ReceiptDesk
from ledger.store.database import reading
from ledger.verify import Trust, verify

ROUNDS = 400
WITNESSES = 3


def measure() -> list[Result]:
    with folder() as path:
        village = Village(path)
        village.found(village.awards(5_000))
        village.writer.commit_state()
        with reading(village.storage.engine) as connection:
            receipt = ReceiptDesk(village.row, village.storage.vault).receipt(
                connection, village.writer.size - 100, disclose=True
            )
        log_key = village.storage.log_key(village.row).verifier_key
    seeds = [os.urandom(32) for _ in range(WITNESSES)]
    witnesses = [VerifierKey.of(name=f"witness{i}", key=seed, type=COSIGNATURE) for i, seed in enumerate(seeds)]
    at_s = parse_entry(receipt.entry).chain.at // 1000 + 60
    note = receipt.checkpoint
    for witness, seed in zip(witnesses, seeds, strict=True):
        note = cosign(note, name=witness.name, key=seed, time_s=at_s)
    data = serialise(_with_checkpoint(receipt, note))
    trust = Trust.parse(_trust(str(log_key), [str(witness) for witness in witnesses]))
    signatures = _count(data)

    def ours() -> float:
        return 1 / per_call(lambda _: _verified(data, trust), ROUNDS)

    baseline, rate = rounds(lambda: 1 / (signatures * _one_verify()), ours)
    name = f"offline receipt verification ({signatures} signatures)"
    return [
        Result(name, 1e6 / rate, "µs", f"{signatures} pynacl verifies", 1e6 / baseline, 1.5, 1.25, "lower"),
    ]


def _verified(data: bytes, trust: Trust) -> None:
    report = verify(data, trust)
    if report.verdict != "genuine":
        raise RuntimeError(f"the receipt is {report.verdict}")


def _count(data: bytes) -> int:
    """Signatures that verifying this receipt must check: of the entry, its commitment, the log, the witnesses."""
    receipt = parse(data)
    entries = [receipt.entry, receipt.commitment.entry]  # type: ignore[union-attr]
    return sum(len(parse_entry(entry).signatures) for entry in entries) + 1 + WITNESSES


def _one_verify() -> float:
    key = SigningKey.generate()
    message = os.urandom(400)
    signature = key.sign(message).signature
    check = VerifyKey(bytes(key.verify_key)).verify
    return per_call(lambda _: check(message, signature), ROUNDS)


def _with_checkpoint(receipt: object, note: str) -> object:
    from msgspec.structs import replace

    return replace(receipt, checkpoint=note)  # type: ignore[type-var]


def _trust(log_key: str, witnesses: list[str]) -> str:
    logs = f'[[log]]\norigin = "bench.example/village"\nkeys = ["{log_key}"]\n'
    seen = "".join(f'[[witness]]\nkey = "{key}"\n' for key in witnesses)
    return f"{logs}{seen}[policy]\nwitnesses = {len(witnesses)}\n"
