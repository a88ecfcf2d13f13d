"""Households as they are shown, after random moves, mergers, awards and reversals, against a plain account of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ledger.domain.append import Appended
from ledger.domain.fields import DAY_MS, day_of
from ledger.service import homes
from ledger.service.households import HouseholdView, view_household
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import person

HOUSES = ("house", "home", "hut")
PEOPLE = ("zhang", "li", "wang", "zhao")


class PlainVillage:
    """What happened, in lists: where everybody lived on each day, and every award with the day of its entry."""

    def __init__(self, stored: StoredVillage, random: Random) -> None:
        self.stored, self.random = stored, random
        self.homes: dict[str, dict[str, str | None]] = {name: {} for name in PEOPLE}
        self.living: dict[str, str | None] = dict.fromkeys(PEOPLE)
        self.houses = list(HOUSES)
        self.awards: list[tuple[str, str, str, int]] = []
        self.entries: dict[int, Appended] = {}
        self.gone: set[int] = set()
        self.moves: list[tuple[str, str, int]] = []
        """(day of the entry, who, by how much the balance changed)"""

    @property
    def today(self) -> str:
        return day_of(self.stored.village.now_ms)

    def act(self) -> None:
        """Something happens today, or nothing."""
        choice = self.random.choice(
            (self.move, self.move, self.award, self.award, self.award, self.reverse, self.merge)
        )
        choice()

    def sleep(self) -> None:
        """The day ends: where everybody lived today is settled."""
        for name, home in self.living.items():
            self.homes[name][self.today] = home
        self.stored.village.tomorrow()

    def move(self) -> None:
        village, name = self.stored.village, self.random.choice(PEOPLE)
        to = self.random.choice([None, *self.houses])
        if to == self.living[name]:
            return
        if to is None:
            submission = village.party("leave", name, household=self.living[name])
        else:
            submission = village.party("join", name, household=to)
        self.stored.must(submission)
        self.living[name] = to

    def merge(self) -> None:
        if len(self.houses) < 3 or self.random.random() < 0.8:
            return
        ends, stays = self.random.sample(self.houses, 2)
        self.stored.must(self.stored.village.party("merge", ends, other=stays))
        self.houses.remove(ends)
        held = sum(units for _, name, units in self.moves if name == ends)
        self.moves += [(self.today, ends, -held), (self.today, stays, held)]
        self.living = {name: stays if home == ends else home for name, home in self.living.items()}

    def award(self) -> None:
        """Somebody, or a household, is rewarded for an act of today or of one of the days before."""
        village = self.stored.village
        day = day_of(village.now_ms - self.random.choice((0, 0, 3, 20)) * DAY_MS)
        name = self.random.choice([*PEOPLE, *self.houses])
        rule, units = ("helping", 2000) if name in self.houses else ("volunteer", 200)
        appended = self.stored.must(village.award(name, rule, day=day))
        self.entries[len(self.awards)] = appended
        self.awards.append((day, name, self.today, units))
        self.moves.append((self.today, name, units))

    def reverse(self) -> None:
        standing = [
            place for place, (_, name, _, _) in enumerate(self.awards) if place not in self.gone and name in PEOPLE
        ]
        if standing:
            place = self.random.choice(standing)
            self.stored.must(self.stored.village.reverse(self.entries[place]))
            self.gone.add(place)
            _, name, _, units = self.awards[place]
            self.moves.append((self.today, name, -units))

    # What a household should show ---------------------------------------------------------------------------------

    def lived(self, name: str, day: str) -> str | None:
        return self.homes[name].get(day)

    def members(self, house: str, day: str) -> set[str]:
        return {name for name in PEOPLE if self.lived(name, day) == house}

    def belongs(self, house: str, place: int) -> bool:
        day, name, _, _ = self.awards[place]
        return name == house or (name in PEOPLE and self.lived(name, day) == house)

    def total(self, house: str, period: str, until: str) -> dict[str, int]:
        found: Counter[str] = Counter()
        for place, (day, name, _, units) in enumerate(self.awards):
            if place not in self.gone and day.startswith(period) and day <= until and self.belongs(house, place):
                found["household" if name == house else "members"] += units
        return {side: found[side] for side in ("household", "members")}

    def balance(self, names: set[str], until: str) -> int:
        return sum(units for day, name, units in self.moves if name in names and day <= until)


def look(stored: StoredVillage, house: str, on: str, limit: int = 500) -> HouseholdView:
    now_ms, party = stored.village.now_ms, person(house).party
    found: HouseholdView = stored.read(
        lambda link, row: view_household(link, row, party, now_ms=now_ms, on=on, limit=limit)
    )
    return found


def check(plain: PlainVillage, house: str, day: str) -> None:
    found = look(plain.stored, house, day)
    short = look(plain.stored, house, day, limit=1)
    assert (short.balances, short.month, short.year) == (found.balances, found.month, found.year), "whatever the page"
    members = plain.members(house, day)
    assert {one.party for one in found.members} == {person(name).party for name in members}
    assert found.balances.household["spend"] == plain.balance({house}, day)
    assert found.balances.members["merit"] == plain.balance(members, day)
    for sums, period in ((found.month, day[:7]), (found.year, day[:4])):
        expected = plain.total(house, period, day)
        assert {"household": sums.household["spend"], "members": sums.members["spend"]} == expected
        assert sums.together["merit"] == sum(expected.values())
    shown = {award.seq: award.reversed_by for award in found.awards}
    counted = {
        plain.entries[place].seq: place in plain.gone
        for place, (acted, _, _, _) in enumerate(plain.awards)
        if acted <= day and plain.belongs(house, place)
    }
    assert {seq: bool(by) for seq, by in shown.items()} == counted


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_a_household_shows_what_a_plain_account_says(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(homes, "CHUNK", 3)
    with stored_village("sqlite", tmp_path) as stored:
        village, first = stored.village, stored.village.now_ms
        for name in HOUSES[1:]:
            stored.must(village.party("register", name, type="household", day="2021-01-01"))
        for name in PEOPLE[2:]:
            stored.must(village.party("register", name, type="resident", day="2021-01-01"))
        plain = PlainVillage(stored, random)
        for _ in range(60):
            for _ in range(random.randrange(3)):
                plain.act()
            plain.sleep()
        plain.sleep()
        days = [day_of(first + offset * DAY_MS) for offset in random.sample(range(60), 8)]
        for house in HOUSES:
            for day in [*days, day_of(village.now_ms - DAY_MS)]:
                check(plain, house, day)
        everybody = {house: look(stored, house, plain.today) for house in HOUSES}
        seqs = [award.seq for view in everybody.values() for award in view.awards]
        assert len(seqs) == len(set(seqs)), "nobody counts twice"
