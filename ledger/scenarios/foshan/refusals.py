"""What is tried on purpose and must be refused: each attempt, with the code that the ledger answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from ledger.scenarios.foshan.story import Story, details_of
from ledger.scenarios.foshan.year import Activity, Month, Purchase
from ledger.scenarios.office import points_of
from ledger.scenarios.scribe import Signed


class Stage(NamedTuple):
    """What an attempt is made with: an activity that is full, its number in the year, somebody who was not there.

    ``balances`` are the residents' hundredths of `spend` at the end of the year, by number.
    """

    story: Story
    number: int
    activity: Activity
    outsider: int
    balances: dict[int, int]

    @property
    def purchase(self) -> Purchase:
        """Somebody's visit to a shop on the last day."""
        return Purchase(self.story.sources.plan.stated.as_of, self.outsider, 0, "大米10公斤", 0, 0)

    @property
    def cap_fen(self) -> int:
        """The bill that takes exactly what a card may spend in a day; a point is worth a yuan."""
        cap = self.story.sources.profile.card_daily_cap_units
        return cap * 100 // self.story.units_for(100)


def write_refusals(story: Story, year: list[Month]) -> None:
    """Write every attempt of `ATTEMPTS`, after all that is to be accepted."""
    story.scribe.phase = "refusals"
    stage = _stage(story, year)
    for code, attempt in ATTEMPTS:
        with story.scribe.expecting(code):
            attempt(stage)


def _stage(story: Story, year: list[Month]) -> Stage:
    """An activity without approvals and without a correction, and a resident who took no part in it."""
    numbered = enumerate(activity for month in year for activity in month.activities)
    number, activity = next((n, a) for n, a in numbered if a.mistaken is None and not a.rule.approvals)
    outsider = next(n for n in range(1, len(story.cards)) if n not in activity.taking_part)
    return Stage(story, number, activity, outsider, _balances(story, year))


def _balances(story: Story, year: list[Month]) -> dict[int, int]:
    held = dict.fromkeys(range(1, len(story.cards)), 0)  # resident 0 loses the card
    for month in year:
        for activity in month.activities:
            for resident in activity.taking_part:
                held[resident] = held.get(resident, 0) + points_of(activity.rule)
        for purchase in month.purchases:
            held[purchase.resident] -= story.units_for(purchase.bill_fen)
    held.pop(0, None)
    return held


def _over_the_daily_cap(stage: Stage) -> None:
    """A card found in the street must not drain its holder."""
    stage.story.redeem(stage.purchase, stage.cap_fen + 100)


def _more_than_there_is(stage: Stage) -> None:
    """Whoever has least left asks for goods worth a yuan more."""
    poorest = min(stage.balances, key=lambda resident: (stage.balances[resident], resident))
    left_fen = stage.balances[poorest] * 100 // stage.story.units_for(100)
    stage.story.redeem(stage.purchase._replace(resident=poorest), left_fen + 100)


def _the_same_act_twice(stage: Stage) -> None:
    stage.story.award(stage.number, stage.activity, stage.activity.taking_part[0])


def _one_too_many(stage: Stage) -> None:
    stage.story.award(stage.number, stage.activity, stage.outsider)


def _before_the_book(stage: Stage) -> None:
    """An act of the day before the rule book took effect."""
    day = stage.story.sources.plan.split.book_effective - timedelta(days=1)
    stage.story.award(stage.number, stage.activity._replace(day=day), stage.outsider)


def _one_clerk_alone(stage: Stage) -> None:
    story = stage.story
    actor = story.village.households[0].actor
    body = {"action": "move_out", "party": actor.party}
    story.scribe.write("party_changed", [story.office.officer("clerk")], body, day=_as_of(stage))


def _a_clerk_awards(stage: Stage) -> None:
    story, activity = stage.story, stage.activity
    story.scribe.write(
        "points_awarded",
        [story.office.officer("clerk")],
        story.award_body(stage.number, activity, stage.outsider),
        day=activity.day.isoformat(),
        private=details_of(activity),
        rule=story.office.named(activity.rule.id),
    )


def _more_than_the_rule_gives(stage: Stage) -> None:
    story, activity = stage.story, stage.activity
    body = story.award_body(stage.number, activity, stage.outsider)
    story.scribe.write(
        "points_awarded",
        [story.office.officer("issuer")],
        {**body, "amount_units": points_of(activity.rule) + 1},
        day=activity.day.isoformat(),
        private=details_of(activity),
        rule=story.office.named(activity.rule.id),
    )


def _signed_then_changed(stage: Stage) -> None:
    """One digit is changed after the officer signed."""
    story = stage.story
    story.award(stage.number, stage.activity, stage.outsider)
    written = story.scribe.written
    amount, sound = b'"amount_units":%d' % points_of(stage.activity.rule), written[-1]
    assert sound.data.count(amount) == 1, "an award states its amount once"
    written[-1] = sound._replace(data=sound.data.replace(amount, amount[:-4] + b"9" + amount[-3:]))


def _another_event_of_the_same_id(stage: Stage) -> None:
    story = stage.story
    taken: Signed = next(signed for signed in story.scribe.written if signed.kind == "points_awarded")
    story.award(stage.number, stage.activity, stage.outsider, event_id=taken.id)


def _the_lost_card(stage: Stage) -> None:
    """The card that was reported lost tries to buy."""
    story = stage.story
    renewed = story.cards[0]
    story.cards[0] = story.village.residents[0].actor
    story.redeem(stage.purchase._replace(resident=0), 100)
    story.cards[0] = renewed


ATTEMPTS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("card_cap_exceeded", _over_the_daily_cap),
    ("insufficient_balance", _more_than_there_is),
    ("counted_before", _the_same_act_twice),
    ("no_place_left", _one_too_many),
    ("rule_not_in_force", _before_the_book),
    ("not_enough_signers", _one_clerk_alone),
    ("wrong_amount", _more_than_the_rule_gives),
    ("bad_signature", _signed_then_changed),
    ("id_conflict", _another_event_of_the_same_id),
    ("not_authorised", _a_clerk_awards),
    ("not_authorised", _the_lost_card),
)
"""The code of the refusal, and how it is provoked."""


def _as_of(stage: Stage) -> str:
    return stage.story.sources.plan.stated.as_of.isoformat()
