"""Figures, households, doors, tasks and accounts over HTTP, with a token that may not see everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.auth import Scope, TokenFile
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.disclosure import digest, make
from ledger.core.encoding import encode_base64url
from ledger.core.hashing import door_digest
from ledger.errors import AccessError, FormatError, NotFoundError
from tests.helpers.village import day_of, person
from tests.unit.api.world import NAME, World, changed, founded, running

SECRET, REVOKED = b"sixteen random b", b"revoked random b"
DOORS = f"/v1/ledgers/{NAME}/doors"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A village in which Zhang, of the house, was awarded in the village hall, and a task was published."""
    made = Settings(data_dir=tmp_path_factory.mktemp("life"))
    founded(made)
    with running(made) as world:
        world.populate()
        village = world.village
        world.must(village.party("register", "house", type="household", day="2021-01-01"))
        world.must(village.party("join", "zhang", household="house", day="2021-01-01"))
        for secret, actions in ((SECRET, ["issue"]), (REVOKED, ["issue", "revoke"])):
            for action in actions:
                world.must(village.make("credential_changed", _door(action, secret), "clerk"))
        shown = make(bytes(16), "place", "村委会")
        award = village.award("zhang", "lapsing", 2, private={"place": digest(shown)})
        world.must(changed(award, lambda value: value.update(disclosures=[shown])))
        world.must(village.deduct("li", "fine"))
        world.must(village.task(capacity=4, budget_units=1000, starts_on=today(world), ends_on=today(world)))
    return made


@pytest.fixture(scope="module")
def tokens(settings: Settings) -> dict[str, str]:
    """From here on the server is closed."""
    file = TokenFile.of(settings.data_dir)
    scopes: dict[str, list[Scope]] = {"read": ["read"], "disclose": ["read", "disclose"], "append": ["append"]}
    return {name: file.create(one, [])[0] for name, one in scopes.items()}


@pytest.fixture(scope="module")
def world(settings: Settings, tokens: dict[str, str]) -> Iterator[World]:
    """The village again; `http` carries the token that sees most."""
    with running(settings) as made:
        made.http.headers["Authorization"] = f"Bearer {tokens['disclose']}"
        yield made


@pytest.fixture(scope="module")
def client(world: World, tokens: dict[str, str]) -> LedgerClient:
    return world.client(tokens["read"])


def _door(action: str, secret: bytes) -> dict[str, Any]:
    body = {"action": action, "party": person("house").party, "medium": "door"}
    return {**body, "token_digest": door_digest(secret)}


def today(world: World) -> str:
    return day_of(world.village.now_ms)


def test_figures_are_public_and_tell_what_became_of_all_points(world: World) -> None:
    found = world.client().figures(NAME)
    assert found["size"] == world.size
    assert found["units"]["spend"] == {
        "issued": 400,
        "deducted": 0,
        "redeemed": 0,
        "settled": 0,
        "expired": 0,
        "recredited": 0,
        "outstanding": 400,
    }
    lapsing = next(one for one in found["rules"] if one["rule"] == "lapsing")
    year = today(world)[:4]
    assert (lapsing["year"], lapsing["entries"], lapsing["units"]) == (year, 1, {"merit": 400, "spend": 400})
    assert "budget_units" not in lapsing
    assert world.client().figures(NAME, year=int(year)) == found
    assert world.client().figures(NAME, year=1999)["rules"] == []


def test_by_which_rules_points_were_taken_is_shown_to_readers_alone(world: World, tokens: dict[str, str]) -> None:
    """One deduction in a small village is one family."""
    kinds = {
        name: {one["kind"] for one in world.client(token).figures(NAME)["rules"]}
        for name, token in (("everybody", None), ("reader", tokens["read"]), ("appender", tokens["append"]))
    }
    assert "points_deducted" in kinds["reader"]
    assert "points_deducted" not in kinds["everybody"] | kinds["appender"]


def test_a_household_shows_private_details_to_who_may_see_them(world: World, tokens: dict[str, str]) -> None:
    house = person("house").party
    quiet = world.client(tokens["read"]).household(NAME, house)
    told = world.client(tokens["disclose"]).household(NAME, house, disclose=True)
    assert "details" not in quiet["awards"][0]
    assert told["awards"][0].pop("details") == {"place": "村委会"}
    assert told == quiet
    assert quiet["members"] == [
        {"party": person("zhang").party, "since": "2021-01-01", "balances": {"merit": 400, "spend": 400}}
    ]
    assert quiet["balances"]["together"] == quiet["year"]["members"] == {"merit": 400, "spend": 400}
    with pytest.raises(AccessError):
        world.client(tokens["read"]).household(NAME, house, disclose=True)


def test_what_is_shown_of_persons_is_not_kept_on_the_way(world: World) -> None:
    path = f"/v1/ledgers/{NAME}/households/{person('house').party}"
    assert world.http.get(path, params={"disclose": "true"}).headers["cache-control"] == "no-store"
    assert world.http.post(DOORS, json={"secret": encode_base64url(SECRET)}).headers["cache-control"] == "no-store"


def test_the_client_asks_for_a_day_and_a_page(client: LedgerClient) -> None:
    house = person("house").party
    assert client.household(NAME, house, on="2021-06-01", limit=1, before=10)["on"] == "2021-06-01"
    with pytest.raises(FormatError):
        client.household(NAME, house, on="9999-12-31")
    with pytest.raises(NotFoundError):
        client.household(NAME, person("zhang").party)


BAD_PARAMETERS = {
    "a year before the first": ("figures?year=-1", "year"),
    "a year of five digits": ("figures?year=10000", "year"),
    "no year": ("figures?year=now", "year"),
    "no page": ("households/{house}?limit=0", "limit"),
    "too large a page": ("households/{house}?limit=501", "limit"),
    "a page before the first": ("households/{house}?before=-1", "before"),
    "a day that is too long": ("households/{house}?on=2021-01-01T00:00", "on"),
    "no day of the calendar": ("households/{house}?on=2021-02-30", "on"),
    "no party": ("households/house", "household"),
    "no id of an event": ("tasks/7", "task"),
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_a_bad_parameter_is_named(world: World, name: str) -> None:
    path, field = BAD_PARAMETERS[name]
    answer = world.http.get(f"/v1/ledgers/{NAME}/{path.format(house=person('house').party)}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


# Doors ----------------------------------------------------------------------------------------------------------------


def test_whoever_has_the_code_sees_what_is_public(world: World, tokens: dict[str, str]) -> None:
    found = world.client().door(NAME, SECRET)
    sums = {"merit": 400, "spend": 400}
    assert found == {"on": today(world), "month": sums, "year": sums, "honours": []}
    assert world.client(tokens["append"]).door(NAME, SECRET) == found
    assert world.client(tokens["read"]).door(NAME, SECRET) == {**found, "household": person("house").party}


def test_a_code_that_is_unknown_or_ended_is_not_found(world: World) -> None:
    for secret, code in ((b"nobody's secret!", "not_found"), (REVOKED, "credential_ended")):
        with pytest.raises(NotFoundError) as caught:
            world.client().door(NAME, secret)
        assert caught.value.code == code
    with pytest.raises(NotFoundError):
        world.client().door("elsewhere", SECRET)


TEXT = encode_base64url(SECRET)
BAD_CODES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "bad_field"),
    "no JSON": (TEXT.encode(), 400, "bad_field"),
    "no UTF-8": (b'{"secret":"' + TEXT.encode() + b'\xff"}', 400, "bad_field"),
    "no object": (json.dumps([TEXT]).encode(), 400, "bad_field"),
    "a field that there is not": (json.dumps({"secret": TEXT, "on": "2021-01-01"}).encode(), 400, "bad_field"),
    "no secret": (b"{}", 400, "bad_field"),
    "a number": (b'{"secret":16}', 400, "bad_field"),
    "15 bytes": (json.dumps({"secret": encode_base64url(SECRET[:15])}).encode(), 400, "bad_field"),
    "65 bytes": (json.dumps({"secret": encode_base64url(SECRET * 4 + b"x")}).encode(), 400, "bad_field"),
    "another alphabet": (json.dumps({"secret": TEXT[:-1] + "/"}).encode(), 400, "bad_field"),
    "padding": (json.dumps({"secret": TEXT + "=="}).encode(), 400, "bad_field"),
    "stray bits": (json.dumps({"secret": TEXT[:-1] + "h"}).encode(), 400, "bad_field"),
    "too much": (json.dumps({"secret": TEXT * 60}).encode(), 413, "too_large"),
}


@pytest.mark.parametrize("name", BAD_CODES)
def test_a_bad_code_is_refused_and_never_repeated(world: World, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    body, status, code = BAD_CODES[name]
    answer = world.http.post(DOORS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    logged = capfd.readouterr()
    for said in (answer.text, logged.out, logged.err):
        assert TEXT[:15] not in said


def test_a_code_comes_as_json_or_not_at_all(world: World) -> None:
    answer = world.http.post(DOORS, content=b"secret=" + TEXT.encode(), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "bad_media_type")


def test_a_code_in_the_address_finds_nothing(world: World) -> None:
    assert world.http.get(f"{DOORS}/{TEXT}").status_code == 404


# Accounts and tasks ---------------------------------------------------------------------------------------------------


def test_an_account_shows_lots_that_lapse_and_honours(world: World, client: LedgerClient) -> None:
    account = client.account(NAME, person("zhang").party)
    assert [(lot["units"], lot["issuer"]) for lot in account["lots"]] == [(400, person("coop").party)]
    assert account["lots"][0]["seq"] == account["last"]
    assert account["lots"][0]["expires_on"] > today(world)
    assert account["honours"] == []


def test_a_task_shows_its_places(world: World, client: LedgerClient) -> None:
    entry = json.loads(client.entry(NAME, world.size - 1))
    published = entry["event"]["id"]
    found = client.task(NAME, published)
    assert found["id"] == published
    assert (found["capacity"], found["taken"], found["left"]) == (4, 0, 4)
    assert (found["budget_units"], found["budget_left_units"]) == (1000, 1000)
    with pytest.raises(NotFoundError):
        client.task(NAME, "00000000-0000-4000-8000-ffffffffffff")
