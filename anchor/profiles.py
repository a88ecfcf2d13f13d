"""Chain profiles: what differs between the nodes that anchors are sent to, as data (docs/spec/anchoring.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from ledger.errors import ConfigError

GAS_CAP: Final = 16_777_216
"""The most gas one transaction may use where EIP-7825 is in force."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of node. Ranges and batches count blocks and requests."""

    name: str
    log_chunk: int = 1_000
    """Blocks that one `eth_getLogs` may span."""
    batch_max: int = 100
    """Requests that one JSON-RPC batch may hold; 1 where batches are not spoken."""
    poa_middleware: bool = False
    """Whether blocks carry more than 32 bytes of extra data, as proof-of-authority chains do."""
    timestamp_unit: Literal["s", "ms"] = "s"
    has_get_proof: bool = True
    """Whether `eth_getProof` is there, for auditors that want proofs of storage."""
    legacy_tx: bool = False
    """Whether transactions name one gas price, rather than a fee and a tip."""
    gas_price: int | None = None
    """In wei; None asks the node. Only for legacy transactions."""
    confirmations: int = 1
    """Blocks that must stand, the anchor's own included, before it is final."""
    gas_cap: int = field(default=GAS_CAP)
    """Gas that one transaction may use."""
    faucet: bool = False
    """Whether the node holds unlocked accounts that pay for a new submitter: development chains only."""


PROFILES: Final[dict[str, Profile]] = {
    profile.name: profile
    for profile in (
        Profile("hardhat", faucet=True),
        Profile("anvil", faucet=True),
        Profile("eth-tester", batch_max=1, has_get_proof=False, faucet=True),
    )
}


def profile_of(name: str) -> Profile:
    """The profile of a name. Raises `ConfigError`."""
    found = PROFILES.get(name)
    if found is None:
        raise ConfigError("unknown chain profile", field="profile", expected=", ".join(PROFILES), got=name)
    return found
