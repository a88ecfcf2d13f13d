"""The HTTP API over a real database: what is answered is stored, what is refused is not."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.encoding import canonical
from ledger.core.merkle import leaf_hash, root_of, verify_consistency
from ledger.core.note import Checkpoint, parse_note
from ledger.core.receipt import Receipt, parse
from ledger.errors import BusyError, ConflictError, FormatError, LedgerError, NotFoundError, RefusalError
from ledger.service import commit
from tests.helpers.village import Village, person
from tests.unit.api.world import BATCH, EVENTS, NAME, World, changed, founded, maker, resigned, running


def _award(village: Village) -> bytes:
    return village.award("zhang", "volunteer")


# Appending ------------------------------------------------------------------------------------------------------------


def test_an_event_is_answered_with_its_place_and_a_checkpoint_that_holds_it(world: World) -> None:
    before = world.size
    answer = world.must(_award(world.village))
    entry = world.http.get(f"/v1/ledgers/{NAME}/entries/{before}").content
    checkpoint = Checkpoint.parse(parse_note(answer["checkpoint"]).text)
    assert answer["seq"] == before
    assert answer["replayed"] is False
    assert answer["leaf"] == leaf_hash(entry).hex()
    assert answer["at"] == json.loads(entry)["chain"]["at"]
    assert checkpoint.size == before + 1


def test_spelling_is_free_because_the_canonical_event_is_what_was_signed(world: World) -> None:
    loose = json.dumps(json.loads(_award(world.village)), indent=2, sort_keys=False).encode()
    assert world.post(loose).status_code == 201


def test_an_event_sent_again_gets_the_first_answer(world: World) -> None:
    event = _award(world.village)
    first = world.must(event)
    world.must(_award(world.village))
    size = world.size
    again = world.post(json.dumps(json.loads(event), indent=1).encode())
    assert again.status_code == 200
    assert again.json() == first | {"replayed": True}
    assert world.size == size


def test_another_event_under_the_same_id_is_a_conflict(world: World) -> None:
    event = _award(world.village)
    world.must(event)
    size = world.size
    other = resigned(
        event, lambda e: e["body"].update(quantity=2, amount_units=e["body"]["amount_units"] * 2), "issuer"
    )
    answer = world.post(other)
    assert (answer.status_code, answer.json()["code"]) == (409, "id_conflict")
    assert answer.json()["field"] == "event.id"
    assert world.size == size


def test_lines_of_a_batch_may_depend_on_each_other_and_repeat(world: World) -> None:
    village = world.village
    award = village.award("newcomer", "volunteer")
    lines = [village.party("register", "newcomer", type="resident", day="2021-01-01"), award, award]
    answers = list(world.client().submit_many(NAME, lines))
    assert [answer["replayed"] for answer in answers if isinstance(answer, dict)] == [False, False, True]


def test_a_batch_of_too_many_lines_is_refused_whole(world: World) -> None:
    size = world.size
    answer = world.http.post(BATCH, content=b"{}\n" * 2001, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["expected"] == "at most 2000 lines"
    assert world.size == size


def test_an_empty_batch_has_an_empty_answer(world: World) -> None:
    answer = world.http.post(BATCH, content=b"", headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_client_raises_what_the_server_refused(world: World) -> None:
    client = world.client()
    with pytest.raises(RefusalError, match="expected") as caught:
        client.submit(NAME, world.village.award("nobody", "volunteer"))
    assert (caught.value.code, caught.value.field) == ("unknown_party", "body.subject")
    with pytest.raises(FormatError):
        client.submit(NAME, b"{")
    with pytest.raises(NotFoundError):
        client.ledger("no-such-village")
    event = _award(world.village)
    client.submit(NAME, event)
    with pytest.raises(ConflictError):
        client.submit(NAME, resigned(event, lambda e: e["body"].update(quantity=9, amount_units=9), "issuer"))


# Reading --------------------------------------------------------------------------------------------------------------


def test_the_tree_of_the_entries_has_the_root_that_the_ledger_states(world: World) -> None:
    page: dict[str, Any] = {"next": 0}
    entries: list[bytes] = []
    while "next" in page:
        page = world.http.get(f"/v1/ledgers/{NAME}/entries", params={"first": page["next"]}).json()
        entries += [canonical(entry) for entry in page["entries"]]
    summary = world.client().ledger(NAME)
    assert len(entries) == summary["size"]
    assert root_of([leaf_hash(entry) for entry in entries]).hex() == summary["root"]
    assert world.client().entry(NAME, 3) == entries[3]
    assert world.client().ledgers() == [summary]


def test_a_range_is_bounded_and_says_where_to_go_on(world: World) -> None:
    world.populate_to(300)
    page = world.http.get(f"/v1/ledgers/{NAME}/entries", params={"first": 10}).json()
    assert (page["first"], len(page["entries"]), page["next"]) == (10, 256, 266)
    page = world.http.get(f"/v1/ledgers/{NAME}/entries", params={"first": 10, "last": 12}).json()
    assert len(page["entries"]) == 2
    assert "next" not in page
    page = world.http.get(f"/v1/ledgers/{NAME}/entries", params={"first": 10**9}).json()
    assert page["entries"] == []


def test_an_event_is_found_by_its_id(world: World) -> None:
    event = _award(world.village)
    answer = world.must(event)
    found = world.http.get(f"/v1/ledgers/{NAME}/events/{json.loads(event)['event']['id']}").json()
    assert (found["seq"], found["leaf"]) == (answer["seq"], answer["leaf"])
    assert found["entry"]["event"] == json.loads(event)["event"]


def test_an_account_shows_balances_standing_and_pages_of_entries(world: World) -> None:
    client, zhang = world.client(), person("zhang").party
    for _ in range(3):
        world.must(_award(world.village))
    account = client.account(NAME, zhang, limit=2)
    assert account["party"] == zhang
    assert account["standing"]["type"] == "resident"
    assert account["standing"]["status"] == "active"
    assert account["entries"][0]["seq"] == account["last"]
    newest = account["entries"][0]
    assert newest["kind"] == "points_awarded"
    assert newest["rule"]["id"] == "volunteer"
    assert {posting["account"] for posting in newest["postings"]} <= {f"{zhang}/merit", f"{zhang}/spend"}
    seen, page = account["entries"], account
    while "before" in page:
        page = client.account(NAME, zhang, before=page["before"], limit=2)
        seen = seen + page["entries"]
    assert len(seen) == account["count"]
    for unit, balance in account["balances"].items():
        own = f"{zhang}/{unit}"
        assert sum(p["delta"] for e in seen for p in e["postings"] if p["account"] == own) == balance


def test_receipts_grow_from_early_to_committed(world: World) -> None:
    client = world.client()
    event = _award(world.village)
    answer = world.must(event)
    early = parse(client.receipt(NAME, json.loads(event)["event"]["id"]))
    assert isinstance(early, Receipt)
    assert not early.commitment
    committed = client.commit_state(NAME)
    assert committed is not None
    receipt = parse(client.receipt(NAME, str(answer["seq"])))
    assert isinstance(receipt, Receipt)
    assert receipt.commitment
    assert receipt.checkpoint == committed.checkpoint
    assert client.newest_commitment(NAME) == committed
    assert client.commit_state(NAME) is None


def test_private_details_are_shown_only_when_asked_for(world: World) -> None:
    from ledger.core.disclosure import digest, make

    shown = make(bytes(16), "place", "村委会")
    event = world.village.award("zhang", "volunteer", private={"place": digest(shown)})
    submission = changed(event, lambda s: s.update(disclosures=[shown]))
    seq = str(world.must(submission)["seq"])
    quiet, told = parse(world.client().receipt(NAME, seq)), parse(world.client().receipt(NAME, seq, disclose=True))
    assert isinstance(quiet, Receipt)
    assert isinstance(told, Receipt)
    assert (quiet.disclosures, told.disclosures) == ([], [shown])


def test_the_log_is_served_as_tiles(world: World) -> None:
    world.populate_to(300)
    size = world.size
    note = world.http.get(f"/{NAME}/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-cache"
    checkpoint = Checkpoint.parse(parse_note(note.text).text)
    assert checkpoint.size == size
    full, part = world.http.get(f"/{NAME}/tile/0/000"), world.http.get(f"/{NAME}/tile/0/001.p/{size - 256}")
    assert full.headers["content-type"] == "application/octet-stream"
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    joined = full.content + part.content
    assert root_of([joined[i : i + 32] for i in range(0, len(joined), 32)]) == checkpoint.root
    bundle = world.http.get(f"/{NAME}/tile/entries/000")
    assert bundle.headers["cache-control"].startswith("private")
    first = int.from_bytes(bundle.content[:2], "big")
    assert leaf_hash(bundle.content[2 : 2 + first]) == full.content[:32]
    for wrong in ("0/001", "0/002.p/1", "0/0", "64/000", "0/000.p/256", "entries/001", "x"):
        assert world.http.get(f"/{NAME}/tile/{wrong}").json()["code"] in ("not_found", "no_such_path"), wrong


def test_a_ledger_proves_that_it_only_grew(world: World) -> None:
    client = world.client()
    first = Checkpoint.parse(parse_note(world.must(_award(world.village))["checkpoint"]).text)
    world.must(_award(world.village))
    last = Checkpoint.parse(parse_note(world.must(_award(world.village))["checkpoint"]).text)
    path = client.consistency(NAME, first.size, last.size)
    verify_consistency(size_1=first.size, root_1=first.root, size_2=last.size, root_2=last.root, path=path)
    with pytest.raises(NotFoundError):
        client.consistency(NAME, last.size, last.size + 1)


NOT_THERE = {
    "/v1/ledgers/none": "not_found",
    "/none/checkpoint": "not_found",
    f"/v1/ledgers/{NAME}/entries/999999": "not_found",
    f"/v1/ledgers/{NAME}/receipts/999999": "not_found",
    f"/v1/ledgers/{NAME}/receipts/{uuid.UUID(int=4 << 76 | 8 << 60)}": "not_found",
    f"/v1/ledgers/{NAME}/accounts/{person('nobody at all').party}": "not_found",
    f"/v1/ledgers/{NAME}/nonsense": "no_such_path",
    "/": "no_such_path",
}


@pytest.mark.parametrize("path", NOT_THERE)
def test_what_is_not_there_is_a_problem_too(world: World, path: str) -> None:
    answer = world.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, NOT_THERE[path])
    assert answer.headers["content-type"] == "application/problem+json"


MALFORMED = {
    f"/v1/ledgers/{NAME}/entries/-1": "seq",
    f"/v1/ledgers/{NAME}/entries/one": "seq",
    f"/v1/ledgers/{NAME}/entries/{2**64}": "seq",
    f"/v1/ledgers/{NAME}/entries?first=x": "first",
    f"/v1/ledgers/{NAME}/entries?first=5&last=4": "last",
    f"/v1/ledgers/{NAME}/events/nonsense": "event_id",
    f"/v1/ledgers/{NAME}/receipts/nonsense": "event",
    f"/v1/ledgers/{NAME}/receipts/9999999999999999": "event",
    f"/v1/ledgers/{NAME}/accounts/zhang": "party",
    f"/v1/ledgers/{NAME}/accounts/{person('zhang').party}?limit=0": "limit",
    f"/v1/ledgers/{NAME}/consistency?from=0&to=1": "from",
    f"/v1/ledgers/{NAME}/consistency": "from",
}


@pytest.mark.parametrize("path", MALFORMED)
def test_a_parameter_that_is_wrong_is_named(world: World, path: str) -> None:
    answer = world.http.get(path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == MALFORMED[path]


def test_a_method_that_a_path_does_not_take_is_a_problem(world: World) -> None:
    answer = world.http.get(EVENTS)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_the_server_lives_is_ready_and_counts(world: World) -> None:
    assert world.http.get("/livez").json() == {"status": "live"}
    assert world.client().ready()
    world.post(b"{")
    text = world.http.get("/metrics").text
    assert f'gongfen_entries{{ledger="{NAME}"}} {float(world.size)}' in text
    assert 'gongfen_refusals_total{code="not_json"}' in text
    for name in ("gongfen_queue_events", "gongfen_group_events_count", "gongfen_commit_seconds_count"):
        assert name in text


# Trouble --------------------------------------------------------------------------------------------------------------


def test_a_commit_that_fails_leaves_nothing_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "no space left on device: /secret/path")

    made = Settings(data_dir=tmp_path, writer_process=False)
    founded(made)
    with running(made) as world:
        world.populate()
        before, account = world.size, world.client().account(NAME, person("zhang").party)
        event = _award(world.village)
        with monkeypatch.context() as broken:
            broken.setattr(commit.log, "write_head", fail)
            answer = world.post(event)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "secret" not in answer.text
        assert world.size == before
        assert world.client().account(NAME, person("zhang").party) == account
        assert world.must(event)["seq"] == before
        assert world.size == before + 1


def test_a_full_queue_is_told_and_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Settings(data_dir=tmp_path, queue_max=3, writer_process=False)
    founded(made)
    with running(made) as world:
        events = [world.village.role(name, "clerk") for name in "abcdefghijkl"]
        held = threading.Event()
        writer = world.sequencer().writer
        append = writer.append

        def slow(group: Any) -> Any:
            held.wait(20)
            return append(group)

        monkeypatch.setattr(writer, "append", slow)
        answers: list[httpx.Response] = []
        threads = [threading.Thread(target=lambda e=e: answers.append(world.post(e))) for e in events]
        for thread in threads:
            thread.start()
        while not any(answer.status_code == 503 for answer in answers):
            threads[0].join(0.01)
        held.set()
        for thread in threads:
            thread.join()
        busy = [answer for answer in answers if answer.status_code == 503]
        assert busy[0].headers["retry-after"] == "1"
        assert busy[0].json()["code"] == "queue_full"
        assert world.size == 1 + len(answers) - len(busy)
        with pytest.raises(BusyError):
            list(world.client().submit_many(NAME, events))


def test_answers_survive_a_restart(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    founded(made)
    with running(made) as world:
        event = world.village.role("clerk", "clerk")
        first = world.must(event)
        summary = world.client().ledger(NAME)
    with running(made) as world:
        assert world.client().ledger(NAME) == summary
        assert world.post(event).json() == first | {"replayed": True}
        world.village.count = 1000
        assert world.must(world.village.role("council", "council"))["seq"] == 2


# A server of its own --------------------------------------------------------------------------------------------------


@pytest.fixture
def client(server: str) -> Iterator[LedgerClient]:
    with LedgerClient(server) as made:
        yield made


def test_a_server_process_takes_events_and_proves_them(client: LedgerClient, server: str) -> None:
    assert client.ready()
    village = maker()
    events = [village.role(name, "clerk") for name in ("clerk", "clerk two")]
    events.append(village.party("register", "zhang", type="resident", day="2021-01-01"))
    answers = [answer for answer in client.submit_many(NAME, events) if not isinstance(answer, LedgerError)]
    assert [answer["seq"] for answer in answers] == [1, 2, 3]
    client.commit_state(NAME)
    receipt = parse(client.receipt(NAME, "3"))
    assert isinstance(receipt, Receipt)
    assert leaf_hash(receipt.entry).hex() == answers[2]["leaf"]
    assert client.account(NAME, person("zhang").party)["count"] == 1
    assert b64decode(json.loads(client.receipt(NAME, "3"))["entry"]) == client.entry(NAME, 3)


def test_a_body_that_grows_without_end_is_cut_off(server: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1 << 16
            yield b" " * (1 << 16)

    try:
        answer = httpx.post(server + EVENTS, content=endless(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    except httpx.WriteError:
        pass  # the server hung up on the sender, who wrote on
    assert sent < 1000 << 16
    assert httpx.get(server + "/readyz").status_code == 200
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        head = f"POST {EVENTS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {1 << 30}\r\n\r\n"
        link.sendall(head.encode())
        assert link.recv(100).startswith(b"HTTP/1.1 413 ")
