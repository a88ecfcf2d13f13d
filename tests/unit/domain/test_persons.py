"""The resident behind an officer's key: stated with a grant, once, so that one person never counts as two."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.entries import parse_entry, parse_submission
from ledger.domain.facts import Person
from ledger.domain.state import Replay
from ledger.errors import RefusalError
from tests.helpers.provoke import Refused, submitting
from tests.helpers.village import Village, person
from tests.helpers.workflow import working_village

ZHANG, LI = person("zhang").party, person("li").party


@pytest.fixture
def village() -> Village:
    return Village.founded()


def behind(village: Village, name: str) -> str | None:
    """The resident behind the key ``name``."""
    fact: Any = village.facts.get(f"person:{person(name).key}")
    return fact.party if fact else None


def test_a_grant_states_the_resident_behind_the_key(village: Village) -> None:
    made = village.must(village.role("helper", "helper", person="zhang"))
    assert village.facts[f"person:{person('helper').key}"] == Person(party=ZHANG)
    assert ZHANG in made.parties, "the body names every party that the event is about"
    assert behind(village, "clerk") is None


def test_an_officer_without_a_person_is_still_one(village: Village) -> None:
    made = village.must(village.role("helper", "helper"))
    assert made.parties == [person("helper").party]
    assert behind(village, "helper") is None


def test_the_person_may_be_stated_with_a_later_grant_and_said_again(village: Village) -> None:
    village.must(village.role("issuer", "helper", person="li"))
    village.must(village.role("issuer", "reviewer", person="li"))
    village.must(village.role("issuer", "oversight"))
    assert behind(village, "issuer") == LI


def test_the_person_behind_a_key_stays_when_its_roles_end(village: Village) -> None:
    village.must(village.role("helper", "helper", person="zhang"))
    village.must(village.role("helper", "helper", action="revoke"))
    assert behind(village, "helper") == ZHANG
    assert village.refusal(village.role("helper", "helper", person="li")).code == "person_stated"
    village.must(village.role("helper", "helper"))
    assert behind(village, "helper") == ZHANG


def test_each_key_of_a_party_has_its_own_person(village: Village) -> None:
    """An organisation acts by several people, and one person may hold several keys."""
    village.must(village.role("coop/first", "finance", person="zhang"))
    village.must(village.role("coop/second", "finance", person="li"))
    village.must(village.role("helper", "helper", person="li"))
    assert [behind(village, name) for name in ("coop/first", "coop/second", "helper")] == [ZHANG, LI, LI]


def test_two_keys_of_one_person_are_one_signer_from_the_next_entry_on(village: Village) -> None:
    village.must(village.role("clerk", "helper", person="zhang"))
    village.must(village.party("register", "wang", type="resident"))
    stated = village.role("clerk two", "helper", person="zhang")
    late = village.party("register", "zhao", type="resident")
    assert [getattr(one, "code", "ok") for one in village.submit(stated, late)] == ["ok", "same_person"]


def test_an_organisation_does_not_decide_its_own_case_by_a_person_of_its_own() -> None:
    """The resident behind the key does not hide whose key it is."""
    village = working_village()
    village.must(village.role("water", "issuer", person="li"))
    refusal = village.refusal(village.award("water", "grabbed", version=2, signers=("water",)))
    assert (refusal.code, refusal.got) == ("own_case", person("water").party)


def test_a_refused_grant_states_nobody(village: Village) -> None:
    assert village.refusal(village.role("issuer", "issuer", person="zhang")).code == "role_held"
    assert behind(village, "issuer") is None


def test_the_writer_is_told_of_every_fact_that_the_event_changes(village: Village) -> None:
    event = parse_submission(village.role("helper", "helper", person="zhang")).event
    key = person("helper").key
    assert {f"key:{key}", f"person:{key}", f"party:{ZHANG}"} <= set(event.body.needs(event, [], ""))


def test_a_replay_gives_the_same_persons(village: Village) -> None:
    village.must(village.role("helper", "helper", person="zhang"))
    replay = Replay(village.entries.__getitem__)
    for data in village.entries:
        replay.apply(data)
    assert replay.facts[f"person:{person('helper').key}"] == Person(party=ZHANG)
    assert parse_entry(village.entries[-1]).effects.postings == []


REFUSED = [
    Refused(name, code, "body.person", submitting(lambda v, who=who: v.role("helper", "helper", person=who)))
    for name, code, who in (
        ("a person whom nobody registered", "unknown_party", "nobody"),
        ("a household", "wrong_party", "house"),
        ("an organisation", "wrong_party", "coop"),
        ("another officer", "wrong_party", "issuer"),
        ("the officer's own party", "unknown_party", "helper"),
    )
]
REFUSED += [
    Refused(
        "a person who died",
        "inactive_party",
        "body.person",
        submitting(lambda v: v.party("death", "zhang"), lambda v: v.role("helper", "helper", person="zhang")),
    ),
    Refused(
        "another person than was stated",
        "person_stated",
        "body.person",
        submitting(
            lambda v: v.role("helper", "helper", person="zhang"), lambda v: v.role("helper", "clerk", person="li")
        ),
    ),
    Refused(
        "a person with a revocation",
        "superfluous_field",
        "body.person",
        submitting(
            lambda v: v.role("helper", "helper", person="zhang"),
            lambda v: v.role("helper", "helper", action="revoke", person="zhang"),
        ),
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(RefusalError) as caught:
        case.provoke(Village.founded())
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error


def test_the_township_alone_says_who_is_behind_a_key(village: Village) -> None:
    assert village.refusal(village.role("helper", "helper", "council", person="zhang")).code == "not_authorised"
