"""Every error becomes a problem: stable code, named field, and nothing of the server's inner life."""

from __future__ import annotations

import io
import json

import pytest

from api.problems import CODES, STATUSES, TYPE_PREFIX, problem_of, respond
from api.server import configure_logging
from ledger import errors
from ledger.errors import AccessError, BusyError, FormatError, LedgerError, RefusalError, StateError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LedgerError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_its_place_in_the_table(kind: type[LedgerError]) -> None:
    problem = problem_of(kind("something", field="body.x"))
    assert kind in STATUSES
    assert problem.status == STATUSES[kind].status
    assert problem.code == kind.default_code
    assert problem.type == TYPE_PREFIX + problem.code


@pytest.mark.parametrize("code", CODES)
def test_some_codes_have_a_status_of_their_own(code: str) -> None:
    assert problem_of(LedgerError("x", code=code)).status == CODES[code].status


def test_a_problem_names_field_expected_and_got() -> None:
    error = RefusalError("too much", code="over", field="body.amount_units", expected="at most 5", got="6")
    body = json.loads(respond(problem_of(error)).body)
    assert body == {
        "type": TYPE_PREFIX + "over",
        "title": "The rules of the ledger do not allow it",
        "status": 422,
        "code": "over",
        "detail": "too much",
        "field": "body.amount_units",
        "expected": "at most 5",
        "got": "6",
    }


@pytest.mark.parametrize("error", [StateError("row 7 of /secret is gone", field="heads"), KeyError("/secret")])
def test_what_is_the_servers_fault_is_told_without_its_inner_life(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = problem_of(error)
    assert problem.status == 500
    assert "secret" not in bytes(respond(problem).body).decode()
    logged = capsys.readouterr()
    assert "secret" in logged.out + logged.err, "but it is logged"


HEADERS = {
    "busy": (BusyError("wait"), "retry-after", "1"),
    "no token": (AccessError("who", code="unauthenticated"), "www-authenticate", 'Bearer realm="gongfen"'),
    "too large": (FormatError("big", code="too_large"), "connection", "close"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_problem_carries_the_headers_that_help(name: str) -> None:
    error, header, value = HEADERS[name]
    answer = respond(problem_of(error))
    assert answer.headers[header] == value
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_log_that_cannot_be_written_does_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging()
    closed = io.StringIO()
    closed.close()
    with monkeypatch.context() as broken:
        broken.setattr("sys.stderr", closed)
        assert problem_of(ValueError("x")).status == 500


def test_the_log_is_one_line_of_json_for_each_thing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    problem_of(_raised("odd"))
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "error"
    assert "odd" in json.dumps(line["exception"])
    assert "a key's seed" not in json.dumps(line), "what a function holds is no business of the log"


def _raised(text: str) -> ValueError:
    try:
        secret = "a key's seed"
        raise ValueError(text, len(secret))
    except ValueError as error:
        return error
