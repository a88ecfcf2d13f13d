"""Composed foshan: the same bytes for the same seed, exactly the stated figures, and nothing refused by accident."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

import pytest

from ledger.core.encoding import canonical, parse_json
from ledger.domain.disclosures import check_disclosures
from ledger.domain.entries import Submission, check_submitted, event_bytes, parse_submission
from ledger.domain.kinds.credentials import CredentialChanged
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded
from ledger.domain.kinds.spending import PointsRedeemed
from ledger.domain.kinds.tasks import TaskPublished
from ledger.scenarios.foshan import SEED, Composed, compose, roots_of, scenario_of
from ledger.scenarios.foshan.refusals import ATTEMPTS
from ledger.scenarios.reading import Reader
from tests.unit.scenarios.memory import MemoryLedger

SMALL = 0.02
SMALL_DIGEST = "6e97af31c6fe3c2e2ce24ece4fc865205dcd0eea3b2f6b78703d28d8ce28fa25"
"""SHA-256 of the small scenario: every event, signature and disclosure. It moves with the story, never the machine."""


@cache
def small() -> Composed:
    return compose(scale=SMALL)


@cache
def full() -> Composed:
    return compose()


def digest_of(scenario: Composed) -> str:
    return sha256(b"\n".join(canonical(parse_json(signed.data)) for signed in scenario.submissions)).hexdigest()


@cache
def accepted() -> list[Submission]:
    """What is to be accepted at full size."""
    return [parse_submission(signed.data) for signed in full().submissions if signed.refused is None]


def bodies() -> Iterator[object]:
    return (submission.event.body for submission in accepted())


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest_of(compose(scale=SMALL)) == digest_of(small()) == SMALL_DIGEST


def test_another_seed_gives_other_parties_keys_and_ids() -> None:
    other = compose(SEED + 1, SMALL)
    assert digest_of(other) != digest_of(small())
    for mine, its in ((ids(small()), ids(other)), (parties(small()), parties(other)), (keys(small()), keys(other))):
        assert not mine & its


def ids(scenario: Composed) -> set[str]:
    return {signed.id for signed in scenario.submissions}


def parties(scenario: Composed) -> set[str]:
    return {resident.actor.party for resident in scenario.village.residents}


def keys(scenario: Composed) -> set[str]:
    return {resident.actor.key_id for resident in scenario.village.residents}


def test_the_root_keys_are_the_same_at_every_scale() -> None:
    assert roots_of() == small().village.officers["township"] == full().village.officers["township"]


def test_no_two_events_share_an_id_but_the_one_that_tries_to() -> None:
    counts = Counter(signed.id for signed in full().submissions)
    twice = [signed for signed in full().submissions if counts[signed.id] > 1]
    assert [signed.refused for signed in twice] == [None, "id_conflict"]


def test_every_submission_is_canonical_and_keeps_the_rules_of_its_form() -> None:
    for signed in small().submissions:
        submission = parse_submission(signed.data)
        data = event_bytes(submission.event)
        check_submitted(data)
        check_disclosures(submission.event, submission.disclosures)
        value = parse_json(signed.data)
        assert isinstance(value, dict)
        assert canonical(value["event"]) == data
        assert submission.event.id == signed.id


def test_at_full_size_the_people_are_exactly_as_stated() -> None:
    stated = full().sources.plan.stated
    registered = Counter(b.type for b in bodies() if isinstance(b, PartyChanged) and b.action == "register")
    assert registered["resident"] == stated.residents == 1151
    assert registered["household"] == 386
    assert registered["group"] == 8
    assert registered["shop"] >= 3
    coverage = registered["resident"] * 10_000 // full().sources.plan.split.population
    assert coverage // 100 == stated.coverage_bp // 100 == 93


def test_at_full_size_the_activities_have_exactly_the_stated_places() -> None:
    places = Counter(body.capacity for body in bodies() if isinstance(body, TaskPublished))
    assert places == {18: 174, 17: 167}
    assert places.total() == 341
    assert sum(size * number for size, number in places.items()) == 5971


def test_every_resident_is_registered_by_two_clerks_and_holds_a_card() -> None:
    clerks = {clerk.key_id for clerk in full().village.officers["clerk"]}
    cards = set()
    for submission in accepted():
        body = submission.event.body
        if isinstance(body, PartyChanged):
            assert len(submission.signatures) == 2
            assert {signature.key for signature in submission.signatures} <= clerks
        if isinstance(body, CredentialChanged) and body.action == "issue":
            cards.add(body.party)
    assert cards == {resident.actor.party for resident in full().village.residents}


def test_every_redemption_is_signed_by_shop_and_card_and_worth_its_bill() -> None:
    shops = {shop.key_id for shop in full().village.shops}
    saved = 0
    for submission in accepted():
        body = submission.event.body
        if isinstance(body, PointsRedeemed):
            assert len(submission.signatures) == 2
            assert submission.signatures[0].key in shops
            assert submission.signatures[1].key not in shops
            assert body.amount_units == body.bill_fen
            saved += body.bill_fen
    assert saved > full().sources.plan.stated.saved_over_fen


def test_several_officers_share_the_work() -> None:
    signers = {s.key for submission in accepted() for s in submission.signatures[:1]}
    for role, number in (("issuer", 3), ("clerk", 3), ("township", 1)):
        assert sum(officer.key_id in signers for officer in full().village.officers[role]) == number, role


def test_every_way_to_earn_is_used_and_the_book_stands_before_the_first_act() -> None:
    rules = {rule.id for rule in full().sources.book.rules if rule.type == "award"}
    awards = [s.event for s in accepted() if isinstance(s.event.body, PointsAwarded)]
    assert {event.named_rule.id for event in awards} == rules
    assert len(rules) == 9
    first = min(event.occurred_on for event in awards)
    assert full().sources.plan.split.book_effective.isoformat() <= first
    assert max(s.event.occurred_on for s in accepted()) <= "2021-12-17"


def test_private_details_stand_in_no_event() -> None:
    plain = b"".join(event_bytes(parse_submission(signed.data).event) for signed in small().submissions)
    for resident in small().village.residents:
        assert resident.number.encode() not in plain
    for place in small().sources.plan.names.places:
        assert place.encode() not in plain


def test_party_ids_do_not_come_from_names() -> None:
    by_name: dict[str, set[str]] = {}
    for resident in full().village.residents:
        by_name.setdefault(resident.actor.name, set()).add(resident.actor.party)
    assert len(parties(full())) == 1151
    assert any(len(found) > 1 for found in by_name.values()), "two people of one name are two parties"


@pytest.mark.parametrize("scale", [0.0, 0.009, 1.01, float("nan")])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        compose(scale=scale)


def test_the_ledger_takes_all_that_it_should_and_refuses_the_rest_with_the_expected_code() -> None:
    check_through_memory(small())


@pytest.mark.slow
def test_the_ledger_takes_all_of_it_at_full_size() -> None:
    check_through_memory(full())


def check_through_memory(scenario: Composed) -> None:
    ledger = MemoryLedger(scenario_of(scenario).chronicles[0])
    refused = []
    for signed in scenario.submissions:
        if signed.refused == "id_conflict":
            ledger.remember([next(s for s in scenario.submissions if s.id == signed.id)])
        code = ledger.send(signed)
        assert code == signed.refused, (signed.phase, signed.kind, code)
        refused += [code] if code else []
    assert refused == [code for code, _ in ATTEMPTS]
    reader = Reader()
    for entry in ledger.entries():
        reader.see(entry)
    figures = reader.figures()
    size = scenario.size
    assert (figures.residents, figures.households, figures.groups) == (size.residents, size.households, size.groups)
    assert (figures.activities, figures.participations) == (size.activities, size.participations)
    assert figures.saved_fen > size.target_fen
    assert figures.redeemed_units == figures.saved_fen
    assert figures.reversals == size.mistaken_awards + size.mistaken_bills
    assert ledger.spend_never_below_zero(scenario.village.committee.party)
