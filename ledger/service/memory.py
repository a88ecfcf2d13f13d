"""The garbage collector of a long-running process: what is loaded at the start is never looked through again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLD: Final = (50_000, 20, 50)
"""Young objects are looked through far less often than by default: a collection stops every request."""


@contextmanager
def calm() -> Iterator[None]:
    """No collections meanwhile: for long work whose objects form no cycles and mostly stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def settle() -> None:
    """Call once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLD)
