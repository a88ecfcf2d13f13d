"""From a task to its points: places are claimed, acts declared, declarations reviewed, and never by who made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.domain.append import Appended
from ledger.domain.entries import parse_entry
from ledger.domain.facts import Claim, Task, stands
from ledger.domain.kinds.points import claim_key
from ledger.domain.kinds.workflow import claimed_key, declared_key
from tests.helpers.village import TODAY, Village, person
from tests.helpers.workflow import PHOTO, REASON, TEXT, behind, claim, declare, review, reward, task, working_village


@pytest.fixture
def village() -> Village:
    return working_village()


def task_fact(village: Village, task_id: str) -> Task:
    found = village.facts[f"task:{task_id}"]
    assert isinstance(found, Task)
    return found


def claim_fact(village: Village, done: Appended | str) -> Claim:
    found = village.facts[claim_key(done if isinstance(done, str) else done.event_id)]
    assert isinstance(found, Claim)
    return found


def marked(village: Village, key: str) -> bool:
    return stands(village.facts.get(key))


def declared(village: Village, subject: str = "zhang", task_id: str | None = None, **more: Any) -> str:
    """A declaration that stands; answers its id."""
    return village.must(declare(village, subject, task_id, **more)).event_id


# Claiming a place -----------------------------------------------------------------------------------------------------


def test_of_two_departments_that_grab_one_task_the_first_in_the_log_has_it(village: Village) -> None:
    job = task(village, "organisation", "grabbed")
    outcomes = village.submit(claim(village, job, "water"), claim(village, job, "forestry"))
    assert [getattr(one, "code", "ok") for one in outcomes] == ["ok", "no_place_left"]
    assert task_fact(village, job).taken == 1
    assert marked(village, claimed_key(job, person("water").party))
    assert not marked(village, claimed_key(job, person("forestry").party))


def test_a_task_has_as_many_claimants_as_places(village: Village) -> None:
    job = task(village, capacity=2)
    village.must(claim(village, job, "zhang"))
    village.must(claim(village, job, "li"))
    refusal = village.refusal(claim(village, job, "wang"))
    assert (refusal.code, refusal.expected, refusal.got) == ("no_place_left", "at most 2", "3")


def test_a_place_given_back_is_free_for_others_and_for_its_claimant(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job, "zhang"))
    village.must(claim(village, job, "zhang", "release"))
    assert task_fact(village, job).taken == 0
    village.must(claim(village, job, "li"))
    assert village.refusal(claim(village, job, "zhang")).code == "no_place_left"
    village.must(claim(village, job, "li", "release"))
    village.must(claim(village, job, "zhang"))
    assert task_fact(village, job).taken == 1


def test_a_household_claims_with_its_own_card(village: Village) -> None:
    job = task(village, "household", "helping")
    village.must(claim(village, job, "house"))
    assert marked(village, claimed_key(job, person("house").party))


def test_a_place_may_be_claimed_long_before_the_task_and_on_its_last_day(village: Village) -> None:
    ahead = task(village, starts_on="2022-01-01", ends_on="2022-01-02")
    village.must(claim(village, ahead))
    village.must(claim(village, task(village, ends_on=TODAY)))


def test_two_tasks_and_two_claimants_do_not_mix(village: Village) -> None:
    one, other = task(village, capacity=2), task(village, capacity=2)
    village.must(claim(village, one, "zhang"))
    village.must(claim(village, other, "li"))
    assert village.refusal(claim(village, other, "zhang", "release")).code == "not_claimed"
    village.must(claim(village, other, "zhang"))
    assert (task_fact(village, one).taken, task_fact(village, other).taken) == (1, 2)


def test_a_place_is_kept_while_an_act_is_declared_for_it(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job))
    first = declared(village, "zhang", job)
    assert village.refusal(claim(village, job, "zhang", "release")).code == "declared_before"
    village.must(review(village, first, "return"))
    second = declared(village, "zhang", job)
    assert village.refusal(claim(village, job, "zhang", "release")).code == "declared_before"
    village.must(review(village, second, "reject"))
    village.must(claim(village, job, "zhang", "release"))
    assert village.refusal(declare(village, "zhang", job)).code == "not_claimed"


def test_an_approved_act_keeps_its_place(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job))
    village.must(review(village, declared(village, "zhang", job)))
    assert village.refusal(claim(village, job, "zhang", "release")).code == "declared_before"


def test_whoever_moved_out_gives_a_place_back_but_takes_none(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job))
    village.must(village.party("move_out", "zhang"))
    village.must(claim(village, job, "zhang", "release"))
    assert village.refusal(claim(village, job)).code == "inactive_party"


def test_what_a_claim_concerns_is_the_issuer_and_the_claimant(village: Village) -> None:
    done = village.must(claim(village, task(village)))
    assert done.parties == sorted({person("coop").party, person("zhang").party})


# Declaring an act -----------------------------------------------------------------------------------------------------


def test_a_declaration_states_who_did_what_by_which_rule(village: Village) -> None:
    job = task(village, None)
    done = village.must(declare(village, "zhang", job, body={"quantity": 3}, private=TEXT | PHOTO, day="2021-11-19"))
    assert done.parties == sorted({person("coop").party, person("zhang").party})
    zhang = person("zhang").party
    assert claim_fact(village, done) == Claim(
        book="points",
        declarer=zhang,
        issuer=person("coop").party,
        occurred_on="2021-11-19",
        person=zhang,
        quantity=3,
        rule="volunteer",
        status="declared",
        subject=zhang,
        version=2,
        task=job,
    )
    assert parse_entry(done.data).effects.postings == []


def test_a_helper_declares_for_the_old_and_the_log_knows_who_it_was(village: Village) -> None:
    behind(village, "helper", "li")
    of_li = claim_fact(village, declared(village, signers=("helper",)))
    of_nobody = claim_fact(village, declared(village, signers=("helper two",)))
    assert (of_li.declarer, of_li.person) == (person("helper").party, person("li").party)
    assert (of_nobody.declarer, of_nobody.person) == (person("helper two").party,) * 2


def test_a_department_declares_for_itself(village: Village) -> None:
    job = task(village, "organisation", "grabbed")
    village.must(claim(village, job, "water"))
    done = claim_fact(village, declared(village, "water", job, rule="grabbed"))
    assert (done.subject, done.declarer) == (person("water").party,) * 2


def test_an_act_is_declared_by_the_rule_in_force_on_its_day(village: Village) -> None:
    assert claim_fact(village, declared(village, version=1, day="2021-10-31")).version == 1
    assert village.refusal(declare(village, version=2, day="2021-10-31")).code == "rule_not_in_force"
    assert village.refusal(declare(village, version=1, day="2021-11-01")).code == "rule_not_in_force"


def test_evidence_that_the_rule_demands_comes_with_the_declaration(village: Village) -> None:
    assert village.refusal(declare(village, rule="evident", private=TEXT)).code == "evidence_missing"
    village.must(declare(village, rule="evident", private=PHOTO))


def test_acts_without_a_task_are_declared_as_often_as_they_happen(village: Village) -> None:
    assert claim_fact(village, declared(village)) == claim_fact(village, declared(village))


def test_each_subject_declares_once_for_a_task_until_it_is_returned_or_rejected(village: Village) -> None:
    job = task(village, None, capacity=2)
    first = declared(village, "zhang", job)
    assert village.refusal(declare(village, "zhang", job, signers=("helper",))).code == "declared_before"
    declared(village, "li", job)
    village.must(review(village, first, "return"))
    second = declared(village, "zhang", job)
    assert [claim_fact(village, one).status for one in (first, second)] == ["returned", "declared"]
    village.must(review(village, second))
    assert village.refusal(declare(village, "zhang", job)).code == "declared_before"


def test_the_first_and_the_last_day_of_a_task_count(village: Village) -> None:
    job = task(village, None, capacity=2, ends_on=TODAY)
    declared(village, "zhang", job, day="2021-11-10")
    declared(village, "li", job, day=TODAY)


def test_a_place_of_one_claimant_is_of_no_use_to_another(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job, "zhang"))
    assert village.refusal(declare(village, "li", job)).code == "not_claimed"
    assert village.refusal(declare(village, "li", job, signers=("helper",))).code == "not_claimed"
    village.must(declare(village, "zhang", job, signers=("helper",)))


# Reviewing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "status", "open_again"),
    [("approve", "approved", False), ("reject", "rejected", True), ("return", "returned", True)],
)
def test_a_review_decides_once(village: Village, outcome: str, status: str, open_again: bool) -> None:
    job = task(village)
    village.must(claim(village, job))
    made = declared(village, "zhang", job)
    done = village.must(review(village, made, outcome))
    assert done.parties == sorted({person("coop").party, person("zhang").party})
    assert claim_fact(village, made).status == status
    assert marked(village, declared_key(job, person("zhang").party)) is not open_again
    assert marked(village, claimed_key(job, person("zhang").party)), "the place stays the claimant's"
    assert task_fact(village, job).taken == 1
    for again in ("approve", "reject", "return"):
        refusal = village.refusal(review(village, made, again))
        assert (refusal.code, refusal.got) == ("reviewed_before", status)


def test_an_old_declaration_does_not_open_what_stands_anew(village: Village) -> None:
    job = task(village, None)
    first = declared(village, "zhang", job)
    village.must(review(village, first, "return"))
    second = declared(village, "zhang", job)
    assert village.refusal(review(village, first, "reject")).code == "reviewed_before"
    assert village.refusal(declare(village, "zhang", job)).code == "declared_before"
    village.must(review(village, second))


def test_a_review_leaves_tasks_alone_that_the_act_was_not_declared_for(village: Village) -> None:
    job = task(village, None)
    declared(village, "zhang", job)
    village.must(review(village, declared(village), "reject"))
    assert marked(village, declared_key(job, person("zhang").party))


def test_an_approval_may_say_why_and_a_rejection_must(village: Village) -> None:
    village.must(review(village, declared(village), private=REASON))
    made = declared(village)
    for outcome in ("reject", "return"):
        refusal = village.refusal(review(village, made, outcome, private=None))
        assert (refusal.code, refusal.field, refusal.expected) == ("evidence_missing", "private", "reason")


def test_two_of_one_group_cannot_both_review(village: Village) -> None:
    made = declared(village)
    outcomes = village.submit(review(village, made), review(village, made, "reject", signers=("oversight",)))
    assert [getattr(one, "code", "ok") for one in outcomes] == ["ok", "reviewed_before"]


def test_reviewers_are_officers_of_the_issuer(village: Village) -> None:
    village.must(village.role("forester", "reviewer", scope=person("forestry").party))
    village.must(village.role("cooper", "reviewer", scope=person("coop").party))
    made = declared(village)
    assert village.refusal(review(village, made, signers=("forester",))).code == "not_authorised"
    village.must(review(village, made, signers=("cooper",)))


# Nobody's own case ----------------------------------------------------------------------------------------------------


def _person_of_the_helper(v: Village) -> bytes:
    behind(v, "helper", "li")
    behind(v, "oversight", "li")
    return review(v, declared(v, signers=("helper",)), signers=("oversight",))


def _second_signature(v: Village) -> bytes:
    made = declared(v, signers=("reviewer",))
    return review(v, made, signers=("oversight", "reviewer"))


def _other_key_of_the_declarer(v: Village) -> bytes:
    behind(v, "helper", "li")
    v.must(v.role("helper/office", "reviewer"))
    return review(v, declared(v, signers=("helper",)), signers=("helper/office",))


def _member_of_the_household(v: Village, helper: str | None = None) -> bytes:
    v.must(v.party("join", "li", household="house"))
    behind(v, "oversight", "li")
    signers = {"signers": (helper,)} if helper else {}
    return review(v, declared(v, "house", rule="helping", **signers), subject="house", signers=("oversight",))


def _own_organisation(v: Village) -> bytes:
    v.must(v.role("water", "reviewer"))
    made = declared(v, "water", rule="grabbed", signers=("helper",))
    behind(v, "water", "li")
    return review(v, made, subject="water", signers=("water",))


def _subject_as_officer(v: Village) -> bytes:
    behind(v, "oversight", "zhang")
    return review(v, declared(v, signers=("helper",)), signers=("oversight",))


def _two_keys_of_one_person(v: Village) -> bytes:
    behind(v, "oversight", "li")
    behind(v, "reviewer", "li")
    return review(v, declared(v), signers=("oversight", "reviewer"))


OWN_CASES: list[tuple[str, str, Callable[[Village], bytes]]] = [
    (
        "the declarer's own key in another role",
        "own_claim",
        lambda v: review(v, declared(v, signers=("reviewer",)), signers=("reviewer",)),
    ),
    ("the declarer as the second of two reviewers", "own_claim", _second_signature),
    ("another officer's key of the declaring person", "own_claim", _person_of_the_helper),
    ("another key of the declaring officer", "own_claim", _other_key_of_the_declarer),
    ("a member of the household that declared", "own_case", _member_of_the_household),
    ("a member of the household a helper declared for", "own_case", lambda v: _member_of_the_household(v, "helper")),
    ("the organisation that is the subject", "own_case", _own_organisation),
    ("the subject as an officer", "own_case", _subject_as_officer),
    ("one person as two reviewers", "same_person", _two_keys_of_one_person),
]


@pytest.mark.parametrize(("code", "provoke"), [case[1:] for case in OWN_CASES], ids=[case[0] for case in OWN_CASES])
def test_nobody_reviews_the_own_declaration(village: Village, code: str, provoke: Callable[[Village], bytes]) -> None:
    refusal = village.refusal(provoke(village))
    assert (refusal.code, refusal.field) == (code, "signatures")
    assert None not in (refusal.expected, refusal.got)


def test_a_rejection_is_nobodys_own_to_make_either(village: Village) -> None:
    made = declared(village, signers=("reviewer",))
    for outcome in ("reject", "return"):
        assert village.refusal(review(village, made, outcome, signers=("reviewer",))).code == "own_claim"
    assert claim_fact(village, made).status == "declared"


def test_a_former_member_of_the_household_may_review(village: Village) -> None:
    village.must(village.party("join", "li", household="house", day="2021-02-01"))
    village.must(village.party("leave", "li", household="house", day="2021-03-01"))
    behind(village, "oversight", "li")
    village.must(review(village, declared(village, "house", rule="helping"), subject="house", signers=("oversight",)))


def test_a_revoked_card_claims_and_declares_no_more(village: Village) -> None:
    job = task(village, capacity=2)
    village.must(claim(village, job))
    village.must(village.card("zhang/card", action="lost"))
    for attempt in (claim(village, job, "zhang", "release"), declare(village, "zhang", job), declare(village)):
        assert village.refusal(attempt).code == "not_authorised"


# From the task to the points ------------------------------------------------------------------------------------------


def test_a_claimed_task_leads_to_points_once(village: Village) -> None:
    job = task(village)
    village.must(claim(village, job))
    made = declared(village, "zhang", job)
    assert village.refusal(reward(village, made, task_id=job)).code == "claim_not_approved"
    village.must(review(village, made))
    award = village.must(reward(village, made, task_id=job))
    assert claim_fact(village, made).status == "awarded"
    assert (village.balance("zhang"), task_fact(village, job).taken) == (200, 1)
    assert village.refusal(reward(village, made, task_id=job)).code == "claim_not_approved"
    assert village.refusal(review(village, made, "reject")).code == "reviewed_before"
    assert village.refusal(claim(village, job, "zhang", "release")).code == "declared_before"
    village.must(village.reverse(award, give_back=True))
    assert (claim_fact(village, made).status, task_fact(village, job).taken) == ("approved", 1)
    assert village.refusal(claim(village, job, "zhang", "release")).code == "declared_before"
    village.must(reward(village, made, task_id=job))


def test_an_act_declared_for_a_task_without_claimants_takes_its_place_when_it_is_rewarded(village: Village) -> None:
    job = task(village, None)
    made = declared(village, "zhang", job)
    village.must(review(village, made))
    assert task_fact(village, job).taken == 0
    village.must(reward(village, made, task_id=job))
    assert task_fact(village, job).taken == 1
