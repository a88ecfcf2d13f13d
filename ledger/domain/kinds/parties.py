"""Kinds about who there is: `party_changed`, `credential_changed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Credential, Fact, Key, Membership, PartyFact
from ledger.domain.fields import Amount, KeyRef, Party
from ledger.domain.kinds.founding import grant, ref_key_id, revoke
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError

PartyType = Literal["resident", "household", "group", "shop", "organisation", "officer"]


def active_party(facts: Facts, party: str, field: str, *types: str) -> PartyFact:
    """The fact of an active party of one of the given types. Raises `RefusalError`."""
    fact = facts[f"party:{party}"]
    if not isinstance(fact, PartyFact):
        raise RefusalError("this party is not registered", code="unknown_party", field=field, got=party)
    if types and fact.type not in types:
        raise RefusalError(
            "a party of another type", code="wrong_party", field=field, expected=" or ".join(types), got=fact.type
        )
    if fact.status != "active":
        raise RefusalError("this party is not active", code="inactive_party", field=field, got=fact.status)
    return fact


class PartyChanged(Body, frozen=True):
    """Register a party, or change a resident's or household's standing, from ``occurred_on`` on.

    ``join``/``leave`` a household; ``move_out``, ``death`` end a resident's standing; ``merge`` folds a household into
    ``other``. The party's name and number are disclosures.
    """

    kind: ClassVar[str] = "party_changed"
    title: ClassVar[str] = "主体/户变更"
    privacy: ClassVar[str] = "P3"
    private: ClassVar[dict[str, str]] = {"name": "text", "number": "text", "address": "text"}

    action: Literal["register", "join", "leave", "move_out", "death", "merge"]
    party: Party
    type: PartyType | UnsetType = UNSET
    household: Party | UnsetType = UNSET
    other: Party | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({p for p in (self.party, self.household, self.other) if p})

    def holder(self) -> str:
        return self.party

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("clerk",), at_least=2),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{party}" for party in self.parties()]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        allowed = {"register": {"type", "household"}, "join": {"household"}, "leave": {"household"}, "merge": {"other"}}
        for name in ("type", "household", "other"):
            if getattr(self, name) is not UNSET and name not in allowed.get(self.action, set()):
                raise RefusalError(f"{self.action} takes no {name}", code="superfluous_field", field=f"body.{name}")
        change = self._register if self.action == "register" else self._change
        return Decision([], {f"party:{self.party}": change(facts, event.occurred_on)})

    def _register(self, facts: Facts, day: str) -> PartyFact:
        if facts[f"party:{self.party}"] is not None:
            raise RefusalError("this party is registered already", code="party_exists", field="body.party")
        if isinstance(self.type, UnsetType):
            raise RefusalError("registering a party needs its type", code="missing_field", field="body.type")
        memberships = [] if isinstance(self.household, UnsetType) else [self._stay(facts, self.type, day)]
        return PartyFact(type=self.type, status="active", since=day, memberships=memberships)

    def _change(self, facts: Facts, day: str) -> PartyFact:
        merging = self.action == "merge"
        fact = active_party(facts, self.party, "body.party", "household" if merging else "resident")
        if day < fact.since:
            raise RefusalError("before the party was registered", code="wrong_order", field="occurred_on", got=day)
        if merging:
            if isinstance(self.other, UnsetType) or self.other == self.party:
                raise RefusalError("merging needs another household", code="missing_field", field="body.other")
            active_party(facts, self.other, "body.other", "household")
            return replace(fact, status="merged", merged_into=self.other)
        if self.action == "join":
            return replace(fact, memberships=[*_closed(fact, day), self._stay(facts, fact.type, day)])
        if self.action == "leave":
            if not fact.memberships or fact.memberships[-1].household != self.household or fact.memberships[-1].to:
                raise RefusalError("not a member of this household", code="not_a_member", field="body.household")
            return replace(fact, memberships=_closed(fact, day))
        return replace(
            fact, status="moved_out" if self.action == "move_out" else "deceased", memberships=_closed(fact, day)
        )

    def _stay(self, facts: Facts, kind: str, day: str) -> Membership:
        if kind != "resident" or isinstance(self.household, UnsetType):
            raise RefusalError("only residents join a household", code="wrong_party", field="body.household")
        active_party(facts, self.household, "body.household", "household")
        return Membership(household=self.household, from_=day)


def _closed(fact: PartyFact, day: str) -> list[Membership]:
    """The memberships, the open one ended on ``day``; half-open, so one may leave and join on one day."""
    memberships = list(fact.memberships)
    if memberships:
        last = memberships[-1]
        end = last.to or day
        if day < max(end, last.from_):
            raise RefusalError("overlaps an earlier membership", code="wrong_order", field="occurred_on", got=day)
        memberships[-1] = replace(last, to=end)
    return memberships


class CredentialChanged(Body, frozen=True):
    """Issue, revoke or report lost a resident's card or phone. Its key co-signs for its holder and for nobody else."""

    kind: ClassVar[str] = "credential_changed"
    title: ClassVar[str] = "工分卡/户码/密钥"
    privacy: ClassVar[str] = "P2"

    action: Literal["issue", "revoke", "lost"]
    party: Party
    medium: Literal["card", "phone"]
    key: KeyRef
    daily_cap_units: Amount | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.party]

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("clerk",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        identifier = ref_key_id(self.key)
        return [f"key:{identifier}", f"credential:{identifier}", f"party:{self.party}"]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        identifier = ref_key_id(self.key)
        key, credential = facts[f"key:{identifier}"], facts[f"credential:{identifier}"]
        changes: dict[str, Fact] = {}
        if self.action == "issue":
            active_party(facts, self.party, "body.party", "resident", "household")
            if key is not None:
                raise RefusalError("this key was issued before; make a new one", code="key_taken", field="body.key")
            changes[f"key:{identifier}"] = grant(None, self.key, self.party, self.medium, self.party, context.seq)
            changes[f"credential:{identifier}"] = Credential(
                medium=self.medium, party=self.party, status="active", daily_cap_units=self.daily_cap_units
            )
        else:
            if not isinstance(credential, Credential) or not isinstance(key, Key) or credential.party != self.party:
                raise RefusalError("the party holds no such credential", code="unknown_key", field="body.key")
            if credential.medium != self.medium or credential.status != "active" or self.daily_cap_units:
                raise RefusalError(
                    "not an active credential of this medium",
                    code="unknown_key",
                    field="body.key",
                    got=credential.status,
                )
            changes[f"key:{identifier}"] = revoke(key, self.medium, self.party, context.seq)
            changes[f"credential:{identifier}"] = replace(
                credential, status="revoked" if self.action == "revoke" else "lost"
            )
        return Decision([], changes)
