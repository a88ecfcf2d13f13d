"""Building the tree from entries, level by level."""

from __future__ import annotations

import os
from hashlib import sha256

from pymerkle import InmemoryTree

from benchmarks.common import Result, rounds, seconds
from ledger.core.merkle import leaf_hashes_of, root_of

LEAVES = 200_000
ENTRY_BYTES = 300


def measure() -> list[Result]:
    entries = [os.urandom(ENTRY_BYTES) for _ in range(LEAVES)]

    def ours() -> float:
        return LEAVES / seconds(lambda: root_of(leaf_hashes_of(entries)))

    def loop() -> float:
        left, right = os.urandom(32), os.urandom(32)

        def work() -> None:
            node = left
            for _ in range(LEAVES):
                node = sha256(b"\x01" + node + right).digest()

        return LEAVES / seconds(work) / 2

    def peer() -> float:
        tree = InmemoryTree(algorithm="sha256")

        def work() -> None:
            for entry in entries:
                tree.append_entry(entry)
            tree.get_state()

        return LEAVES / seconds(work)

    half, rate = rounds(loop, ours)
    slow, again = rounds(peer, ours, 3)
    return [
        Result("tree build", rate, "leaves/s", "node-hash loop ÷ 2", half, 0.80, 1.2, "higher"),
        Result("tree build against a peer", again, "leaves/s", "pymerkle in memory", slow, 9.0, None, "higher"),
    ]
