"""A report tells what the ledger holds: a missing entry, a wrong balance or a fault of the audit is not passed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import httpx
import pytest
from msgspec.structs import replace

from ledger.client import LedgerClient
from ledger.errors import BusyError, StateError
from ledger.scenarios.drive import Driven
from ledger.scenarios.foshan import Composed, compose, scenario_of
from ledger.scenarios.reading import Found, add_up, read_back, read_entries
from ledger.scenarios.report import Report, make_report
from ledger.scenarios.scenario import Blind, Chronicle
from tests.unit.scenarios.memory import MemoryLedger
from tests.unit.scenarios.served import Server


@cache
def composed() -> Composed:
    return compose(scale=0.02)


def chronicle() -> Chronicle:
    return scenario_of(composed()).chronicles[0]


@cache
def ledger(kept: int | None = None) -> MemoryLedger:
    """The ledger after the first ``kept`` submissions, or all of them."""
    made = MemoryLedger(chronicle())
    for signed in composed().submissions[:kept]:
        if signed.refused is None:
            made.send(signed)
    return made


def report_on(server: Server) -> Report:
    with LedgerClient("http://server", transport=httpx.MockTransport(server)) as client:
        found = Found([read_back(client, chronicle(), Blind(), {})], client)
        return make_report(scenario_of(composed()), found, Driven(0, 0, 0))


def test_a_complete_ledger_lands_on_its_figures() -> None:
    report = report_on(Server(ledger().data, anchors=2))
    assert report.musts["exact counts"] is True
    assert report.good
    assert (report.figures["anchored_ledgers"], report.figures["batches"]) == (1, 2), (
        "an anchor on its way does not count"
    )
    assert report.figures["entries"] == len(ledger().data)


def test_a_ledger_that_lacks_its_last_month_does_not() -> None:
    kept = next(n for n, signed in enumerate(composed().submissions) if signed.phase.startswith("month 11"))
    report = report_on(Server(ledger(kept).data))
    assert report.musts["exact counts"] is False
    assert not report.good


@pytest.mark.parametrize("role", ["issuer", "shop"])
def test_balances_that_disagree_with_the_entries_are_noticed(role: str) -> None:
    village = composed().village
    party = village.committee.party if role == "issuer" else village.shops[0].party

    def change(balances: dict[str, int]) -> None:
        balances[f"{party}/spend"] += 1

    report = report_on(Server(ledger().data, change))
    assert report.musts["exact counts"] is False
    assert report.missed == ["the accounts of foshan-village tell other balances"]


def test_an_audit_that_is_not_clean_is_not_good() -> None:
    report = report_on(Server(ledger().data))
    assert replace(report, audit="clean").good
    assert not replace(report, audit="entry 7 was changed").good


def test_the_report_for_people_and_for_programs_say_the_same() -> None:
    report = report_on(Server(ledger().data))
    assert json.loads(report.as_json()) == json.loads(report.as_json(indent=2))
    text, saved_fen = report.as_text(), report.figures["saved_fen"]
    assert f"{saved_fen // 100:,}.{saved_fen % 100:02}" in text
    assert "not judged       an altered snapshot fails" in text
    assert "DOES NOT HOLD" in replace(report, musts={"exact counts": False}).as_text()


def read(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    with LedgerClient("http://server", transport=httpx.MockTransport(answer)) as client:
        add_up(read_entries(client, "foshan-village"))


def test_an_entry_left_out_of_the_answer_is_noticed() -> None:
    with pytest.raises(StateError, match="missing"):
        read(Server([*ledger().data[:10], *ledger().data[11:]]))


PAGES = {
    "another page": b'{"first":1,"entries":[]}',
    "a page that leads nowhere": b'{"first":0,"entries":[],"next":0}',
    "a page that leaves entries out": b'{"first":0,"entries":[],"next":9}',
    "no entries at all": b'{"first":0}',
    "no JSON": b"<html>",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_server_that_answers_nonsense_is_noticed(name: str) -> None:
    with pytest.raises(StateError, match="the server"):
        read(lambda request: httpx.Response(200, content=PAGES[name]))


def test_a_server_that_fails_while_it_is_read_is_told() -> None:
    with pytest.raises(StateError, match="500"):
        read(lambda request: httpx.Response(500))


def test_a_server_that_is_gone_is_busy() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(BusyError):
        read(gone)
