"""The ledger's clock for points that lapse: it tells in time, takes what is due, and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.domain.facts import LapseNotice, Lot, Lots
from ledger.domain.fields import DAY_MS, day_number, day_of
from ledger.domain.kinds.spending import PointsExpired
from ledger.errors import RefusalError
from ledger.service import clocks
from ledger.service.audit import audit_ledger
from ledger.service.clocks import Lapses, due_of
from ledger.service.own_events import own_event
from tests.helpers.storage import BOTH
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import TODAY, person
from tests.unit.api.world import key_file

COOP, TOWN, ZHANG = person("coop").party, person("town").party, person("zhang").party

# What is due on a day -------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    """Lots as (day, hundredths), the notice as (told on, due on), and what is due on 2021-11-20: (what, day, units)."""

    lots: list[tuple[str, int]]
    notice: tuple[str, str] | None
    events: list[tuple[str, str, int]]


DUE = {
    "nothing is held": Due([], None, []),
    "a lot of a distant day": Due([("2022-01-20", 100)], None, []),
    "a lot 60 days ahead": Due([("2022-01-19", 100)], None, [("notice", "2022-01-19", 100)]),
    "a lot of the next days is told for the day when it can lapse": Due(
        [("2021-11-21", 100)], None, [("notice", "2021-12-20", 100)]
    ),
    "a lot that is overdue is told first": Due([("2021-10-01", 100)], None, [("notice", "2021-12-20", 100)]),
    "several lots are told at once": Due(
        [("2021-11-21", 100), ("2022-01-05", 50), ("2022-02-01", 7)], None, [("notice", "2022-01-05", 150)]
    ),
    "told, and not due": Due([("2022-01-05", 100)], ("2021-10-01", "2022-01-05"), []),
    "due, and told 29 days ago": Due([("2021-11-20", 100)], ("2021-10-22", "2021-11-21"), []),
    "due, and told 30 days ago": Due(
        [("2021-11-20", 100)], ("2021-10-21", "2021-11-20"), [("expire", "2021-11-20", 100)]
    ),
    "due tomorrow": Due([("2021-11-21", 100)], ("2021-10-01", "2021-11-30"), []),
    "what is due of what was told": Due(
        [("2021-11-18", 30), ("2021-11-20", 100), ("2021-11-25", 7)],
        ("2021-10-01", "2021-11-25"),
        [("expire", "2021-11-20", 130)],
    ),
    "what was not told lapses later": Due(
        [("2021-11-10", 100), ("2021-11-15", 7)],
        ("2021-10-01", "2021-11-10"),
        [("expire", "2021-11-10", 100), ("notice", "2021-12-20", 7)],
    ),
    "all that was told of has gone": Due(
        [("2021-12-30", 100)], ("2021-10-01", "2021-11-10"), [("notice", "2021-12-30", 100)]
    ),
    "no second notice while the first is running": Due(
        [("2021-12-01", 100), ("2021-12-30", 7)], ("2021-11-01", "2021-12-05"), []
    ),
    "an expiry, and the rest of what was told keeps the next notice back": Due(
        [("2021-11-20", 100), ("2021-11-30", 5), ("2021-12-30", 7)],
        ("2021-10-01", "2021-11-30"),
        [("expire", "2021-11-20", 100)],
    ),
}


AFTER = 99
"""The place of a notice that came after all lots of these tests."""


@pytest.mark.parametrize("name", DUE)
def test_what_is_due_follows_from_lots_and_notice(name: str) -> None:
    lots, told, events = DUE[name]
    held = [Lot(day, seq, COOP, units) for seq, (day, units) in enumerate(lots)]
    notices = {f"notice:{ZHANG}/{COOP}": LapseNotice(*told, seq=AFTER) if told else None}
    due = due_of(ZHANG, COOP, held, notices, "2021-11-20")
    assert [(one.action, one.due_on, one.amount_units) for one in due] == events
    assert {(one.issuer, one.subject) for one in due} <= {(COOP, ZHANG)}


@pytest.mark.parametrize(
    ("notice", "why"),
    [
        (LapseNotice("2021-10-01", "2021-11-30", seq=1), "it was given after the notice"),
        (LapseNotice("2021-10-01", "2021-11-30", seq=AFTER, taken_until="2021-11-18"), "it came back"),
    ],
)
def test_a_lot_that_nobody_was_told_of_is_told_of_first(notice: LapseNotice, why: str) -> None:
    due = due_of(ZHANG, COOP, [Lot("2021-11-18", 1, COOP, 100)], {f"notice:{ZHANG}/{COOP}": notice}, "2021-11-20")
    assert [(one.action, one.amount_units) for one in due] == [("notice", 100)], why


def test_lots_of_other_issuers_are_left_alone() -> None:
    lots = [Lot("2021-11-21", 1, COOP, 100), Lot("2021-11-21", 2, TOWN, 7)]
    due = due_of(ZHANG, TOWN, lots, {f"notice:{ZHANG}/{TOWN}": None}, "2021-11-20")
    assert [(one.issuer, one.amount_units) for one in due] == [(TOWN, 7)]


# A stored ledger through the days -------------------------------------------------------------------------------------


@pytest.fixture
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredVillage]:
    with stored_village(getattr(request, "param", "sqlite"), tmp_path) as made:
        yield made


on_both = pytest.mark.parametrize("stored", BOTH, indirect=True)


def days_pass(stored: StoredVillage, days: int) -> None:
    stored.village.now_ms += days * DAY_MS


def run(stored: StoredVillage) -> Lapses:
    """The clock of today, to its end; memory follows, so that both are known to say the same."""
    done = stored.writer.lapse()
    while done.following:
        done += stored.writer.lapse(done.following)
    stored.follow()
    return done


@on_both
def test_a_lot_is_told_of_and_lapses_once_on_its_day(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "lapsing", 2))  # lapses after 40 days, on 2021-12-30
    stored.must(village.award("zhang", "volunteer"))
    assert run(stored) == Lapses(notices=1)
    assert run(stored) == Lapses(), "told once"
    stored.must(village.redeem("zhang", 100))
    days_pass(stored, 39)
    assert run(stored) == Lapses(), "the day before"
    days_pass(stored, 1)
    assert run(stored) == Lapses(expiries=1, units=300)
    assert village.balance("zhang") == 200
    assert village.balance("coop") == -200 - 100
    days_pass(stored, 1)
    assert run(stored) == Lapses(), "lapsed once"


def test_the_ledger_itself_signs_what_lapses(stored: StoredVillage) -> None:
    stored.must(stored.village.award("zhang", "lapsing"))
    assert stored.writer.lapse() == Lapses(notices=1)
    event = json.loads(stored.follow()[0])["event"]
    assert (event["kind"], event["actor"], event["occurred_on"]) == ("points_expired", person("ledger").party, TODAY)
    assert event["body"] == {
        "action": "notice",
        "amount_units": 200,
        "due_on": "2021-12-30",
        "issuer": COOP,
        "subject": ZHANG,
    }


def test_whoever_is_awarded_every_day_is_told_now_and_then_and_no_lot_is_later_than_a_notice(
    stored: StoredVillage,
) -> None:
    village, done, latest = stored.village, Lapses(), 0
    for _ in range(150):
        stored.must(village.award("zhang", "lapsing"))
        done += run(stored)
        held = village.facts[f"lots:{ZHANG}"]
        assert isinstance(held, Lots)
        latest = max(latest, day_number(day_of(village.now_ms)) - day_number(held.lots[0].expires_on))
        days_pass(stored, 1)
    assert done.notices <= 5
    assert done.units >= (150 - 40 - clocks.NOTICE_DAYS) * 200
    assert 0 <= latest < clocks.NOTICE_DAYS


@on_both
def test_parties_are_looked_at_some_at_a_time(stored: StoredVillage, monkeypatch: pytest.MonkeyPatch) -> None:
    village = stored.village
    for name in ("zhang", "li"):
        stored.must(village.award(name, "lapsing"))
    monkeypatch.setattr(clocks, "PARTIES", 1)
    first = stored.writer.lapse()
    second = stored.writer.lapse(first.following)
    third = stored.writer.lapse(second.following)
    assert [first.notices, second.notices, third.notices] == [1, 1, 0]
    assert [first.following, second.following] == sorted(f"lots:{person(name).party}" for name in ("zhang", "li"))
    assert third.following == ""
    assert run(stored) == Lapses()


def test_used_up_lots_cost_nothing_more(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("zhang", "lapsing"))
    stored.must(village.redeem("zhang", 200))
    size = stored.writer.size
    assert run(stored) == Lapses()
    assert stored.writer.size == size


def test_an_event_that_is_refused_is_told_and_harms_no_other(
    stored: StoredVillage, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = stored.village
    for name in ("zhang", "li"):
        stored.must(village.award(name, "lapsing"))
    due = clocks.due_of

    def with_a_wrong_amount(party: str, *more: object) -> object:
        found = due(party, *more)  # type: ignore[arg-type]
        return [type(one)(one.action, 7, one.due_on, one.issuer, party) for one in found] if party == ZHANG else found

    monkeypatch.setattr(clocks, "due_of", with_a_wrong_amount)
    done = run(stored)
    assert (done.notices, done.refused) == (1, 1)
    assert "not what the lots hold" in done.why


def test_what_lapsed_is_replayed_and_audits_clean(stored: StoredVillage) -> None:
    stored.must(stored.village.award("zhang", "lapsing"))
    for _ in range(2):
        run(stored)
        days_pass(stored, 41)
    stored.writer.commit_state()
    report = audit_ledger(stored.storage.engine, stored.row, vault=stored.storage.vault, processes=0)
    assert report.faults == []


def test_a_restarted_writer_goes_on_from_what_is_stored(stored: StoredVillage) -> None:
    stored.must(stored.village.award("zhang", "lapsing"))
    run(stored)
    days_pass(stored, 41)
    stored.writer = stored.storage.writer(stored.row)
    assert run(stored) == Lapses(expiries=1, units=200)


def test_nobody_but_the_ledgers_key_lets_points_lapse(stored: StoredVillage) -> None:
    stored.must(stored.village.award("zhang", "lapsing"))
    body = PointsExpired(action="notice", amount_units=200, due_on="2021-12-30", issuer=COOP, subject=ZHANG)
    answer = stored.writer.append([own_event(stored.row.origin, key_file("issuer"), body, TODAY)])[0]
    assert isinstance(answer, RefusalError)
    assert answer.code == "not_authorised"


def test_runs_add_up_and_go_on_from_the_later() -> None:
    one = Lapses(notices=1, expiries=2, units=30, refused=1, why="first", following="lots:a")
    two = Lapses(notices=4, units=1, refused=1, why="second", following="")
    assert one + two == Lapses(notices=5, expiries=2, units=31, refused=2, why="first", following="")
