"""Who may reach which route: tokens and scopes, and the hosts of an open server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import deps
from api.app import create_app
from api.auth import Scope, TokenFile
from ledger.config import Settings
from ledger.errors import AccessError, ConfigError
from tests.unit.api.world import BATCH, EVENTS, HOST, NAME, World, founded, running

GUARDED: dict[str, tuple[str, Scope]] = {
    EVENTS: ("POST", "append"),
    BATCH: ("POST", "append"),
    f"/v1/ledgers/{NAME}/commitments": ("POST", "operate"),
    f"/v1/ledgers/{NAME}/expiries": ("POST", "operate"),
    f"/v1/ledgers/{NAME}/entries/0": ("GET", "read"),
    f"/v1/ledgers/{NAME}/entries": ("GET", "read"),
    f"/v1/ledgers/{NAME}/events/00000000-0000-4000-8000-000000000001": ("GET", "read"),
    f"/v1/ledgers/{NAME}/receipts/0": ("GET", "read"),
    f"/v1/ledgers/{NAME}/accounts/p_00000000000000000000000000": ("GET", "read"),
    f"/v1/ledgers/{NAME}/households/p_00000000000000000000000000": ("GET", "read"),
    f"/v1/ledgers/{NAME}/tasks/00000000-0000-4000-8000-000000000001": ("GET", "read"),
    f"/{NAME}/tile/entries/000.p/1": ("GET", "read"),
    "/metrics": ("GET", "operate"),
}
PUBLIC = (
    "/livez",
    "/readyz",
    "/openapi.json",
    "/v1/ledgers",
    f"/v1/ledgers/{NAME}",
    f"/v1/ledgers/{NAME}/anchors",
    f"/v1/ledgers/{NAME}/figures",
    f"/v1/ledgers/{NAME}/commitments/newest",
    f"/v1/ledgers/{NAME}/consistency?from=1&to=1",
    f"/{NAME}/checkpoint",
    f"/{NAME}/tile/0/000.p/1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("guarded")
    founded(Settings(data_dir=made))
    return made


@pytest.fixture(scope="module")
def tokens(folder: Path) -> dict[str, str]:
    file = TokenFile.of(folder)
    scopes: tuple[Scope, ...] = ("append", "read", "disclose", "operate")
    made = {scope: file.create([scope], [])[0] for scope in scopes}
    made["read and disclose"] = file.create(["read", "disclose"], [NAME])[0]
    made["elsewhere"] = file.create(scopes, ["other"])[0]
    return made


@pytest.fixture(scope="module")
def world(folder: Path, tokens: dict[str, str]) -> Iterator[World]:
    with running(Settings(data_dir=folder, host="0.0.0.0")) as made:
        yield made


def ask(world: World, method: str, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return world.http.request(method, path, headers=headers, content=b"" if method == "POST" else None)


@pytest.mark.parametrize("path", GUARDED)
def test_what_shows_or_changes_entries_takes_a_token_of_its_scope(
    world: World, tokens: dict[str, str], path: str
) -> None:
    method, scope = GUARDED[path]
    bare = ask(world, method, path)
    assert (bare.status_code, bare.json()["code"]) == (401, "unauthenticated")
    assert bare.headers["www-authenticate"].startswith("Bearer")
    for name, token in tokens.items():
        answer = ask(world, method, path, token)
        if scope in name and name != "elsewhere" and not (name == "read and disclose" and path == "/metrics"):
            assert answer.status_code not in (401, 403), (name, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name


@pytest.mark.parametrize("path", PUBLIC)
def test_what_shows_no_entry_is_public(world: World, path: str) -> None:
    assert ask(world, "GET", path).status_code == 200


def test_private_details_take_a_scope_of_their_own(world: World, tokens: dict[str, str]) -> None:
    path = f"/v1/ledgers/{NAME}/receipts/0?disclose=true"
    assert ask(world, "GET", path, tokens["read"]).json()["expected"] == "disclose"
    assert ask(world, "GET", path, tokens["disclose"]).json()["expected"] == "read"
    answer = ask(world, "GET", path, tokens["read and disclose"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_private_details_of_a_household_take_that_scope_too(world: World, tokens: dict[str, str]) -> None:
    path = f"/v1/ledgers/{NAME}/households/p_00000000000000000000000000?disclose=true"
    assert ask(world, "GET", path, tokens["read"]).json()["expected"] == "disclose"
    assert ask(world, "GET", path, tokens["disclose"]).json()["expected"] == "read"
    assert ask(world, "GET", path, tokens["read and disclose"]).status_code == 404, "admitted; there is none"


def test_the_client_carries_its_token(world: World, tokens: dict[str, str]) -> None:
    assert world.client(tokens["read"]).entry(NAME, 0)
    with pytest.raises(AccessError):
        world.client().entry(NAME, 0)


def test_with_tokens_any_host_name_will_do(world: World) -> None:
    assert world.http.get("/livez", headers={"Host": "ledger.example"}).status_code == 200


# Without tokens -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = Settings(data_dir=tmp_path_factory.mktemp("open"))
    founded(made)
    with running(made) as world:
        yield world


OWN = ("localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000")
FOREIGN = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "",
    "[",
    "192.168.0.7",
)


@pytest.mark.parametrize("host", OWN)
def test_an_open_server_answers_to_its_own_names(open_world: World, host: str) -> None:
    assert open_world.http.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_an_open_server_answers_to_no_other_name(open_world: World, host: str) -> None:
    answer = open_world.http.get("/v1/ledgers", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example", ""])
def test_an_open_server_takes_nothing_from_a_foreign_page(open_world: World, origin: str) -> None:
    answer = open_world.http.post(f"/v1/ledgers/{NAME}/commitments", headers={"Origin": origin})
    assert (answer.status_code, answer.json()["field"]) == (403, "Origin")
    assert open_world.size == 1


def test_an_open_server_takes_what_its_own_page_sends(open_world: World) -> None:
    answer = open_world.http.get("/v1/ledgers", headers={"Origin": "http://localhost:8000"})
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "ledger.example"])
def test_an_open_server_serves_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="gongfen token create"):
        create_app(Settings(data_dir=tmp_path, host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_this_machine_may_be_served_without_a_token(tmp_path: Path, host: str) -> None:
    create_app(Settings(data_dir=tmp_path, host=host))


def test_an_unexpected_error_is_a_problem_without_its_cause(
    open_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(deps, "reading", fail)
    answer = httpx.Client(base_url=HOST, transport=open_world.transport).get("/v1/ledgers")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    logged = capsys.readouterr()
    assert "secret" in logged.out + logged.err
