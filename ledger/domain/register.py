"""Looking parties up in the register (domain §2, `party_changed`)."""

from __future__ import annotations

from ledger.domain.events import Facts
from ledger.domain.facts import PartyFact
from ledger.errors import RefusalError


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
