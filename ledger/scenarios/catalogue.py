"""The scenarios there are. Each is a module of its own, imported when it is asked for.

Such a module has ``SEED``, the seed unless another is asked for, and ``generate(seed, scale)``, which answers a
`Scenario`.
"""

from __future__ import annotations

import importlib
from typing import Final

from ledger.errors import ConfigError, NotFoundError
from ledger.scenarios.scenario import Scenario

MODULES: Final = {
    "daicun": "ledger.scenarios.daicun",
    "foshan": "ledger.scenarios.foshan",
    "dacang": "ledger.scenarios.dacang",
    "kangbashi": "ledger.scenarios.kangbashi",
    "changyang": "ledger.scenarios.changyang",
}
SCALE_MIN: Final = 0.01
"""The smallest scale: below it a village is too small for its activities."""


def generate(name: str, seed: int | None = None, scale: float = 1.0) -> Scenario:
    """A scenario by its name. Raises `NotFoundError` if there is none, `ConfigError` for a scale out of range."""
    if name not in MODULES:
        raise NotFoundError("no such scenario", field="name", expected=", ".join(MODULES), got=name)
    if not SCALE_MIN <= scale <= 1:
        raise ConfigError("no such scale", field="scale", expected=f"{SCALE_MIN} to 1", got=scale)
    module = importlib.import_module(MODULES[name])
    scenario: Scenario = module.generate(module.SEED if seed is None else seed, scale)
    return scenario


def part(number: int, scale: float, least: int) -> int:
    """A number at a scale, never below what the story needs."""
    return max(least, round(number * scale))
