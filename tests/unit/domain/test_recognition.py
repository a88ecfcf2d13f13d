"""Monthly ratings and honours: by a published rule, once, for parties of the rule's target, never in the own case."""

from __future__ import annotations

import pytest

from ledger.domain.entries import parse_entry
from ledger.domain.events import PARTIES_MAX
from ledger.domain.facts import Honours, stands
from ledger.domain.fields import RuleRef
from ledger.domain.kinds.recognition import honour_stands, honours_key, rated_key
from ledger.errors import FormatError, LedgerError
from tests.helpers.provoke import Refused, submitting
from tests.helpers.recognition import RULES, behind, honour, private, rate, village_of_honours
from tests.helpers.village import TODAY, Village, person
from tests.helpers.village_rules import BOOK


@pytest.fixture
def village() -> Village:
    return village_of_honours()


def held(village: Village, name: str = "house", day: str = TODAY) -> set[str]:
    """The rules whose honours a party holds on a day."""
    fact = village.facts.get(honours_key(person(name).party))
    return {one.rule for one in fact.honours if honour_stands(one, day)} if isinstance(fact, Honours) else set()


def rated(village: Village, name: str, period: str = "2021-11", rule: str = "monthly") -> bool:
    ref = RuleRef(book="points", version=2, id=rule)
    return stands(village.facts.get(rated_key(ref, period, person(name).party)))


# Ratings --------------------------------------------------------------------------------------------------------------


def test_a_rating_concerns_its_issuer_and_everybody_rated_and_moves_nothing(village: Village) -> None:
    done = village.must(rate(village, {"zhang": "excellent", "li": "fair"}))
    effects = parse_entry(done.data).effects
    assert effects.parties == sorted(person(name).party for name in ("coop", "zhang", "li"))
    assert effects.postings == []
    assert rated(village, "zhang")
    assert rated(village, "li")
    assert not rated(village, "wang")


def test_the_parts_of_a_rating_share_its_id_and_rate_nobody_twice(village: Village) -> None:
    village.must(rate(village, {"zhang": "good"}))
    assert village.refusal(rate(village, {"wang": "good", "zhang": "fair"})).code == "rated_before"
    village.must(rate(village, {"li": "good", "wang": "good"}))


def test_each_month_and_each_rule_is_rated_by_itself(village: Village) -> None:
    village.must(rate(village, {"zhang": "good"}))
    village.must(rate(village, {"zhang": "fair"}, body={"period": "2021-10"}))
    assert rated(village, "zhang", "2021-10")
    village.must(rate(village, {"forestry": "good"}, rule="grid_work", signers=("community one", "council")))
    assert rated(village, "forestry", rule="grid_work")


def test_a_new_version_of_the_book_does_not_rate_a_month_again(village: Village) -> None:
    village.must(rate(village, {"zhang": "good"}))
    village.must(village.adopt({**BOOK, "version": 3, "rules": [*BOOK["rules"], *RULES]}, TODAY))
    assert village.refusal(rate(village, {"zhang": "good"}, version=3)).code == "rated_before"


def test_an_event_rates_at_most_as_many_as_it_may_concern(village: Village) -> None:
    names = [f"resident {number}" for number in range(PARTIES_MAX)]
    for name in names:
        village.must(village.party("register", name, type="resident"))
    done = village.must(rate(village, dict.fromkeys(names[1:], "good")))
    assert len(parse_entry(done.data).effects.parties) == PARTIES_MAX
    with pytest.raises(FormatError, match="length <= 99"):
        village.submit(rate(village, dict.fromkeys(names, "good"), body={"period": "2021-10"}))


# Honours --------------------------------------------------------------------------------------------------------------


def test_an_honour_stands_from_the_day_it_is_granted_until_the_end_of_its_last_day(village: Village) -> None:
    village.must(honour(village, "clean", day="2021-07-01", valid_to="2021-09-30", private=private(title="洁净之家")))
    days = ("2021-06-30", "2021-07-01", "2021-09-30", "2021-10-01")
    assert [held(village, day=day) for day in days] == [set(), {"clean"}, {"clean"}, set()]


def test_an_honour_is_granted_again_once_the_last_day_is_over(village: Village) -> None:
    village.must(honour(village, "clean", day="2021-07-01", valid_to="2021-09-30"))
    assert village.refusal(honour(village, "clean", day="2021-09-30")).code == "honour_held"
    village.must(honour(village, "clean", day="2021-10-01"))
    assert held(village) == {"clean"}


def test_an_older_honour_may_be_entered_late_where_it_does_not_overlap(village: Village) -> None:
    village.must(honour(village, "clean", day="2021-07-01"))
    assert village.refusal(honour(village, "clean", day="2021-03-01", valid_to="2021-07-01")).code == "honour_held"
    assert village.refusal(honour(village, "clean", day="2021-03-01")).code == "honour_held"
    village.must(honour(village, "clean", day="2021-03-01", valid_to="2021-06-30"))
    assert held(village, day="2021-03-01") == held(village, day="2021-07-01") == {"clean"}


def test_a_withdrawn_honour_stands_no_more_and_may_be_granted_again(village: Village) -> None:
    village.must(honour(village, "clean", day="2021-07-01"))
    village.must(honour(village, "filial", day="2021-07-01"))
    village.must(honour(village, "clean", action="withdraw", private=private(citation="垃圾未清")))
    assert held(village) == {"filial"}
    assert village.refusal(honour(village, "clean", action="withdraw")).code == "honour_not_held"
    village.must(honour(village, "clean"))
    assert held(village) == {"filial", "clean"}


def test_the_honour_of_a_household_that_ended_can_still_be_withdrawn(village: Village) -> None:
    village.must(village.party("register", "barn", type="household", day="2021-01-01"))
    village.must(honour(village, "clean", "barn", day="2021-07-01"))
    village.must(village.party("merge", "barn", other="house"))
    village.must(honour(village, "clean", "barn", "withdraw"))
    assert held(village, "barn") == set()


def test_a_pacesetter_needs_three_different_stars_that_stand_that_day(village: Village) -> None:
    """The end of a period, a star of another category and a star that came later do not count."""
    village.must(honour(village, "clean", day="2021-03-01", valid_to="2021-06-30"))
    village.must(honour(village, "clean", day="2021-07-01"))
    village.must(honour(village, "filial", day="2021-03-01", valid_to="2021-10-31"))
    village.must(honour(village, "reader", day="2021-03-01"))
    village.must(honour(village, "lawful", day="2021-11-01"))
    for day in ("2021-09-01", "2021-10-31", "2021-11-01"):
        error = village.refusal(honour(village, "pacesetter", day=day))
        assert (error.code, error.expected) == ("honours_missing", "3 of star")
    village.must(honour(village, "filial", day="2021-11-01"))
    village.must(honour(village, "pacesetter", day="2021-11-01"))
    assert "pacesetter" in held(village)


def test_a_star_that_was_withdrawn_does_not_count_for_a_pacesetter(village: Village) -> None:
    for star in ("clean", "filial", "lawful"):
        village.must(honour(village, star, day="2021-03-01"))
    village.must(honour(village, "lawful", action="withdraw"))
    assert village.refusal(honour(village, "pacesetter")).got == "2: clean, filial"


def test_nobody_rates_the_own_person_or_organisation(village: Village) -> None:
    village.must(village.role("community two", "community", person="zhang"))
    village.must(village.role("forestry", "community", person="li"))
    own = rate(village, {"li": "good", "zhang": "good"}, signers=("community two",))
    assert village.refusal(own).code == "own_case"
    grid = rate(village, {"forestry": "good"}, rule="grid_work", signers=("forestry", "council"))
    assert village.refusal(grid).code == "own_case"
    village.must(rate(village, {"li": "good", "zhang": "good"}))


def test_no_councillor_honours_the_own_person(village: Village) -> None:
    behind(village, "council two", "zhang")
    signers = ("council two",)
    assert village.refusal(honour(village, "good_neighbour", "zhang", signers=signers)).code == "own_case"
    village.must(honour(village, "good_neighbour", "li", signers=signers))
    village.must(honour(village, "good_neighbour", "zhang"))


# Refusals -------------------------------------------------------------------------------------------------------------

REFUSED = [
    Refused(
        "a tier that the rule lacks",
        "unknown_tier",
        "body.tiers.0.tier",
        submitting(lambda v: rate(v, {"zhang": "superb"})),
    ),
    Refused(
        "a month that has not begun",
        "bad_period",
        "body.period",
        submitting(lambda v: rate(v, {"zhang": "good"}, body={"period": "2021-12"})),
    ),
    Refused(
        "a party twice",
        "bad_order",
        "body.tiers",
        submitting(lambda v: rate(v, {}, body={"tiers": [{"party": person("zhang").party, "tier": "good"}] * 2})),
    ),
    Refused(
        "parties out of order",
        "bad_order",
        "body.tiers",
        submitting(
            lambda v: rate(
                v,
                {},
                body={
                    "tiers": [
                        {"party": party, "tier": "good"}
                        for party in sorted((person("zhang").party, person("li").party), reverse=True)
                    ]
                },
            )
        ),
    ),
    Refused(
        "rated before",
        "rated_before",
        "body.tiers.0.party",
        submitting(lambda v: rate(v, {"zhang": "good"}), lambda v: rate(v, {"zhang": "good"})),
    ),
    Refused(
        "a household under a rule for persons",
        "wrong_party",
        "body.tiers.0.party",
        submitting(lambda v: rate(v, {"house": "good"})),
    ),
    Refused(
        "a rated stranger", "unknown_party", "body.tiers.0.party", submitting(lambda v: rate(v, {"nobody": "good"}))
    ),
    Refused(
        "a rated party that is gone",
        "inactive_party",
        "body.tiers.0.party",
        submitting(lambda v: v.party("death", "zhang"), lambda v: rate(v, {"zhang": "good"})),
    ),
    Refused(
        "before the party was registered",
        "not_yet_registered",
        "occurred_on",
        submitting(lambda v: rate(v, {"wang": "good"}, day="2021-05-31", body={"period": "2021-05"})),
    ),
    Refused(
        "an issuer that is no organisation",
        "wrong_party",
        "body.issuer",
        submitting(lambda v: rate(v, {"zhang": "good"}, body={"issuer": person("shop").party})),
    ),
    Refused(
        "a rating by a rule for points",
        "wrong_rule",
        "rule.id",
        submitting(lambda v: rate(v, {"zhang": "good"}, rule="volunteer")),
    ),
    Refused(
        "a rating before its rule",
        "rule_not_in_force",
        "rule.version",
        submitting(lambda v: rate(v, {"zhang": "good"}, day="2021-01-31", body={"period": "2021-01"})),
    ),
    Refused(
        "too few approvals of a rating",
        "not_enough_signers",
        "signatures",
        submitting(lambda v: rate(v, {"forestry": "good"}, rule="grid_work")),
    ),
    Refused(
        "a rating by the village",
        "not_authorised",
        "signatures",
        submitting(lambda v: rate(v, {"zhang": "good"}, signers=("village one",))),
    ),
    Refused(
        "a rating with private details",
        "unknown_private",
        "private",
        submitting(lambda v: rate(v, {"zhang": "good"}, private=private(text="好"))),
    ),
    Refused(
        "an honour that stands already",
        "honour_held",
        "body.subject",
        submitting(lambda v: honour(v, "clean"), lambda v: honour(v, "clean")),
    ),
    Refused(
        "withdrawing what is not held",
        "honour_not_held",
        "rule.id",
        submitting(lambda v: honour(v, "filial"), lambda v: honour(v, "clean", action="withdraw")),
    ),
    Refused(
        "withdrawing what has run out",
        "honour_not_held",
        "rule.id",
        submitting(
            lambda v: honour(v, "clean", day="2021-03-01", valid_to="2021-03-31"),
            lambda v: honour(v, "clean", action="withdraw"),
        ),
    ),
    Refused(
        "withdrawing before it was granted",
        "honour_not_held",
        "rule.id",
        submitting(
            lambda v: honour(v, "clean", day="2021-03-02"),
            lambda v: honour(v, "clean", action="withdraw", day="2021-03-01"),
        ),
    ),
    Refused(
        "withdrawing until a day",
        "superfluous_field",
        "body.valid_to",
        submitting(
            lambda v: honour(v, "clean"), lambda v: honour(v, "clean", action="withdraw", valid_to="2021-12-31")
        ),
    ),
    *(
        Refused(
            f"an honour until {day}",
            "bad_days",
            "body.valid_to",
            submitting(lambda v, day=day: honour(v, "clean", valid_to=day)),  # type: ignore[misc]
        )
        for day in (TODAY, "2021-11-19", "2021-11-31")
    ),
    Refused("stars missing", "honours_missing", "body.subject", submitting(lambda v: honour(v, "pacesetter"))),
    Refused(
        "an honour of another target", "wrong_party", "body.subject", submitting(lambda v: honour(v, "clean", "zhang"))
    ),
    Refused(
        "an honour by a rule for ratings", "wrong_rule", "rule.id", submitting(lambda v: honour(v, "monthly", "zhang"))
    ),
    Refused(
        "too few approvals of an honour",
        "not_enough_signers",
        "signatures",
        submitting(lambda v: honour(v, "solemn", private=private(citation="三代同堂"))),
    ),
    Refused(
        "an honour without its evidence",
        "evidence_missing",
        "private",
        submitting(lambda v: honour(v, "solemn", signers=("council", "council two"))),
    ),
    Refused(
        "an honour by the community",
        "not_authorised",
        "signatures",
        submitting(lambda v: honour(v, "clean", signers=("community one",))),
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(village: Village, case: Refused) -> None:
    with pytest.raises(LedgerError) as caught:
        case.provoke(village)
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error


def test_a_solemn_honour_is_granted_with_all_that_its_rule_asks(village: Village) -> None:
    citation = private(citation="三代同堂")
    village.must(honour(village, "solemn", signers=("council", "council two"), private=citation))
    assert held(village) == {"solemn"}
