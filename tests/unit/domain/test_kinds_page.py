"""The page of kinds says what the code does."""

from __future__ import annotations

from ledger.domain.kinds import KINDS
from tests.helpers.kinds_page import PAGE, codes_of_kind, page


def test_the_page_of_kinds_is_the_one_that_the_types_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.helpers.kinds_page"


def test_the_page_finds_the_refusals_that_a_kind_reaches_through_others() -> None:
    assert {"cap_exceeded", "no_place_left", "not_yet_registered"} <= set(codes_of_kind(KINDS["points_awarded"]))
    assert set(codes_of_kind(KINDS["state_committed"])) == {"not_authorised", "wrong_root", "wrong_size"}
