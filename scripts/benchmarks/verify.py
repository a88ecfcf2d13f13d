"""Verifying receipts offline, against as many `pynacl` verifies as they hold signatures.

Every receipt is at a checkpoint of its own, so nothing that one of them opened helps with the next.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count

from msgspec.structs import replace
from nacl.signing import SigningKey, VerifyKey

from benchmarks.common import Result, Village, folder, per_call, rounds
from ledger.core.note import COSIGNATURE, VerifierKey, cosign
from ledger.core.receipt import Receipt, serialise
from ledger.domain.entries import parse_entry
from ledger.service.receipts import ReceiptDesk
from ledger.store.database import reading
from ledger.verify import Trust, verify

RECEIPTS = 400
AWARDS_BETWEEN = 4
WITNESSES = 3


def measure() -> list[Result]:
    seeds = [os.urandom(32) for _ in range(WITNESSES)]
    with folder() as path:
        village = Village(path)
        village.found(village.awards(5_000))
        receipts = [_cosigned(_newest(village), seeds) for _ in range(RECEIPTS)]
        log_key = village.storage.log_key(village.row).verifier_key
    witnesses = [VerifierKey.of(name=f"witness{i}", key=seed, type=COSIGNATURE) for i, seed in enumerate(seeds)]
    trust = Trust.parse(_trust(str(log_key), [str(witness) for witness in witnesses]))
    proofs = [serialise(receipt) for receipt in receipts]
    signatures = _count(receipts[0])
    turn = count()

    def ours() -> float:
        return per_call(lambda _: _verified(proofs[next(turn) % RECEIPTS], trust), RECEIPTS)

    baseline, time_s = rounds(lambda: signatures * _one_verify(), ours)
    name = f"offline receipt verification ({signatures} signatures)"
    return [Result(name, 1e6 * time_s, "µs", f"{signatures} pynacl verifies", 1e6 * baseline, 1.5, 1.25, "lower")]


def _newest(village: Village) -> Receipt:
    """The receipt of a new award, at the checkpoint of a commitment made for it."""
    village.found(village.awards(AWARDS_BETWEEN))
    village.writer.commit_state()
    with reading(village.storage.engine) as connection:
        desk = ReceiptDesk(village.row, village.storage.vault)
        return desk.receipt(connection, village.writer.size - 2, disclose=True)


def _cosigned(receipt: Receipt, seeds: Sequence[bytes]) -> Receipt:
    at_s = parse_entry(receipt.entry).chain.at // 1000 + 60
    note = receipt.checkpoint
    for place, seed in enumerate(seeds):
        note = cosign(note, name=f"witness{place}", key=seed, time_s=at_s)
    return replace(receipt, checkpoint=note)


def _verified(data: bytes, trust: Trust) -> None:
    report = verify(data, trust)
    if report.verdict != "genuine":
        raise RuntimeError(f"the receipt is {report.verdict}")


def _count(receipt: Receipt) -> int:
    """Signatures that a receipt holds and verifying it checks: of its entry, of the log, of the witnesses.

    The commitment's own signature is not among them: the tree under the log's signature holds that entry.
    """
    return len(parse_entry(receipt.entry).signatures) + 1 + WITNESSES


def _one_verify() -> float:
    key = SigningKey.generate()
    message = os.urandom(400)
    signature = key.sign(message).signature
    check = VerifyKey(bytes(key.verify_key)).verify
    return per_call(lambda _: check(message, signature), RECEIPTS)


def _trust(log_key: str, witnesses: list[str]) -> str:
    logs = f'[[log]]\norigin = "bench.example/village"\nkeys = ["{log_key}"]\n'
    seen = "".join(f'[[witness]]\nkey = "{key}"\n' for key in witnesses)
    return f"{logs}{seen}[policy]\nwitnesses = {len(witnesses)}\n"
