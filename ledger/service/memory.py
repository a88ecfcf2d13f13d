"""The garbage collector of a long-running process: what is loaded at the start is never looked through again."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLD: Final = (50_000, 20, 50)
"""Young objects are looked through far less often than by default: a collection stops every request."""


def settle() -> None:
    """Call once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLD)
