"""Tables of a ledger: what stands in them is what the entries say, whoever can still be named is named."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ledger.domain.entries import parse_entry
from ledger.errors import FormatError
from ledger.service.spreadsheets.exporting import Gathered, page_of, people_of
from ledger.service.spreadsheets.people import People
from ledger.service.spreadsheets.writing import Points, Value
from tests.helpers.town_hall import TownHall

AWARDS = [
    ["日期", "卡号", "户号", "规则"],
    ["2021-3-5", "0012002", "", "平安学堂"],
    ["2021-3-6", "", "0013", "帮扶项目"],
]


@pytest.fixture
def gathered(settled: TownHall) -> Gathered:
    """A village with two awards, of which one was taken back, a merged household and somebody who moved away."""
    village = settled.village
    first, _ = settled.awards(AWARDS).appended
    target = parse_entry(village.entries[first]).event.id
    village.must(village.reverse(target, body={"subject": settled.party("0012002")}))
    home, other = settled.party("0013", "household"), settled.party("0012", "household")
    wang = settled.party("0013001")
    merge = {"action": "merge", "party": home, "other": other, "members": [wang]}
    village.must(village.make("party_changed", merge, "clerk", "clerk two"))
    gone = {"action": "move_out", "party": settled.party("0014001"), "household": settled.party("0014", "household")}
    village.must(village.make("party_changed", gone, "clerk", "clerk two"))
    return Gathered.of(settled.entries(), lines=True)


def by_number(rows: object, at: int = 1) -> dict[Value, list[Value]]:
    return {row[at]: list(row) for row in rows if row[at]}  # type: ignore[attr-defined]


def test_accounts_are_the_sums_of_the_postings(settled: TownHall, gathered: Gathered) -> None:
    page = page_of("accounts", gathered, settled.people, "zh")
    assert page.title == "账户"
    rows = by_number(page.rows)
    assert rows["0012002"][5:8] == [Points(0), Points(0), 3]
    assert rows["0012"][5:7] == [Points(2000), Points(2000)], "the balance of the household that merged into it"
    assert rows["0013"][5:7] == [Points(0), Points(0)]
    for unit in (5, 6):
        assert sum(row[unit].units for row in page.rows) == 0  # type: ignore[union-attr]
    for row in page.rows:
        fact = settled.village.facts[f"account:{row[4]}"]
        balances, count, last = fact.balances, fact.count, fact.last  # type: ignore[union-attr]
        assert row[5:] == [Points(balances["spend"]), Points(balances["merit"]), count, last]


def test_the_register_shows_where_everybody_belongs_now(settled: TownHall, gathered: Gathered) -> None:
    told = {entry.party: {"number": entry.number, "name": entry.name} for entry in settled.people.rows}
    parties = {seq: party for party, seq in gathered.registered.items()}
    details: dict[int, Mapping[str, str]] = {seq: told.get(party, {}) for seq, party in parties.items()}
    people = people_of(gathered, details.__getitem__)
    rows = by_number(page_of("register", gathered, people, "en").rows)
    assert rows["0013001"][3] == "0012", "a member of the household that theirs merged into"
    assert rows["0014001"][3:5] == ["", ""]
    assert (rows["0014001"][7], rows["0013"][7], rows["0012"][7]) == ("moved out", "merged", "active")
    assert rows["0012"][4] == "三组"
    assert [row[0] for row in page_of("register", gathered, people, "zh").rows].count("村民") == 4


def test_a_number_that_two_parties_have_is_shown_for_both(gathered: Gathered) -> None:
    people = people_of(gathered, lambda seq: {"number": "1", "name": "同号"})
    assert [row[1] for row in page_of("register", gathered, people, "zh").rows] == ["1"] * len(gathered.view.parties)


def test_nobody_is_named_whose_details_are_gone(gathered: Gathered) -> None:
    page = page_of("register", gathered, people_of(gathered, lambda seq: {}), "zh")
    assert {row[2] for row in page.rows} == {""}
    page = page_of("accounts", gathered, People(), "en")
    assert {row[2] for row in page.rows} == {""}


def test_entries_are_a_row_for_each_movement_and_one_for_those_without(settled: TownHall, gathered: Gathered) -> None:
    page = page_of("entries", gathered, settled.people, "en")
    assert page.headings[:4] == ["entry", "recorded at", "date", "event"]
    seqs = [row[0] for row in page.rows]
    assert sorted(set(seqs), key=int) == list(range(settled.size))  # type: ignore[arg-type]
    assert seqs.count(0) == 1
    helped = [row for row in page.rows if row[4] == "helping"]
    assert sorted((row[7], row[8], str(row[9])) for row in helped) == [
        ("", "merit", "-20.00"),
        ("", "spend", "-20.00"),
        ("王五", "merit", "20.00"),
        ("王五", "spend", "20.00"),
    ]
    assert helped[0][1] == "2021-11-20 12:00:00"
    assert all(row[11] for row in page.rows if row[3] == "entry_reversed")
    assert "加分" in {row[3] for row in page_of("entries", gathered, People(), "zh").rows}


def test_what_is_no_entry_is_told() -> None:
    with pytest.raises(FormatError, match="something else than an entry"):
        Gathered.of([b'{"chain":{"seq":0},"event":{"id":"","kind":"x","occurred_on":"","body":{}}}'], lines=False)
