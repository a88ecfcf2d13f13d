"""An erasure is recorded for whoever the log knows, as often as it is asked for; it moves nothing else."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from ledger.domain.entries import parse_entry
from ledger.domain.facts import Account, Mark
from ledger.domain.kinds.rights import PersonalDataErased, erased_key
from tests.helpers.recognition import anonymous, erase, private, village_of_honours
from tests.helpers.village import Village, person

BASES = get_args(get_type_hints(PersonalDataErased)["basis"])


@pytest.fixture
def village() -> Village:
    return village_of_honours()


@pytest.mark.parametrize("basis", BASES)
def test_an_erasure_marks_its_subject_and_concerns_nobody_else(village: Village, basis: str) -> None:
    done = village.must(erase(village, "zhang", basis))
    assert village.facts[erased_key(person("zhang").party)] == Mark(done.seq)
    assert parse_entry(done.data).effects.parties == [person("zhang").party]
    assert erased_key(person("li").party) not in village.facts


def test_balances_stay_and_the_erased_act_on(village: Village) -> None:
    village.must(village.award("zhang", "volunteer", version=2))
    village.must(erase(village, "zhang"))
    account = village.facts[f"account:{person('zhang').party}"]
    assert isinstance(account, Account)
    assert account.balances == {"merit": 200, "spend": 200}
    village.must(village.redeem("zhang", 100, version=2))


def test_who_moved_away_who_died_and_who_posted_without_a_name_can_be_erased(village: Village) -> None:
    village.must(village.party("move_out", "zhang"))
    village.must(village.party("death", "li"))
    village.must(anonymous(village, "nobody"))
    for name in ("zhang", "li", "nobody"):
        village.must(erase(village, name, "retention"))


def test_a_later_erasure_marks_the_later_entry(village: Village) -> None:
    village.must(erase(village, "zhang"))
    done = village.must(erase(village, "zhang"))
    assert village.facts[erased_key(person("zhang").party)] == Mark(done.seq)


def test_nobody_unknown_is_erased_and_nobody_but_the_data_officer_erases(village: Village) -> None:
    error = village.refusal(erase(village, "stranger"))
    assert (error.code, error.field, error.got) == ("unknown_party", "body.subject", person("stranger").party)
    for signer in ("mayor", "council", "zhang/card"):
        error = village.refusal(erase(village, "zhang", "request", signer))
        assert (error.code, error.field) == ("not_authorised", "signatures")


def test_an_erasure_carries_no_details_of_its_own(village: Village) -> None:
    body = {"basis": "request", "subject": person("zhang").party}
    told = village.make("personal_data_erased", body, "data_officer one", private=private(reason="本人要求"))
    assert village.refusal(told).code == "unknown_private"
