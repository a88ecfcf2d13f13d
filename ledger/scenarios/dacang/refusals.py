"""What is tried in vain at the end of the year: each attempt, with the code that the ledger answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.rewards import details_of
from ledger.scenarios.dacang.story import Story
from ledger.scenarios.dacang.village import Person
from ledger.scenarios.dacang.voices import anonymous_poster
from ledger.scenarios.draw import Draw

KEY_AGAIN: Final = "the key of an anonymous post again"
PARTY_AGAIN: Final = "the party of an anonymous post again"
GONE: Final = "an award for somebody who moved out"
TWICE: Final = "a member of two households"
REGISTERED_AGAIN: Final = "registered a second time"
CARRIED_AGAIN: Final = "the paper book again"
"""Marks of attempts that the musts look up."""


class Stage(NamedTuple):
    """What an attempt is made with: the story at its end, a card that was lost, a villager who is an officer too."""

    story: Story
    lost: Actor
    draw: Draw
    officer: Actor
    person: Person

    @property
    def day(self) -> str:
        """The last day of the year."""
        return self.story.made.found.plan.split.as_of.isoformat()

    def moved(self, action: str) -> Person:
        """The first who changed the register by an action."""
        village = self.story.made.village
        return village.people[next(move.people[0] for move in village.moves if move.action == action)]


def write_refusals(story: Story, lost: Actor, draw: Draw) -> Iterator[None]:
    """Write every attempt of `ATTEMPTS`; before that, a villager is made an officer for points."""
    story.scribe.phase = "a villager with an office"
    person = story.made.village.people[story.made.posters[0]]
    officer = Actor.drawn(draw.split("officer"), person.actor.name, "issuer")
    day = story.made.found.plan.split.as_of.isoformat()
    story.office.grant(officer, "issuer", story.made.village.committee.party, day, person=person.party)
    yield
    story.scribe.phase = "refusals"
    stage = Stage(story, lost, draw, officer, person)
    for code, attempt in ATTEMPTS:
        with story.scribe.expecting(code):
            attempt(stage)
    yield


def _key_again(stage: Stage) -> None:
    """The key of an anonymous post would tie a second one to the first."""
    first, fresh = stage.story.voices.first_anonymous, anonymous_poster(stage.draw, 0)
    again = Actor(first.name, first.role, fresh.party, first.seed)
    _speak_up(stage, again, KEY_AGAIN)


def _party_again(stage: Stage) -> None:
    """So would the party."""
    first, fresh = stage.story.voices.first_anonymous, anonymous_poster(stage.draw, 1)
    again = Actor(first.name, first.role, first.party, fresh.seed)
    _speak_up(stage, again, PARTY_AGAIN)


def _speak_up(stage: Stage, poster: Actor, mark: str) -> None:
    stage.story.voices.speak_up(poster, stage.story.made.found.plan.suggestions[0], mark=mark)


def _award_to(stage: Stage, party: str, rule: str, *, signer: Actor | None = None, mark: str = "") -> None:
    office = stage.story.office
    stage.story.scribe.write(
        "points_awarded",
        [signer or office.officer("issuer")],
        office.award_body(party, rule),
        day=stage.day,
        private=details_of(stage.story.made.found.plan.split.as_of, "年终补记", "村部", "全天"),
        rule=office.named(rule),
        mark=mark,
    )


def _award_to_somebody_gone(stage: Stage) -> None:
    _award_to(stage, stage.moved("move_out").party, "volunteering", mark=GONE)


def _award_to_a_merged_household(stage: Stage) -> None:
    village = stage.story.made.village
    home = next(move.home for move in village.moves if move.action == "merge")
    _award_to(stage, village.homes[home].party, "clean_yard")


def _award_to_the_own_household(stage: Stage) -> None:
    """Nobody decides the own case, nor that of the own household."""
    village = stage.story.made.village
    home = stage.person.home_on(stage.story.made.found.plan.split.as_of)
    assert home is not None, "who has a phone of their own stays all year"
    _award_to(stage, village.homes[home].party, "clean_yard", signer=stage.officer)


def _member_of_two(stage: Stage) -> None:
    """Whoever joins a household leaves the one they are in."""
    village = stage.story.made.village
    person, other = stage.moved("join"), village.homes[0].party
    _change_party(stage, {"action": "join", "party": person.party, "household": other}, TWICE)


def _registered_again(stage: Stage) -> None:
    body = {"action": "register", "party": stage.moved("move_out").party, "type": "resident"}
    _change_party(stage, body, REGISTERED_AGAIN)


def _change_party(stage: Stage, body: Mapping[str, JSON], mark: str) -> None:
    clerks = [stage.story.office.officer("clerk", n) for n in range(2)]
    stage.story.scribe.write("party_changed", clerks, body, day=stage.day, mark=mark)


def _carried_again(stage: Stage) -> None:
    """A line of the paper book is entered by hand, though it came in with the sheet."""
    story, line = stage.story, stage.story.made.book.lines[0]
    body: dict[str, JSON] = {
        "amount_units": line.spend_units,
        "book_digest": story.made.book.digest,
        "issuer": story.made.village.committee.party,
        "subject": story.made.village.homes[line.home].party,
        "unit": "spend",
    }
    signers = [story.office.officer("issuer"), story.office.officer("oversight")]
    day = story.made.found.plan.split.book_closed.isoformat()
    story.scribe.write("balance_carried", signers, body, day=day, mark=CARRIED_AGAIN)


def _replaced_plate(stage: Stage) -> None:
    """The plate that was replaced has ended already."""
    story = stage.story
    home = story.made.village.homes[story.register.replaced[0]]
    body = {"action": "revoke", "medium": "door", "party": home.party, "token_digest": home.door.digest}
    story.register.credential(body, story.made.found.plan.split.as_of)


def _the_lost_card(stage: Stage) -> None:
    stage.story.shopping.redeem(stage.lost, 100, "exchange_household", stage.day)


def _more_than_there_is(stage: Stage) -> None:
    story = stage.story
    holder = stage.person.actor
    story.shopping.redeem(holder, story.spend[holder.party] + 100, "exchange", stage.day)


ATTEMPTS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("key_taken", _key_again),
    ("party_exists", _party_again),
    ("inactive_party", _award_to_somebody_gone),
    ("inactive_party", _award_to_a_merged_household),
    ("own_case", _award_to_the_own_household),
    ("missing_field", _member_of_two),
    ("party_exists", _registered_again),
    ("carried_before", _carried_again),
    ("credential_ended", _replaced_plate),
    ("not_authorised", _the_lost_card),
    ("insufficient_balance", _more_than_there_is),
)
"""The code of the refusal, and how it is provoked."""
