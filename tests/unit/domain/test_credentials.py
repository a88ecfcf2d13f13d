"""Cards, phones and door codes: how they are issued, replaced and ended, and what the old ones can do after that."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ledger.core.hashing import door_digest
from ledger.domain.entries import parse_entry, parse_submission
from ledger.domain.facts import Credential, Key
from ledger.domain.roles import roles_in_force
from ledger.domain.state import Replay
from ledger.errors import RefusalError
from tests.helpers.provoke import SMALL_ORDER, Provoke, Refused
from tests.helpers.village import Village, person

SECRET = bytes(range(16))
DOOR, NEW_DOOR = door_digest(SECRET), door_digest(SECRET[::-1])
NOBODYS = "ab" * 32


@pytest.fixture
def village() -> Village:
    return equipped()


def equipped() -> Village:
    """The village, with a code at the door of ``house``."""
    village = Village.founded()
    village.must(door(village, "issue"))
    return village


def carry(village: Village, action: str, name: str, medium: str, *signers: str, **body: Any) -> bytes:
    """`credential_changed` of ``name``'s party with exactly this body; one clerk signs, two for a phone."""
    whole = {"action": action, "party": person(name).party, "medium": medium, **body}
    clerks = ("clerk", "clerk two") if medium == "phone" else ("clerk",)
    return village.make("credential_changed", whole, *(signers or clerks))


def door(village: Village, action: str, token: str = DOOR, name: str = "house", **body: Any) -> bytes:
    return carry(village, action, name, "door", token_digest=token, **body)


def rotate(village: Village, old: str, new: str, medium: str = "card", **body: Any) -> bytes:
    """A new key in the place of an old one."""
    cap = {"daily_cap_units": 600} if medium == "card" else {}
    return carry(village, "rotate", new, medium, key=person(new).ref(), replaces=person(old).key, **cap, **body)


def credential(village: Village, identifier: str) -> Credential:
    fact = village.facts[f"credential:{identifier}"]
    assert isinstance(fact, Credential)
    return fact


def grants(village: Village, name: str) -> list[tuple[str, str, int, int | None]]:
    key = village.facts[f"key:{person(name).key}"]
    assert isinstance(key, Key)
    return [(one.role, one.scope, one.from_, one.until or None) for one in key.grants]


# Cards and phones -----------------------------------------------------------------------------------------------------


def test_a_lost_card_is_dead_from_the_next_entry_on(village: Village) -> None:
    village.must(village.award("zhang", "volunteer"))
    lost, spent = village.card("zhang/card", action="lost"), village.redeem("zhang", 100)
    assert [getattr(one, "code", "ok") for one in village.submit(lost, spent)] == ["ok", "not_authorised"]
    assert credential(village, person("zhang/card").key).status == "lost"


def test_two_cards_of_one_holder_share_the_day(village: Village) -> None:
    village.must(village.card("zhang/second", cap=600))
    village.must(village.carry("zhang", 5000))
    village.must(village.redeem("zhang", 400))
    assert village.refusal(village.redeem("zhang", 201, key="zhang/second")).code == "card_cap_exceeded"
    village.must(village.redeem("zhang", 200, key="zhang/second"))
    assert village.refusal(village.redeem("zhang", 1)).code == "card_cap_exceeded"
    assert village.refusal(village.redeem("zhang", 1, day="2021-11-19")).code == "card_cap_exceeded", "by the clock"
    village.tomorrow()
    village.must(village.redeem("zhang", 500))


def test_a_phone_is_not_held_to_the_cap_of_a_card(village: Village) -> None:
    village.must(village.carry("li", 5000))
    village.must(village.redeem("li", 5000, key="li/phone"))


@pytest.mark.parametrize(
    ("medium", "signers", "answer"),
    [
        ("card", ("clerk",), "ok"),
        ("card", ("clerk", "clerk two"), "ok"),
        ("phone", ("clerk",), "not_enough_signers"),
        ("phone", ("clerk two",), "not_enough_signers"),
        ("phone", ("clerk", "clerk two"), "ok"),
        ("phone", ("clerk", "issuer"), "not_authorised"),
    ],
)
@pytest.mark.parametrize("action", ["issue", "rotate", "revoke", "lost"])
def test_two_clerks_answer_for_a_new_phone_and_one_for_a_card_or_for_ending_either(
    village: Village, action: str, medium: str, signers: tuple[str, ...], answer: str
) -> None:
    held, name = ("zhang/card", "zhang/new") if medium == "card" else ("li/phone", "li/new")
    body: dict[str, Any] = {"key": person(name if action in ("issue", "rotate") else held).ref()}
    if medium == "card" and action in ("issue", "rotate"):
        body["daily_cap_units"] = 100
    if action == "rotate":
        body["replaces"] = person(held).key
    made = carry(village, action, name, medium, *signers, **body)
    alone_will_do = action in ("revoke", "lost") and answer == "not_enough_signers"
    assert getattr(village.submit(made)[0], "code", "ok") == ("ok" if alone_will_do else answer)


@pytest.mark.parametrize(("cap", "answer"), [(100_000, "ok"), (100_001, "not_enough_signers")])
def test_one_clerk_does_not_issue_a_card_that_could_drain_its_holder(village: Village, cap: int, answer: str) -> None:
    body = {"key": person("zhang/new").ref(), "daily_cap_units": cap}
    alone = carry(village, "issue", "zhang/new", "card", "clerk", **body)
    assert getattr(village.submit(alone)[0], "code", "ok") == answer
    body["key"] = person("zhang/third").ref()
    village.must(carry(village, "issue", "zhang/third", "card", "clerk", "clerk two", **body))


@pytest.mark.parametrize(
    ("medium", "old", "new"), [("card", "zhang/card", "zhang/new"), ("phone", "li/phone", "li/new")]
)
def test_a_rotated_key_is_refused_and_the_new_one_signs(village: Village, medium: str, old: str, new: str) -> None:
    holder = old.split("/")[0]
    village.must(village.carry(holder, 500))
    issued = grants(village, old)[0][2]
    made = rotate(village, old, new, medium)
    with_old, with_new = village.redeem(holder, 100, key=old), village.redeem(holder, 200, key=new)
    outcomes = village.submit(made, with_old, with_new)
    assert [getattr(one, "code", "ok") for one in outcomes] == ["ok", "not_authorised", "ok"]
    seq = village.head.size - 2
    party = person(holder).party
    assert grants(village, old) == [(medium, party, issued, seq)], "one ends where the other begins"
    assert grants(village, new) == [(medium, party, seq, None)]
    assert credential(village, person(old).key).status == "replaced"
    assert credential(village, person(new).key).status == "active"


def test_neither_key_signs_the_entry_that_puts_one_in_the_others_place(village: Village) -> None:
    seq = village.must(rotate(village, "zhang/card", "zhang/new")).seq
    for name in ("zhang/card", "zhang/new"):
        key = village.facts[f"key:{person(name).key}"]
        assert isinstance(key, Key)
        assert roles_in_force(key, seq) == []


def test_a_rotated_card_has_the_cap_it_was_given(village: Village) -> None:
    village.must(village.carry("zhang", 5000))
    village.must(village.redeem("zhang", 400))
    village.must(rotate(village, "zhang/card", "zhang/new"))
    assert credential(village, person("zhang/new").key).daily_cap_units == 600
    spent = village.refusal(village.redeem("zhang", 201, key="zhang/new"))
    assert spent.code == "card_cap_exceeded", "a new card does not begin the day anew"
    village.must(village.redeem("zhang", 200, key="zhang/new"))


def test_what_was_replaced_can_be_rotated_no_further(village: Village) -> None:
    village.must(rotate(village, "zhang/card", "zhang/new"))
    again = village.refusal(rotate(village, "zhang/card", "zhang/third"))
    assert (again.code, again.field, again.got) == ("credential_ended", "body.replaces", "replaced")
    village.must(rotate(village, "zhang/new", "zhang/third"))
    ended = village.refusal(village.card("zhang/new", action="revoke"))
    assert (ended.code, ended.got) == ("credential_ended", "replaced")


def test_the_state_map_holds_both_keys_of_a_rotation(village: Village) -> None:
    """What a writer reads back after a crash are the facts that the event names without its signers."""
    event = parse_submission(rotate(village, "zhang/card", "zhang/new")).event
    named = event.body.needs(event, [], "")
    assert {f"key:{person(name).key}" for name in ("zhang/card", "zhang/new")} <= set(named)


# Doors ----------------------------------------------------------------------------------------------------------------


def test_a_door_code_is_known_by_the_digest_of_its_secret() -> None:
    assert door_digest(SECRET) == sha256(b"gongfen/door/v1\n" + SECRET).hexdigest() == DOOR
    assert door_digest(SECRET) != door_digest(SECRET + b"\x00")


def test_a_door_code_belongs_to_its_household_and_signs_nothing(village: Village) -> None:
    assert credential(village, DOOR) == Credential(medium="door", party=person("house").party, status="active")
    assert f"key:{DOOR}" not in village.facts
    assert all(SECRET not in data and SECRET.hex().encode() not in data for data in village.entries)


@pytest.mark.parametrize(("action", "status"), [("revoke", "revoked"), ("lost", "lost")])
def test_a_door_code_ends_once(village: Village, action: str, status: str) -> None:
    village.must(door(village, action))
    assert credential(village, DOOR).status == status
    assert village.refusal(door(village, "revoke")).code == "credential_ended"
    assert village.refusal(door(village, "issue")).code == "key_taken", "an old plate never works again"
    assert village.refusal(door(village, "rotate", NEW_DOOR, replaces=DOOR)).code == "credential_ended"


def test_a_new_plate_takes_the_place_of_the_old(village: Village) -> None:
    village.must(door(village, "rotate", NEW_DOOR, replaces=DOOR))
    assert [credential(village, token).status for token in (DOOR, NEW_DOOR)] == ["replaced", "active"]


def test_a_code_that_is_spelled_like_a_key_id_is_not_written_over_by_that_key(village: Village) -> None:
    """Keys and codes share one name space: what stands there first is never written over."""
    key = person("zhang/new").key
    village.must(door(village, "issue", key))
    assert village.refusal(village.card("zhang/new")).code == "key_taken"
    assert credential(village, key).medium == "door"


def test_a_replay_gives_the_same_credentials(village: Village) -> None:
    village.must(rotate(village, "zhang/card", "zhang/new"))
    village.must(rotate(village, "li/phone", "li/new", "phone"))
    village.must(door(village, "rotate", NEW_DOOR, replaces=DOOR))
    village.must(door(village, "lost", NEW_DOOR))
    replay = Replay(village.entries.__getitem__)
    for data in village.entries:
        replay.apply(data)
        replay.map.commit()
    assert {key: fact for key, fact in replay.facts.items() if fact is not None} == village.facts
    assert replay.map.root == village.map_root()
    assert parse_entry(village.entries[-1]).effects.postings == []


# Refusals -------------------------------------------------------------------------------------------------------------


def changing(action: str, name: str, medium: str, **body: Any) -> Provoke:
    """A change of the equipped village's credentials that is refused."""

    def provoke(_: Village) -> None:
        village = equipped()
        raise village.refusal(carry(village, action, name, medium, **body))

    return provoke


def key(name: str) -> dict[str, Any]:
    return {"key": person(name).ref()}


CAP = {"daily_cap_units": 5}
NEW, CARD, PHONE = key("zhang/new"), key("zhang/card"), key("li/phone")
OF_CARD, OF_PHONE, OF_HOUSE = person("zhang/card").key, person("li/phone").key, person("house/card").key
TOKEN = {"token_digest": NEW_DOOR}
HELD = {"token_digest": DOOR}
FIELDS: list[tuple[str, str, str, str, str, str, dict[str, Any]]] = [
    # name, code, field, action, whose, medium, body
    ("a card without a key", "missing_field", "key", "issue", "zhang", "card", CAP),
    ("a card without a cap", "missing_field", "daily_cap_units", "issue", "zhang", "card", NEW),
    ("a card with a code", "superfluous_field", "token_digest", "issue", "zhang", "card", NEW | CAP | TOKEN),
    (
        "a new card for an old",
        "superfluous_field",
        "replaces",
        "issue",
        "zhang",
        "card",
        NEW | CAP | {"replaces": DOOR},
    ),
    ("a phone with a cap", "superfluous_field", "daily_cap_units", "issue", "zhang", "phone", NEW | CAP),
    ("a door with a key", "superfluous_field", "key", "issue", "house", "door", NEW | TOKEN),
    ("a door without a code", "missing_field", "token_digest", "issue", "house", "door", {}),
    ("a door with a cap", "superfluous_field", "daily_cap_units", "issue", "house", "door", TOKEN | CAP),
    ("a card rotated for none", "missing_field", "replaces", "rotate", "zhang", "card", NEW | CAP),
    (
        "a card rotated without a cap",
        "missing_field",
        "daily_cap_units",
        "rotate",
        "zhang",
        "card",
        NEW | {"replaces": OF_CARD},
    ),
    (
        "a phone rotated with a cap",
        "superfluous_field",
        "daily_cap_units",
        "rotate",
        "li",
        "phone",
        key("li/new") | CAP | {"replaces": OF_PHONE},
    ),
    ("a door rotated for none", "missing_field", "replaces", "rotate", "house", "door", TOKEN),
    ("a lost card with a cap", "superfluous_field", "daily_cap_units", "lost", "zhang", "card", CARD | CAP),
    ("a lost card for another", "superfluous_field", "replaces", "lost", "zhang", "card", CARD | {"replaces": DOOR}),
    ("a lost card without a key", "missing_field", "key", "lost", "zhang", "card", {}),
    ("a revoked door without a code", "missing_field", "token_digest", "revoke", "house", "door", {}),
    # Whose it is
    ("a card of a shop", "wrong_party", "party", "issue", "shop", "card", NEW | CAP),
    ("a phone of an officer", "wrong_party", "party", "issue", "clerk", "phone", NEW),
    ("a door of a resident", "wrong_party", "party", "issue", "zhang", "door", TOKEN),
    ("a door of nobody", "unknown_party", "party", "issue", "nobody", "door", TOKEN),
    ("a known key", "key_taken", "key", "issue", "zhang", "card", CARD | CAP),
    ("an officer's key", "key_taken", "key", "issue", "zhang", "card", key("issuer") | CAP),
    ("a weak key", "bad_key", "key", "issue", "zhang", "phone", {"key": SMALL_ORDER}),
    ("a known code", "key_taken", "token_digest", "issue", "house", "door", HELD),
    ("a key by itself", "key_taken", "key", "rotate", "zhang", "card", CARD | CAP | {"replaces": OF_CARD}),
    ("a code by itself", "key_taken", "token_digest", "rotate", "house", "door", HELD | {"replaces": DOOR}),
    # What is replaced or ended
    ("what nobody holds", "unknown_key", "replaces", "rotate", "zhang", "card", NEW | CAP | {"replaces": NOBODYS}),
    ("another's card", "unknown_key", "replaces", "rotate", "zhang", "card", NEW | CAP | {"replaces": OF_HOUSE}),
    ("a phone for a card", "unknown_key", "replaces", "rotate", "li", "card", NEW | CAP | {"replaces": OF_PHONE}),
    ("a card for a phone", "unknown_key", "replaces", "rotate", "zhang", "phone", NEW | {"replaces": OF_CARD}),
    ("a door for a card", "unknown_key", "replaces", "rotate", "house", "card", NEW | CAP | {"replaces": DOOR}),
    ("a card for a door", "unknown_key", "replaces", "rotate", "house", "door", TOKEN | {"replaces": OF_HOUSE}),
    ("an officer's key for a card", "unknown_key", "key", "revoke", "zhang", "card", key("issuer")),
    ("a card called a phone", "unknown_key", "key", "lost", "zhang", "phone", CARD),
    ("a door that is not there", "unknown_key", "token_digest", "lost", "house", "door", TOKEN),
    ("a card called a door", "unknown_key", "token_digest", "lost", "house", "door", {"token_digest": OF_HOUSE}),
]
REFUSED = [
    Refused(name, code, f"body.{field}", changing(action, whose, medium, **body))
    for name, code, field, action, whose, medium, body in FIELDS
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(RefusalError) as caught:
        case.provoke(Village.founded())
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error


def test_who_is_gone_gets_no_new_card_but_the_old_one_can_be_ended(village: Village) -> None:
    village.must(village.party("death", "zhang"))
    assert village.refusal(rotate(village, "zhang/card", "zhang/new")).code == "inactive_party"
    village.must(village.card("zhang/card", action="revoke"))
