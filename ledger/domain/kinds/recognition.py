"""Kinds by which the village says who did well: `rating_published`, `honour_changed`. Neither moves points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.events import PARTIES_MAX, Body, Context, Decision, Event, Facts
from ledger.domain.facts import Honour, Honours, Mark, stands
from ledger.domain.fields import Day, EventRef, Name, Party, RuleRef, Strict, is_day
from ledger.domain.register import active_party
from ledger.domain.roles import Requirement
from ledger.domain.rules import TARGETS, Rule, check_evidence, check_signers, rule_in_force, rule_needs
from ledger.errors import RefusalError

Month = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", min_length=7, max_length=7)]
"""A month as ``YYYY-MM``."""
FOREVER: Final = "9999-12-31"
"""The last day of an honour that has no end."""


class Rated(Strict, frozen=True):
    """A party, and the tier of the rule that it is in."""

    party: Party
    tier: Name


class RatingPublished(Body, frozen=True):
    """The tiers that parties are in for a month, by the method of a rule of type `rate`; once per rule, month, party.

    ``tiers`` is sorted by party. A rating of more than 99 parties comes in parts, which share the id ``rating``.
    """

    kind: ClassVar[str] = "rating_published"
    title: ClassVar[str] = "月度评定"
    privacy: ClassVar[str] = "P2"
    takes_rule: ClassVar[bool] = True

    issuer: Party
    period: Month
    rating: EventRef
    tiers: Annotated[list[Rated], Meta(min_length=1, max_length=PARTIES_MAX - 1)]

    def parties(self) -> list[str]:
        return sorted({self.issuer, *self.decides_about()})

    def decides_about(self) -> list[str]:
        return [rated.party for rated in self.tiers]

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("community", "council"), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{party}" for party in self.parties()]
        named += rule_needs(event)
        if event.rule:
            named += [rated_key(event.rule, self.period, rated.party) for rated in self.tiers]
        return named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        rule = rule_in_force(event, facts, "rate")
        check_signers(rule, event, context)
        if self.period > event.occurred_on[:7]:
            raise RefusalError(
                "a month is not rated before it begins",
                code="bad_period",
                field="body.period",
                expected=f"at most {event.occurred_on[:7]}",
                got=self.period,
            )
        rated = self.decides_about()
        if rated != sorted(set(rated)):
            raise RefusalError(
                "the parties are out of order",
                code="bad_order",
                field="body.tiers",
                expected="sorted by party, each once",
                got=", ".join(rated[:3]),
            )
        for place in range(len(rated)):
            self._check_rated(place, rule, event, facts)
        return Decision([], {rated_key(event.named_rule, self.period, party): Mark(context.seq) for party in rated})

    def _check_rated(self, place: int, rule: Rule, event: Event, facts: Facts) -> None:
        one, field = self.tiers[place], f"body.tiers.{place}"
        active_party(facts, one.party, f"{field}.party", TARGETS[rule.target], day=event.occurred_on)
        tiers = [tier.id for tier in rule.tiers or ()]
        if one.tier not in tiers:
            raise RefusalError(
                "the rule has no such tier",
                code="unknown_tier",
                field=f"{field}.tier",
                expected=", ".join(tiers),
                got=one.tier,
            )
        if stands(facts[rated_key(event.named_rule, self.period, one.party)]):
            raise RefusalError(
                "this party was rated for the month before",
                code="rated_before",
                field=f"{field}.party",
                expected=f"no rating by {event.named_rule.id} for {self.period}",
                got=one.party,
            )


class HonourChanged(Body, frozen=True):
    """Grant an honour by a rule of type `honour`, or withdraw one that stands.

    It stands from ``occurred_on`` to ``valid_to``, that day included, or for good. A rule that needs other honours
    counts the different rules of their category by which the subject holds one on that day.
    """

    kind: ClassVar[str] = "honour_changed"
    title: ClassVar[str] = "星级/荣誉"
    privacy: ClassVar[str] = "P1"
    private: ClassVar[dict[str, str]] = {"title": "text", "citation": "text"}
    takes_rule: ClassVar[bool] = True

    action: Literal["grant", "withdraw"]
    issuer: Party
    subject: Party
    valid_to: Day | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("council",), scope=self.issuer),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{self.issuer}", f"party:{self.subject}", honours_key(self.subject), *rule_needs(event)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        active_party(facts, self.issuer, "body.issuer", "organisation", day=event.occurred_on)
        rule = rule_in_force(event, facts, "honour")
        check_evidence(rule, event)
        check_signers(rule, event, context)
        fact = facts[honours_key(self.subject)]
        held = fact.honours if isinstance(fact, Honours) else []
        if self.action == "withdraw":
            return Decision([], {honours_key(self.subject): Honours(self._without(held, rule, event.occurred_on))})
        active_party(facts, self.subject, "body.subject", TARGETS[rule.target], day=event.occurred_on)
        self._check_end(event.occurred_on)
        self._check_free(held, rule, event.occurred_on)
        _check_needed(held, rule, event.occurred_on)
        granted = Honour(
            category=rule.category, rule=rule.id, seq=context.seq, since=event.occurred_on, valid_to=self.valid_to
        )
        return Decision([], {honours_key(self.subject): Honours([*held, granted])})

    def _without(self, held: list[Honour], rule: Rule, day: str) -> list[Honour]:
        """The honours but the one that the rule gave and that stands. The subject may be gone meanwhile."""
        if self.valid_to:
            raise RefusalError(
                "withdraw takes no valid_to",
                code="superfluous_field",
                field="body.valid_to",
                expected="nothing",
                got=self.valid_to,
            )
        left = [honour for honour in held if honour.rule != rule.id or not honour_stands(honour, day)]
        if len(left) == len(held):
            raise RefusalError(
                "the subject does not hold this honour",
                code="honour_not_held",
                field="rule.id",
                expected=", ".join(honour.rule for honour in held if honour_stands(honour, day)) or "no honour stands",
                got=rule.id,
            )
        return left

    def _check_end(self, day: str) -> None:
        if self.valid_to and (not is_day(self.valid_to) or self.valid_to <= day):
            raise RefusalError(
                "the honour ends before it begins",
                code="bad_days",
                field="body.valid_to",
                expected=f"a day after {day}",
                got=self.valid_to,
            )

    def _check_free(self, held: list[Honour], rule: Rule, day: str) -> None:
        """One honour of a rule at a time, also where the older one is entered last."""
        for honour in held:
            if honour.rule == rule.id and honour.since <= (self.valid_to or FOREVER) and day <= _last_day(honour):
                raise RefusalError(
                    "the subject holds this honour already",
                    code="honour_held",
                    field="body.subject",
                    expected=f"none that stands from {honour.since} to {honour.valid_to or 'any day'}",
                    got=self.subject,
                )


def _check_needed(held: list[Honour], rule: Rule, day: str) -> None:
    """Refuse a grant that takes more honours of a category than stand on a day. Raises `RefusalError`."""
    if isinstance(rule.needs_honours, UnsetType):
        return
    category, count = rule.needs_honours.category, rule.needs_honours.count
    counted = {honour.rule for honour in held if honour.category == category and honour_stands(honour, day)}
    if len(counted) < count:
        raise RefusalError(
            "the rule asks for more honours",
            code="honours_missing",
            field="body.subject",
            expected=f"{count} of {category}",
            got=f"{len(counted)}: {', '.join(sorted(counted)) or 'none'}",
        )


def honour_stands(honour: Honour, day: str) -> bool:
    """Whether an honour stands on a day; its last day is one."""
    return honour.since <= day <= _last_day(honour)


def _last_day(honour: Honour) -> str:
    return honour.valid_to or FOREVER


def honours_key(party: str) -> str:
    """The fact key of a party's honours."""
    return f"honours:{party}"


def rated_key(ref: RuleRef, period: str, party: str) -> str:
    """The fact key of the mark that a party was rated by a rule for a month. All versions of a book count together."""
    return f"mark:rated/{ref.book}/{ref.id}/{period}/{party}"
