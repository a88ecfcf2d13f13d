"""Tokens: only their digests are stored, and each opens what it was made for, until it ends."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from api import auth
from api.auth import SCOPES, Gate, Scope, TokenFile, parse_scope
from ledger.errors import AccessError, ConfigError, FormatError, NotFoundError
from ledger.service.storage import now_ms


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile.of(tmp_path)


def made(file: TokenFile, *scopes: Scope, ledgers: Sequence[str] = (), expires_at: int | None = None) -> bytes:
    text, _ = file.create(scopes or ("read",), ledgers, expires_at=expires_at)
    return b"Bearer " + text.encode()


def test_a_token_is_stored_as_a_digest_in_a_file_of_its_owner(file: TokenFile) -> None:
    text, token = file.create(["read"], [], label="bank")
    data = file.path.read_text()
    assert text.rpartition("_")[2] not in data
    assert token.digest in data
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.read() == [token]


def test_no_two_tokens_are_alike(file: TokenFile) -> None:
    assert len({file.create(["read"], [])[0] for _ in range(20)}) == 20
    assert len(file.read()) == 20


def test_without_any_token_the_gate_is_open(file: TokenFile) -> None:
    gate = Gate(file)
    assert gate.open
    gate.admit(None, "operate")


def test_a_token_opens_its_scopes_and_ledgers(file: TokenFile) -> None:
    one, every = made(file, "read", "append", ledgers=["foshan"]), made(file, "operate")
    gate = Gate(file)
    gate.admit(one, "read", "foshan")
    gate.admit(one, "append", "foshan")
    gate.admit(every, "operate", "foshan")
    gate.admit(every, "operate")
    gate.admit(one.replace(b"Bearer", b"bearer"), "read", "foshan")


REFUSED: dict[str, tuple[Scope, str | None, str]] = {
    "a scope it lacks": ("append", "foshan", "forbidden"),
    "another ledger": ("read", "dacang", "forbidden"),
    "the server as a whole": ("read", None, "forbidden"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_does_not_open(file: TokenFile, name: str) -> None:
    scope, ledger, code = REFUSED[name]
    token = made(file, "read", ledgers=["foshan"])
    with pytest.raises(AccessError) as caught:
        Gate(file).admit(token, scope, ledger)
    assert caught.value.code == code


NO_TOKEN = {
    "nothing": None,
    "an empty header": b"",
    "another scheme": b"Basic Zm9vOmJhcg==",
    "a bare scheme": b"Bearer",
    "nonsense": b"Bearer nonsense",
    "an unknown id": b"Bearer gongfen_0123456789abcdef_" + b"A" * 43,
    "bytes that are no text": b"Bearer gongfen_\xff\xfe_\xff",
}


@pytest.mark.parametrize("name", NO_TOKEN)
def test_what_is_no_token_opens_nothing(file: TokenFile, name: str) -> None:
    made(file)
    with pytest.raises(AccessError) as caught:
        Gate(file).admit(NO_TOKEN[name], "read")
    assert caught.value.code == "unauthenticated"


def test_the_right_id_with_another_secret_opens_nothing(file: TokenFile) -> None:
    mine, other = made(file), made(file)
    forged = mine.rpartition(b"_")[0] + b"_" + other.rpartition(b"_")[2]
    for token in (forged, mine[:-1], mine + b"A"):
        with pytest.raises(AccessError, match="no such token"):
            Gate(file).admit(token, "read")


def test_a_token_ends_when_it_expires(file: TokenFile) -> None:
    end = now_ms() + 1000
    token = made(file, expires_at=end)
    Gate(file, clock=lambda: end - 1).admit(token, "read")
    with pytest.raises(AccessError, match="expired"):
        Gate(file, clock=lambda: end).admit(token, "read")


def test_a_running_gate_follows_the_file(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REFRESH_S", 0.0)
    gate = Gate(file)
    text, token = file.create(["read"], [])
    header = b"Bearer " + text.encode()
    assert not gate.open
    gate.admit(header, "read")
    file.revoke(token.id)
    with pytest.raises(AccessError, match="revoked"):
        gate.admit(header, "read")


def test_a_gate_that_was_closed_never_opens_again(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REFRESH_S", 0.0)
    token = made(file)
    gate = Gate(file)
    file.revoke(file.read()[0].id)
    assert not gate.open
    assert not Gate(file).open, "a revoked token still says that tokens are in use"
    file.path.unlink()
    assert not gate.open
    with pytest.raises(AccessError):
        gate.admit(token, "read")


def test_a_file_that_is_damaged_later_keeps_the_tokens_that_were_read(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REFRESH_S", 0.0)
    token = made(file)
    gate = Gate(file)
    file.path.write_text("{")
    gate.admit(token, "read")
    with pytest.raises(AccessError):
        gate.admit(None, "read")


def test_revoking_twice_is_no_harm_and_an_unknown_id_is_told(file: TokenFile) -> None:
    _, token = file.create(["read"], [])
    first = file.revoke(token.id)
    assert file.revoke(token.id) == first
    with pytest.raises(NotFoundError):
        file.revoke("0123456789abcdef")


DAMAGED = {
    "not JSON": "{",
    "another format": '{"format":"gongfen-tokens/2","tokens":[]}',
    "an unknown scope": '{"format":"gongfen-tokens/1","tokens":[{"id":"a","digest":"b","scopes":["all"],"ledgers":[],'
    '"created_at":0}]}',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_stops_the_server(file: TokenFile, name: str) -> None:
    file.path.write_text(DAMAGED[name])
    file.path.chmod(0o600)
    with pytest.raises(ConfigError, match="not a token file"):
        Gate(file)


def test_a_file_that_others_may_read_stops_the_server(file: TokenFile) -> None:
    made(file)
    file.path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Gate(file)


def test_scopes_are_known_by_name(file: TokenFile) -> None:
    assert [parse_scope(name) for name in SCOPES] == list(SCOPES)
    with pytest.raises(FormatError):
        parse_scope("everything")
    with pytest.raises(ConfigError):
        file.create([], [])
