"""Numbers that look random and are the same for the same seed, on every machine and Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")
_DOMAIN = b"gongfen/scenario/v1\n"


class Draw:
    """A stream of SHA-256 over its labels and a counter. For stories, never for secrets that must stay secret."""

    def __init__(self, *labels: str) -> None:
        self._labels = labels
        self._root = sha256(_DOMAIN + "\n".join(labels).encode()).digest()
        self._count = 0
        self._rest = b""

    def split(self, *labels: str) -> Draw:
        """A stream of its own under further labels; what others draw does not move it."""
        return Draw(*self._labels, *labels)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        while len(self._rest) < size:
            self._rest += sha256(self._root + self._count.to_bytes(8, "big")).digest()
            self._count += 1
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` − 1; ``bound`` is far below 2^64, so its bias does not matter here."""
        return int.from_bytes(self.take(8), "big") % bound

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        mixed = list(items)
        for place in range(len(mixed) - 1, 0, -1):
            other = self.below(place + 1)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed
