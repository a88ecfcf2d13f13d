"""Grants hold from the entry after they were made until the entry that ends them; every signer fills a role."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from ledger.domain.facts import Grant, Key
from ledger.domain.fields import ANYWHERE
from ledger.domain.roles import Requirement, authorise_again, roles_in_force
from ledger.errors import RefusalError
from tests.helpers.village import Village, founding_body, person

COOP, SHOP = person("coop").party, person("shop").party


def key(name: str, *grants: tuple[str, str] | Grant) -> Key:
    one = person(name)
    made = [g if isinstance(g, Grant) else Grant(role=g[0], scope=g[1], from_=0) for g in grants]
    return Key(grants=made, key=one.key, party=one.party, public=one.public, suite="ed25519")


def may(requirements: list[Requirement], *keys: Key, seq: int = 9) -> str:
    """``yes``, or the code of the refusal."""
    try:
        authorise_again(requirements, keys, actor=keys[0].party, seq=seq)
    except RefusalError as error:
        return error.code
    return "yes"


@pytest.mark.parametrize(("seq", "holds"), [(4, False), (5, False), (6, True), (19, True), (20, False), (21, False)])
def test_a_grant_holds_after_its_entry_and_before_the_entry_that_ends_it(seq: int, holds: bool) -> None:
    one = key("a", Grant(role="issuer", scope=ANYWHERE, from_=5, until=20))
    assert (may([Requirement(("issuer",))], one, seq=seq) == "yes") is holds
    assert (("issuer", ANYWHERE) in roles_in_force(one, seq)) is holds


def test_a_grant_without_an_end_holds_for_ever() -> None:
    assert may([Requirement(("issuer",))], key("a", Grant(role="issuer", scope="*", from_=5)), seq=10**9) == "yes"


@pytest.mark.parametrize(
    ("scope", "wanted", "answer"),
    [
        (ANYWHERE, COOP, "yes"),
        (COOP, COOP, "yes"),
        (SHOP, COOP, "not_authorised"),
        (COOP, ANYWHERE, "not_authorised"),
        (ANYWHERE, ANYWHERE, "yes"),
    ],
)
def test_a_role_covers_its_scope_and_no_more(scope: str, wanted: str, answer: str) -> None:
    assert may([Requirement(("issuer",), scope=wanted)], key("a", ("issuer", scope))) == answer


def test_what_is_remembered_of_a_signer_holds_neither_for_earlier_entries_nor_for_its_ended_grant() -> None:
    need = (Requirement(("issuer",)),)
    one = key("a", Grant(role="issuer", scope=ANYWHERE, from_=5))
    assert [may(need, one, seq=seq) for seq in (6, 7)] == ["yes", "yes"]
    assert may(need, one, seq=5) == "not_authorised"
    ended = key("a", Grant(role="issuer", scope=ANYWHERE, from_=5, until=9))
    assert [may(need, ended, seq=seq) for seq in (8, 9, 8, 10)] == ["yes", "not_authorised", "yes", "not_authorised"]


def test_a_requirement_of_one_party_is_filled_by_that_party_alone() -> None:
    need = [Requirement(("shop",), scope=SHOP, party=SHOP)]
    assert may(need, key("shop", ("shop", SHOP))) == "yes"
    assert may(need, key("market", ("shop", ANYWHERE))) == "not_authorised"


def test_signers_with_several_roles_are_matched_so_that_every_requirement_is_met() -> None:
    needs = [Requirement(("issuer",)), Requirement(("oversight", "reviewer"))]
    both = key("a", ("issuer", "*"), ("oversight", "*"))
    assert may(needs, both, key("b", ("issuer", "*"))) == "yes"
    assert may(needs, key("b", ("issuer", "*")), both) == "yes"
    assert may(needs, both, key("b", ("oversight", "*"))) == "yes"


def test_one_party_never_fills_two_requirements() -> None:
    needs = [Requirement(("issuer",)), Requirement(("oversight",))]
    assert may(needs, key("a", ("issuer", "*"), ("oversight", "*"))) == "not_enough_signers"
    assert may(needs, key("a", ("issuer", "*")), key("a/2", ("oversight", "*"))) == "signed_twice"


def test_a_signer_without_a_role_refuses_the_event_even_if_it_is_not_needed() -> None:
    needs = [Requirement(("issuer",)), Requirement(("reviewer",), at_least=0)]
    assert may(needs, key("a", ("issuer", "*"))) == "yes"
    assert may(needs, key("a", ("issuer", "*")), key("b", ("clerk", "*"))) == "not_authorised"


def test_a_requirement_takes_no_more_than_its_most() -> None:
    needs = [Requirement(("issuer",), at_most=1), Requirement(("reviewer",), at_least=0)]
    two_issuers = (key("a", ("issuer", "*")), key("b", ("issuer", "*")))
    assert may(needs, *two_issuers) == "not_enough_signers"
    assert may(needs, two_issuers[0], key("b", ("issuer", "*"), ("reviewer", "*"))) == "yes"


def test_the_first_signature_is_the_actors() -> None:
    with pytest.raises(RefusalError, match="the first signature is the actor's"):
        authorise_again([Requirement(("issuer",))], [key("a", ("issuer", "*"))], actor=person("b").party, seq=9)


def test_a_granted_key_signs_from_the_next_entry_on_and_not_after_its_revocation() -> None:
    village = Village.founded()
    grant = village.role("new clerk", "clerk")
    wang = village.party("register", "wang", type="resident", signers=("new clerk", "clerk"))
    assert [type(outcome).__name__ for outcome in village.submit(grant, wang)] == ["Appended", "Appended"]
    village.must(village.role("new clerk", "clerk", action="revoke"))
    late = village.party("register", "zhao", type="resident", signers=("new clerk", "clerk"))
    assert village.refusal(late).code == "not_authorised"
    village.must(village.role("new clerk", "clerk"))
    village.must(village.party("register", "zhao", type="resident", signers=("new clerk", "clerk")))


def test_revoking_one_scope_leaves_the_other() -> None:
    village = Village.founded()
    village.must(village.role("issuer", "issuer", scope=COOP))
    village.must(village.role("issuer", "issuer", action="revoke"))
    village.must(village.award("zhang", "volunteer"))
    village.must(village.role("issuer", "issuer", action="revoke", scope=COOP))
    assert village.refusal(village.award("zhang", "volunteer")).code == "not_authorised"


def test_an_act_of_the_township_takes_its_threshold_of_different_parties() -> None:
    village = Village()
    root = {"threshold": 2, "keys": [person(name).holder() for name in ("mayor", "deputy", "third")]}
    village.must(village.found(root=root, signers=("mayor", "deputy", "third", "ledger")))
    assert village.refusal(village.role("clerk", "clerk", "mayor")).code == "not_enough_signers"
    village.must(village.role("mayor/2", "township", "mayor", "deputy"))
    assert village.refusal(village.role("clerk", "clerk", "mayor", "mayor/2")).code == "signed_twice"
    village.must(village.role("clerk", "clerk", "mayor", "third"))


def test_those_who_end_an_authority_always_keep_theirs() -> None:
    village = Village.founded()
    village.must(village.role("mayor", "township", "deputy", action="revoke"))
    assert village.refusal(village.role("mayor", "township", "mayor")).code == "not_authorised"
    assert village.refusal(village.role("deputy", "township", "deputy", action="revoke")).code == "own_key"
    village.must(village.role("clerk three", "clerk", "deputy"))
    village.must(village.role("deputy/new", "township", "deputy"))
    village.must(village.role("deputy", "township", "deputy/new", action="revoke"))


def test_a_key_may_give_up_another_role_of_its_own() -> None:
    village = Village.founded()
    village.must(village.role("mayor", "council"))
    village.must(village.role("mayor", "council", "mayor", action="revoke"))


def test_a_township_key_of_one_partys_affairs_hands_out_no_powers() -> None:
    village = Village.founded()
    village.must(village.role("new", "township", scope=COOP))
    assert village.refusal(village.role("friend", "clerk", "new")).code == "not_authorised"


def test_a_card_signs_for_its_holder_only_and_nothing_but_redemptions() -> None:
    village = Village.founded()
    village.must(village.award("li", "volunteer"))
    stolen = village.redeem("li", 100, signers=("shop", "zhang/card"))
    assert village.refusal(stolen).code == "not_authorised"
    assert village.refusal(village.award("zhang", "volunteer", signers=("zhang/card",))).code == "not_authorised"
    village.must(village.redeem("li", 100, key="li/phone"))


def test_the_key_of_a_card_gains_no_role_and_belongs_to_its_party_for_ever() -> None:
    village = Village.founded()
    card = person("zhang/card")
    taken = village.role("new", "clerk", key=card.ref())
    assert village.refusal(taken).code == "key_taken"
    village.must(village.card("zhang/card", action="revoke"))
    assert village.refusal(taken).code == "key_taken"
    assert village.refusal(village.card("zhang/card")).code == "key_taken"


def test_a_shop_must_be_registered_before_it_gets_its_role() -> None:
    village = Village.founded()
    assert village.refusal(village.role("kiosk", "shop")).code == "unknown_party"
    assert village.refusal(village.role("coop", "shop")).code == "wrong_party"
    village.must(village.party("register", "kiosk", type="shop"))
    village.must(village.role("kiosk", "shop"))
    assert village.refusal(village.role("kiosk", "issuer")).code == "wrong_party"


@pytest.mark.parametrize(
    ("signers", "code"),
    [
        (("mayor", "ledger"), "not_enough_signers"),
        (("mayor", "deputy"), "not_enough_signers"),
        (("mayor", "deputy", "ledger", "clerk"), "unknown_key"),
        (("mayor", "deputy", "ledger"), "yes"),
        (("ledger", "deputy", "mayor"), "yes"),
    ],
)
def test_entry_0_is_signed_by_every_key_that_it_lists(signers: tuple[str, ...], code: str) -> None:
    village = Village()
    outcome = village.submit(village.found(signers=signers))[0]
    assert getattr(outcome, "code", "yes") == code


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ledger": person("mayor").holder()}, "body.root.keys"),
        ({"ledger": {**person("ledger").holder(), "party": person("mayor").party}}, "body.root.keys"),
        ({"log_key": founding_body()["log_key"].replace("foshan", "dacang")}, "body.log_key"),
        ({"log_key": founding_body(origin="a.example/b")["log_key"], "origin": "a.example/b"}, "body.log_key"),
    ],
)
def test_entry_0_lists_every_key_and_party_once_and_a_log_key_of_its_own(
    changes: dict[str, object], field: str
) -> None:
    village = Village()
    error = village.refusal(village.found(**changes))
    assert (error.code, error.field) == ("bad_founding", field)


def test_the_log_key_signs_no_events() -> None:
    root = {"threshold": 1, "keys": [person("mayor").holder(), person("log").holder()]}
    village = Village()
    assert village.refusal(village.found(root=root, signers=("mayor", "log", "ledger"))).field == "body.log_key"


def test_founding_grants_begin_with_entry_0() -> None:
    village = Village.founded()
    fact = village.facts[f"key:{person('mayor').key}"]
    assert isinstance(fact, Key)
    assert [(g.role, g.from_, g.until) for g in fact.grants] == [("township", 0, UNSET)]


def test_the_ledgers_own_key_gains_no_power_over_the_village() -> None:
    village = Village.founded()
    assert village.refusal(village.role("ledger", "issuer")).code == "wrong_party"
    assert village.refusal(village.award("zhang", "volunteer", signers=("ledger",))).code == "not_authorised"
