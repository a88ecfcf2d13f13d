"""Awards for declared acts, the budgets of rules, and what reversing gives back of both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.village import DAY_MS, Village, person
from tests.helpers.village_rules import BOOK
from tests.helpers.workflow import claim, declare, review, reward, task, working_village


@pytest.fixture
def village() -> Village:
    return working_village()


def status(village: Village, declared: str) -> str:
    fact: Any = village.facts[f"claim:{declared}"]
    found: str = fact.status
    return found


def approved(village: Village, subject: str = "zhang", task_id: str | None = None) -> str:
    declared = village.must(declare(village, subject, task_id)).event_id
    village.must(review(village, declared, subject=subject))
    return declared


def test_a_declared_act_is_rewarded_once(village: Village) -> None:
    declared = approved(village)
    award = village.must(reward(village, declared))
    assert (status(village, declared), village.balance("zhang")) == ("awarded", 200)
    assert village.refusal(reward(village, declared)).code == "claim_not_approved"
    village.must(village.reverse(award))
    assert (status(village, declared), village.balance("zhang")) == ("approved", 0)
    village.must(reward(village, declared))
    assert village.balance("zhang") == 200


@pytest.mark.parametrize("outcome", ["reject", "return"])
def test_what_was_not_approved_is_not_rewarded(village: Village, outcome: str) -> None:
    declared = village.must(declare(village)).event_id
    assert village.refusal(reward(village, declared)).code == "claim_not_approved"
    village.must(review(village, declared, outcome))
    error = village.refusal(reward(village, declared))
    assert (error.code, error.field) == ("claim_not_approved", "body.claim")


def test_a_claimed_place_is_rewarded_for_a_declared_act_only(village: Village) -> None:
    task_id = task(village)
    village.must(claim(village, task_id))
    error = village.refusal(village.award("zhang", "volunteer", version=2, body={"task": task_id}))
    assert (error.code, error.field) == ("claim_missing", "body.claim")
    declared = approved(village, task_id=task_id)
    award = village.must(reward(village, declared, task_id=task_id))
    fact: Any = village.facts[f"task:{task_id}"]
    assert (fact.taken, fact.used_units) == (1, 200)
    village.must(village.reverse(award))
    fact = village.facts[f"task:{task_id}"]
    assert (fact.taken, fact.used_units) == (1, 0), "the place stays whose it was claimed to be"
    assert village.refusal(claim(village, task_id, "li")).code == "no_place_left"
    village.must(reward(village, declared, task_id=task_id))


WRONG: dict[str, dict[str, Any]] = {
    "somebody else": {"body": {"subject": person("li").party}},
    "another day": {"day": "2021-11-19"},
    "another quantity": {"body": {"quantity": 2, "amount_units": 400}},
    "another rule": {"rule": "capped"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_rewarded_is_what_was_reviewed(village: Village, change: dict[str, Any]) -> None:
    declared = approved(village)
    changed = dict(change)
    body = {"claim": declared, **changed.pop("body", {})}
    error = village.refusal(village.award("zhang", changed.pop("rule", "volunteer"), version=2, body=body, **changed))
    assert (error.code, error.field) == ("wrong_claim", "body.claim")
    assert error.expected != error.got


def test_a_claim_of_a_task_is_rewarded_as_that_tasks(village: Village) -> None:
    task_id = task(village)
    village.must(claim(village, task_id))
    declared = approved(village, task_id=task_id)
    assert village.refusal(reward(village, declared)).code == "wrong_claim"


def test_no_such_claim_is_rewarded(village: Village) -> None:
    error = village.refusal(reward(village, "00000000-0000-4000-8000-ffffffffffff"))
    assert (error.code, error.field) == ("unknown_claim", "body.claim")


def test_a_task_is_claimed_by_those_whom_its_rule_rewards(village: Village) -> None:
    village.version = 2
    error = village.refusal(village.task(claimants="household"))
    assert (error.code, error.field, error.expected) == ("wrong_claimants", "body.claimants", "resident")


# Budgets --------------------------------------------------------------------------------------------------------------


def test_a_rule_gives_all_together_no_more_than_its_budget_of_the_year() -> None:
    village = Village.founded()
    first = village.must(village.award("zhang", "budgeted"))
    village.must(village.award("li", "budgeted", 2))
    error = village.refusal(village.award("li", "budgeted"))
    assert (error.code, error.field, error.got) == ("no_budget_left", "body.amount_units", "800")
    village.must(village.reverse(first))
    village.must(village.award("li", "budgeted"))
    assert village.refusal(village.award("zhang", "budgeted")).code == "no_budget_left"


def test_another_unit_in_a_new_version_does_not_refill_the_budget() -> None:
    village = Village.founded()
    village.must(village.award("zhang", "budgeted", 3))
    rules = [{**one, "units": ["merit"]} if one["id"] == "budgeted" else one for one in BOOK["rules"]]
    assert rules != BOOK["rules"]
    village.must(village.adopt({**BOOK, "version": 2, "rules": rules}, "2021-11-01", day="2021-10-30"))
    village.version = 2
    error = village.refusal(village.award("li", "budgeted", body={"units": ["merit"]}))
    assert (error.code, error.got) == ("no_budget_left", "800")


def test_a_budget_begins_anew_with_the_year_of_the_act() -> None:
    village = Village.founded()
    village.must(village.award("zhang", "budgeted", 3))
    village.now_ms += 42 * DAY_MS
    assert village.refusal(village.award("zhang", "budgeted", day="2021-12-31")).code == "no_budget_left"
    village.must(village.award("zhang", "budgeted", 3))


def test_the_figures_say_what_is_issued_redeemed_and_outstanding() -> None:
    village = Village.founded()
    award = village.must(village.award("zhang", "volunteer", 3))
    village.must(village.award("li", "volunteer"))
    village.must(village.redeem("zhang", 100))
    village.must(village.reverse(award))
    given: Any = village.facts["figures:points_awarded/points/volunteer/2021"]
    assert (given.entries, given.reversed) == (2, 1)
    assert given.moved == {"merit": 800, "spend": 800}
    assert given.returned == {"merit": 600, "spend": 500}, "what zhang has spent is not taken back"
    assert given.issuer == {"merit": -200, "spend": -300}
    spent: Any = village.facts["figures:points_redeemed/points/exchange/2021"]
    assert (spent.moved, spent.issuer) == ({"spend": 100}, {})


def test_what_finds_nothing_to_take_is_counted_all_the_same() -> None:
    village = Village.founded()
    village.must(village.deduct("li", "fine"))
    figures: Any = village.facts["figures:points_deducted/points/fine/2021"]
    assert (figures.entries, figures.moved) == (1, {})
