"""Looking parties up in the register, who belongs to which household, and who stands behind a key (domain §2).

A resident's memberships stand in the resident's own fact, with their days; whoever is a member now stands in the
household's as well, so that the two say the same at every entry.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain.events import Facts
from ledger.domain.facts import Members, Membership, PartyFact, Person
from ledger.domain.fields import is_day
from ledger.domain.roles import Signer
from ledger.errors import RefusalError

HOUSEHOLD_MAX: Final = 50
"""Members of one household."""


def check_day(day: str, field: str) -> None:
    """Raise `RefusalError` unless a text is a day of the calendar."""
    if not is_day(day):
        raise RefusalError(
            "not a day of the calendar", code="not_a_day", field=field, expected="a day of the calendar", got=day
        )


def active_party(facts: Facts, party: str, field: str, *types: str, day: str | None = None) -> PartyFact:
    """The fact of an active party of one of the given types, registered on ``day`` at the latest.

    Raises `RefusalError`.
    """
    fact = facts[f"party:{party}"]
    if not isinstance(fact, PartyFact):
        raise RefusalError(
            "this party is not registered",
            code="unknown_party",
            field=field,
            expected=" or ".join(types) or "a registered party",
            got=party,
        )
    if types and fact.type not in types:
        raise RefusalError(
            "a party of another type", code="wrong_party", field=field, expected=" or ".join(types), got=fact.type
        )
    if fact.status != "active":
        raise RefusalError(
            "this party is not active", code="inactive_party", field=field, expected="active", got=fact.status
        )
    if day is not None and day < fact.since:
        raise RefusalError(
            "the party was not registered yet on that day",
            code="not_yet_registered",
            field="occurred_on",
            expected=f"{fact.since} or later, for {field}",
            got=day,
        )
    return fact


def person_key(identifier: str) -> str:
    """The fact key of the resident behind a key, by key id."""
    return f"person:{identifier}"


def person_behind(signer: Signer, facts: Facts) -> str:
    """The resident behind a signer's key, or the signer's own party where the log names none."""
    fact = facts[person_key(signer.key)]
    return fact.party if isinstance(fact, Person) else signer.party


def members_key(household: str) -> str:
    """The fact key of a household's members."""
    return f"members:{household}"


def members_of(facts: Facts, household: str) -> list[str]:
    """The residents who are members of a household now, sorted."""
    fact = facts[members_key(household)]
    return fact.residents if isinstance(fact, Members) else []


def home_of(fact: PartyFact) -> str | None:
    """The household that a resident is a member of now."""
    last = fact.memberships[-1] if fact.memberships else None
    return last.household if last and last.to is UNSET else None


def moved(fact: PartyFact, day: str, to: str | None = None) -> PartyFact:
    """A resident's fact after a move on ``day``: the open membership ends, one in the household ``to`` begins.

    Half-open in time, so one may leave and join on one day. Raises `RefusalError` if an earlier membership began or
    ended after that day.
    """
    stays = list(fact.memberships)
    if stays:
        last = stays[-1]
        free_from = last.to or last.from_
        if day < free_from:
            raise RefusalError(
                "overlaps an earlier membership",
                code="wrong_order",
                field="occurred_on",
                expected=f"{free_from} or later",
                got=day,
            )
        stays[-1] = last if last.to else replace(last, to=day)
    if to is not None:
        stays.append(Membership(household=to, from_=day))
    return replace(fact, memberships=stays)


def household_of(residents: list[str], field: str) -> Members:
    """The members of a household, in whatever order they came. Raises `RefusalError` if they are too many."""
    if len(residents) > HOUSEHOLD_MAX:
        raise RefusalError(
            "more members than a household may have",
            code="too_many_members",
            field=field,
            expected=f"at most {HOUSEHOLD_MAX}",
            got=str(len(residents)),
        )
    return Members(residents=sorted(residents))
