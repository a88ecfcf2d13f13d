"""What villagers, officers, shops and organisations may try against the points of a village: none of it works."""

from __future__ import annotations

from ledger.domain.append import Appended
from ledger.domain.entries import pairs, parse_entry
from tests.helpers.recognition import behind, benefit, village_of_honours
from tests.helpers.village import OFFICERS, Village, person
from tests.helpers.village_rules import BOOK, RULES, rule

GRABBED = rule("grabbed", target="organisation")


def village_with_two_issuers() -> Village:
    """A village in which the forestry station earns points of the cooperative, and issues its own."""
    village = Village.founded()
    village.must(village.party("register", "forestry", type="organisation", day="2021-01-01"))
    village.must(village.role("ranger", "issuer", scope=person("forestry").party))
    village.must(village.role("bursar", "finance", scope=person("forestry").party))
    book = {**BOOK, "version": 2, "rules": [*BOOK["rules"], GRABBED]}
    village.must(village.adopt(book, "2021-11-01", day="2021-10-30"))
    village.version = 2
    return village


def by_forestry() -> dict[str, str]:
    return {"issuer": person("forestry").party}


def believed(entry: Appended) -> bool:
    """Whether somebody who knows nothing but the entry takes its postings for possible."""
    read = parse_entry(entry.data)
    return read.event.body.check_postings(pairs(read.effects.postings))


def test_a_reversal_never_gives_points_to_an_organisation_that_spent_them_by_issuing_its_own() -> None:
    village = village_with_two_issuers()
    grabbed = village.must(
        village.award("forestry", "grabbed", body={"amount_units": 200, "units": ["merit", "spend"]})
    )
    village.must(village.award("zhang", "volunteer", 5, signers=("ranger",), body=by_forestry()))
    assert village.balance("forestry") == -800
    reversal = village.must(village.reverse(grabbed))
    assert village.balance("forestry") == -800, "what it no longer has is a shortfall"
    assert village.balance("coop") == -200
    assert believed(reversal)


def test_a_reversal_takes_nothing_from_a_shop_that_another_organisation_owes_it() -> None:
    village = village_with_two_issuers()
    village.must(village.award("zhang", "volunteer", 10))
    settled = village.must(village.redeem("zhang", 100))
    village.must(village.settle(100, settled))
    owed = village.must(village.redeem("zhang", 100, body=by_forestry()))
    village.must(village.reverse(settled))
    assert village.balance("shop") == 100, "the cooperative bears it, and nets it later"
    village.must(village.settle(100, owed, signers=("shop", "bursar"), body=by_forestry()))
    again = village.must(village.redeem("zhang", 150))
    village.must(village.settle(150, again, netted=100))
    assert village.balance("shop") == 0


def test_a_shop_settles_nothing_that_was_taken_back_by_naming_an_earlier_entry() -> None:
    village = village_with_two_issuers()
    village.must(village.award("zhang", "volunteer", 10))
    village.must(village.redeem("zhang", 100))
    second = village.must(village.redeem("zhang", 150))
    village.must(village.redeem("zhang", 200, body=by_forestry()))
    village.must(village.reverse(second))
    assert village.refusal(village.settle(250, second)).expected == "100, of which netted 0"
    village.must(village.settle(100, second))
    assert village.balance("shop") == 200


def test_nothing_is_exchanged_by_a_rule_of_the_past() -> None:
    village = Village.founded()
    village.must(village.award("zhang", "volunteer", 5))
    changed = [one for one in BOOK["rules"] if one["id"] != "exchange"]
    dear = [*changed, {**RULES["exchange"], "bill_share_bp": 2000}]
    village.must(village.adopt({**BOOK, "version": 2, "rules": dear}, "2021-11-01", day="2021-10-30"))
    error = village.refusal(village.redeem("zhang", 100, version=1, day="2021-10-31"))
    assert (error.code, error.field) == ("rule_not_in_force", "rule.version")
    village.must(village.redeem("zhang", 100, version=2, body={"bill_fen": 500}))


def test_the_ledgers_key_cannot_date_a_notice_back_to_take_points_at_once() -> None:
    village = Village.founded()
    village.must(village.award("zhang", "lapsing", day="2021-09-01"))
    village.must(village.lapse("notice", "zhang", 200, "2021-10-11", day="2021-10-12"))
    assert village.refusal(village.lapse("expire", "zhang", 200, "2021-10-11")).code == "no_notice"


def test_a_deduction_that_was_taken_back_leaves_its_cap_free_for_the_right_one() -> None:
    village = Village.founded()
    capped = [{**one, "caps": {"day_units": 200}} if one["id"] == "burning" else one for one in BOOK["rules"]]
    village.must(village.adopt({**BOOK, "version": 2, "rules": capped}, "2021-11-01", day="2021-10-30"))
    village.must(village.carry("zhang", 50))
    deducted = village.must(village.deduct("zhang", version=2))
    assert village.balance("zhang") == 0, "150 of 200 are a shortfall"
    village.must(village.reverse(deducted))
    village.must(village.deduct("zhang", version=2))


def test_a_deduction_harms_no_ledger_that_has_merit_alone() -> None:
    village = Village()
    village.must(village.found(units=["merit"]))
    for name in OFFICERS:
        village.must(village.role(name, name.split()[0]))
    for name, kind in (("coop", "organisation"), ("zhang", "resident")):
        village.must(village.party("register", name, type=kind, day="2021-01-01"))
    village.must(village.adopt(BOOK, "2021-01-01"))
    deducted = village.must(village.deduct("zhang"))
    assert village.balance("zhang", "merit") == -200
    assert believed(deducted)


def test_nobody_offers_a_benefit_accepts_it_for_the_subject_and_grants_it() -> None:
    village = village_of_honours()
    village.must(village.role("decider one", "helper"))
    village.must(village.role("decider two", "decider"))
    behind(village, "helper one", "wang")
    behind(village, "decider two", "wang")
    for helper, decider, other in (
        ("decider one", "decider one", "decider two"),
        ("helper one", "decider two", "decider one"),
    ):
        offer = village.must(benefit(village, "offer")).event_id
        village.must(benefit(village, "accept", offer, signers=(helper,)))
        assert village.refusal(benefit(village, "grant", offer, signers=(decider,))).code == "own_answer"
        village.must(benefit(village, "grant", offer, signers=(other,)))
