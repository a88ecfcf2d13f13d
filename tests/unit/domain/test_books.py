"""Who must sign that a rule book was adopted, where it reaches back before the day of the entry."""

from __future__ import annotations

import pytest

from tests.helpers.village import TODAY, Village
from tests.helpers.village_rules import BOOK

YESTERDAY, TOMORROW = "2021-11-19", "2021-11-21"
VOTERS = ("council", "oversight")


def unbooked() -> Village:
    """A village that has no rule book yet; ``deputy`` is the township's, as the mayor is."""
    village = Village()
    village.must(village.found())
    for name in VOTERS:
        village.must(village.role(name, name))
    return village


@pytest.mark.parametrize("day", [TODAY, TOMORROW])
def test_a_book_from_today_on_needs_no_township(day: str) -> None:
    village = unbooked()
    village.must(village.adopt(BOOK, day, signers=VOTERS))


@pytest.mark.parametrize("version", [1, 2])
def test_a_book_that_reaches_back_needs_the_township_as_well(version: int) -> None:
    village = unbooked()
    if version == 2:
        village.must(village.adopt(BOOK, "2021-01-01"))
    book = {**BOOK, "version": version}
    voted = {"day": "2021-11-10"}
    error = village.refusal(village.adopt(book, YESTERDAY, signers=VOTERS, **voted))
    assert (error.code, error.field, error.got) == ("not_enough_signers", "signatures", "2 signature(s)")
    assert error.expected == "a township key, as the book takes effect before the day it is entered"
    village.must(village.adopt(book, YESTERDAY, signers=(*VOTERS, "deputy"), **voted))


def test_a_revoked_township_key_does_not_count() -> None:
    village = unbooked()
    village.must(village.role("deputy", "council", "mayor"))
    village.must(village.role("deputy", "township", "mayor", action="revoke"))
    error = village.refusal(village.adopt(BOOK, YESTERDAY, signers=(*VOTERS, "deputy")))
    assert error.code == "not_enough_signers"


def test_one_party_is_not_both_the_council_and_the_township() -> None:
    village = unbooked()
    village.must(village.role("council", "township"))
    assert village.refusal(village.adopt(BOOK, YESTERDAY, signers=VOTERS)).code == "not_enough_signers"
    village.must(village.adopt(BOOK, TODAY, signers=VOTERS))


def test_the_day_that_counts_is_the_ledgers_not_the_votes() -> None:
    village = unbooked()
    village.tomorrow()
    voted_before = {"day": YESTERDAY}
    error = village.refusal(village.adopt(BOOK, TODAY, signers=VOTERS, **voted_before))
    assert error.code == "not_enough_signers"
    village.must(village.adopt(BOOK, TOMORROW, signers=VOTERS, **voted_before))
