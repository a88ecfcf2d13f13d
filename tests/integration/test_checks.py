"""Checking many events at once: the answer is what submitting them would have given, and nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.routes.checks import CHECK_MAX_LINES
from ledger.config import Settings
from ledger.errors import AccessError, LedgerError
from tests.unit.api.world import EVENTS, NAME, World, changed, founded, founding_events, running

CHECK = f"{EVENTS}:check"


@pytest.fixture(scope="module", params=[True, False], ids=["writer process", "writer within"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("checked"), writer_process=request.param)
    founded(settings)
    with running(settings) as made:
        made.populate()
        yield made


def codes(outcomes: list[dict[str, Any] | LedgerError]) -> list[object]:
    """What a check said: the place and whether it stands, or the code of the refusal."""
    return [one.code if isinstance(one, LedgerError) else (one["seq"], one["replayed"]) for one in outcomes]


def test_a_check_judges_each_event_after_the_ones_before_it(world: World) -> None:
    village, size = world.village, world.size
    standing = village.award("li", "volunteer")
    world.must(standing)
    lines = [
        village.party("register", "wang", type="resident"),
        village.award("wang", "volunteer"),
        village.award("nobody", "volunteer"),
        standing,
        village.award("zhang", "capped", 3),
        changed(village.award("li", "volunteer"), lambda value: value["event"].update(occurred_on="2021-01-02")),
        b"{",
    ]
    told = world.client().check(NAME, lines)
    expected: list[object] = [(size + 1, False), (size + 2, False), "unknown_party", (size, True), "cap_exceeded"]
    assert codes(told) == [*expected, "bad_signature", "not_json"]


def test_nothing_of_a_check_stays_in_the_ledger_or_in_the_writer(world: World) -> None:
    village, size = world.village, world.size
    register = village.party("register", "zhao", type="resident")
    award = village.award("zhao", "volunteer")
    assert codes(world.client().check(NAME, [register, award])) == [(size, False), (size + 1, False)]
    assert world.size == size
    assert world.post(award).json()["code"] == "unknown_party"
    assert codes(world.client().check(NAME, [register, award])) == [(size, False), (size + 1, False)]
    assert [world.must(line)["seq"] for line in (register, award)] == [size, size + 1]
    assert codes(world.client().check(NAME, [register, award])) == [(size, True), (size + 1, True)]


def test_a_check_is_one_whole_however_many_events_it_has(world: World) -> None:
    village, size = world.village, world.size
    lines = [village.award("li", "volunteer") for _ in range(2_500)]
    told = world.client().check(NAME, lines)
    assert codes(told) == [(size + place, False) for place in range(2_500)]
    assert world.size == size


def test_a_check_of_nothing_is_answered_with_nothing(world: World) -> None:
    assert world.http.post(CHECK, content=b"").text == ""


def test_a_check_has_a_bound(world: World) -> None:
    answer = world.http.post(CHECK, content=b"\n" * (CHECK_MAX_LINES + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_check_takes_the_right_to_append(tmp_path: Path) -> None:
    from api.auth import TokenFile

    settings = Settings(data_dir=tmp_path, writer_process=False)
    founded(settings)
    reader, _ = TokenFile.of(tmp_path).create(["read"], [])
    appender, _ = TokenFile.of(tmp_path).create(["append"], [])
    with running(settings) as world:
        lines = founding_events(world.village)
        with pytest.raises(AccessError):
            world.client(reader).check(NAME, lines)
        assert codes(world.client(appender).check(NAME, lines))[0] == (1, False)


def test_a_writer_that_fails_to_check_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.service import commit
    from ledger.service.wire import Ask, Refused, Try
    from ledger.service.writer_process import _reply

    settings = Settings(data_dir=tmp_path, writer_process=False)
    founded(settings)
    with running(settings) as world:
        line = founding_events(world.village)[0]
        writer = world.sequencer().writer  # type: ignore[union-attr]

        def fail(*_: object, **__: object) -> None:
            raise OSError("the disk is gone")

        with monkeypatch.context() as patch:
            patch.setattr(commit.log, "read_known", fail)
            tried = [Try(json.dumps(json.loads(line)["event"]).encode(), [], verified=True)]
            reply = _reply(writer, [Ask(1, 7, b"", [], True, [], tried)])
            assert reply.numbers == [7]
            assert isinstance(reply.outcomes[0], Refused)
            assert world.http.post(CHECK, content=line).status_code == 500
        assert codes(world.client().check(NAME, [line])) == [(1, False)]


def test_the_document_describes_checking(world: World) -> None:
    described = world.http.get("/openapi.json").json()["paths"]["/v1/ledgers/{name}/events:check"]["post"]
    assert (described["operationId"], described["x-gongfen-scope"]) == ("check_events", "append")
