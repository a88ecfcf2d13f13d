"""A household on a day: who belonged to it, what it and its members have, what they did for the village."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection

from ledger.domain.entries import parse_entry
from ledger.domain.facts import Honour
from ledger.domain.fields import RuleRef, day_of, is_day
from ledger.domain.rules import Rule, rule_key
from ledger.errors import FormatError
from ledger.service.details import read_details
from ledger.service.homes import Counted, Home, Walk, together
from ledger.service.queries import PAGE_MAX, Hundredths
from ledger.store import entries as log
from ledger.store.facts import read_facts
from ledger.store.vault import Vault

DETAILS: Final = ("matter", "place", "time")
"""The private details that are shown with an award."""


class Sums(Struct, frozen=True):
    """Hundredths by unit: the household's own, its members', and both together."""

    household: dict[str, Hundredths]
    members: dict[str, Hundredths]
    together: dict[str, Hundredths]


class MemberShown(Struct, frozen=True):
    """A member of a household on a day, since when, and its own balances."""

    party: str
    since: str
    balances: dict[str, Hundredths]


class HonourShown(Struct, frozen=True, omit_defaults=True):
    """An honour, by the rule that gave it in entry ``seq``; ``valid_to`` is its last day."""

    category: str
    rule: str
    name_zh: str
    name_en: str
    seq: int
    since: str
    valid_to: str | UnsetType = UNSET


class AwardShown(Struct, frozen=True, omit_defaults=True):
    """An award that counts for a household, and what it gave.

    ``details`` are there for who may see them, as far as they can still be read. ``reversed_by`` is the event that took
    the award back: then no total counts it.
    """

    seq: int
    id: str
    subject: str
    occurred_on: str
    rule: RuleRef
    units: dict[str, Hundredths]
    reversed_by: str | UnsetType = UNSET
    details: dict[str, str] | UnsetType = UNSET


class HouseholdView(Struct, frozen=True, omit_defaults=True):
    """A household on the day ``on``.

    Balances are those at the end of that day. ``month`` and ``year`` are those of the day, until it: awards less
    deductions, without what was reversed, as the ledger knows them now. ``awards`` come newest entry first; ``before``
    is the value of the parameter of that name that shows older ones.
    """

    household: str
    on: str
    status: str
    since: str
    members: list[MemberShown]
    balances: Sums
    month: Sums
    year: Sums
    honours: list[HonourShown]
    awards: list[AwardShown]
    group: str | UnsetType = UNSET
    merged_into: str | UnsetType = UNSET
    before: int | UnsetType = UNSET


def view_household(
    connection: Connection,
    row: log.LedgerRow,
    household: str,
    *,
    now_ms: int,
    on: str | None = None,
    before: int | None = None,
    limit: int = 50,
    vault: Vault | None = None,
) -> HouseholdView:
    """A household on a day, by default today. A ``vault`` opens the private details of awards, for who may see them.

    Raises `NotFoundError`; `FormatError` for a day that is none or has not come.
    """
    day = _day(connection, row, now_ms, on)
    home = Home(connection, row, household)
    limit = min(limit, PAGE_MAX)
    walk = Walk(home, day, deductions=True)
    walk.go(before=before, awards=limit + 1)
    awards = walk.awards[:limit]
    own, *others = walk.balances.values()
    return HouseholdView(
        household=home.household,
        on=day,
        status=home.fact.status,
        since=home.fact.since,
        members=[MemberShown(party, since, walk.balances[party]) for party, since in walk.members.items()],
        balances=_sums(own, {unit: sum(one[unit] for one in others) for unit in own}),
        month=_sums(walk.month.household, walk.month.members),
        year=_sums(walk.year.household, walk.year.members),
        honours=shown_honours(connection, row, home.honours_on(day)),
        awards=[
            _shown(award, told) for award, told in zip(awards, _details(connection, row, vault, awards), strict=True)
        ],
        group=home.fact.group,
        merged_into=home.fact.merged_into,
        before=awards[-1].entry.chain.seq if len(walk.awards) > limit else UNSET,
    )


def today_of(connection: Connection, row: log.LedgerRow, now_ms: int) -> str:
    """The ledger's day: never before that of its last entry."""
    return day_of(max(now_ms, log.read_head(connection, row.ledger_id).at_ms))


def shown_honours(connection: Connection, row: log.LedgerRow, honours: Sequence[Honour]) -> list[HonourShown]:
    """Honours with the names that their rules had when they were granted."""
    shown = []
    for honour in honours:
        ref = parse_entry(log.read_entry(connection, row.ledger_id, honour.seq).data).event.named_rule
        rule = read_facts(connection, row.ledger_id, [rule_key(ref)])[rule_key(ref)]
        assert isinstance(rule, Rule), "the honour was judged by it"
        shown.append(
            HonourShown(honour.category, rule.id, rule.name_zh, rule.name_en, honour.seq, honour.since, honour.valid_to)
        )
    return shown


def _day(connection: Connection, row: log.LedgerRow, now_ms: int, on: str | None) -> str:
    today = today_of(connection, row, now_ms)
    if on is None:
        return today
    if not is_day(on) or on > today:
        raise FormatError(
            "not a day that has come",
            code="bad_parameter",
            field="on",
            expected=f"a day of the calendar, at most {today}",
            got=ascii(on),
        )
    return on


def _sums(household: dict[str, int], members: dict[str, int]) -> Sums:
    return Sums(household, members, together(household, members))


def _details(
    connection: Connection, row: log.LedgerRow, vault: Vault | None, awards: Sequence[Counted]
) -> Sequence[dict[str, str] | UnsetType]:
    """The private details of each award. Where it rewards a declared act, those of the declaration count as well."""
    if vault is None:
        return [UNSET] * len(awards)
    claims = [award.body.claim for award in awards if award.body.claim]
    declared = log.read_known(connection, row.ledger_id, claims)
    found = read_details(
        connection,
        vault,
        row.ledger_id,
        [award.entry.chain.seq for award in awards] + [known.seq for known in declared.values()],
        DETAILS,
    )
    details = []
    for award in awards:
        own = found.get(award.entry.chain.seq, {})
        claimed = found.get(declared[award.body.claim].seq, {}) if award.body.claim else {}
        details.append(claimed | own)
    return details


def _shown(award: Counted, details: dict[str, str] | UnsetType) -> AwardShown:
    event = award.entry.event
    return AwardShown(
        seq=award.entry.chain.seq,
        id=event.id,
        subject=award.body.subject,
        occurred_on=event.occurred_on,
        rule=event.named_rule,
        units=award.units,
        reversed_by=award.reversed_by or UNSET,
        details=details,
    )
