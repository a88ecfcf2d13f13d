"""Points that lapse: which lots are used, what comes back into them, and what the ledger takes when they are due."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.facts import Lot, Lots
from ledger.domain.lots import lapse_day, take
from tests.helpers.village import TODAY, Village, person

ZHANG = person("zhang").party
COOP = person("coop").party
SOON = "2021-12-30"
"""When points for an act of today lapse by the rule `lapsing`."""


@pytest.fixture
def village() -> Village:
    village = Village.founded()
    village.must(village.carry("zhang", 150))
    village.must(village.award("zhang", "lapsing", 2))
    village.must(village.award("zhang", "lapsing", day="2021-11-10"))
    return village


def held(village: Village, name: str = "zhang") -> list[tuple[str, int]]:
    fact: Any = village.facts.get(f"lots:{person(name).party}", Lots([]))
    return [(lot.expires_on, lot.units) for lot in fact.lots]


def lot(units: int, seq: int = 0) -> Lot:
    return Lot(expires_on=SOON, seq=seq, issuer=COOP, units=units)


def pass_days(village: Village, days: int) -> None:
    for _ in range(days):
        village.tomorrow()


def test_lots_are_used_in_the_order_in_which_they_lapse_and_before_what_never_does(village: Village) -> None:
    assert held(village) == [("2021-12-20", 200), (SOON, 400)]
    village.must(village.redeem("zhang", 250))
    assert held(village) == [(SOON, 350)]
    village.must(village.redeem("zhang", 240))
    assert held(village) == [(SOON, 110)]
    assert village.balance("zhang") == 260


def test_a_reversed_redemption_restores_the_same_lots(village: Village) -> None:
    redeemed = village.must(village.redeem("zhang", 250))
    village.must(village.reverse(redeemed))
    assert held(village) == [("2021-12-20", 200), (SOON, 400)]
    assert village.balance("zhang") == 750


def test_a_reversed_deduction_restores_the_same_lots(village: Village) -> None:
    taken = village.must(village.deduct("zhang"))
    assert held(village) == [(SOON, 400)]
    village.must(village.reverse(taken))
    assert held(village) == [("2021-12-20", 200), (SOON, 400)]


@pytest.mark.parametrize(
    ("spent", "left", "balance"),
    [
        (0, [("2021-12-20", 200), (SOON, 400)], 750),
        (250, [(SOON, 350)], 500),
        (500, [(SOON, 100)], 250),
        (750, [], 0),
    ],
)
def test_a_reversed_award_is_taken_from_its_own_lot_then_from_what_never_lapses(
    village: Village, spent: int, left: list[tuple[str, int]], balance: int
) -> None:
    award = village.must(village.award("zhang", "lapsing", day="2021-11-15"))
    if spent:
        village.must(village.card("zhang/purse", cap=10_000))
        village.must(village.redeem("zhang", spent, key="zhang/purse"))
    village.must(village.reverse(award))
    assert village.balance("zhang") == balance
    assert sum(units for _, units in held(village)) <= balance
    if spent <= 200:
        assert held(village) == left


def test_a_reversed_award_that_never_lapses_leaves_the_lots_alone(village: Village) -> None:
    award = village.must(village.award("zhang", "volunteer"))
    village.must(village.reverse(award))
    assert held(village) == [("2021-12-20", 200), (SOON, 400)]


def test_points_lapse_after_a_notice_and_thirty_days(village: Village) -> None:
    village.must(village.lapse("notice", "zhang", 200, "2021-12-25"))
    assert village.balance("zhang") == 750
    pass_days(village, 34)
    error = village.refusal(village.lapse("expire", "zhang", 200, "2021-12-25"))
    assert (error.code, error.field) == ("no_notice", "body.due_on")
    village.tomorrow()
    expired = village.must(village.lapse("expire", "zhang", 200, "2021-12-25"))
    assert (village.balance("zhang"), held(village)) == (550, [(SOON, 400)])
    village.must(village.reverse(expired))
    assert (village.balance("zhang"), held(village)) == (750, [("2021-12-20", 200), (SOON, 400)])


def test_what_came_back_lapses_only_after_another_notice(village: Village) -> None:
    village.must(village.lapse("notice", "zhang", 200, "2021-12-25"))
    pass_days(village, 35)
    expired = village.must(village.lapse("expire", "zhang", 200, "2021-12-25"))
    village.must(village.reverse(expired))
    assert village.refusal(village.lapse("expire", "zhang", 200, "2021-12-25")).code == "wrong_amount"
    village.must(village.lapse("notice", "zhang", 600, "2022-01-30"))
    pass_days(village, 36)
    village.must(village.lapse("expire", "zhang", 600, "2022-01-30"))
    assert village.balance("zhang") == 150


def test_what_was_given_after_the_notice_lapses_only_after_another(village: Village) -> None:
    village.must(village.lapse("notice", "zhang", 200, "2021-12-25"))
    village.must(village.award("zhang", "lapsing", day="2021-11-01"))
    pass_days(village, 35)
    assert village.refusal(village.lapse("expire", "zhang", 400, "2021-12-25")).code == "wrong_amount"
    village.must(village.lapse("expire", "zhang", 200, "2021-12-25"))
    assert held(village) == [("2021-12-11", 200), (SOON, 400)]


def test_points_that_were_spent_after_the_notice_do_not_lapse(village: Village) -> None:
    village.must(village.lapse("notice", "zhang", 200, "2021-12-25"))
    village.must(village.redeem("zhang", 120))
    pass_days(village, 40)
    assert village.refusal(village.lapse("expire", "zhang", 200, "2021-12-25")).code == "wrong_amount"
    village.must(village.lapse("expire", "zhang", 80, "2021-12-25"))
    assert village.balance("zhang") == 550


LAPSES: dict[str, tuple[dict[str, Any], str, str]] = {
    "without notice": ({"action": "expire"}, "no_notice", "body.due_on"),
    "more than the lots hold": ({"amount": 201}, "wrong_amount", "body.amount_units"),
    "lots that are not due": ({"due_on": "2021-12-19"}, "wrong_amount", "body.amount_units"),
    "of another issuer": ({"body": {"issuer": person("shop").party}}, "wrong_amount", "body.amount_units"),
    "of another party": ({"subject": "li"}, "wrong_amount", "body.amount_units"),
    "no day": ({"due_on": "2021-02-30"}, "not_a_day", "body.due_on"),
    "signed by an officer": ({"signers": ("issuer",)}, "not_authorised", "signatures"),
}


@pytest.mark.parametrize(("change", "code", "field"), LAPSES.values(), ids=LAPSES)
def test_what_may_not_lapse_is_refused(village: Village, change: dict[str, Any], code: str, field: str) -> None:
    wanted: dict[str, Any] = {"action": "notice", "subject": "zhang", "amount": 200, "due_on": "2021-12-25", **change}
    error = village.refusal(village.lapse(**wanted))
    assert (error.code, error.field) == (code, field)


def test_a_notice_moves_nothing_that_could_be_reversed(village: Village) -> None:
    notice = village.must(village.lapse("notice", "zhang", 200, "2021-12-25"))
    assert village.refusal(village.reverse(notice)).code == "wrong_target"


@pytest.mark.parametrize(
    ("units", "left", "drawn"),
    [
        (0, [(1, 5), (2, 7)], []),
        (3, [(1, 2), (2, 7)], [(1, 3)]),
        (5, [(2, 7)], [(1, 5)]),
        (9, [(2, 3)], [(1, 5), (2, 4)]),
        (99, [], [(1, 5), (2, 7)]),
    ],
)
def test_taking_from_lots_splits_them(units: int, left: list[tuple[int, int]], drawn: list[tuple[int, int]]) -> None:
    rest, used = take([lot(5, 1), lot(7, 2)], units)
    assert [(one.seq, one.units) for one in rest] == left
    assert [(one.seq, one.units) for one in used] == drawn


def test_no_day_lies_after_the_last_one() -> None:
    assert lapse_day(TODAY, 40) == SOON
    assert lapse_day(TODAY, 10**9) == "9999-12-31"
