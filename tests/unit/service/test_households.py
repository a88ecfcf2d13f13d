"""A household on a day: members come and go, nobody counts twice, private details are shown to who may see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from ledger.core.disclosure import digest, make
from ledger.core.encoding import canonical
from ledger.domain.append import Appended
from ledger.domain.fields import DAY_MS
from ledger.errors import FormatError, LedgerError, NotFoundError
from ledger.service import homes
from ledger.service.households import HouseholdView, Sums, view_household
from tests.helpers.storage import BOTH
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import TODAY, person, rule_ref
from tests.helpers.village_rules import rule


@pytest.fixture
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredVillage]:
    with stored_village(getattr(request, "param", "sqlite"), tmp_path) as made:
        yield made


on_both = pytest.mark.parametrize("stored", BOTH, indirect=True)


def look(stored: StoredVillage, name: str = "house", **options: Any) -> HouseholdView:
    if options.pop("disclose", False):
        options["vault"] = stored.storage.vault
    found: HouseholdView = stored.read(
        lambda link, row: view_household(link, row, person(name).party, now_ms=stored.village.now_ms, **options)
    )
    return found


def join(stored: StoredVillage, name: str, day: str, household: str = "house") -> None:
    stored.must(stored.village.party("join", name, household=household, day=day))


def both(units: int) -> dict[str, int]:
    return {"merit": units, "spend": units}


def sums(household: int, members: int) -> Sums:
    """The same in both units."""
    return Sums(both(household), both(members), both(household + members))


def disclosed(submission: bytes, shown: list[str]) -> bytes:
    return canonical({**json.loads(submission), "disclosures": shown})


def told(**details: str) -> tuple[dict[str, str], list[str]]:
    """Digests for an event's ``private``, and the disclosures."""
    shown = {name: make(bytes(16), name, text) for name, text in details.items()}
    return {name: digest(text) for name, text in shown.items()}, list(shown.values())


# Members and balances -------------------------------------------------------------------------------------------------


def test_a_membership_begins_on_its_first_day_and_ends_before_its_last(stored: StoredVillage) -> None:
    join(stored, "zhang", "2021-05-01")
    stored.must(stored.village.party("leave", "zhang", household="house", day="2021-08-01"))
    zhang = person("zhang").party
    days = {"2021-04-30": [], "2021-05-01": [zhang], "2021-07-31": [zhang], "2021-08-01": []}
    for day, members in days.items():
        assert [one.party for one in look(stored, on=day).members] == members, day


def test_a_resident_may_come_back_and_is_a_member_since_then(stored: StoredVillage) -> None:
    join(stored, "zhang", "2021-05-01")
    stored.must(stored.village.party("leave", "zhang", household="house", day="2021-08-01"))
    join(stored, "zhang", "2021-10-01")
    assert [one.since for one in look(stored, on="2021-06-01").members] == ["2021-05-01"]
    assert look(stored, on="2021-09-01").members == []
    assert [one.since for one in look(stored).members] == ["2021-10-01"]


@on_both
def test_a_household_and_its_members_are_shown_apart_and_together(stored: StoredVillage) -> None:
    village = stored.village
    for name in ("zhang", "li"):
        join(stored, name, "2021-05-01")
    stored.must(village.award("house", "helping"))
    stored.must(village.award("zhang", "volunteer", 3))
    stored.must(village.award("li", "merit_only"))
    found = look(stored)
    assert found.balances == Sums(
        household=both(2000),
        members={"merit": 600 + 21_120, "spend": 600},
        together={"merit": 2600 + 21_120, "spend": 2600},
    )
    assert {one.party: one.balances for one in found.members} == {
        person("zhang").party: both(600),
        person("li").party: {"merit": 21_120, "spend": 0},
    }
    assert (found.household, found.on, found.status, found.since) == (
        person("house").party,
        TODAY,
        "active",
        "2021-01-01",
    )


def test_a_household_without_members_or_entries_shows_nothing(stored: StoredVillage) -> None:
    found = look(stored)
    assert (found.members, found.awards, found.honours, found.before) == ([], [], [], UNSET)
    assert found.balances == found.month == found.year == sums(0, 0)


def test_the_balances_of_an_earlier_day_are_those_at_its_end(stored: StoredVillage) -> None:
    village = stored.village
    join(stored, "zhang", "2021-05-01")
    stored.must(village.award("zhang", "volunteer", 2))
    stored.must(village.award("house", "helping"))
    village.tomorrow()
    stored.must(village.award("zhang", "volunteer"))
    stored.must(village.redeem("zhang", 300))
    yesterday, today = look(stored, on=TODAY), look(stored)
    assert yesterday.balances == sums(2000, 400)
    assert today.balances.members == {"merit": 600, "spend": 300}
    assert look(stored, on="2021-11-19").balances == sums(0, 0)


# Month and year -------------------------------------------------------------------------------------------------------


def test_acts_count_in_the_month_and_year_in_which_they_happened(stored: StoredVillage) -> None:
    village = stored.village
    join(stored, "zhang", "2021-01-01")
    village.now_ms += 60 * DAY_MS  # 2022-01-19
    for day in ("2021-11-30", "2021-12-01", "2021-12-31", "2022-01-01", "2022-01-19"):
        stored.must(village.award("zhang", "volunteer", day=day))
    stored.must(village.award("house", "helping", day="2021-12-05"))
    in_december, today = look(stored, on="2021-12-31"), look(stored)
    assert (in_december.month, in_december.year) == (sums(2000, 400), sums(2000, 600))
    assert look(stored, on="2021-12-04").month == sums(0, 200), "until the day, not the end of the month"
    assert (today.month, today.year) == (sums(0, 400), sums(0, 400))


def test_deductions_and_reversals_are_taken_out(stored: StoredVillage) -> None:
    village = stored.village
    join(stored, "zhang", "2021-01-01")
    stored.must(village.award("zhang", "volunteer", 5))
    wrong = stored.must(village.award("zhang", "volunteer", 7))
    stored.must(village.deduct("zhang"))
    mild = stored.must(village.deduct("zhang"))
    stored.must(village.reverse(wrong))
    stored.must(village.reverse(mild))
    stored.must(village.carry("zhang", 900))
    stored.must(village.redeem("zhang", 100))
    found = look(stored)
    assert found.month == found.year == sums(0, 800), "neither what was carried over nor what was bought counts"
    taken_back = {award.id: award.reversed_by for award in found.awards if award.reversed_by}
    assert list(taken_back) == [wrong.event_id]
    assert len(found.awards) == 2


@on_both
def test_whoever_moves_takes_nothing_along_and_counts_nowhere_twice(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("register", "home", type="household", day="2021-01-01"))
    join(stored, "zhang", "2021-01-01")
    for day in ("2021-03-01", "2021-07-31"):
        stored.must(village.award("zhang", "volunteer", day=day))
    join(stored, "zhang", "2021-08-01", "home")
    for day in ("2021-08-01", "2021-11-20"):
        stored.must(village.award("zhang", "volunteer", 2, day=day))
    late = stored.must(village.award("zhang", "volunteer", 4, day="2021-02-01"))
    old, new = look(stored), look(stored, "home")
    assert (old.members, [one.party for one in new.members]) == ([], [person("zhang").party])
    assert (old.year, new.year) == (sums(0, 1200), sums(0, 800))
    assert (old.balances, new.balances) == (sums(0, 0), sums(0, 2000)), "the balance is with the person"
    assert {award.seq for award in old.awards} & {award.seq for award in new.awards} == set()
    assert late.seq in {award.seq for award in old.awards}, "judged by the day of the act"
    assert look(stored, on="2021-07-31").year == sums(0, 1200)


def test_moving_out_and_dying_end_a_membership_and_keep_what_was_done(stored: StoredVillage) -> None:
    village = stored.village
    for name, action in (("zhang", "move_out"), ("li", "death")):
        join(stored, name, "2021-01-01")
        stored.must(village.award(name, "volunteer", day="2021-06-01"))
        stored.must(village.party(action, name, day="2021-09-01"))
    found = look(stored)
    assert (found.members, found.balances) == ([], sums(0, 0))
    assert found.year == sums(0, 400)
    assert len(found.awards) == 2


def test_members_of_a_household_that_merges_count_for_the_other_from_that_day(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("register", "home", type="household", day="2021-01-01"))
    join(stored, "zhang", "2021-01-01", "home")
    join(stored, "li", "2021-01-01", "home")
    stored.must(village.award("home", "helping", day="2021-03-01"))
    stored.must(village.award("zhang", "volunteer", day="2021-03-01"))
    stored.must(village.party("merge", "home", other="house", day="2021-09-01"))
    stored.must(village.award("zhang", "volunteer", 2, day="2021-10-01"))
    old, new = look(stored, "home"), look(stored)
    assert (old.status, old.merged_into) == ("merged", person("house").party)
    assert (old.year, new.year) == (sums(2000, 200), sums(0, 400))
    assert (old.balances, new.balances) == (sums(0, 0), sums(2000, 600))
    assert [one.since for one in new.members] == ["2021-09-01"] * 2


# Awards ---------------------------------------------------------------------------------------------------------------


@on_both
def test_awards_come_newest_first_a_page_at_a_time(stored: StoredVillage, monkeypatch: pytest.MonkeyPatch) -> None:
    village = stored.village
    join(stored, "zhang", "2021-01-01")
    given: list[Appended] = []
    for place in range(7):
        name, by = (("zhang", "volunteer"), ("house", "helping"))[place % 2]
        given.append(stored.must(village.award(name, by)))
    monkeypatch.setattr(homes, "CHUNK", 2)
    seqs, before, pages = [], None, 0
    while before is not UNSET:
        page = look(stored, limit=3, before=before)
        seqs += [award.seq for award in page.awards]
        before, pages = page.before, pages + 1
        assert page.year == sums(3 * 2000, 4 * 200), "whatever the page"
    assert seqs == [one.seq for one in reversed(given)]
    assert pages == 3


def test_a_short_page_leaves_nothing_out_of_the_year(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.award("house", "helping"))
    village.now_ms += 20 * DAY_MS  # 2021-12-10
    stored.must(village.award("house", "helping"))
    stored.must(village.award("house", "helping"))
    found = look(stored, limit=1)
    assert (found.month, found.year, len(found.awards)) == (sums(4000, 0), sums(6000, 0), 1)
    village.now_ms += 30 * DAY_MS  # 2022-01-09
    stored.must(village.award("house", "helping"))
    assert look(stored, limit=1).year == sums(2000, 0)
    assert len(look(stored, limit=4).awards) == 4


def test_an_award_tells_its_rule_and_day_and_nothing_private(stored: StoredVillage) -> None:
    join(stored, "zhang", "2021-01-01")
    private, shown = told(place="村委会", matter="清扫", time="上午")
    award = stored.village.award("zhang", "volunteer", day="2021-11-02", private=private)
    seq = stored.must(disclosed(award, shown)).seq
    quiet, open_ = look(stored).awards[0], look(stored, disclose=True).awards[0]
    assert (quiet.seq, quiet.subject, quiet.occurred_on) == (seq, person("zhang").party, "2021-11-02")
    assert (quiet.rule.book, quiet.rule.version, quiet.rule.id) == ("points", 1, "volunteer")
    assert (quiet.units, quiet.details) == (both(200), UNSET)
    assert open_.details == {"place": "村委会", "matter": "清扫", "time": "上午"}


@on_both
def test_what_was_declared_is_told_with_the_award_that_rewards_it(stored: StoredVillage) -> None:
    village = stored.village
    join(stored, "zhang", "2021-01-01")
    private, shown = told(place="河边", matter="捡垃圾", photo="ab" * 32)
    issuer, zhang = person("coop").party, person("zhang").party
    body = {"issuer": issuer, "quantity": 1, "subject": zhang}
    claim = village.make("claim_declared", body, "zhang/card", rule=rule_ref("volunteer"), private=private)
    claimed = stored.must(disclosed(claim, shown)).event_id
    review = {"claim": claimed, "issuer": issuer, "outcome": "approve", "subject": zhang}
    stored.must(village.make("claim_reviewed", review, "reviewer"))
    own, more = told(place="河边，村东")
    stored.must(disclosed(village.award("zhang", "volunteer", body={"claim": claimed}, private=own), more))
    assert look(stored, disclose=True).awards[0].details == {"place": "河边，村东", "matter": "捡垃圾"}


def test_details_of_an_erased_party_are_left_out_and_the_rest_stays(stored: StoredVillage) -> None:
    village = stored.village
    for name in ("zhang", "li"):
        join(stored, name, "2021-01-01")
        private, shown = told(place=f"家 {name}")
        stored.must(disclosed(village.award(name, "volunteer", private=private), shown))
    with_both = look(stored, disclose=True)
    stored.storage.vault.destroy(stored.row.ledger_id, {person("zhang").party: stored.writer.size})
    without = look(stored, disclose=True)
    assert [award.details for award in with_both.awards] == [{"place": "家 li"}, {"place": "家 zhang"}]
    assert [award.details for award in without.awards] == [{"place": "家 li"}, {}]
    assert without.year == with_both.year


def test_honours_stand_until_their_last_day(stored: StoredVillage) -> None:
    village = stored.village
    stars = rule("star", type="honour", target="household", category="stars", name_zh="文明星", name_en="A star")
    book = {"book": "points", "version": 2, "title": "积分细则", "rules": [_honour(stars)]}
    stored.must(village.adopt(book, "2021-11-20"))
    body = {"action": "grant", "issuer": person("coop").party, "subject": person("house").party}
    granted = stored.must(
        village.make("honour_changed", {**body, "valid_to": "2021-11-25"}, "council", rule=rule_ref("star", 2))
    )
    found = look(stored).honours
    assert [(one.rule, one.category, one.name_zh, one.name_en, one.seq) for one in found] == [
        ("star", "stars", "文明星", "A star", granted.seq)
    ]
    assert (found[0].since, found[0].valid_to) == ("2021-11-20", "2021-11-25")
    village.now_ms += 10 * DAY_MS
    assert look(stored).honours == []
    assert look(stored, on="2021-11-25").honours == found
    assert look(stored, on="2021-11-19").honours == []


def _honour(whole: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name not in ("units", "points_units")}


BAD: dict[str, tuple[str, dict[str, Any], type[LedgerError], str]] = {
    "nobody": ("nobody", {}, NotFoundError, "household"),
    "a resident": ("zhang", {}, NotFoundError, "household"),
    "an organisation": ("coop", {}, NotFoundError, "household"),
    "an officer, who is not registered": ("clerk", {}, NotFoundError, "household"),
    "tomorrow": ("house", {"on": "2021-11-21"}, FormatError, "on"),
    "no day of the calendar": ("house", {"on": "2021-02-30"}, FormatError, "on"),
    "another spelling of a day": ("house", {"on": "2021-2-3"}, FormatError, "on"),
    "no day": ("house", {"on": ""}, FormatError, "on"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_household_or_day_is_told(stored: StoredVillage, name: str) -> None:
    household, options, error, field = BAD[name]
    with pytest.raises(error) as caught:
        look(stored, household, **options)
    assert caught.value.field == field
