"""Driving a scenario: phases, batches, answers that are not as meant, servers that are busy or gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from ledger.client import LedgerClient
from ledger.errors import BusyError, StateError
from ledger.scenarios.draw import Draw
from ledger.scenarios.drive import GROUP, Answered, Driven, batches, drive
from ledger.scenarios.errands import Desk, Errand
from ledger.scenarios.scribe import Scribe, Signed

Handler = Callable[[httpx.Request], httpx.Response]


def signed(number: int, phase: str = "a", *, alone: bool = False, refused: str | None = None) -> Signed:
    return Signed(phase, f"id-{number}", "points_awarded", b'{"n":%d}' % number, alone, refused)


class Server:
    """Answers each event with the next seq, except those whose number is in ``problems``."""

    def __init__(
        self, problems: dict[int, tuple[int, str]] | None = None, *, known: frozenset[int] = frozenset()
    ) -> None:
        self.problems = problems or {}
        self.known = known
        self.requests: list[list[int]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        numbers = [json.loads(line)["n"] for line in request.content.splitlines()]
        self.requests.append(numbers)
        answers = [self.answer(number) for number in numbers]
        if request.url.path.endswith(":batch"):
            return httpx.Response(200, text="".join(json.dumps(answer) + "\n" for answer in answers))
        return httpx.Response(int(answers[0].get("status", 201)), json=answers[0])

    def answer(self, number: int) -> dict[str, object]:
        if number in self.problems:
            status, code = self.problems[number]
            return {"status": status, "code": code, "detail": "no"}
        return {"seq": number, "leaf": "", "at": 0, "replayed": number in self.known, "checkpoint": ""}


def client(handler: Handler) -> LedgerClient:
    return LedgerClient("http://server", transport=httpx.MockTransport(handler))


def answers_of(client: LedgerClient, events: list[Signed | None]) -> list[Answered]:
    answers: list[Answered] = []
    drive(client, "village", events, answers.append)
    return answers


def test_phases_and_lone_events_go_in_requests_of_their_own_and_in_order() -> None:
    events: list[Signed | None] = [
        signed(0, alone=True),
        signed(1, alone=True),
        signed(2),
        signed(3),
        signed(4, "b"),
        signed(5, "b"),
    ]
    server = Server()
    answers = answers_of(client(server), events)
    assert server.requests == [[0], [1], [2, 3], [4, 5]]
    assert [answered.seq for answered in answers] == [0, 1, 2, 3, 4, 5]


def test_a_large_phase_is_cut_into_several_requests() -> None:
    sizes = [len(group) for group in batches([signed(n) for n in range(2 * GROUP + 1)])]
    assert sizes == [GROUP, GROUP, 1]


def test_every_answer_is_told_in_order() -> None:
    told: list[int] = []
    drive(client(Server()), "village", [signed(n) for n in range(3)], lambda answered: told.append(answered.seq))
    assert told == [0, 1, 2]


def test_what_came_of_all_events_is_counted() -> None:
    server = Server({2: (422, "no_place_left")})
    counts = drive(client(server), "village", [signed(0), signed(1), signed(2, refused="no_place_left")])
    assert counts == Driven(accepted=2, replayed=0, refused=1)


def test_a_story_that_waits_knows_the_answers_to_what_it_marked() -> None:
    marked: dict[str, Answered] = {}

    def story() -> Iterator[Signed | None]:
        yield signed(5)._replace(mark="last")
        yield signed(7)._replace(mark="last")
        yield None
        yield signed(marked["last"].seq + 1)

    server = Server()
    drive(client(server), "village", story(), marked=marked)
    assert server.requests == [[5, 7], [8]]
    assert marked["last"].signed.id == "id-7"


def test_a_story_is_made_while_it_is_sent_never_as_a_whole() -> None:
    made = 0
    lead = []

    def story() -> Iterator[Signed | None]:
        nonlocal made
        for number in range(10 * GROUP):
            made += 1
            yield signed(number)

    drive(client(Server()), "village", story(), lambda answered: lead.append(made - answered.seq))
    assert max(lead) <= 4 * GROUP


@pytest.mark.parametrize("alone", [True, False])
def test_a_refusal_that_is_meant_is_an_answer_like_any_other(alone: bool) -> None:
    server = Server({1: (422, "no_place_left")})
    events: list[Signed | None] = [signed(0), signed(1, "b", alone=alone, refused="no_place_left")]
    answers = answers_of(client(server), events)
    assert [(answered.seq, answered.code) for answered in answers] == [(0, ""), (-1, "no_place_left")]


@pytest.mark.parametrize(
    ("problems", "refused"),
    [
        ({0: (422, "refused")}, None),
        ({0: (422, "other_code")}, "no_place_left"),
        ({}, "no_place_left"),
    ],
)
def test_an_outcome_that_is_not_meant_ends_the_run(problems: dict[int, tuple[int, str]], refused: str | None) -> None:
    with pytest.raises(StateError) as caught:
        drive(client(Server(problems)), "village", [signed(0, refused=refused), signed(1, "b")])
    assert caught.value.code == "unexpected_answer"


def test_what_is_sent_again_must_be_answered_as_the_first_time() -> None:
    scribe = Scribe("gongfen.example/village", Draw("test"))
    scribe.phase = "later"
    scribe.repeat(signed(0), mark="again")
    (again,) = scribe.take()
    assert (again.data, again.phase, again.mark) == (signed(0).data, "later", "again")
    answers = answers_of(client(Server(known=frozenset({0}))), [again])
    assert [(answered.seq, answered.replayed) for answered in answers] == [(0, True)]
    with pytest.raises(StateError) as caught:
        answers_of(client(Server()), [again])
    assert (caught.value.expected, caught.value.got) == ("the first answer", "accepted as entry 0")


@pytest.mark.parametrize("alone", [True, False])
def test_a_full_queue_is_waited_for(alone: bool) -> None:
    full, server = [True], Server()

    def handler(request: httpx.Request) -> httpx.Response:
        if full and full.pop():
            return httpx.Response(503, json={"code": "queue_full", "detail": "later"})
        return server(request)

    assert [answered.seq for answered in answers_of(client(handler), [signed(0, alone=alone)])] == [0]


def test_a_server_that_is_gone_ends_the_run_with_busy() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone")

    with pytest.raises(BusyError) as caught:
        drive(client(gone), "village", [signed(0)])
    assert caught.value.code == "unreachable"


def test_a_server_that_stops_within_a_batch_ends_the_run_with_busy() -> None:
    with pytest.raises(BusyError):
        drive(client(Server({1: (503, "stopping")})), "village", [signed(0), signed(1)])


def test_an_errand_is_done_when_all_before_it_is_answered_and_before_anything_after_it_is_sent() -> None:
    server, seen = Server(), []

    def run(desk: Desk) -> None:
        seen.append([number for request in server.requests for number in request])
        assert len(list(desk.submit([b'{"n":7}']))) == 1

    story = [signed(0), signed(1), Errand(run), signed(2), Errand(run)]
    driven = drive(client(server), "village", story)
    assert seen == [[0, 1], [0, 1, 7, 2]]
    assert [number for request in server.requests for number in request] == [0, 1, 7, 2, 7]
    assert driven == Driven(3, 0, 0), "what an errand sends is its own"
