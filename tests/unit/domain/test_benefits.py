"""A benefit is offered, answered by its subject, and granted or revoked by a person; every step states what it must."""

from __future__ import annotations

from itertools import product
from typing import get_args, get_type_hints

import pytest

from ledger.domain.facts import Benefit
from ledger.domain.kinds.benefits import STEPS, BenefitChanged, benefit_key
from ledger.errors import LedgerError
from tests.helpers.provoke import NOWHERE, Refused, submitting
from tests.helpers.recognition import behind, benefit, private, village_of_honours
from tests.helpers.village import TODAY, Village, person

PATHS: dict[str, tuple[str, ...]] = {
    "offered": (),
    "accepted": ("accept",),
    "declined": ("decline",),
    "granted": ("accept", "grant"),
    "revoked": ("revoke",),
}
"""The steps after the offer that lead to each status."""
ALLOWED = {
    ("offered", "accept"): "accepted",
    ("offered", "decline"): "declined",
    ("offered", "revoke"): "revoked",
    ("accepted", "grant"): "granted",
    ("accepted", "revoke"): "revoked",
    ("granted", "revoke"): "revoked",
}


@pytest.fixture
def village() -> Village:
    return village_of_honours()


def offered(village: Village, subject: str = "zhang", *steps: str) -> str:
    """An offer, and the steps after it; answers its id."""
    offer = village.must(benefit(village, "offer", subject=subject)).event_id
    for step in steps:
        village.must(benefit(village, step, offer, subject))
    return offer


def status(village: Village, offer: str) -> str:
    fact = village.facts[benefit_key(offer)]
    assert isinstance(fact, Benefit)
    return fact.status


@pytest.mark.parametrize(("before", "step"), list(product(PATHS, STEPS)))
def test_only_the_steps_of_the_way_are_allowed(village: Village, before: str, step: str) -> None:
    offer = offered(village, "zhang", *PATHS[before])
    assert status(village, offer) == before
    after = ALLOWED.get((before, step))
    if after is None:
        error = village.refusal(benefit(village, step, offer))
        assert (error.code, error.field, error.got) == ("wrong_step", "body.action", before)
    else:
        village.must(benefit(village, step, offer))
        assert status(village, offer) == after


def test_every_action_after_the_offer_has_its_step() -> None:
    actions = get_args(get_type_hints(BenefitChanged)["action"])
    assert set(actions) == {"offer", *STEPS}


def test_two_offers_of_one_product_go_their_own_ways(village: Village) -> None:
    first, second = offered(village), offered(village)
    village.must(benefit(village, "decline", first))
    village.must(benefit(village, "accept", second))
    assert (status(village, first), status(village, second)) == ("declined", "accepted")


def test_a_helper_answers_for_somebody_without_a_card(village: Village) -> None:
    offer = offered(village, "wang")
    village.must(benefit(village, "accept", offer, "wang", signers=("helper one",)))
    assert status(village, offer) == "accepted"


def test_no_decider_decides_on_the_own_benefit_but_everybody_answers_for_themselves(village: Village) -> None:
    behind(village, "decider one", "zhang")
    assert village.refusal(benefit(village, "offer")).code == "own_case"
    village.must(village.role("decider two", "decider"))
    offer = village.must(benefit(village, "offer", signers=("decider two",))).event_id
    village.must(benefit(village, "accept", offer))
    for step in ("grant", "revoke"):
        assert village.refusal(benefit(village, step, offer)).code == "own_case"
    village.must(benefit(village, "grant", offer, signers=("decider two",)))


def test_the_benefit_of_somebody_who_moved_away_is_revoked_but_not_granted(village: Village) -> None:
    offer = offered(village, "zhang", "accept")
    village.must(village.party("move_out", "zhang"))
    assert village.refusal(benefit(village, "grant", offer)).code == "inactive_party"
    village.must(benefit(village, "revoke", offer))
    assert status(village, offer) == "revoked"


def test_a_refused_or_wrong_offer_is_no_benefit(village: Village) -> None:
    error = village.refusal(benefit(village, "accept", NOWHERE))
    assert (error.code, error.field) == ("unknown_benefit", "body.benefit")
    award = village.must(village.award("zhang", "volunteer", version=2))
    assert village.refusal(benefit(village, "accept", award.event_id)).code == "unknown_benefit"


OTHERS = {"issuer": person("forestry").party, "product": "loan", "subject": person("li").party}


@pytest.mark.parametrize("field", OTHERS)
def test_a_step_names_issuer_product_and_subject_of_the_offer(village: Village, field: str) -> None:
    offer = offered(village)
    error = village.refusal(benefit(village, "revoke", offer, body={field: OTHERS[field]}))
    assert (error.code, error.field, error.got) == ("wrong_target", f"body.{field}", OTHERS[field])


REFUSED = [
    Refused(
        "an offer of an offer",
        "superfluous_field",
        "body.benefit",
        submitting(lambda v: benefit(v, "offer", NOWHERE)),
    ),
    *(
        Refused(
            f"{step} without the offer",
            "missing_field",
            "body.benefit",
            submitting(lambda v, step=step: benefit(v, step)),  # type: ignore[misc]
        )
        for step in STEPS
    ),
    *(
        Refused(
            f"{step} without its {name}",
            "missing_field",
            f"private.{name}",
            submitting(lambda v, step=step, other=other: benefit(v, step, private=other)),  # type: ignore[misc]
        )
        for step, name, other in (
            ("offer", "terms", None),
            ("offer", "terms", private(reason="够格")),
            ("grant", "reason", None),
            ("revoke", "reason", private(terms="四折")),
        )
    ),
    Refused(
        "a step before the one that it follows",
        "wrong_order",
        "occurred_on",
        submitting(lambda w: benefit(w, "accept", offered(w), day="2021-11-19")),
    ),
    Refused(
        "an offer to a shop", "wrong_party", "body.subject", submitting(lambda v: benefit(v, "offer", None, "shop"))
    ),
    Refused(
        "an offer to nobody", "unknown_party", "body.subject", submitting(lambda v: benefit(v, "offer", None, "mo"))
    ),
    Refused(
        "an offer of a shop",
        "wrong_party",
        "body.issuer",
        submitting(lambda v: benefit(v, "offer", body={"issuer": person("shop").party})),
    ),
    Refused(
        "an offer by the subject",
        "not_authorised",
        "signatures",
        submitting(lambda v: benefit(v, "offer", signers=("zhang/card",))),
    ),
    Refused(
        "an offer by the council",
        "not_authorised",
        "signatures",
        submitting(lambda v: benefit(v, "offer", signers=("council",))),
    ),
    *(
        Refused(
            f"{step} by {who}",
            "not_authorised",
            "signatures",
            lambda v, step=step, who=who: submitting(lambda w: benefit(w, step, offered(w), signers=(who,)))(v),  # type: ignore[misc]
        )
        for step, who in (
            ("accept", "li/phone"),
            ("accept", "decider one"),
            ("decline", "shop"),
            ("revoke", "zhang/card"),
            ("revoke", "helper one"),
        )
    ),
    Refused(
        "two who answer for one",
        "not_enough_signers",
        "signatures",
        submitting(lambda w: benefit(w, "accept", offered(w), signers=("zhang/card", "helper one"))),
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(village: Village, case: Refused) -> None:
    with pytest.raises(LedgerError) as caught:
        case.provoke(village)
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error


def test_an_offer_says_since_when_it_stands(village: Village) -> None:
    offer = village.must(benefit(village, "offer", day="2021-11-01")).event_id
    village.must(benefit(village, "accept", offer, day="2021-11-02"))
    fact = village.facts[benefit_key(offer)]
    assert isinstance(fact, Benefit)
    assert (fact.since, fact.subject, fact.product) == ("2021-11-02", person("zhang").party, "school_place")
    assert village.refusal(benefit(village, "grant", offer, day="2021-11-01")).code == "wrong_order"
    village.must(benefit(village, "grant", offer, day=TODAY))


def test_whoever_accepted_for_the_subject_does_not_grant(village: Village) -> None:
    village.must(village.role("decider one", "helper"))
    offer = village.must(benefit(village, "offer")).event_id
    village.must(benefit(village, "accept", offer, signers=("decider one",)))
    error = village.refusal(benefit(village, "grant", offer))
    assert (error.code, error.field, error.got) == ("own_answer", "signatures", person("decider one").party)
