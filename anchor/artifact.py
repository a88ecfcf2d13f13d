"""The committed ABI and bytecode of the anchor contract, so that Python needs no compiler."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.errors import ConfigError

_NAME: Final = "LedgerAnchor.json"


@cache
def load_artifact() -> dict[str, Any]:
    """The artifact: ``abi``, ``bytecode``, ``deployedBytecode``. Raises `ConfigError` if the installation lacks it.

    A wheel carries it as ``anchor/abi``; a checkout has it where the contracts are built.
    """
    packaged = resources.files("anchor").joinpath("abi", _NAME)
    checkout = Path(__file__).resolve().parents[1] / "contracts" / "abi" / _NAME
    for place in (packaged, checkout):
        if place.is_file():
            artifact: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            return artifact
    raise ConfigError("the contract's ABI is missing; install the package again", field=_NAME)


@cache
def custom_errors() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """The contract's errors by their 4-byte selector: name, and (name, type) of each argument."""
    return {
        keccak(text=f"{item['name']}({','.join(one['type'] for one in item['inputs'])})")[:4]: (
            item["name"],
            tuple((one["name"], one["type"]) for one in item["inputs"]),
        )
        for item in load_artifact()["abi"]
        if item["type"] == "error"
    }
