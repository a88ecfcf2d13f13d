"""Telling the register: who is registered when, what households and residents carry, and what changes in the year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.moves import Move
from ledger.scenarios.dacang.paperbook import homes_of
from ledger.scenarios.dacang.village import Door, Village
from ledger.scenarios.office import Office

EVERY: Final = 400
"""Registrations after which the story hands over what it wrote."""
PAPER_EVERY: Final = 4
"""One of so many households has a paper card and no smartphone."""


class Register:
    """The clerks' work, with the `Office`."""

    def __init__(self, office: Office, village: Village, first: date) -> None:
        self.office = office
        self.village = village
        self._first = first
        self._doors: dict[int, Door] = {}
        self.replaced: list[int] = []
        """Households whose first plate was replaced."""

    def groups(self) -> None:
        """All groups but the last, whose register comes from a spreadsheet."""
        for group in self.village.groups[:-1]:
            self.office.register_party(group, "group", self._first.isoformat())

    def everybody(self) -> Iterator[None]:
        """The households and residents of those groups, as they are at the beginning."""
        for group in range(len(self.village.groups) - 1):
            for home in homes_of(self.village, group, self._first):
                self.household(home, self._first)
                for person in self.village.members_on(home, self._first):
                    self.resident(person, home, self._first)
            yield

    def household(self, home: int, day: date) -> None:
        """Register a household in its group."""
        found = self.village.homes[home]
        group = found.household.group.party
        details = {"number": found.number, "address": found.household.address}
        self.office.register_party(found.actor, "household", day.isoformat(), group=group, **details)

    def resident(self, person: int, home: int, day: date) -> None:
        """Register a resident with a household."""
        resident, household = self.village.people[person].resident, self.village.homes[home].party
        self.office.register_party(
            resident.actor, "resident", day.isoformat(), household=household, number=resident.number
        )

    def equip(self, home: int, day: date) -> None:
        """The plate at the door, and a phone or, where nobody has one, a paper card."""
        found = self.village.homes[home]
        self.door(home, found.door, day)
        carry = self.office.issue_card if has_paper_card(home) else self.office.issue_phone
        carry(found.actor, day.isoformat())

    def door(self, home: int, door: Door, day: date) -> None:
        """Put up a plate; one that is there already is replaced by it."""
        body = {"action": "issue", "medium": "door", "party": self.village.homes[home].party}
        if (old := self._doors.get(home)) is not None:
            body |= {"action": "rotate", "replaces": old.digest}
            self.replaced.append(home)
        self._doors[home] = door
        self.credential({**body, "token_digest": door.digest}, day)

    def credential(self, body: dict[str, str], day: date) -> None:
        """`credential_changed` for a door, by one clerk."""
        clerk = self.office.officer("clerk", self.office.turn())
        self.office.scribe.write("credential_changed", [clerk], dict(body), day=day.isoformat())

    def take_down(self, home: int, day: date) -> None:
        """The household ends: its plate leads nowhere, its phone or card signs for nobody."""
        found = self.village.homes[home]
        body = {"action": "revoke", "medium": "door", "party": found.party}
        self.credential({**body, "token_digest": self._doors.pop(home).digest}, day)
        self.office.end_credential("revoke", medium_of(home), found.actor, day.isoformat())

    def lose_card(self, home: int, day: date) -> Actor:
        """A household's paper card is reported lost; answers it as it is renewed."""
        lost = self.village.homes[home].actor
        self.office.end_credential("lost", "card", lost, day.isoformat())
        renewed = lost.with_new_key()
        self.office.issue_card(renewed, day.isoformat())
        return renewed

    def tell(self, move: Move) -> None:
        """A change of the register."""
        village, day = self.village, move.day.isoformat()
        home = village.homes[move.home].party
        if move.action == "found":
            self.household(move.home, move.day)
            self.equip(move.home, move.day)
        elif move.action == "arrive":
            self.resident(move.people[0], move.home, move.day)
        elif move.action == "join":
            other = village.homes[move.other].party
            party = village.people[move.people[0]].party
            self.office.change_party({"action": "join", "party": party, "household": home, "other": other}, day)
        elif move.action == "merge":
            self.take_down(move.home, move.day)
            members = sorted(village.people[person].party for person in move.people)
            other = village.homes[move.other].party
            self.office.change_party({"action": "merge", "party": home, "other": other, "members": [*members]}, day)
        else:
            party = village.people[move.people[0]].party
            self.office.change_party({"action": move.action, "party": party, "household": home}, day)


def has_paper_card(home: int) -> bool:
    """Whether a household carries a paper card and not a phone."""
    return home % PAPER_EVERY == 0


def medium_of(home: int) -> str:
    """What a household carries."""
    return "card" if has_paper_card(home) else "phone"
