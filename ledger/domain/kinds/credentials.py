"""Kinds about what a party carries: `credential_changed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Credential, Fact, Key
from ledger.domain.fields import Amount, DigestHex, KeyRef, Party
from ledger.domain.kinds.founding import grant, ref_key_id, revoke
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError

HOLDERS: Final = {"card": ("resident", "household"), "phone": ("resident", "household"), "door": ("household",)}
"""The types of party that may carry each medium."""
_ENDED: Final = {"revoke": "revoked", "lost": "lost"}
_ONE_CLERK: Final = (Requirement(("clerk",)),)
CAP_OF_ONE_CLERK: Final = 100_000
"""The largest daily cap, in hundredths, of a card that one clerk may issue."""
_TWO_CLERKS: Final = (Requirement(("clerk",), at_least=2),)


class CredentialChanged(Body, frozen=True):
    """Issue, rotate, revoke or report lost a card or phone, or the code at a household's door.

    A card's or phone's ``key`` co-signs for its holder and for nobody else. A card has a daily cap, so that whoever
    finds it cannot drain its holder; a phone has none, so two clerks sign for a new one, as for a card with a cap above
    1,000 points. A door code signs nothing: it leads to the household's page, and the log knows its ``token_digest``
    alone (formats §2). ``rotate`` puts a new key or code in the place of the one that ``replaces`` names, by key id or
    token digest; the old one is refused from then on.
    """

    kind: ClassVar[str] = "credential_changed"
    title: ClassVar[str] = "工分卡/户码/密钥"
    privacy: ClassVar[str] = "P2"

    action: Literal["issue", "rotate", "revoke", "lost"]
    party: Party
    medium: Literal["card", "phone", "door"]
    key: KeyRef | UnsetType = UNSET
    token_digest: DigestHex | UnsetType = UNSET
    daily_cap_units: Amount | UnsetType = UNSET
    replaces: DigestHex | UnsetType = UNSET

    def parties(self) -> list[str]:
        return [self.party]

    def requirements(self) -> tuple[Requirement, ...]:
        """Ending a credential takes one clerk, of any medium: whoever lost a phone does not wait for a second."""
        strong = self.medium == "phone" or (self.daily_cap_units or 0) > CAP_OF_ONE_CLERK
        return _TWO_CLERKS if strong and self.action not in _ENDED else _ONE_CLERK

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{self.party}"]
        new = self.token_digest if self.medium == "door" else self.key and ref_key_id(self.key)
        for identifier in (new, self.replaces):
            if identifier:
                named.append(credential_key(identifier))
                if self.medium != "door":
                    named.append(f"key:{identifier}")
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        self._check_fields()
        carried = self.token_digest if isinstance(self.key, UnsetType) else ref_key_id(self.key)
        assert not isinstance(carried, UnsetType), "the fields were checked"
        if self.action in _ENDED:
            return Decision([], self._end(carried, self._carrier, _ENDED[self.action], facts, context.seq))
        changes = self._issue(carried, facts, context.seq)
        if not isinstance(self.replaces, UnsetType):
            changes |= self._end(self.replaces, "replaces", "replaced", facts, context.seq)
        return Decision([], changes)

    @property
    def _carrier(self) -> str:
        """The field that says what is carried."""
        return "token_digest" if self.medium == "door" else "key"

    def _check_fields(self) -> None:
        wanted = {self._carrier}
        if self.action == "rotate":
            wanted.add("replaces")
        if self.medium == "card" and self.action not in _ENDED:
            wanted.add("daily_cap_units")
        for name in ("key", "token_digest", "daily_cap_units", "replaces"):
            given = getattr(self, name)
            if (given is not UNSET) != (name in wanted):
                needed = name in wanted
                raise RefusalError(
                    f"to {self.action} a {self.medium} {'needs' if needed else 'takes no'} {name}",
                    code="missing_field" if needed else "superfluous_field",
                    field=f"body.{name}",
                    expected=name if needed else "nothing",
                    got=given.public if isinstance(given, KeyRef) else str(given or "nothing"),
                )

    def _issue(self, identifier: str, facts: Facts, seq: int) -> dict[str, Fact]:
        active_party(facts, self.party, "body.party", *HOLDERS[self.medium])
        fact, key = credential_key(identifier), f"key:{identifier}"
        if facts[fact] is not None or (self.medium != "door" and facts[key] is not None):
            raise RefusalError(
                "this key or code was issued before",
                code="key_taken",
                field=f"body.{self._carrier}",
                expected="a new one",
                got=identifier,
            )
        issued: dict[str, Fact] = {
            fact: Credential(
                medium=self.medium, party=self.party, status="active", daily_cap_units=self.daily_cap_units
            )
        }
        if not isinstance(self.key, UnsetType):
            issued[key] = grant(None, self.key, self.party, self.medium, self.party, seq)
        return issued

    def _end(self, identifier: str, field: str, status: str, facts: Facts, seq: int) -> dict[str, Fact]:
        credential = facts[credential_key(identifier)]
        if not isinstance(credential, Credential) or (credential.party, credential.medium) != (self.party, self.medium):
            raise RefusalError(
                "the party holds no such credential",
                code="unknown_key",
                field=f"body.{field}",
                expected=f"a {self.medium} of {self.party}",
                got=identifier,
            )
        if credential.status != "active":
            raise RefusalError(
                "this credential has ended already",
                code="credential_ended",
                field=f"body.{field}",
                expected="active",
                got=credential.status,
            )
        ended: dict[str, Fact] = {credential_key(identifier): replace(credential, status=status)}
        if self.medium != "door":
            key = facts[f"key:{identifier}"]
            assert isinstance(key, Key), "it was issued with its key"
            ended[f"key:{identifier}"] = revoke(key, self.medium, self.party, seq)
        return ended


def credential_key(identifier: str) -> str:
    """The fact key of a credential, by key id or token digest."""
    return f"credential:{identifier}"
