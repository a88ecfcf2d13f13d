"""Random moves between households that also merge: everybody lives in one place at most, and no point is lost."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.domain.append import Appended
from ledger.domain.entries import parse_entry
from ledger.domain.facts import Members, PartyFact
from ledger.domain.state import Replay
from tests.helpers.village import Village, person

PEOPLE = ("zhang", "li", "ann", "bo")
HOMES = ("house", "barn", "hut", "mill")
DAYS = ("2021-03-01", "2021-05-01", "2021-05-02", "2021-08-01", "2021-11-20")
ACTIONS = ("join", "join", "join", "leave", "merge", "merge", "move_out", "death", "register", "carry")
STEP = st.tuples(
    st.sampled_from(ACTIONS), st.integers(0, 3), st.integers(0, 3), st.sampled_from(DAYS), st.integers(0, 5)
)


class Stay(NamedTuple):
    home: str
    first: str
    end: str | None


class Plain:
    """Who lived where, and what every household has, written down from the accepted entries in the plainest way."""

    def __init__(self) -> None:
        self.stays: dict[str, list[Stay]] = {person(name).party: [] for name in PEOPLE}
        self.spend: dict[str, int] = {person(name).party: 0 for name in HOMES}

    def apply(self, event: Any) -> None:
        body, day = event.body, event.occurred_on
        if body.kind == "balance_carried":
            self.spend[body.subject] += body.amount_units
            return
        if body.action == "merge":
            for who in [who for who in self.stays if self.home(who) == body.party]:
                self._leave(who, day)
                self.stays[who].append(Stay(body.other, day, None))
            self.spend[body.other] += self.spend[body.party]
            self.spend[body.party] = 0
        elif body.party in self.stays:
            if self.home(body.party):
                self._leave(body.party, day)
            if body.action in ("join", "register") and body.household:
                self.stays[body.party].append(Stay(body.household, day, None))

    def home(self, who: str) -> str | None:
        return self.stays[who][-1].home if self.stays[who] and self.stays[who][-1].end is None else None

    def _leave(self, who: str, day: str) -> None:
        self.stays[who][-1] = self.stays[who][-1]._replace(end=day)


def submission(village: Village, action: str, who: int, where: int, day: str, twist: int) -> bytes:
    """One step; what it must state of now is stated, unless the twist spoils it."""
    home = HOMES[where]
    if action == "carry":
        return village.carry(home, 100 + twist)
    if action == "merge":
        spoiled: dict[str, Any] = {"members": [person("zhang").party]} if twist == 5 else {}
        return village.party("merge", HOMES[who], other=home, day=day, **spoiled)
    if action == "register":
        return village.party("register", PEOPLE[who], type="resident", household=home, day=day)
    fields = {"household": home} if action in ("join", "leave") else {}
    if twist == 5:
        fields["other" if action == "join" else "household"] = HOMES[who]
    return village.party(action, PEOPLE[who], day=day, **fields)


def check(village: Village, plain: Plain) -> None:
    for who, stays in plain.stays.items():
        fact = village.facts.get(f"party:{who}")
        told = (
            [Stay(m.household, m.from_, m.to or None) for m in fact.memberships] if isinstance(fact, PartyFact) else []
        )
        assert told == stays
        for day in DAYS:
            at_home = [stay for stay in stays if stay.first <= day and (stay.end is None or day < stay.end)]
            assert len(at_home) <= 1, "nobody lives in two households"
    for name in HOMES:
        home = person(name).party
        members = village.facts.get(f"members:{home}")
        expected = sorted(who for who in plain.stays if plain.home(who) == home)
        assert (members.residents if isinstance(members, Members) else []) == expected
        assert village.balance(name) == plain.spend[home] >= 0
        fact = village.facts[f"party:{home}"]
        assert isinstance(fact, PartyFact)
        assert fact.status == "active" or not (expected or plain.spend[home]), "who ends keeps nobody and nothing"
    assert sum(plain.spend.values()) == -village.balance("coop"), "no point is lost"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=1, max_size=25))
@example(
    steps=[
        ("carry", 0, 1, DAYS[0], 0),
        ("join", 0, 1, DAYS[0], 0),
        ("join", 1, 1, DAYS[1], 0),
        ("merge", 1, 2, DAYS[1], 0),
        ("merge", 2, 3, DAYS[2], 0),
        ("death", 0, 0, DAYS[3], 0),
    ]
)
def test_everybody_lives_in_one_place_at_most_and_no_point_is_lost(steps: list[tuple[str, int, int, str, int]]) -> None:
    village, plain = Village.founded(), Plain()
    for name in HOMES[1:]:
        village.must(village.party("register", name, type="household", day="2021-01-01"))
    for step in steps:
        outcome = village.submit(submission(village, *step), verified=True)[0]
        if isinstance(outcome, Appended):
            plain.apply(parse_entry(outcome.data).event)
        check(village, plain)
    replay = Replay(village.entries.__getitem__, signatures=False)
    for data in village.entries:
        replay.apply(data)
    assert {key: fact for key, fact in replay.facts.items() if fact is not None} == village.facts
    assert replay.map.commit() == village.map_root()
