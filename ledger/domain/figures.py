"""Figures of the whole ledger (domain §3): what is issued, redeemed and outstanding, and what is left of budgets.

They are published always, lest points inflate unseen. One fact holds what the entries of a kind add up to, of one rule
and calendar year where the kind takes a rule; a reversal is counted where its target was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.domain.events import Event, Facts
from ledger.domain.facts import RECORDED_PREFIX, Fact, Figures, Recorded
from ledger.domain.fields import RuleRef

RULED: Final = ("points_awarded", "points_deducted", "points_redeemed")
"""Kinds whose figures are kept for each rule and year."""
PLAIN: Final = ("balance_carried", "points_expired", "merchant_settled", "party_changed")
"""Kinds that move points by no rule."""
NOTHING: Final = Figures(entries=0, reversed=0, moved={}, returned={}, issuer={})


def rule_figures_key(kind: str, rule: RuleRef, day: str) -> str:
    """The fact key of the figures of a rule in the year of a day. All versions of a book count together."""
    return f"figures:{kind}/{rule.book}/{rule.id}/{day[:4]}"


def used_units(figures: Figures) -> int:
    """What a rule gave of its budget, in hundredths: an award of two units counts once."""
    return max((units - figures.returned.get(unit, 0) for unit, units in figures.moved.items()), default=0)


def figure_keys(event: Event) -> list[str]:
    """The fact keys of every figure that the event may change."""
    body = event.body
    kind = body.kind
    if kind in RULED:
        return [rule_figures_key(kind, event.rule, event.occurred_on)] if event.rule else []
    if kind in PLAIN:
        return [f"figures:{kind}"]
    if not body.takes_reverses:
        return []
    act = body.counted(event)
    if not act:
        return [f"figures:{kind}" for kind in PLAIN]
    return [rule_figures_key(kind, act.rule, act.occurred_on) for kind in RULED]


def counts(event: Event) -> bool:
    """Whether an event is counted though it moves nothing: a deduction or reversal that found nothing to take."""
    return event.body.kind in RULED or event.body.takes_reverses


def count_figures(event: Event, postings: Sequence[tuple[str, int]], facts: Facts) -> dict[str, Fact]:
    """The figures after an entry that moves points, or would have."""
    kind, undone = event.body.kind, event.reverses
    if undone:
        target = facts[f"{RECORDED_PREFIX}{undone}"]
        assert isinstance(target, Recorded), "deciding the reversal checked it"
        kind = target.kind
    act = event.body.counted(event) if undone else None
    if kind not in RULED:
        key = f"figures:{kind}"
    elif act:
        key = rule_figures_key(kind, act.rule, act.occurred_on)
    else:
        key = rule_figures_key(kind, event.named_rule, event.occurred_on)
    before = facts[key]
    return {key: _counted(before if isinstance(before, Figures) else NOTHING, event, postings, back=bool(undone))}


def _counted(figures: Figures, event: Event, postings: Sequence[tuple[str, int]], *, back: bool) -> Figures:
    issuer = event.body.bearer()
    moved, own = dict(figures.returned if back else figures.moved), dict(figures.issuer)
    for account, delta in postings:
        unit = account[29:]
        if delta > 0:
            moved[unit] = moved.get(unit, 0) + delta
        if account[:28] == issuer:
            own[unit] = own.get(unit, 0) + delta
    return Figures(
        entries=figures.entries + (not back),
        reversed=figures.reversed + back,
        moved=figures.moved if back else moved,
        returned=moved if back else figures.returned,
        issuer=own,
    )
