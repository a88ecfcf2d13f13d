"""What each kind does when it is accepted, and the ways round it that must stay shut."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from ledger.core.disclosure import digest, make
from ledger.domain.entries import EVENTS, parse_submission
from ledger.domain.events import Body, Context, Decision
from ledger.domain.facts import BookHistory, Tally, Task
from ledger.domain.fields import Party
from ledger.domain.kinds import KINDS
from tests.helpers.kinds_page import examples
from tests.helpers.village import TODAY, Village, person, rule_ref, sign
from tests.helpers.village_rules import BOOK, rule

TASK = "00000000-0000-4000-8000-"


@pytest.fixture
def village() -> Village:
    return Village.founded()


def fact(village: Village, key: str) -> Any:
    return village.facts[key]


def tally(village: Village, period: str, rule_id: str = "capped") -> int | None:
    found = village.facts.get(f"tally:cap/points/{rule_id}/{person('zhang').party}/{period}")
    return found.units if isinstance(found, Tally) else None


@pytest.mark.parametrize("body", KINDS.values(), ids=lambda body: body.kind)
def test_every_kind_says_what_it_is(body: type[Body]) -> None:
    assert body.title
    assert body.privacy in {"P0", "P1", "P2", "P3"}
    assert body.__doc__
    assert body.requirements is not Body.requirements
    assert set(body.private.values()) <= {"text", "integer", "digest"}
    assert (body.holder is not Body.holder) or not body.private, "a kind with private fields says whom they are about"
    assert EVENTS[body.kind].__struct_config__.tag == body.kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_counts_every_party_that_it_names_among_its_parties(kind: str) -> None:
    """Reading an event checks the spelling of exactly those."""
    body = examples()[kind]
    hints = get_type_hints(type(body), include_extras=True)
    named = {name for name, hint in hints.items() if Party in (hint, *get_args(hint))}
    assert {getattr(body, name) or body.parties()[0] for name in named} <= set(body.parties())


def test_a_kind_that_says_no_more_needs_nothing_and_moves_nothing(village: Village) -> None:
    event = parse_submission(village.award("zhang", "volunteer")).event
    quiet = Body()
    assert (quiet.parties(), quiet.holder(), quiet.needs(event, [], TODAY)) == ([], None, [])
    assert quiet.decide(event, {}, Context(1, 0, TODAY, [])) == Decision([], {})
    assert quiet.check_postings([])
    assert not quiet.check_postings([("a/spend", 1)])


# Books ----------------------------------------------------------------------------------------------------------------


def test_an_act_is_judged_by_the_version_in_force_on_its_day(village: Village) -> None:
    dearer = {**BOOK, "version": 2, "rules": [rule("volunteer", points_units=300)]}
    village.must(village.adopt(dearer, "2021-11-22"))
    village.must(village.award("zhang", "volunteer"))
    assert village.refusal(village.award("zhang", "volunteer", version=2)).code == "rule_not_in_force"
    village.tomorrow()
    village.tomorrow()
    assert village.refusal(village.award("zhang", "volunteer")).code == "rule_not_in_force"
    village.must(village.award("zhang", "volunteer", version=2, body={"amount_units": 300}))
    village.must(village.award("zhang", "volunteer", day="2021-11-20"))
    history: BookHistory = fact(village, "book:points")
    assert [(v.version, v.effective_on) for v in history.versions] == [(1, "2021-01-01"), (2, "2021-11-22")]


def test_a_new_version_may_hold_from_the_day_of_the_vote_but_not_from_before_the_last(village: Village) -> None:
    village.must(village.adopt({**BOOK, "version": 2}, TODAY))
    again = village.adopt({**BOOK, "version": 3}, TODAY)
    assert village.refusal(again).code == "wrong_order"


def test_a_new_version_does_not_refill_a_cap(village: Village) -> None:
    village.must(village.award("zhang", "capped", 2, day="2021-11-19"))
    village.must(village.adopt({**BOOK, "version": 2}, TODAY))
    assert village.refusal(village.award("zhang", "capped", 2, version=2)).code == "cap_exceeded"
    village.must(village.award("zhang", "capped", 1, version=2))


def test_an_opening_balance_that_was_reversed_may_be_carried_anew(village: Village) -> None:
    wrong = village.must(village.carry("zhang", 500))
    village.must(village.carry("zhang", 70, "merit"))
    village.must(village.reverse(wrong))
    village.must(village.carry("zhang", 400))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (400, 70)
    assert village.refusal(village.carry("zhang", 400)).code == "carried_before"
    assert village.refusal(village.carry("zhang", 70, "merit")).code == "carried_before"


# Awards ---------------------------------------------------------------------------------------------------------------


def test_an_award_moves_points_from_the_issuer_in_every_unit_of_the_rule(village: Village) -> None:
    village.must(village.award("zhang", "volunteer", 2))
    village.must(village.award("zhang", "merit_only"))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (400, 21_520)
    assert (village.balance("coop"), village.balance("coop", "merit")) == (-400, -21_520)


def test_a_rule_for_households_gives_nothing_to_persons_and_the_reverse(village: Village) -> None:
    village.must(village.award("house", "helping"))
    assert village.refusal(village.award("zhang", "helping")).code == "wrong_party"
    assert village.refusal(village.award("house", "volunteer")).code == "wrong_party"
    village.must(village.redeem("house", 100, rule="house_exchange"))
    assert village.refusal(village.redeem("house", 100)).code == "wrong_party"


def test_points_are_issued_by_organisations_alone(village: Village) -> None:
    for name in ("zhang", "house", "shop", "issuer"):
        assert (
            village.refusal(village.award("li", "volunteer", body={"issuer": person(name).party})).code == "wrong_party"
        )
    assert village.refusal(village.award("coop", "volunteer")).code == "wrong_party"
    assert village.refusal(village.carry("li", 5, body={"issuer": person("zhang").party})).code == "wrong_party"
    assert village.refusal(village.task(issuer=person("zhang").party)).code == "wrong_party"


def test_approvals_come_from_reviewers_not_from_more_issuers(village: Village) -> None:
    village.must(village.role("second issuer", "issuer"))
    twice = village.award("zhang", "approved", signers=("issuer", "second issuer"))
    assert village.refusal(twice).code == "not_enough_signers"
    village.must(village.award("zhang", "approved", signers=("issuer", "reviewer")))


@pytest.mark.parametrize(("day", "signers"), [("2021-10-21", 1), ("2021-10-20", 2)])
def test_an_act_older_than_the_rule_allows_takes_one_more_signer(village: Village, day: str, signers: int) -> None:
    people = ("issuer", "oversight")
    if signers == 2:
        assert village.refusal(village.award("zhang", "dated", day=day)).code == "not_enough_signers"
    village.must(village.award("zhang", "dated", day=day, signers=people[:signers]))


def test_a_redemption_is_held_to_the_same_approvals_evidence_and_age(village: Village) -> None:
    village.must(village.carry("zhang", 500))
    goods = digest(make(bytes(16), "goods", "大米"))
    assert village.refusal(village.redeem("zhang", 1, rule="careful")).code == "evidence_missing"
    evident = {"rule": "careful", "private": {"goods": goods}}
    assert village.refusal(village.redeem("zhang", 1, **evident)).code == "not_enough_signers"
    village.must(village.redeem("zhang", 1, **evident, signers=("shop", "zhang/card", "reviewer")))
    village.must(village.role("cooper", "reviewer", scope=person("coop").party))
    village.must(village.redeem("zhang", 1, **evident, signers=("shop", "zhang/card", "cooper")))
    village.must(village.redeem("zhang", 1, rule="prompt", day="2021-11-19"))
    assert village.refusal(village.redeem("zhang", 1, rule="prompt", day="2021-11-18")).code == "not_enough_signers"


def test_evidence_is_a_private_detail_of_the_award(village: Village) -> None:
    photo = digest(make(bytes(16), "photo", "ab" * 32))
    village.must(village.award("zhang", "evident", private={"photo": photo}))


def test_caps_count_by_the_day_month_and_year_of_the_act(village: Village) -> None:
    village.must(village.award("zhang", "capped", 2, day="2021-11-01"))
    village.must(village.award("zhang", "capped", 1, day="2021-11-02"))
    assert village.refusal(village.award("zhang", "capped", 1, day="2021-11-03")).expected == "at most 600 in all"
    village.must(village.award("zhang", "capped", 1, day="2021-10-31"))
    assert village.refusal(village.award("zhang", "capped", 1, day="2021-09-01")).expected == "at most 800 in all"
    village.must(village.party("register", "wang", type="resident", day="2021-01-01"))
    village.must(village.award("wang", "capped", 2, day="2021-11-01"))


def test_a_cap_of_one_period_leaves_the_others_open(village: Village) -> None:
    monthly = rule("monthly", caps={"month_units": 400})
    village.must(village.adopt({**BOOK, "version": 2, "rules": [monthly]}, TODAY))
    body = {"amount_units": 400, "quantity": 2, "units": ["merit", "spend"]}
    made = [
        sign(village.event("points_awarded", "issuer", {**body, **_sides()}, rule=rule_ref("monthly", 2)), "issuer")
        for _ in range(2)
    ]
    village.must(made[0])
    assert tally(village, "2021-11", "monthly") == 400
    assert tally(village, "2021", "monthly") is None
    assert village.refusal(made[1]).code == "cap_exceeded"


def _sides() -> dict[str, str]:
    return {"issuer": person("coop").party, "subject": person("zhang").party}


def test_a_season_includes_its_first_and_last_day(village: Village) -> None:
    for day in ("2021-03-01", "2021-10-31"):
        village.must(village.award("zhang", "seasonal", day=day))
    for day in ("2021-02-28", "2021-11-01"):
        assert village.refusal(village.award("zhang", "seasonal", day=day)).code == "rule_not_in_force"


def test_a_task_counts_its_places_and_its_budget(village: Village) -> None:
    task = village.must(village.task(capacity=3, budget_units=600)).event_id
    village.must(village.award("zhang", "volunteer", 2, body={"task": task}))
    village.must(village.award("li", "volunteer", body={"task": task}))
    assert fact(village, f"task:{task}") == Task(
        issuer=person("coop").party,
        book="points",
        rule="volunteer",
        capacity=3,
        taken=2,
        starts_on="2021-11-01",
        ends_on="2021-12-31",
        used_units=600,
        budget_units=600,
    )


def test_an_act_captured_on_a_device_counts_once_for_each_of_its_numbers(village: Village) -> None:
    def captured(seq: int, device: str = "phone-1", actor: str = "issuer") -> bytes:
        return village.award(
            "zhang", "volunteer", signers=(actor,), device={"id": device, "seq": seq, "captured_at": 1_637_370_000_000}
        )

    first, again = captured(1), captured(1)
    assert [getattr(one, "code", "ok") for one in village.submit(first, again)] == ["ok", "captured_before"]
    village.must(captured(2))
    village.must(captured(1, "phone-2"))
    village.must(village.role("second issuer", "issuer"))
    village.must(captured(1, actor="second issuer"))


# Redemptions ----------------------------------------------------------------------------------------------------------


def test_points_pay_for_a_share_of_a_bill_at_the_books_rate(village: Village) -> None:
    village.must(village.carry("zhang", 5000))
    assert (
        village.refusal(village.redeem("zhang", 301, rule="share", body={"bill_fen": 1000})).expected == "at most 300"
    )
    village.must(village.redeem("zhang", 300, rule="share", body={"bill_fen": 1000}))
    assert (village.balance("shop"), village.balance("zhang")) == (300, 4700)


def test_a_redemption_leaves_merit_alone(village: Village) -> None:
    village.must(village.award("zhang", "volunteer"))
    village.must(village.redeem("zhang", 200))
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (0, 200)


def test_a_shop_cannot_redeem_for_itself_nor_for_another_shop(village: Village) -> None:
    village.must(village.carry("zhang", 500))
    assert village.refusal(village.redeem("shop", 1, signers=("shop",))).code == "not_enough_signers"
    other = village.redeem("zhang", 1, signers=("market", "zhang/card"))
    assert village.refusal(other).code == "not_authorised"
