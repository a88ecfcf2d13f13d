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
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError

PartyType = Literal["resident", "household", "group", "shop", "organisation", "officer"]


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
            given = getattr(self, name)
            if given is not UNSET and name not in allowed.get(self.action, set()):
                raise RefusalError(
                    f"{self.action} takes no {name}",
                    code="superfluous_field",
                    field=f"body.{name}",
                    expected="nothing",
                    got=given,
                )
        change = self._register if self.action == "register" else self._change
        return Decision([], {f"party:{self.party}": change(facts, event.occurred_on)})

    def _register(self, facts: Facts, day: str) -> PartyFact:
        known = facts[f"party:{self.party}"]
        if isinstance(known, PartyFact):
            raise RefusalError(
                "this party is registered already",
                code="party_exists",
                field="body.party",
                expected="a new party",
                got=f"{known.type}, registered on {known.since}",
            )
        if isinstance(self.type, UnsetType):
            raise _missing("type", "a type of party")
        memberships = [] if isinstance(self.household, UnsetType) else [self._stay(facts, self.type, day)]
        return PartyFact(type=self.type, status="active", since=day, memberships=memberships)

    def _change(self, facts: Facts, day: str) -> PartyFact:
        if self.action == "merge":
            return self._merge(facts, day)
        fact = active_party(facts, self.party, "body.party", "resident", day=day)
        if self.action == "join":
            return replace(fact, memberships=[*_closed(fact, day), self._stay(facts, fact.type, day)])
        if self.action == "leave":
            home = fact.memberships[-1] if fact.memberships else None
            if home is None or home.to is not UNSET or home.household != self.household:
                raise RefusalError(
                    "not a member of this household",
                    code="not_a_member",
                    field="body.household",
                    expected=home.household if home and home.to is UNSET else "no household",
                    got=str(self.household or "nothing"),
                )
            return replace(fact, memberships=_closed(fact, day))
        return replace(
            fact, status="moved_out" if self.action == "move_out" else "deceased", memberships=_closed(fact, day)
        )

    def _merge(self, facts: Facts, day: str) -> PartyFact:
        fact = active_party(facts, self.party, "body.party", "household", day=day)
        if isinstance(self.other, UnsetType) or self.other == self.party:
            raise _missing("other", "another household")
        active_party(facts, self.other, "body.other", "household", day=day)
        return replace(fact, status="merged", merged_into=self.other)

    def _stay(self, facts: Facts, kind: str, day: str) -> Membership:
        if isinstance(self.household, UnsetType):
            raise _missing("household", "a household")
        if kind != "resident":
            raise RefusalError(
                "only residents join a household", code="wrong_party", field="body.party", expected="resident", got=kind
            )
        active_party(facts, self.household, "body.household", "household", day=day)
        return Membership(household=self.household, from_=day)


def _missing(name: str, expected: str) -> RefusalError:
    return RefusalError(
        "this action needs a field", code="missing_field", field=f"body.{name}", expected=expected, got="nothing"
    )


def _closed(fact: PartyFact, day: str) -> list[Membership]:
    """The memberships, the open one ended on ``day``; half-open, so one may leave and join on one day."""
    if not fact.memberships:
        return []
    *earlier, last = fact.memberships
    free_from = last.to or last.from_
    if day < free_from:
        raise RefusalError(
            "overlaps an earlier membership",
            code="wrong_order",
            field="occurred_on",
            expected=f"{free_from} or later",
            got=day,
        )
    return [*earlier, last if last.to else replace(last, to=day)]


class CredentialChanged(Body, frozen=True):
    """Issue, revoke or report lost a resident's card or phone. Its key co-signs for its holder and for nobody else.

    A card is issued with a daily cap, so that whoever finds it cannot drain its holder; a phone has none.
    """

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
        capped = self.daily_cap_units is not UNSET
        if capped != (self.action == "issue" and self.medium == "card"):
            raise RefusalError(
                "a card is issued with a daily cap; nothing else takes one",
                code="superfluous_field" if capped else "missing_field",
                field="body.daily_cap_units",
                expected="nothing" if capped else "a daily cap",
                got=str(self.daily_cap_units or "nothing"),
            )
        change = self._issue if self.action == "issue" else self._end
        return Decision([], change(ref_key_id(self.key), facts, context.seq))

    def _issue(self, identifier: str, facts: Facts, seq: int) -> dict[str, Fact]:
        active_party(facts, self.party, "body.party", "resident", "household")
        if facts[f"key:{identifier}"] is not None:
            raise RefusalError(
                "this key was issued before", code="key_taken", field="body.key", expected="a new key", got=identifier
            )
        credential = Credential(
            medium=self.medium, party=self.party, status="active", daily_cap_units=self.daily_cap_units
        )
        return {
            f"key:{identifier}": grant(None, self.key, self.party, self.medium, self.party, seq),
            f"credential:{identifier}": credential,
        }

    def _end(self, identifier: str, facts: Facts, seq: int) -> dict[str, Fact]:
        key, credential = facts[f"key:{identifier}"], facts[f"credential:{identifier}"]
        held = isinstance(credential, Credential) and (credential.party, credential.medium) == (self.party, self.medium)
        if not held or not isinstance(key, Key) or not isinstance(credential, Credential):
            raise RefusalError(
                "the party holds no such credential",
                code="unknown_key",
                field="body.key",
                expected=f"a {self.medium} of {self.party}",
                got=identifier,
            )
        if credential.status != "active":
            raise RefusalError(
                "this credential has ended already",
                code="credential_ended",
                field="body.key",
                expected="active",
                got=credential.status,
            )
        return {
            f"key:{identifier}": revoke(key, self.medium, self.party, seq),
            f"credential:{identifier}": replace(credential, status="revoked" if self.action == "revoke" else "lost"),
        }
