"""What an account and a task show beside their entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from ledger.domain.facts import Lot
from ledger.errors import FormatError, LedgerError, NotFoundError
from ledger.service.queries import AccountView, TaskView, view_account, view_task
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import person


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredVillage]:
    with stored_village("sqlite", tmp_path) as made:
        yield made


def account(stored: StoredVillage, name: str) -> AccountView:
    found: AccountView = stored.read(lambda link, row: view_account(link, row, person(name).party))
    return found


def task(stored: StoredVillage, name: str) -> TaskView:
    found: TaskView = stored.read(lambda link, row: view_task(link, row, name))
    return found


def test_an_account_shows_the_lots_that_lapse_in_the_order_in_which_they_are_used(stored: StoredVillage) -> None:
    village, issuer = stored.village, person("coop").party
    later = stored.must(village.award("zhang", "lapsing", 2))
    stored.must(village.award("zhang", "volunteer"))
    sooner = stored.must(village.award("zhang", "lapsing", day="2021-11-10"))
    first, second = Lot("2021-12-20", sooner.seq, issuer, 200), Lot("2021-12-30", later.seq, issuer, 400)
    assert account(stored, "zhang").lots == [first, second]
    stored.must(village.redeem("zhang", 300))
    assert account(stored, "zhang").lots == [Lot("2021-12-30", later.seq, issuer, 300)]


def test_an_account_without_lots_and_honours_shows_none(stored: StoredVillage) -> None:
    found = account(stored, "li")
    assert (found.lots, found.honours) == ([], [])


def test_a_task_shows_its_places_and_its_budget(stored: StoredVillage) -> None:
    village = stored.village
    published = stored.must(village.task(capacity=3, budget_units=700)).event_id
    before = task(stored, published)
    assert (before.capacity, before.taken, before.left) == (3, 0, 3)
    assert (before.used_units, before.budget_units, before.budget_left_units) == (0, 700, 700)
    assert (before.issuer, before.book, before.rule, before.claimants) == (
        person("coop").party,
        "points",
        "volunteer",
        UNSET,
    )
    stored.must(village.award("zhang", "volunteer", 2, body={"task": published}))
    after = task(stored, published)
    assert (after.taken, after.left, after.used_units, after.budget_left_units) == (1, 2, 400, 300)


def test_a_task_without_a_budget_has_none_left_to_tell(stored: StoredVillage) -> None:
    published = task(stored, stored.must(stored.village.task()).event_id)
    assert (published.budget_units, published.budget_left_units) == (UNSET, UNSET)


def test_a_task_whose_places_are_claimed_says_by_whom(stored: StoredVillage) -> None:
    village = stored.village
    published = stored.must(village.task(capacity=2, claimants="resident")).event_id
    body = {"action": "claim", "claimant": person("zhang").party, "issuer": person("coop").party, "task": published}
    stored.must(village.make("task_claimed", body, "zhang/card"))
    found = task(stored, published)
    assert (found.claimants, found.taken, found.left) == ("resident", 1, 1)


BAD: dict[str, tuple[str, type[LedgerError]]] = {
    "an id that nobody used": ("00000000-0000-4000-8000-ffffffffffff", NotFoundError),
    "the id of another event": ("00000000-0000-4000-8000-000000000001", NotFoundError),
    "no id": ("7", FormatError),
    "an id in capitals": ("00000000-0000-4000-8000-FFFFFFFFFFFF", FormatError),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_task_is_told(stored: StoredVillage, name: str) -> None:
    wanted, error = BAD[name]
    with pytest.raises(error) as caught:
        task(stored, wanted)
    details: Any = (caught.value.field, caught.value.got)
    assert details == ("task", wanted)
