"""Who takes part in a test village: parties and witnesses, their keys made from their names; and its rule book."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from ledger.core import ed25519
from ledger.core.encoding import encode_base64url
from ledger.core.hashing import key_id
from ledger.core.note import COSIGNATURE, VerifierKey
from ledger.core.types import PartyId, party_of

BOOK = {
    "book": "points",
    "version": 1,
    "title": "积分细则",
    "rules": [
        {
            "id": "volunteer",
            "type": "award",
            "name_zh": "志愿服务",
            "name_en": "Volunteering",
            "category": "service",
            "units": ["merit", "spend"],
            "target": "person",
            "points_units": 200,
        },
        {
            "id": "exchange",
            "type": "redeem",
            "name_zh": "兑换",
            "name_en": "Exchange",
            "category": "shop",
            "units": ["spend"],
            "target": "person",
            "units_per_yuan": 10_000,
        },
    ],
}


def seed_of(name: str) -> bytes:
    """The 32-byte seed of a test key."""
    return sha256(b"seed of " + name.encode()).digest()


class Person(NamedTuple):
    """A party and its key, both made from a name."""

    name: str
    party: PartyId
    seed: bytes
    public: str
    key: str

    @classmethod
    def of(cls, name: str, *, key: str | None = None) -> Person:
        """The party called ``name``; ``key`` names another key of the same party."""
        seed = seed_of(key or name)
        raw = ed25519.public_key(seed)
        return cls(name, party_of(sha256(name.encode()).digest()[:16]), seed, encode_base64url(raw), key_id(raw))

    def holder(self) -> dict[str, str]:
        """As entry 0 lists it."""
        return {"party": self.party, "public": self.public, "suite": "ed25519"}

    def key_ref(self) -> dict[str, str]:
        """As `role_changed` names a key."""
        return {"public": self.public, "suite": "ed25519"}


class Witness(NamedTuple):
    """A witness's key. ``audits``: it replays what it signs."""

    name: str
    seed: bytes
    audits: bool = False

    @classmethod
    def of(cls, name: str, *, audits: bool = False) -> Witness:
        """The witness called ``name``."""
        return cls(name, seed_of(name), audits)

    def verifier_key(self) -> str:
        """As a trust file spells it."""
        return str(VerifierKey.of(name=self.name, key=self.seed, type=COSIGNATURE))


WITNESSES = (Witness.of("county.example/witness"), Witness.of("university.example/audit", audits=True))


def trust_file(
    origin: str,
    keys: Sequence[str],
    witnesses: Sequence[Witness],
    chains: Sequence[dict[str, object]],
    policy: dict[str, Any],
) -> str:
    """A trust file that asks for every witness and every chain, as far as ``policy`` does not say otherwise."""
    rules = {
        "witnesses": len(witnesses),
        "auditors": sum(witness.audits for witness in witnesses),
        "chains": len(chains),
    }
    parts = [_section("[[log]]", {"origin": origin, "keys": list(keys)})]
    parts += [_section("[[witness]]", {"key": w.verifier_key(), "audits": w.audits}) for w in witnesses]
    parts += [_section("[policy]", rules | policy)]
    parts += [_section("[[chain]]", chain) for chain in chains]
    return "\n".join(parts)


def _section(title: str, values: dict[str, Any]) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]  # JSON scalars and lists are TOML too
    return "\n".join([title, *lines, ""])
