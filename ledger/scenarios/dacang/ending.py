"""The end of the year: honours, a plate and a card that were lost, what is tried in vain, and an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.refusals import write_refusals
from ledger.scenarios.dacang.register import has_paper_card
from ledger.scenarios.dacang.story import Story
from ledger.scenarios.draw import Draw
from ledger.scenarios.errands import Errand

ERASED: Final = "erased"
"""The mark of the erasure."""


class Ending:
    """What comes after the last month."""

    def __init__(self, story: Story, draw: Draw) -> None:
        self._story = story
        self._village = story.made.village
        self._office = story.office
        self._day = story.made.found.plan.split.as_of
        self._draw = draw

    def tell(self) -> Iterator[bool | Errand | None]:
        """All of it, in order; at last the state is committed, so that every receipt is whole."""
        scribe = self._story.scribe
        scribe.phase = "honours"
        self._honour_all()
        scribe.phase = "plate and card"
        self._replace_plate()
        lost = self._lose_card()
        yield None
        yield from write_refusals(self._story, lost, self._draw.split("refusals"))
        scribe.phase = "erasure"
        self._erase()
        yield Errand(lambda desk: desk.commit())

    def _honour_all(self) -> None:
        """Civilised families and the best neighbours, by the council, for a year."""
        split, size = self._story.made.found.plan.split, self._story.made.size
        until = self._day.replace(year=self._day.year + 1)
        homes = self._draw.shuffled(self._village.households_on(self._day))
        for home in sorted(homes[: size.part(split.honoured_households, 2)]):
            self._honour(
                self._village.homes[home].party, "civilised_family", "文明家庭", "家风好、邻里和、庭院净", until
            )
        people = self._draw.shuffled(self._story.made.posters)
        for person in sorted(people[: size.part(split.honoured_residents)]):
            self._honour(self._village.people[person].party, "good_neighbour", "最美邻里", "热心邻里互助", until)

    def _honour(self, party: str, rule: str, title: str, citation: str, until: date) -> None:
        body: dict[str, JSON] = {
            "action": "grant",
            "issuer": self._village.committee.party,
            "subject": party,
            "valid_to": until.isoformat(),
        }
        self._story.scribe.write(
            "honour_changed",
            [self._office.officer("council")],
            body,
            day=self._day.isoformat(),
            private={"title": title, "citation": citation},
            rule=self._office.named(rule),
        )

    def _replace_plate(self) -> None:
        """A plate was torn off its door: the new one takes its place, the old one leads nowhere."""
        home = next(line.home for line in self._story.made.book.lines if not has_paper_card(line.home))
        self._story.register.door(home, self._village.homes[home].next_door, self._day)

    def _lose_card(self) -> Actor:
        """A household's paper card is lost and renewed; answers the lost one."""
        home = next(line.home for line in self._story.made.book.lines if has_paper_card(line.home))
        self._story.register.lose_card(home, self._day)
        return self._village.homes[home].actor

    def _erase(self) -> None:
        """Somebody who moved away asks for it: every private detail about them goes."""
        subject = self._village.people[self._village.founding.erased].party
        body: dict[str, JSON] = {"basis": "request", "subject": subject}
        officer = self._office.officer("data_officer")
        day = self._day.isoformat()
        self._story.scribe.write("personal_data_erased", [officer], body, day=day, mark=ERASED)
