"""A door code shows what is public of a household, and nothing once it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from ledger.core.hashing import door_digest
from ledger.domain.fields import DAY_MS
from ledger.errors import NotFoundError
from ledger.service.doors import DoorView, view_door
from tests.helpers.stored_village import StoredVillage, stored_village
from tests.helpers.village import TODAY, person, rule_ref
from tests.helpers.village_rules import RULES

SECRET, OTHER = b"sixteen random b", b"sixteen others b"


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredVillage]:
    with stored_village("sqlite", tmp_path) as made:
        made.must(door(made))
        yield made


def door(stored: StoredVillage, action: str = "issue", secret: bytes = SECRET, **more: Any) -> bytes:
    body = {"action": action, "party": person("house").party, "medium": "door", "token_digest": door_digest(secret)}
    return stored.village.make("credential_changed", {**body, **more}, "clerk")


def scan(stored: StoredVillage, secret: bytes = SECRET, *, reader: bool = False) -> DoorView:
    now_ms = stored.village.now_ms
    found: DoorView = stored.read(lambda link, row: view_door(link, row, secret, now_ms=now_ms, reader=reader))
    return found


def test_a_door_shows_what_household_and_members_got_together(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("join", "zhang", household="house", day="2021-01-01"))
    stored.must(village.award("house", "helping"))
    stored.must(village.award("zhang", "volunteer", day="2021-10-01"))
    found = scan(stored)
    assert (found.on, found.household) == (TODAY, UNSET)
    assert found.month == {"merit": 2000, "spend": 2000}
    assert found.year == {"merit": 2200, "spend": 2200}


def test_a_door_shows_no_deduction_and_nothing_that_was_taken_back(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("join", "zhang", household="house", day="2021-01-01"))
    stored.must(village.award("zhang", "volunteer", 3))
    wrong = stored.must(village.award("zhang", "volunteer"))
    before = scan(stored)
    stored.must(village.deduct("zhang"))
    assert scan(stored) == before
    stored.must(village.reverse(wrong))
    assert scan(stored).year == {"merit": 600, "spend": 600}


def test_a_door_shows_the_honours_of_the_household_alone(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("join", "zhang", household="house", day="2021-01-01"))
    star = {name: value for name, value in RULES["volunteer"].items() if name not in ("units", "points_units")}
    rules = [
        {**star, "type": "honour", "id": "home_star", "target": "household"},
        {**star, "type": "honour", "id": "own_star", "target": "person"},
    ]
    stored.must(village.adopt({"book": "points", "version": 2, "title": "积分细则", "rules": rules}, "2021-11-20"))
    for name, star_rule in (("house", "home_star"), ("zhang", "own_star")):
        body = {"action": "grant", "issuer": person("coop").party, "subject": person(name).party}
        ends = {"valid_to": "2021-11-22"} if name == "house" else {}
        stored.must(village.make("honour_changed", body | ends, "council", rule=rule_ref(star_rule, 2)))
    assert [one.rule for one in scan(stored).honours] == ["home_star"]
    village.now_ms += 3 * DAY_MS
    assert scan(stored).honours == []


def test_a_door_shows_the_whole_year(stored: StoredVillage) -> None:
    stored.must(stored.village.award("house", "helping"))
    stored.village.now_ms += 20 * DAY_MS  # 2021-12-10
    stored.must(stored.village.award("house", "helping"))
    found = scan(stored)
    assert (found.month["spend"], found.year["spend"]) == (2000, 4000)


def test_who_may_read_learns_which_household_it_is(stored: StoredVillage) -> None:
    assert scan(stored, reader=True).household == person("house").party


def refused(stored: StoredVillage, secret: bytes = SECRET) -> NotFoundError:
    with pytest.raises(NotFoundError) as caught:
        scan(stored, secret)
    told = str(caught.value) + repr(caught.value.__dict__)
    assert secret.decode() not in told
    assert door_digest(secret) not in told
    return caught.value


def test_an_unknown_code_shows_nothing(stored: StoredVillage) -> None:
    assert refused(stored, OTHER).code == "not_found"


def test_the_id_of_a_card_is_no_door_code(stored: StoredVillage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.doors.door_digest", lambda _: person("house/card").key)
    with pytest.raises(NotFoundError) as caught:
        scan(stored)
    assert caught.value.code == "not_found"


ENDED: dict[str, dict[str, Any]] = {
    "revoked": {"action": "revoke"},
    "lost": {"action": "lost"},
    "replaced": {"action": "rotate", "secret": OTHER, "replaces": door_digest(SECRET)},
}


@pytest.mark.parametrize("name", ENDED)
def test_a_code_that_ended_shows_nothing(stored: StoredVillage, name: str) -> None:
    stored.must(door(stored, **ENDED[name]))
    assert refused(stored).code == "credential_ended"
    if name == "replaced":
        assert scan(stored, OTHER).on == TODAY


def test_the_code_of_a_household_that_is_no_more_shows_nothing(stored: StoredVillage) -> None:
    village = stored.village
    stored.must(village.party("register", "home", type="household", day="2021-01-01"))
    stored.must(village.party("merge", "house", other="home"))
    assert refused(stored).code == "credential_ended"
