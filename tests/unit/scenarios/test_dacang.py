"""Scenario dacang: exactly the stated village at the end of its year, whatever happens to its register on the way."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from hashlib import sha256
from itertools import chain

import pytest

from ledger.core.encoding import canonical, encode_base64url, parse_json
from ledger.domain.entries import Entry, event_bytes, parse_submission
from ledger.errors import StateError
from ledger.scenarios.dacang import SEED, compose, generate, scenario_of
from ledger.scenarios.dacang.paperbook import book_import, homes_of, register_import
from ledger.scenarios.dacang.refusals import ATTEMPTS
from ledger.scenarios.dacang.register import has_paper_card
from ledger.scenarios.dacang.story import Composed, listings_of
from ledger.scenarios.dacang.watcher import Watcher
from ledger.scenarios.drive import Answered
from ledger.scenarios.errands import Errand
from ledger.scenarios.reading import add_up
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.scribe import Signed
from tests.unit.scenarios.memory import MemoryDesk, MemoryLedger

SMALL = 0.02
SMALL_DIGEST = "c414ca30e04cae54772fe7179b7bd40f1bd70cc972afe02df9994d336e035628"
"""SHA-256 of the small scenario: every event, signature and disclosure that the story itself sends."""


@cache
def small() -> Composed:
    return compose(scale=SMALL)


@cache
def full() -> Composed:
    return compose()


@cache
def driven() -> tuple[MemoryLedger, dict[str, Answered]]:
    """The small scenario in a ledger in memory, every answer as meant."""
    (chronicle,) = scenario_of(small()).chronicles
    ledger = MemoryLedger(chronicle)
    return ledger, ledger.drive(chronicle)


def written(scenario: Scenario, answers: dict[str, Answered]) -> Iterator[Signed]:
    return (signed for signed in scenario.chronicles[0].tell(answers) if isinstance(signed, Signed))


def digest_of(scenario: Scenario) -> str:
    lines = (canonical(parse_json(signed.data)) for signed in written(scenario, driven()[1]))
    return sha256(b"\n".join(lines)).hexdigest()


def ended(made: Composed) -> date:
    return made.found.plan.split.as_of


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest_of(generate(scale=SMALL)) == digest_of(scenario_of(small())) == SMALL_DIGEST


def test_another_seed_gives_other_people_and_the_root_keys_do_not_depend_on_the_scale() -> None:
    other = compose(SEED + 1, SMALL).village
    assert {person.party for person in other.people}.isdisjoint(person.party for person in small().village.people)
    assert {home.door.secret for home in other.homes}.isdisjoint(home.door.secret for home in small().village.homes)
    assert small().village.officers["township"] == full().village.officers["township"]


# The village --------------------------------------------------------------------------------------------------------


def test_at_the_end_of_the_year_the_village_is_exactly_as_stated() -> None:
    village, stated, split = full().village, full().found.plan.stated, full().found.plan.split
    standing = village.households_on(ended(full()))
    per_group = Counter(Counter(village.homes[home].household.group.party for home in standing).values())
    per_home = Counter(len(village.members_on(home, ended(full()))) for home in standing)
    assert (len(village.groups), len(standing), len(village.residents_on(ended(full())))) == (18, 436, 1765)
    assert (stated.groups, stated.households, stated.residents) == (18, 436, 1765)
    assert per_group == {25: 4, 24: 14} == {int(size): number for size, number in split.households_per_group.items()}
    assert per_home == {5: 21, 4: 415} == {int(size): number for size, number in split.residents_per_household.items()}


def test_the_year_began_with_other_figures_so_that_its_moves_must_come_out() -> None:
    village, first = full().village, full().found.plan.split.registered_on
    assert (len(village.households_on(first)), len(village.residents_on(first))) == (435, 1767)
    assert (len(village.homes), len(village.people)) == (437, 1769), "two households and two residents come, some go"
    actions = Counter(move.action for move in village.moves)
    assert actions == {"found": 2, "join": 7, "arrive": 2, "move_out": 2, "death": 2, "merge": 1}


@pytest.mark.parametrize("scale", [0.01, 0.05, 0.14, 0.3, 0.77, 1.0])
def test_at_every_scale_the_moves_take_place_between_different_households(scale: float) -> None:
    made = compose(scale=scale)
    village, size = made.village, made.size
    last = set(homes_of(village, len(village.groups) - 1, made.found.plan.split.registered_on))
    homes = [move.home for move in village.moves if move.action in ("found", "move_out", "death", "merge")]
    touched = {home for move in village.moves for home in (move.home, move.other) if home >= 0}
    assert len(set(homes)) == len(homes) == 7
    assert len(touched) == 12
    assert not touched & last, "the register of the last group comes in from a sheet and stays"
    assert len(village.households_on(ended(made))) == size.households
    assert len(village.residents_on(ended(made))) == size.residents
    numbers = [home.number for home in village.homes]
    assert len(set(numbers)) == len(numbers)


def test_nobody_lives_in_two_households_on_one_day() -> None:
    for person in full().village.people:
        for before, after in zip(person.stays, person.stays[1:], strict=False):
            assert before.until == after.since


def test_every_household_has_members_while_it_stands() -> None:
    village = small().village
    days = [*(move.day for move in village.moves), ended(small())]
    for day in days:
        for home in village.households_on(day):
            assert village.members_on(home, day), (day, home)


# The year -----------------------------------------------------------------------------------------------------------


def test_everybody_is_there_on_the_day_of_what_they_do() -> None:
    made = full()
    for deed in made.year.deeds:
        present = made.village.residents_on if deed.of_person else made.village.households_on
        assert deed.subject in present(deed.day) if deed.mistaken is None else deed.subject != deed.mistaken
    for meeting in made.year.meetings:
        assert len(set(meeting.people)) == len(meeting.people)
        assert set(meeting.people) <= set(made.village.residents_on(meeting.day))


def test_whoever_moves_has_awards_before_and_whoever_stays_on_after() -> None:
    village, deeds = small().village, small().year.deeds
    for move in village.moves:
        if move.action in ("join", "merge", "move_out"):
            for person in move.people:
                days = [deed.day for deed in deeds if deed.of_person and deed.subject == person]
                assert any(day < move.day for day in days)
                assert any(day >= move.day for day in days) == (move.action != "move_out")


def test_the_ledger_takes_all_that_it_should_and_refuses_the_rest_with_the_expected_code() -> None:
    check_through_memory(small(), *driven())


@pytest.mark.slow
def test_the_ledger_takes_all_of_it_at_full_size() -> None:
    (chronicle,) = scenario_of(full()).chronicles
    ledger = MemoryLedger(chronicle)
    check_through_memory(full(), ledger, ledger.drive(chronicle))


def check_through_memory(made: Composed, ledger: MemoryLedger, answers: dict[str, Answered]) -> None:
    refused = [signed.refused for signed in written(scenario_of(made), answers) if signed.refused]
    assert refused == [code for code, _ in ATTEMPTS]
    figures, size = add_up(ledger.entries()), made.size
    assert (figures.residents, figures.households, figures.groups) == (size.residents, size.households, size.groups)
    assert figures.settled_units == figures.redeemed_units == figures.saved_fen > 0
    assert figures.reversals == sum(deed.mistaken is not None for deed in made.year.deeds) > 0
    assert ledger.spend_never_below_zero(made.village.committee.party)
    watcher = watched(ledger.entries())
    assert watcher.households() == Counter(size.people_per_home)
    assert Counter(Counter(watcher.groups.values()).values()) == Counter(size.homes_per_group)
    assert sorted(watcher.plates.values()) == sorted(watcher.groups), "one plate at every door, none where nobody lives"
    village = made.village
    assert watcher.homes == {
        person.party: village.homes[home].party
        for person in village.people
        if (home := person.home_on(ended(made))) is not None
    }
    assert [post.type for post in watcher.posts.values() if post.trade] == ["listing"] * len(listings_of(made.found))


def watched(entries: Iterator[Entry]) -> Watcher:
    watcher = Watcher()
    for entry in entries:
        watcher.see(entry)
    return watcher


def test_every_rule_of_the_book_is_used() -> None:
    used = {entry.event.rule.id for entry in driven()[0].entries() if entry.event.rule}
    assert used == {rule.id for rule in small().found.book.rules}


def test_a_merger_takes_the_old_couples_points_along() -> None:
    merged = next(move for move in small().village.moves if move.action == "merge")
    ended_, other = (small().village.homes[home].party for home in (merged.home, merged.other))
    (entry,) = [e for e in driven()[0].entries() if getattr(e.event.body, "action", "") == "merge"]
    moved = {posting.account: posting.delta for posting in entry.effects.postings}
    assert moved[f"{ended_}/merit"] == -moved[f"{other}/merit"] < 0


def test_secrets_and_private_details_stand_in_no_entry() -> None:
    data = b"".join(driven()[0].data)
    village = small().village
    for home in village.homes:
        for secret in (home.door.secret, home.next_door.secret):
            for form in (secret, secret.hex().encode(), encode_base64url(secret).encode()):
                assert form not in data
    for person in village.people:
        assert person.actor.name.encode() not in data
        assert person.resident.number.encode() not in data
    for suggestion in small().found.plan.suggestions:
        assert suggestion.title.encode() not in data


def test_households_carry_a_phone_or_a_paper_card_with_a_cap() -> None:
    village, media = small().village, {}
    for signed in written(scenario_of(small()), driven()[1]):
        body = parse_submission(signed.data).event.body
        if body.kind == "credential_changed" and body.action == "issue" and body.medium != "door":
            media[body.party] = body.medium
    carried = {media[home.party] == "card" for n, home in enumerate(village.homes) if has_paper_card(n)}
    assert carried == {True}
    assert {media[home.party] for n, home in enumerate(village.homes) if not has_paper_card(n)} == {"phone"}


# The paper book -----------------------------------------------------------------------------------------------------


def test_the_points_book_is_a_sheet_as_clerks_write_it() -> None:
    book = full().book
    title, headings, *rows, sums = csv.reader(io.StringIO(book.data.decode("gb18030")))
    assert title == ["大苍村道德积分册（2023年）"]
    assert headings == ["户号", "户主", "可兑换积分", "道德积分", "账册页码"]
    assert len(rows) == len(book.lines) > 300
    assert sums[0] == "合计"
    for column, units in (
        (2, [line.spend_units for line in book.lines]),
        (3, [line.merit_units for line in book.lines]),
    ):
        assert sum(Decimal(row[column]) for row in rows) * 100 == Decimal(sums[column]) * 100 == sum(units)
    assert sha256(book.data).hexdigest() == book.digest


def test_the_imported_balances_name_the_file_and_the_last_group_came_by_its_sheet() -> None:
    ledger, answers = driven()
    sent = {signed.id for signed in written(scenario_of(small()), answers)}
    imported = [entry for entry in ledger.entries() if entry.event.id not in sent][1:]
    kinds = Counter(entry.event.body.kind for entry in imported)
    homes = homes_of(small().village, 1, small().found.plan.split.registered_on)
    people = sum(len(small().village.members_on(home, small().found.plan.split.registered_on)) for home in homes)
    assert kinds == {"party_changed": 1 + len(homes) + people, "balance_carried": 2 * len(small().book.lines)}
    watcher = watched(ledger.entries())
    assert {carried.digest for carried in watcher.carried.values()} == {small().book.digest}


def test_the_sheets_imported_again_add_nothing() -> None:
    ledger, _ = driven()
    size = len(ledger.data)
    for errand in errands(small()):
        errand.run(MemoryDesk(ledger))
    assert len(ledger.data) == size


def test_a_points_book_whose_sums_are_wrong_ends_the_run() -> None:
    book = small().book
    text = book.data.decode("gb18030")
    spoilt = text[: text.rindex("合计")] + "合计,,1.00,1.00,\r\n"
    errand = book_import(small().village, small().found.plan, book._replace(data=spoilt.encode("gb18030")))
    with pytest.raises(StateError) as caught:
        errand.run(MemoryDesk(driven()[0]))
    assert caught.value.code == "not_imported"
    assert "add up to" in caught.value.message


def errands(made: Composed) -> list[Errand]:
    return [register_import(made.village, made.found.plan), book_import(made.village, made.found.plan, made.book)]


# Voices -------------------------------------------------------------------------------------------------------------


def test_the_listings_are_those_of_the_system() -> None:
    assert [goods for trade, goods in listings_of(full().found) if trade == "offer"] == [
        ("干笋子", 20, "斤"),
        ("寿粑粑", 30, "个"),
        ("红薯粉", 200, "斤"),
        ("干盐菜", 15, "斤"),
        ("萝卜条", 100, "斤"),
        ("酸豆角", 100, "斤"),
        ("辣椒粉", 50, "斤"),
        ("土鸡", 50, "只"),
    ]


def test_an_anonymous_poster_signs_nothing_else_and_is_named_nowhere_else() -> None:
    data = driven()[0].data
    posts = watched(driven()[0].entries()).anonymous
    assert len(posts) == 4
    for post in posts:
        assert post.alone
        for trace in (post.poster, post.one_time):
            assert [seq for seq, entry in enumerate(data) if trace.encode() in entry] == [post.seq]


def test_the_caterpillars_go_to_the_forestry_station_and_both_offices_answer() -> None:
    village, watcher = small().village, watched(driven()[0].entries())
    caterpillars = next(post for post in watcher.posts.values() if post.type == "suggestion" and post.one_time)
    (referral,) = watcher.answers_to(caterpillars.id, "referral")
    assert (referral.poster, referral.to) == (village.committee.party, village.organisations["forestry"].party)
    repliers = [reply.poster for reply in watcher.answers_to(caterpillars.id, "reply")]
    assert repliers == [village.organisations["forestry"].party, village.committee.party]


def test_posts_under_a_name_come_from_residents_with_a_phone_who_stay() -> None:
    village = small().village
    posters = {village.people[number].party for number in small().posters}
    named = [p for p in watched(driven()[0].entries()).posts.values() if p.type in ("suggestion", "listing")]
    assert {post.poster for post in named if not post.one_time} <= posters
    moved = set(chain.from_iterable(move.people for move in village.moves))
    assert not moved & set(small().posters)


def test_no_two_events_share_an_id() -> None:
    counts = Counter(signed.id for signed in written(scenario_of(small()), driven()[1]))
    assert set(counts.values()) == {1}


def test_every_submission_is_canonical() -> None:
    for signed in written(scenario_of(small()), driven()[1]):
        value = parse_json(signed.data)
        assert isinstance(value, dict)
        assert canonical(value["event"]) == event_bytes(parse_submission(signed.data).event)
