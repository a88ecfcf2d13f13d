"""Who acts in a scenario: parties and their keys, derived from the seed. For demonstration only."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256

import msgspec
from nacl.signing import SigningKey

from ledger.core import ed25519
from ledger.core.encoding import encode_base64url
from ledger.core.hashing import key_id
from ledger.core.types import KeyId, PartyId, party_of
from ledger.keys import KeyFile, new_event_key
from ledger.scenarios.draw import Draw


class Actor(msgspec.Struct, frozen=True, dict=True):
    """A party, and one key of its own. ``name`` is what people call it; ``role`` what its key may do.

    ``seed`` (32 bytes) is a secret in form only: whoever knows the scenario's seed knows it.
    """

    name: str
    role: str
    party: PartyId
    seed: bytes

    @classmethod
    def drawn(cls, draw: Draw, name: str, role: str) -> Actor:
        """A new party with a new key. Neither comes from the name."""
        return cls(name, role, party_of(draw.take(16)), draw.take(32))

    @cached_property
    def public(self) -> bytes:
        """The raw public key."""
        return ed25519.public_key(self.signing_key)

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key, expanded once for many signatures."""
        return SigningKey(self.seed)

    @cached_property
    def key_id(self) -> KeyId:
        """The id of the key."""
        return key_id(self.public)

    def reference(self) -> dict[str, str]:
        """The public key, as event bodies name it."""
        return {"public": encode_base64url(self.public), "suite": "ed25519"}

    def with_new_key(self) -> Actor:
        """The same party with the next key, for a card that was lost."""
        return msgspec.structs.replace(self, seed=sha256(b"gongfen/scenario/next-key\n" + self.seed).digest())

    def key_file(self) -> KeyFile:
        """The key as a key file, for tools that read one."""
        return new_event_key(self.party, seed=self.seed)
