"""The process ends at every boundary, and the next one goes on from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

import anchor.outbox
import anchor.planning
from ledger.store.database import writing
from tests.unit.anchor.rig import Crash, Rig, SpoiltChain

POINTS_AT_LEAST = 12
"""Two around each commit (planned, cosigned, signed, sent or mined, final), two around sending."""


class Faults:
    """Ends the process at the point of a number; counts the points that were passed."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed - 1 == self.at:
            raise Crash

    def writing(self) -> Callable[[Any], AbstractContextManager[Any]]:
        @contextmanager
        def wrapped(engine: Any) -> Iterator[Any]:
            with writing(engine) as connection:
                yield connection
                self.point()
            self.point()

        return wrapped

    def send(self, true: Callable[[bytes], None], raw: bytes) -> None:
        self.point()
        true(raw)
        self.point()


def run(rig: Rig, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A round of a process of its own; False if it ended early."""
    chain = SpoiltChain(rig)
    chain.spoil["send"] = faults.send
    with monkeypatch.context() as patch:
        patch.setattr(anchor.outbox, "writing", faults.writing())
        patch.setattr(anchor.planning, "writing", faults.writing())
        try:
            rig.service(chain).round()
        except Crash:
            return False
    return True


def test_after_a_crash_at_any_boundary_the_same_batch_lands_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    at = 0
    while True:
        size = rig.village.grow("foshan-village")
        nonce = rig.w3.eth.get_transaction_count(rig.submitter.address)
        whole = run(rig, faults := Faults(at), monkeypatch)
        if not whole:
            [result] = rig.service().round()
            assert result.settled, f"crash at point {at}: {result}"
        assert rig.anchored("foshan-village") == rig.on_chain("foshan-village") == size, f"crash at point {at}"
        assert rig.w3.eth.get_transaction_count(rig.submitter.address) == nonce + 1, f"crash at point {at}"
        assert {state for _, state in rig.states()} == {"final"}, f"crash at point {at}"
        assert rig.chain().last_batch().id == at + 1
        if whole:
            break
        at += 1
    assert faults.passed >= POINTS_AT_LEAST


def test_a_process_that_keeps_crashing_comes_through_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    size = rig.village.grow("foshan-village")
    for _ in range(40):
        if run(rig, Faults(1), monkeypatch):
            break
    assert rig.on_chain("foshan-village") == rig.anchored("foshan-village") == size
    assert rig.states() == [(1, "final")]


def test_after_a_crash_before_sending_the_very_bytes_that_were_stored_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    rig.village.grow("foshan-village")
    chain = SpoiltChain(rig)
    sent: list[bytes] = []

    def end(_: object, raw: bytes) -> None:
        sent.append(raw)
        raise Crash

    chain.spoil["send"] = end
    with pytest.raises(Crash):
        rig.service(chain).round()
    [row] = rig.batches()
    assert (row.state, row.raw) == ("signed", sent[0])
    rig.village.grow("foshan-village")  # what came since waits for the next batch
    rig.service().round()
    assert [batch.state for batch in rig.batches()] == ["final", "final"]
    assert bytes(rig.w3.eth.get_transaction(rig.w3.to_hex(row.tx_hash))["hash"]) == row.tx_hash
