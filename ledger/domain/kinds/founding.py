"""Kinds that found a ledger and hand out its powers: `ledger_created`, `role_changed`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.core.ed25519 import check_public_key
from ledger.core.encoding import decode_base64url, encode_base64url
from ledger.core.hashing import key_id
from ledger.core.note import ED25519, VerifierKey
from ledger.core.types import ORIGIN_MAX, ORIGIN_PATTERN
from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import LEDGER, Fact, Grant, Key, Ledger, PartyFact, Person
from ledger.domain.fields import ANYWHERE, Holder, KeyRef, Name, Party, Scope, Strict, Text, Unit
from ledger.domain.register import active_party, person_key
from ledger.domain.roles import Requirement, Role
from ledger.errors import FormatError, RefusalError, SignatureError


class Root(Strict, frozen=True):
    """The root authority: its holders, and how many of them an act of theirs takes."""

    threshold: Annotated[int, Meta(ge=1, le=7)]
    keys: Annotated[list[Holder], Meta(min_length=1, max_length=7)]


@lru_cache(maxsize=65_536)
def _key_id(public: str, suite: str) -> str:
    return key_id(decode_base64url(public, size=32), suite)


def ref_key_id(ref: KeyRef | Holder) -> str:
    """The key id of a public key in a body; the field's type made sure that it spells 32 bytes."""
    return _key_id(ref.public, ref.suite)


def check_fit(ref: KeyRef | Holder, field: str) -> None:
    """Refuse a public key that may not be granted (formats §3). Raises `RefusalError`."""
    try:
        check_public_key(decode_base64url(ref.public, size=32))
    except SignatureError as error:
        raise RefusalError(
            "this public key may not be granted", code="bad_key", field=field, expected=error.expected, got=ref.public
        ) from error


class LedgerCreated(Body, frozen=True):
    """Entry 0. Signed by every key that it lists: the root authority's, and the ledger's own event key."""

    kind: ClassVar[str] = "ledger_created"
    title: ClassVar[str] = "建账"
    privacy: ClassVar[str] = "P0"

    origin: Annotated[str, Meta(pattern=ORIGIN_PATTERN + r"(?!\n)", max_length=ORIGIN_MAX)]
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

        Raises `RefusalError` unless every key and party is another's, and fit for its use.
        """
        self._check()
        keys: dict[str, Key] = {}
        for holder in self.holders():
            role = "ledger" if holder is self.ledger else "township"
            identifier = ref_key_id(holder)
            keys[f"key:{identifier}"] = Key(
                grants=[Grant(role=role, scope=ANYWHERE, from_=0)],
                key=identifier,
                party=holder.party,
                public=holder.public,
                suite=holder.suite,
            )
        return keys

    def own_keys(self, event: Event, seq: int) -> dict[str, Key]:
        return self.founding_keys()

    def _check(self) -> None:
        holders = self.holders()
        for holder in holders:
            check_fit(holder, "body.root.keys")
        single = min(len({holder.public for holder in holders}), len(self.parties()))
        if single != len(holders):
            raise _bad_founding("body.root.keys", "every key and every party once", f"{single} of {len(holders)}")
        if self.root.threshold > len(self.root.keys):
            raise _bad_founding("body.root.threshold", f"at most {len(self.root.keys)}", str(self.root.threshold))
        if self.units != sorted(set(self.units)):
            raise _bad_founding("body.units", "units sorted and single", ", ".join(self.units))
        self._check_log_key(holders)

    def _check_log_key(self, holders: list[Holder]) -> None:
        """The key of the log's checkpoints is used for nothing else (formats §5)."""
        try:
            log_key = VerifierKey.parse(self.log_key)
        except (FormatError, SignatureError) as error:
            raise _bad_founding("body.log_key", "a C2SP verifier key", self.log_key) from error
        if log_key.name != self.origin or log_key.type != ED25519:
            raise _bad_founding("body.log_key", f"an Ed25519 key named {self.origin}", self.log_key)
        if encode_base64url(log_key.public_key) in {holder.public for holder in holders}:
            raise _bad_founding("body.log_key", "a key that signs no events", self.log_key)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [LEDGER]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        if context.seq != 0 or facts[LEDGER] is not None:
            raise RefusalError(
                "a ledger is created once",
                code="already_created",
                field="kind",
                expected="ledger_created as entry 0 only",
                got=f"entry {context.seq}",
            )
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
        )
        return Decision([], changes)


def _bad_founding(field: str, expected: str, got: str) -> RefusalError:
    return RefusalError("not a sound foundation", code="bad_founding", field=field, expected=expected, got=got)


class RoleChanged(Body, frozen=True):
    """Grant or revoke a role of a key, everywhere (``*``) or for one party.

    Cards and phones do not come by this: they act for their own resident, by `credential_changed`. ``person`` is the
    registered resident behind the key, stated with a grant, once for ever: two keys of one person are one signer, and
    nobody decides the own case.
    """

    kind: ClassVar[str] = "role_changed"
    title: ClassVar[str] = "授权"
    privacy: ClassVar[str] = "P0"

    action: Literal["grant", "revoke"]
    party: Party
    role: Role
    scope: Scope
    key: KeyRef
    person: Party | UnsetType = UNSET
    reason: Text | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({party for party in (self.party, self.scope, self.person) if party and party != ANYWHERE})

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("township",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        identifier = ref_key_id(self.key)
        named = [LEDGER, f"key:{identifier}", f"party:{self.party}"]
        return [*named, f"party:{self.person}", person_key(identifier)] if self.person else named

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
            key = self._revoke(_held(key, self.party), context)
        else:
            self._check_holder(facts)
            key = grant(key if isinstance(key, Key) else None, self.key, self.party, self.role, self.scope, context.seq)
        changes: dict[str, Fact] = {f"key:{identifier}": key, **self._stated_person(person_key(identifier), facts)}
        if facts[f"party:{self.party}"] is None:
            changes[f"party:{self.party}"] = PartyFact(type="officer", status="active", since=event.occurred_on)
        return Decision([], changes)

    def _revoke(self, key: Key, context: Context) -> Key:
        """The key without the role. Those who sign keep theirs, so the root authority can always act again.

        It is also a matter of proof: the map would say that the signer's grant had ended by this entry (formats §7).
        """
        if self.role == "township" and any(signer.key == key.key for signer in context.signers):
            raise RefusalError(
                "a key cannot sign the entry that ends its own authority",
                code="own_key",
                field="signatures",
                expected="other township keys",
                got=key.key,
            )
        return revoke(key, self.role, self.scope, context.seq)

    def _stated_person(self, key: str, facts: Facts) -> dict[str, Fact]:
        """The resident behind the key, if the event says. Stating the same again changes nothing."""
        if isinstance(self.person, UnsetType):
            return {}
        if self.action == "revoke":
            raise RefusalError(
                "the person behind a key is stated with a grant",
                code="superfluous_field",
                field="body.person",
                expected="nothing",
                got=self.person,
            )
        active_party(facts, self.person, "body.person", "resident")
        known = facts[key]
        if isinstance(known, Person) and known.party != self.person:
            raise RefusalError(
                "another person stands behind this key, for ever",
                code="person_stated",
                field="body.person",
                expected=known.party,
                got=self.person,
            )
        return {key: Person(party=self.person)}

    def _check_holder(self, facts: Facts) -> None:
        """Roles belong to officers, organisations and shops, never to a resident's or household's own account."""
        shop = self.role == "shop"
        if shop or facts[f"party:{self.party}"] is not None:
            active_party(facts, self.party, "body.party", *(("shop",) if shop else ("officer", "organisation")))


def grant(key: Key | None, ref: KeyRef, party: str, role: str, scope: str, seq: int) -> Key:
    """A key with one more grant from ``seq`` on. A key belongs to one party for ever. Raises `RefusalError`."""
    if key is None:
        check_fit(ref, "body.key")
        return Key(
            grants=[Grant(role=role, scope=scope, from_=seq)],
            key=ref_key_id(ref),
            party=party,
            public=ref.public,
            suite=ref.suite,
        )
    if key.party != party:
        raise RefusalError(
            "the key belongs to another party", code="key_taken", field="body.party", expected=key.party, got=party
        )
    if any(g.role == role and g.scope == scope and g.until is UNSET for g in key.grants):
        raise RefusalError(
            "the key holds this role already", code="role_held", field="body.role", expected="a new role", got=role
        )
    return replace(key, grants=[*key.grants, Grant(role=role, scope=scope, from_=seq)])


def revoke(key: Key, role: str, scope: str, seq: int) -> Key:
    """A key whose grant of a role ends at ``seq``. Raises `RefusalError` if it does not hold the role."""
    grants = [
        replace(g, until=seq) if g.role == role and g.scope == scope and g.until is UNSET else g for g in key.grants
    ]
    if grants == key.grants:
        raise RefusalError(
            "the key does not hold this role",
            code="role_not_held",
            field="body.role",
            expected=", ".join(f"{g.role} for {g.scope}" for g in key.grants if g.until is UNSET) or "none",
            got=f"{role} for {scope}",
        )
    return replace(key, grants=grants)


def _held(key: Fact | None, party: str) -> Key:
    if not isinstance(key, Key) or key.party != party:
        raise RefusalError(
            "the party holds no such key",
            code="unknown_key",
            field="body.key",
            expected=f"a key of {party}",
            got="another's" if isinstance(key, Key) else "a key that the log does not know",
        )
    return key
