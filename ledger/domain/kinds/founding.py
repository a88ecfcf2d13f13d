"""Kinds that found a ledger and hand out its powers: `ledger_created`, `role_changed`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.core.ed25519 import check_public_key
from ledger.core.encoding import decode_base64url
from ledger.core.hashing import key_id
from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import LEDGER, Fact, Grant, Key, Ledger, PartyFact
from ledger.domain.fields import ANYWHERE, Holder, KeyRef, Name, Party, Scope, Strict, Text, Unit
from ledger.domain.roles import Requirement, Role
from ledger.errors import FormatError, RefusalError


class Root(Strict, frozen=True):
    """The root authority: its holders, and how many of them an act of theirs takes."""

    threshold: Annotated[int, Meta(ge=1, le=7)]
    keys: Annotated[list[Holder], Meta(min_length=1, max_length=7)]


@lru_cache(maxsize=65_536)
def _key_id(public: str, suite: str) -> str:
    raw = decode_base64url(public, "key.public", size=32)
    check_public_key(raw)
    return key_id(raw, suite)


def ref_key_id(ref: KeyRef | Holder) -> str:
    """The key id of a public key in a body. Raises `SignatureError` for keys of small order (formats §3)."""
    return _key_id(ref.public, ref.suite)


class LedgerCreated(Body, frozen=True):
    """Entry 0. Signed by every key that it lists: the root authority's, and the ledger's own event key."""

    kind: ClassVar[str] = "ledger_created"
    title: ClassVar[str] = "建账"
    privacy: ClassVar[str] = "P0"

    origin: Annotated[str, Meta(max_length=128)]
    log_key: Annotated[str, Meta(max_length=300)]
    profile: Name
    units: Annotated[list[Unit], Meta(min_length=1, max_length=2)]
    ledger: Holder
    root: Root

    def holders(self) -> list[Holder]:
        """Every key that entry 0 lists."""
        return [*self.root.keys, self.ledger]

    def parties(self) -> list[str]:
        return sorted({holder.party for holder in self.holders()})

    def requirements(self) -> tuple[Requirement, ...]:
        return (
            Requirement(("township",), at_least=len(self.root.keys)),
            Requirement(("ledger",), party=self.ledger.party),
        )

    def founding_keys(self) -> dict[str, Key]:
        """The keys that entry 0 lists, by fact key; their grants begin with entry 0.

        Raises `FormatError` if a key or party stands twice: each signature must be somebody else's.
        """
        holders = self.holders()
        keys: dict[str, Key] = {}
        for holder in holders:
            role = "ledger" if holder is self.ledger else "township"
            identifier = ref_key_id(holder)
            keys[f"key:{identifier}"] = Key(
                grants=[Grant(role=role, scope=ANYWHERE, from_=0)],
                key=identifier,
                party=holder.party,
                public=holder.public,
                suite=holder.suite,
            )
        if len(keys) != len(holders) or len(self.parties()) != len(holders):
            raise FormatError("a key or party stands twice", code="bad_founding", field="body.root.keys")
        if self.root.threshold > len(self.root.keys):
            raise FormatError(
                "the threshold is more than the keys",
                code="bad_founding",
                field="body.root.threshold",
                expected=f"at most {len(self.root.keys)}",
                got=str(self.root.threshold),
            )
        if self.units != sorted(set(self.units)):
            raise FormatError("units are not sorted and single", code="bad_founding", field="body.units")
        return keys

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [LEDGER]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        if context.seq != 0 or facts[LEDGER] is not None:
            raise RefusalError("a ledger is created once, by entry 0", code="already_created", field="kind")
        keys = self.founding_keys()
        changes: dict[str, Fact] = dict(keys)
        for holder in self.holders():
            kind = "ledger" if holder is self.ledger else "officer"
            changes[f"party:{holder.party}"] = PartyFact(type=kind, status="active", since=event.occurred_on)
        changes[LEDGER] = Ledger(
            origin=self.origin,
            party=self.ledger.party,
            profile=self.profile,
            units=list(self.units),
            threshold=self.root.threshold,
            township=sorted(key.key for key in keys.values() if key.party != self.ledger.party),
        )
        return Decision([], changes)


class RoleChanged(Body, frozen=True):
    """Grant or revoke a role of a key, everywhere (``*``) or for one party; the only way a key gains power."""

    kind: ClassVar[str] = "role_changed"
    title: ClassVar[str] = "授权"
    privacy: ClassVar[str] = "P0"

    action: Literal["grant", "revoke"]
    party: Party
    role: Role
    scope: Scope
    key: KeyRef
    reason: Text | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.party} if self.scope == ANYWHERE else {self.party, self.scope})

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("township",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [LEDGER, f"key:{ref_key_id(self.key)}", f"party:{self.party}"]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        identifier = ref_key_id(self.key)
        ledger, key = facts[LEDGER], facts[f"key:{identifier}"]
        assert isinstance(ledger, Ledger), "entry 0 is decided before any other"
        if len(context.signers) < ledger.threshold:
            raise RefusalError(
                "not enough of the root authority signed",
                code="not_enough_signers",
                field="signatures",
                expected=f"{ledger.threshold} township keys",
                got=str(len(context.signers)),
            )
        if self.action == "revoke":
            key = revoke(_held(key, self.party), self.role, self.scope, context.seq)
        else:
            key = grant(key if isinstance(key, Key) else None, self.key, self.party, self.role, self.scope, context.seq)
        changes: dict[str, Fact] = {f"key:{identifier}": key}
        if facts[f"party:{self.party}"] is None:
            changes[f"party:{self.party}"] = PartyFact(type="officer", status="active", since=event.occurred_on)
        if self.role == "township":
            changes[LEDGER] = self._with_township(ledger, key)
        return Decision([], changes)

    def _with_township(self, ledger: Ledger, key: Key) -> Ledger:
        held = any(g.role == "township" and isinstance(g.until, UnsetType) for g in key.grants)
        township = sorted({*ledger.township, key.key} if held else {*ledger.township} - {key.key})
        if len(township) < ledger.threshold:
            raise RefusalError(
                "the root authority would have too few keys left to act",
                code="last_authority",
                field="body.key",
                expected=f"at least {ledger.threshold}",
                got=str(len(township)),
            )
        return replace(ledger, township=township)


def grant(key: Key | None, ref: KeyRef, party: str, role: str, scope: str, seq: int) -> Key:
    """A key with one more grant from ``seq`` on. A key belongs to one party for ever. Raises `RefusalError`."""
    if key is None:
        return Key(
            grants=[Grant(role=role, scope=scope, from_=seq)],
            key=ref_key_id(ref),
            party=party,
            public=ref.public,
            suite=ref.suite,
        )
    if key.party != party:
        raise RefusalError("the key belongs to another party", code="key_taken", field="body.party", expected=key.party)
    if any(g.role == role and g.scope == scope and isinstance(g.until, UnsetType) for g in key.grants):
        raise RefusalError("the key holds this role already", code="role_held", field="body.role", got=role)
    return replace(key, grants=[*key.grants, Grant(role=role, scope=scope, from_=seq)])


def revoke(key: Key, role: str, scope: str, seq: int) -> Key:
    """A key whose grant of a role ends at ``seq``. Raises `RefusalError` if it does not hold the role."""
    grants = [
        replace(g, until=seq) if g.role == role and g.scope == scope and isinstance(g.until, UnsetType) else g
        for g in key.grants
    ]
    if grants == key.grants:
        raise RefusalError("the key does not hold this role", code="role_not_held", field="body.role", got=role)
    return replace(key, grants=grants)


def _held(key: Fact | None, party: str) -> Key:
    if not isinstance(key, Key) or key.party != party:
        raise RefusalError("the party holds no such key", code="unknown_key", field="body.key")
    return key
