"""Kinds about who there is: `party_changed`. What parties carry stands in `ledger.domain.kinds.credentials`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Account, Fact, Lots, PartyFact
from ledger.domain.fields import Party
from ledger.domain.lots import add_lots, lots_key, lots_of
from ledger.domain.register import HOUSEHOLD_MAX, active_party, home_of, household_of, members_key, members_of, moved
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError

PartyType = Literal["resident", "household", "group", "shop", "organisation", "officer"]
TAKES: Final[dict[str, frozenset[str]]] = {
    "register": frozenset({"type", "group", "household"}),
    "join": frozenset({"household", "other"}),
    "leave": frozenset({"household"}),
    "move_out": frozenset({"household"}),
    "death": frozenset({"household"}),
    "merge": frozenset({"members", "other"}),
}
"""The optional fields that each action takes."""
_ENDS: Final = {"move_out": "moved_out", "death": "deceased"}
_CLERKS: Final = (Requirement(("clerk",), at_least=2),)


class PartyChanged(Body, frozen=True):
    """Register a party, or change a resident's or household's standing, from ``occurred_on`` on.

    A household may belong to a ``group``, a resident is registered with a ``household`` or joins one. ``join`` names as
    ``other`` the household that is left for it; ``leave``, ``move_out`` and ``death`` name the one that is left. No
    account changes by any of these. ``merge`` folds a household into ``other``: its ``members``, sorted, are members
    there from that day on, and its whole balance moves there. Whoever is named is concerned, all members too. The
    party's name, number and address are disclosures.
    """

    kind: ClassVar[str] = "party_changed"
    title: ClassVar[str] = "主体/户变更"
    privacy: ClassVar[str] = "P3"
    private: ClassVar[dict[str, str]] = {"name": "text", "number": "text", "address": "text"}

    action: Literal["register", "join", "leave", "move_out", "death", "merge"]
    party: Party
    type: PartyType | UnsetType = UNSET
    group: Party | UnsetType = UNSET
    household: Party | UnsetType = UNSET
    members: Annotated[list[Party], Meta(min_length=1, max_length=HOUSEHOLD_MAX)] | UnsetType = UNSET
    other: Party | UnsetType = UNSET

    def parties(self) -> list[str]:
        named = (self.party, self.group, self.household, self.other, *(self.members or ()))
        return sorted({party for party in named if party})

    def holder(self) -> str:
        return self.party

    def decides_about(self) -> Sequence[str]:
        """A merger moves points and lots from one household to the other; no other change gives anybody anything."""
        return (self.party, self.other) if self.action == "merge" and self.other else ()

    def requirements(self) -> tuple[Requirement, ...]:
        return _CLERKS

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{party}" for party in self.parties()]
        named += [members_key(home) for home in (self.party, self.household, self.other) if home]
        if self.action == "merge" and self.other:
            named += [f"account:{self.party}", lots_key(self.party), lots_key(self.other)]
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        for name in ("type", "group", "household", "members", "other"):
            given = getattr(self, name)
            if given is not UNSET and name not in TAKES[self.action]:
                raise RefusalError(
                    f"{self.action} takes no {name}",
                    code="superfluous_field",
                    field=f"body.{name}",
                    expected="nothing",
                    got=str(given),
                )
        day = event.occurred_on
        if self.action == "merge":
            return self._merge(facts, day)
        return Decision([], self._register(facts, day) if self.action == "register" else self._move(facts, day))

    def _register(self, facts: Facts, day: str) -> dict[str, Fact]:
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
        fact = PartyFact(type=self.type, status="active", since=day, group=self.group)
        if not isinstance(self.group, UnsetType):
            _check_type(self.type, "household", "only households belong to a group")
            active_party(facts, self.group, "body.group", "group", day=day)
        if isinstance(self.household, UnsetType):
            return {f"party:{self.party}": fact}
        _check_type(self.type, "resident", "only residents join a household")
        return self._moved_in(fact, self.household, facts, day)

    def _move(self, facts: Facts, day: str) -> dict[str, Fact]:
        """A resident leaves a household, for another one, for good, or for none."""
        fact = active_party(facts, self.party, "body.party", "resident", day=day)
        joins = self.action == "join"
        if self.action in ("join", "leave") and isinstance(self.household, UnsetType):
            raise _missing("household", "a household")
        home = self._checked_home(fact, "other" if joins else "household")
        if joins and self.household == home:
            raise RefusalError(
                "a member of this household already",
                code="already_a_member",
                field="body.household",
                expected="another household",
                got=home,
            )
        left: dict[str, Fact] = {}
        if home is not None:
            rest = [member for member in members_of(facts, home) if member != self.party]
            left[members_key(home)] = household_of(rest, "body.party")
        if joins and not isinstance(self.household, UnsetType):
            return left | self._moved_in(fact, self.household, facts, day)
        gone = replace(moved(fact, day), status=_ENDS.get(self.action, fact.status))
        return {f"party:{self.party}": gone, **left}

    def _checked_home(self, fact: PartyFact, field: str) -> str | None:
        """The household that the resident is a member of: the body must name it, and no other, in ``field``."""
        home, named = home_of(fact), getattr(self, field) or None
        if home is not None and named is None:
            raise _missing(field, f"{home}, the household that is left")
        if named != home:
            raise RefusalError(
                "not a member of this household",
                code="not_a_member",
                field=f"body.{field}",
                expected=home or "no household",
                got=named,
            )
        return home

    def _moved_in(self, fact: PartyFact, household: str, facts: Facts, day: str) -> dict[str, Fact]:
        active_party(facts, household, "body.household", "household", day=day)
        return {
            f"party:{self.party}": moved(fact, day, household),
            members_key(household): household_of([*members_of(facts, household), self.party], "body.household"),
        }

    def _merge(self, facts: Facts, day: str) -> Decision:
        fact = active_party(facts, self.party, "body.party", "household", day=day)
        other = self.other
        if isinstance(other, UnsetType) or other == self.party:
            raise _missing("other", "another household")
        active_party(facts, other, "body.other", "household", day=day)
        members = members_of(facts, self.party)
        if list(self.members or ()) != members:
            raise RefusalError(
                "not the members of the household that ends",
                code="wrong_members",
                field="body.members",
                expected=", ".join(members) or "none",
                got=", ".join(self.members or ()) or "none",
            )
        changes: dict[str, Fact] = {f"party:{self.party}": replace(fact, status="merged", merged_into=other)}
        if members:
            changes[members_key(self.party)] = household_of([], "body.party")
            changes[members_key(other)] = household_of([*members_of(facts, other), *members], "body.other")
        for member in members:
            resident = facts[f"party:{member}"]
            assert isinstance(resident, PartyFact), "members are registered"
            changes[f"party:{member}"] = moved(resident, day, other)
        if lots := lots_of(facts, self.party):
            changes |= {lots_key(self.party): Lots([]), **add_lots(facts, other, lots)}
        return Decision(self._whole_balance(facts, other), changes)

    def _whole_balance(self, facts: Facts, other: str) -> list[tuple[str, int]]:
        account = facts[f"account:{self.party}"]
        assert isinstance(account, Account), "registering the household opened it"
        sides = ((self.party, -1), (other, 1))
        held = [(unit, balance) for unit, balance in account.balances.items() if balance]
        return sorted((f"{party}/{unit}", sign * balance) for unit, balance in held for party, sign in sides)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        """A merge moves what there is of a unit from ``party`` to ``other``, `spend` never back; nothing else moves."""
        if self.action != "merge":
            return not postings
        taken = dict(postings)
        expected = []
        for unit in ("merit", "spend"):
            if delta := taken.get(f"{self.party}/{unit}", 0):
                expected += [(f"{self.party}/{unit}", delta), (f"{self.other}/{unit}", -delta)]
        return postings == sorted(expected) and taken.get(f"{self.party}/spend", 0) <= 0


def _check_type(got: str, wanted: str, message: str) -> None:
    if got != wanted:
        raise RefusalError(message, code="wrong_party", field="body.party", expected=wanted, got=got)


def _missing(name: str, expected: str) -> RefusalError:
    return RefusalError(
        "this action needs a field", code="missing_field", field=f"body.{name}", expected=expected, got="nothing"
    )
