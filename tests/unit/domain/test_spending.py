"""Deductions, redemptions at a shop and their settlement: who ends up with what, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.facts import Till
from tests.helpers.village import DAY_MS, NOON_MS, TODAY, Village, day_of, person
from tests.helpers.village_rules import rule

SHOP, COOP = person("shop").party, person("coop").party


@pytest.fixture
def village() -> Village:
    village = Village.founded()
    village.must(village.carry("zhang", 1000))
    return village


def till(village: Village) -> Till:
    fact = village.facts[f"till:{SHOP}/{COOP}"]
    assert isinstance(fact, Till)
    return fact


# Deductions -----------------------------------------------------------------------------------------------------------


def test_a_deduction_takes_both_units_by_the_rule(village: Village) -> None:
    village.must(village.deduct("zhang"))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (800, -200)
    assert village.balance("coop") == -800


def test_what_somebody_does_not_have_is_no_debt(village: Village) -> None:
    village.must(village.deduct("zhang", quantity=6))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (0, -1200)
    entry = village.must(village.deduct("zhang"))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (0, -1400)
    assert b'/spend"' not in village.entries[entry.seq], "nothing of spend moved, so no posting says so"


def test_a_reversed_deduction_gives_back_what_it_took(village: Village) -> None:
    taken = village.must(village.deduct("zhang", quantity=6))
    village.must(village.reverse(taken))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (1000, 0)
    assert village.balance("coop") == -1000


BAD_DEDUCTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "noticed before the act": ({"body": {"noticed_on": "2021-11-19"}}, "bad_days", "body.noticed_on"),
    "noticed on no day": ({"body": {"noticed_on": "2021-11-31"}}, "bad_days", "body.noticed_on"),
    "noticed tomorrow": ({"body": {"noticed_on": "2021-11-21"}}, "bad_days", "body.noticed_on"),
    "no time to appeal": ({"body": {"appeal_until": "2021-12-04"}}, "bad_days", "body.appeal_until"),
    "appeal until no day": ({"body": {"appeal_until": "2021-12-32"}}, "bad_days", "body.appeal_until"),
    "one officer alone": ({"signers": ("issuer",)}, "not_enough_signers", "signatures"),
    "two issuers": ({"signers": ("issuer", "clerk")}, "not_authorised", "signatures"),
    "more than the rule takes": ({"body": {"amount_units": 201}}, "wrong_amount", "body.amount_units"),
    "another unit": ({"body": {"units": ["spend"]}}, "wrong_units", "body.units"),
    "a rule that gives": ({"rule": "volunteer"}, "wrong_rule", "rule.id"),
    "a household by a rule for persons": ({"subject": "house"}, "wrong_party", "body.subject"),
    "nobody": ({"subject": "stranger"}, "unknown_party", "body.subject"),
}


@pytest.mark.parametrize(("change", "code", "field"), BAD_DEDUCTIONS.values(), ids=BAD_DEDUCTIONS)
def test_a_deduction_is_refused(village: Village, change: dict[str, Any], code: str, field: str) -> None:
    error = village.refusal(village.deduct(**{"subject": "zhang", **change}))
    assert (error.code, error.field) == (code, field)


def test_the_last_day_to_appeal_may_be_the_first_that_the_rule_allows(village: Village) -> None:
    village.must(village.deduct("zhang", body={"appeal_until": "2021-12-05"}))


# Settlement -----------------------------------------------------------------------------------------------------------


def test_a_shop_is_settled_up_to_a_redemption_and_once(village: Village) -> None:
    first = village.must(village.redeem("zhang", 100))
    second = village.must(village.redeem("zhang", 50))
    third = village.must(village.redeem("zhang", 30))
    village.must(village.settle(150, second))
    assert (village.balance("shop"), village.balance("coop")) == (30, -850)
    for through in (first, second):
        assert village.refusal(village.settle(150, through)).code == "settled_before"
    village.must(village.settle(30, third))
    assert (village.balance("shop"), till(village).settled_units) == (0, 180)


def test_nobody_settles_before_there_was_an_issuer(village: Village) -> None:
    spent = village.must(village.redeem("zhang", 100))
    assert village.refusal(village.settle(100, spent, day="2020-12-31")).code == "not_yet_registered"


def test_a_redemption_reversed_before_settlement_is_not_settled(village: Village) -> None:
    wrong = village.must(village.redeem("zhang", 100))
    village.must(village.redeem("zhang", 50))
    undone = village.must(village.reverse(wrong))
    assert (village.balance("shop"), village.balance("zhang")) == (50, 950)
    assert village.refusal(village.settle(150, undone)).code == "wrong_amount"
    village.must(village.settle(50, undone))
    assert (village.balance("shop"), village.balance("coop")) == (0, -950)


def test_a_redemption_reversed_after_settlement_is_given_back_by_the_issuer_and_netted(village: Village) -> None:
    wrong = village.must(village.redeem("zhang", 100))
    village.must(village.settle(100, wrong))
    village.must(village.reverse(wrong))
    assert (village.balance("zhang"), village.balance("shop"), village.balance("coop")) == (1000, 0, -1000)
    small = village.must(village.redeem("zhang", 60))
    assert village.refusal(village.settle(60, small)).code == "wrong_amount"
    village.must(village.settle(60, small, netted=60))
    large = village.must(village.redeem("zhang", 70))
    village.must(village.settle(70, large, netted=40))
    assert till(village).owed_units == 0
    assert (village.balance("shop"), village.balance("coop")) == (0, -870)


BAD_SETTLEMENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an entry that is no redemption": ({"through": 3}, "unknown_entry", "body.through_seq"),
    "another shop's": ({"shop": "market"}, "unknown_entry", "body.through_seq"),
    "less than it took in": ({"amount": 99}, "wrong_amount", "body.amount_units"),
    "netted for nothing": ({"netted": 1}, "wrong_amount", "body.amount_units"),
    "the shop alone": ({"signers": ("shop",)}, "not_enough_signers", "signatures"),
    "finance alone": ({"signers": ("finance",)}, "not_enough_signers", "signatures"),
    "another shop's signature": ({"signers": ("market", "finance")}, "not_authorised", "signatures"),
}


@pytest.mark.parametrize(("change", "code", "field"), BAD_SETTLEMENTS.values(), ids=BAD_SETTLEMENTS)
def test_a_settlement_is_refused(village: Village, change: dict[str, Any], code: str, field: str) -> None:
    redeemed = village.must(village.redeem("zhang", 100))
    error = village.refusal(village.settle(**{"amount": 100, "through": redeemed, **change}))
    assert (error.code, error.field) == (code, field)


def test_a_settlement_is_never_reversed(village: Village) -> None:
    redeemed = village.must(village.redeem("zhang", 100))
    settled = village.must(village.settle(100, redeemed))
    assert village.refusal(village.reverse(settled)).code == "not_reversible"


def test_only_the_issuer_of_a_redemption_reverses_it(village: Village) -> None:
    """Another organisation's officers have no say in it, whoever they are."""
    village.must(village.party("register", "club", type="organisation", day="2021-01-01"))
    club = person("club").party
    village.must(village.role("club issuer", "issuer", scope=club))
    village.must(village.role("club reviewer", "reviewer", scope=club))
    redeemed = village.must(village.redeem("zhang", 100))
    signers = ("club issuer", "club reviewer")
    assert village.refusal(village.reverse(redeemed, signers=signers)).code == "not_authorised"
    error = village.refusal(village.reverse(redeemed, signers=signers, body={"issuer": club}))
    assert (error.code, error.field) == ("wrong_target", "body.issuer")


# People ---------------------------------------------------------------------------------------------------------------


def test_nobody_decides_the_own_case(village: Village) -> None:
    grant = {"action": "grant", "role": "issuer", "scope": "*", "person": person("zhang").party}
    clerk = person("zhang the officer")
    village.must(village.make("role_changed", {**grant, "party": clerk.party, "key": clerk.ref()}, "mayor"))
    own = {"signers": ("zhang the officer",)}
    village.must(village.award("li", "volunteer", **own))
    assert village.refusal(village.award("zhang", "volunteer", **own)).code == "own_case"
    assert village.refusal(village.deduct("zhang", signers=("zhang the officer", "reviewer"))).code == "own_case"
    village.must(village.award("house", "helping", **own))
    village.must(village.party("join", "zhang", household="house"))
    assert village.refusal(village.award("house", "helping", **own)).code == "own_case"
    signers = ("zhang the officer", "oversight")
    assert village.refusal(village.carry("zhang", 5, "merit", signers=signers)).code == "own_case"


def test_one_person_does_not_sign_for_two_parties(village: Village) -> None:
    for name, role in (("hat one", "clerk"), ("hat two", "clerk")):
        one = person(name)
        body = {
            "action": "grant",
            "role": role,
            "scope": "*",
            "party": one.party,
            "key": one.ref(),
            "person": person("li").party,
        }
        village.must(village.make("role_changed", body, "mayor"))
    error = village.refusal(village.party("register", "wang", type="resident", signers=("hat one", "hat two")))
    assert (error.code, error.field) == ("same_person", "signatures")
    village.must(village.party("register", "wang", type="resident", signers=("hat one", "clerk")))


def test_a_fault_of_ours_in_one_event_harms_no_other(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.domain.kinds.points import PointsDeducted

    def broken(*_: object) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(PointsDeducted, "decide", broken)
    before = village.head.size
    outcomes = village.submit(
        village.award("zhang", "volunteer"), village.deduct("zhang"), village.award("li", "volunteer")
    )
    assert [getattr(one, "code", "appended") for one in outcomes] == ["appended", "internal", "appended"]
    assert village.head.size == before + 2


def test_the_day_of_the_tests_is_what_they_say() -> None:
    assert TODAY == "2021-11-20" == day_of(NOON_MS)
    assert day_of(NOON_MS + DAY_MS) == "2021-11-21"


@pytest.mark.parametrize("kind", ["award", "deduct"])
def test_an_organisation_gives_itself_no_points_and_takes_none(village: Village, kind: str) -> None:
    book = {
        "book": "points",
        "version": 2,
        "title": "second",
        "rules": [
            rule("volunteer", target="organisation"),
            rule("burning", type="deduct", target="organisation", legal_basis="x", appeal_days=15),
        ],
    }
    village.must(village.adopt(book, TODAY))
    village.must(village.party("register", "club", type="organisation"))
    make = village.award if kind == "award" else village.deduct
    name = "volunteer" if kind == "award" else "burning"
    error = village.refusal(make("coop", name, version=2))
    assert (error.code, error.field) == ("own_points", "body.subject")
    village.must(make("club", name, version=2))
