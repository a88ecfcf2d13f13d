"""Scenario dacang through a real server: figures, musts that can fail, households on a day, plates, the erasure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.client import LedgerClient
from ledger.errors import NotFoundError
from ledger.keys import write_key
from ledger.scenarios.dacang import compose, scenario_of
from ledger.scenarios.dacang.checks import checks
from ledger.scenarios.dacang.erasure import shown
from ledger.scenarios.dacang.paperbook import people_of
from ledger.scenarios.dacang.refusals import ATTEMPTS
from ledger.scenarios.dacang.story import Composed
from ledger.scenarios.dacang.village import day_before
from ledger.scenarios.dacang.watcher import Carried
from ledger.scenarios.drive import Answered, Driven, drive
from ledger.scenarios.processes import Processes, gongfen, run
from ledger.scenarios.reading import Found, read_back
from ledger.scenarios.report import Report, make_report
from ledger.scenarios.town import Town
from ledger.service.spreadsheets.people import People, write_people

SMALL = 0.02
NAME = "dacang-village"
DOOR = "the door page shows month and year totals and every award with time place and matter"
MOVE_OUT = "a move-out keeps history and counts nobody twice"
PAPER_BOOK = "the paper book comes in from a spreadsheet"
ANONYMOUS = "an anonymous post is referred and answered and cannot be linked"
ERASED = "a person is erased and every proof still verifies"
MUSTS = {DOOR: None, MOVE_OUT: True, PAPER_BOOK: True, ANONYMOUS: True, ERASED: True}


class Place(NamedTuple):
    """A town to which the small scenario was told twice; what it holds and what the report of it says."""

    town: Town
    made: Composed
    first: Driven
    again: Driven
    found: Found
    report: Report

    @property
    def client(self) -> LedgerClient:
        return self.found.client

    def home(self, number: int) -> str:
        return self.made.village.homes[number].party

    def person(self, number: int) -> str:
        return self.made.village.people[number].party


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("town")
    made = compose(scale=SMALL)
    scenario = scenario_of(made)
    (chronicle,) = scenario.chronicles
    with Processes(folder / "logs") as processes:
        town = Town(folder, processes)
        town.found(scenario)
        town.serve()
        with LedgerClient(town.url) as client:
            driven = []
            for _ in range(2):
                marked: dict[str, Answered] = {}
                driven.append(drive(client, NAME, chronicle.tell(marked), None, marked))
            found = Found([read_back(client, chronicle, scenario.watch(chronicle), marked)], client)
            yield Place(town, made, *driven, found, make_report(scenario, found, driven[-1]))


# Figures and musts --------------------------------------------------------------------------------------------------


def test_a_run_lands_on_its_figures_and_told_again_every_event_was_there(place: Place) -> None:
    assert (place.report.missed, place.report.musts) == ([], MUSTS)
    assert place.report.good
    figures = place.report.figures
    assert (figures["residents"], figures["households"], figures["groups"]) == (105, 26, 2)
    assert (figures["listings"], figures["wants"], figures["anonymous"]) == (8, 3, 4)
    assert (place.first.replayed, place.first.refused) == (0, len(ATTEMPTS))
    assert place.again.replayed == place.again.accepted == place.first.accepted
    assert place.town.audit() == "clean"


class Doctored:
    """The server's client, some of whose answers a test changes."""

    def __init__(self, client: LedgerClient, **changes: Callable[..., Any]) -> None:
        self._client = client
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        return self._changes.get(name) or getattr(self._client, name)


def judged(place: Place, sentence: str, **changes: Callable[..., Any]) -> bool | None:
    """Whether a sentence holds when the server answers otherwise."""
    found = place.found._replace(client=Doctored(place.client, **changes))  # type: ignore[arg-type]
    return checks(place.made)[sentence](found)


def with_view(place: Place, change: Callable[[str, str, dict[str, Any]], None]) -> bool | None:
    def household(name: str, party: str, *, on: str, **more: Any) -> dict[str, Any]:
        view = place.client.household(name, party, on=on, **more)
        change(party, on, view)
        return view

    return judged(place, "move_out", household=household)


def a_resident_in_two_households(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    if party == place.home(3):
        view["members"].append(place.client.household(NAME, place.home(5), on=on)["members"][0])


def an_award_in_two_households(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    if party == place.home(3):
        view["awards"].append(place.client.household(NAME, place.home(5), on=on)["awards"][0])


def an_award_in_none(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    if party == place.home(3):
        view["awards"] = view["awards"][1:]


def sums_that_count_a_hundredth_twice(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    if party == place.home(3):
        view["year"]["together"]["merit"] += 1


def a_member_still_there_on_the_day_of_the_move(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    move = move_of(place, "move_out")
    if (party, on) == (place.home(move.home), move.day.isoformat()):
        view["members"].append({"party": place.person(move.people[0])})


def a_member_gone_the_day_before(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    move = move_of(place, "move_out")
    if (party, on) == (place.home(move.home), day_before(move.day).isoformat()):
        view["members"] = [one for one in view["members"] if one["party"] != place.person(move.people[0])]


def history_that_went_along_with_a_move(place: Place, party: str, on: str, view: dict[str, Any]) -> None:
    """What somebody did before marrying into another household is shown there, and no longer where they were."""
    move = move_of(place, "join")
    moved = place.person(move.people[0])
    if on != place.made.found.plan.split.as_of.isoformat():
        return
    if party == place.home(move.other):
        view["awards"] = [award for award in view["awards"] if award["subject"] != moved]
    elif party == place.home(move.home):
        old = place.client.household(NAME, place.home(move.other), on=on, limit=500)["awards"]
        view["awards"] += [award for award in old if award["subject"] == moved]


def move_of(place: Place, action: str) -> Any:
    return next(move for move in place.made.village.moves if move.action == action)


@pytest.mark.parametrize(
    "change",
    [
        a_resident_in_two_households,
        an_award_in_two_households,
        an_award_in_none,
        sums_that_count_a_hundredth_twice,
        a_member_still_there_on_the_day_of_the_move,
        a_member_gone_the_day_before,
        history_that_went_along_with_a_move,
    ],
    ids=lambda change: str(change.__name__),
)
def test_the_sentence_on_move_outs_does_not_hold(place: Place, change: Callable[..., None]) -> None:
    assert with_view(place, lambda party, on, view: change(place, party, on, view)) is False


def test_a_poster_who_is_named_in_another_entry_is_linked(place: Place) -> None:
    posts = place.found.only.watcher.anonymous
    for trace in (posts[0].poster, posts[-1].one_time):
        entries = [*place.client.entries(NAME), b'{"event":{"body":{"party":"%b"}}}' % trace.encode()]
        assert judged(place, "anonymous", entries=lambda _, shown=entries: iter(shown)) is False


def test_a_poster_whose_account_has_a_second_entry_is_linked(place: Place) -> None:
    assert judged(place, "anonymous", account=lambda *_: {"count": 2}) is False


@pytest.mark.parametrize("by", ["forestry", "committee"])
def test_a_referred_post_that_one_of_the_offices_left_unanswered_fails_the_sentence(place: Place, by: str) -> None:
    village, watcher = place.made.village, place.found.only.watcher
    office = village.committee if by == "committee" else village.organisations[by]
    referral = next(post for post in watcher.posts.values() if post.type == "referral")
    (reply,) = (one for one in watcher.answers_to(referral.about, "reply") if one.poster == office.party)
    del watcher.posts[reply.id]
    try:
        assert judged(place, "anonymous") is False
    finally:
        watcher.posts[reply.id] = reply


@pytest.mark.parametrize("carried", [Carried(1, "0" * 64), None], ids=["of another book", "missing"])
def test_a_balance_that_is_not_the_books_fails_the_sentence(place: Place, carried: Carried | None) -> None:
    kept = place.found.only.watcher.carried
    account, real = next(iter(kept.items()))
    try:
        kept.pop(account) if carried is None else kept.update({account: carried._replace(units=real.units)})
        assert judged(place, "paper_book") is False
    finally:
        kept[account] = real


def test_a_receipt_that_still_shows_a_detail_or_does_not_verify_fails_the_sentence(place: Place) -> None:
    (subject,) = place.found.only.watcher.erased
    seq = place.client.account(NAME, subject)["entries"][1]["seq"]
    other = next(award.seq for award in place.found.only.watcher.standing if award.subject != subject)

    def receipt(name: str, event: str, *, disclose: bool) -> bytes:
        return place.client.receipt(name, str(other) if event == str(seq) else event, disclose=disclose)

    def cut(name: str, event: str, *, disclose: bool) -> bytes:
        data = json.loads(place.client.receipt(name, event, disclose=disclose))
        return json.dumps(data | ({"path": data["path"][1:]} if event == str(seq) else {})).encode()

    assert judged(place, "erased") is True
    assert judged(place, "erased", receipt=receipt) is False
    assert judged(place, "erased", receipt=cut) is False


# The household's page, as far as it is there ------------------------------------------------------------------------


def test_a_households_view_has_month_and_year_and_every_award_with_time_place_and_matter(place: Place) -> None:
    day = date(2024, 6, 30)
    deeds = [deed for deed in place.made.year.deeds if not deed.of_person and deed.mistaken is None]
    home = max({deed.subject for deed in deeds}, key=lambda n: sum(deed.subject == n for deed in deeds))
    view = place.client.household(NAME, place.home(home), on=day.isoformat(), disclose=True, limit=500)
    own = [award for award in view["awards"] if award["subject"] == place.home(home)]
    planned = [deed for deed in deeds if deed.subject == home and deed.day <= day]
    told = {(award["occurred_on"], award["details"]["matter"], award["details"]["place"]) for award in own}
    assert told >= {(deed.day.isoformat(), deed.matter, deed.place) for deed in planned}
    assert all(award["details"]["time"].startswith(award["occurred_on"]) for award in view["awards"])
    for period, prefix in (("month", "2024-06"), ("year", "2024")):
        counted = [award for award in view["awards"] if award["occurred_on"].startswith(prefix)]
        merit = sum(award["units"]["merit"] for award in counted if "reversed_by" not in award)
        taken = 500 * sum(d.home == home and d.day.isoformat().startswith(prefix) for d in place.made.year.dumpings)
        assert view[period]["together"]["merit"] == merit - taken
    assert view["year"]["together"]["merit"] > view["month"]["together"]["merit"]


def test_a_household_that_was_honoured_shows_it_and_its_group(place: Place) -> None:
    views = [place.client.household(NAME, home.party, on="2024-12-31") for home in place.made.village.homes]
    assert sum(len(view["honours"]) for view in views) == 2
    groups = {group.party for group in place.made.village.groups}
    assert {view["group"] for view in views} == groups


def test_the_merged_household_hands_its_points_over_and_says_where_it_went(place: Place) -> None:
    move = move_of(place, "merge")
    view = place.client.household(NAME, place.home(move.home))
    assert (view["status"], view["merged_into"]) == ("merged", place.home(move.other))
    assert set(view["balances"]["together"].values()) == {0}
    assert view["members"] == []


def test_the_new_plate_leads_to_the_household_and_the_old_one_nowhere(place: Place) -> None:
    village = place.made.village
    replaced = [home for home in village.homes if home.party in plates(place) and not opens(place, home.door.secret)]
    (home,) = replaced
    assert place.client.door(NAME, home.next_door.secret)["household"] == home.party
    with pytest.raises(NotFoundError) as caught:
        place.client.door(NAME, home.door.secret)
    assert caught.value.code == "credential_ended"


def test_the_plate_of_the_merged_household_was_taken_down(place: Place) -> None:
    merged = place.made.village.homes[move_of(place, "merge").home]
    assert merged.party not in plates(place)
    assert not opens(place, merged.door.secret)


def plates(place: Place) -> set[str]:
    return set(place.found.only.watcher.plates.values())


def opens(place: Place, secret: bytes) -> bool:
    try:
        return bool(place.client.door(NAME, secret))
    except NotFoundError as error:
        return error.code != "credential_ended"


# Sheets, erasure, the whole -----------------------------------------------------------------------------------------


def test_the_command_finds_the_whole_paper_book_imported(place: Place, tmp_path: Path) -> None:
    made, sheet, people = place.made, tmp_path / "期初结转.csv", tmp_path / "people.csv"
    sheet.write_bytes(made.book.data)
    write_people(people, People(people_of(made.village)))
    options = ["--people", str(people), "--date", "2023-12-31", "--url", place.town.url, "--json"]
    for number, role in enumerate(("issuer", "oversight")):
        write_key(tmp_path / f"{number}.key", made.village.officers[role][0].key_file())
        options += ["--key", str(tmp_path / f"{number}.key")]
    told = json.loads(run(gongfen("import", str(sheet), "--ledger", NAME, *options)))
    assert (told["sheet"], told["rows"], told["faults"]) == ("opening", len(made.book.lines), [])
    assert (told["appended"], told["standing"]) == ([], 2 * len(made.book.lines))


def test_the_erased_persons_details_are_gone_and_those_of_who_else_moved_out_are_kept(place: Place) -> None:
    village = place.made.village
    erased = place.person(village.founding.erased)
    kept = next(person for move in village.moves if move.action == "move_out" for person in move.people)
    assert place.found.only.watcher.erased == [erased] != [place.person(kept)]
    for party, gone in ((erased, True), (place.person(kept), False)):
        entries = [shown(place.found, entry["seq"]) for entry in place.client.account(NAME, party)["entries"]]
        told = [one for one in entries if one.entry.event.private]
        assert told
        assert all(one.proved for one in entries)
        assert all((not one.details) == gone for one in told)


@pytest.mark.slow
@pytest.mark.node
def test_at_full_size_the_stated_figures_are_anchored_and_audited(tmp_path: Path) -> None:
    report: dict[str, Any] = json.loads(run(gongfen("scenario", "run", "dacang", "--out", str(tmp_path), "--json")))
    assert (report["missed"], report["musts"]) == ([], MUSTS)
    assert (report["groups"], report["households"], report["residents"]) == (18, 436, 1765)
    assert (report["groups_of_25"], report["groups_of_24"]) == (4, 14)
    assert (report["households_of_5"], report["households_of_4"]) == (21, 415)
    assert (report["moved_out"], report["deceased"], report["merged"], report["erased"]) == (2, 2, 1, 1)
    assert (report["plates"], report["listings"], report["wants"], report["notices"]) == (436, 8, 3, 21)
    assert (report["suggestions"], report["anonymous"], report["referrals"], report["replies"]) == (8, 4, 2, 10)
    assert report["imported_balances"] == 734
    assert report["settled_units"] == report["redeemed_units"] > 0
    assert (report["audit"], report["anchored_ledgers"], report["batches"]) == ("clean", 1, 1)
    assert report["entries"] < 12_000
