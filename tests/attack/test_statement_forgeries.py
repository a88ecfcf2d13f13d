"""Forged statements: entries left out, doubled or swapped, balances that do not add up, and which step notices."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ledger.core.merkle import leaf_hash, node_hash
from ledger.domain.entries import parse_entry
from tests.helpers.ledger_builder import LedgerBuilder
from tests.helpers.receipts import Json, failing, sample, spoil

S = sample()
STATEMENT = S.statement_json()
OLD_STATEMENT = S.statement_json(size=S.first)


def entries(p: Json) -> list[Any]:
    found: list[Any] = p["entries"]
    return found


STATEMENTS: dict[str, tuple[Callable[[Json], Any], set[str]]] = {
    "an entry left out": (lambda p: entries(p).pop(2), {"complete"}),
    "the newest entry left out": (lambda p: entries(p).pop(), {"complete"}),
    "the first entry left out": (lambda p: entries(p).pop(0), {"complete"}),
    "an entry repeated": (lambda p: entries(p).append(entries(p)[-1]), {"complete"}),
    "entries in another order": (lambda p: entries(p).reverse(), {"complete"}),
    "two entries changed places": (
        lambda p: p.update(entries=[entries(p)[1], entries(p)[0], *entries(p)[2:]]),
        {"complete"},
    ),
    "an entry about others in place of one": (
        lambda p: entries(p).__setitem__(2, S.statement_json("li")["entries"][-1]),
        {"complete"},
    ),
    "the account of another party": (lambda p: p.update(account=S.statement_json("li")["account"]), {"complete"}),
    "another party": (lambda p: p.update(party=S.ledger.person("li").party), {"complete"}),
    "an older account": (lambda p: p.update(account=OLD_STATEMENT["account"]), {"complete"}),
    "an older commitment": (
        lambda p: p.update(commitment=OLD_STATEMENT["commitment"]),
        {"bound", "included", "complete"},
    ),
    "a balance off by one": (
        lambda p: p["account"]["value"]["balances"].update(spend=p["account"]["value"]["balances"]["spend"] + 1),
        {"complete"},
    ),
    "a unit added": (lambda p: p["account"]["value"]["balances"].update(other=0), {"complete"}),
    "a unit left out": (lambda p: p["account"]["value"]["balances"].pop("merit"), {"complete"}),
    "a count off by one": (
        lambda p: p["account"]["value"].update(count=p["account"]["value"]["count"] - 1),
        {"complete"},
    ),
    "another newest entry": (lambda p: p["account"]["value"].update(last=1), {"complete"}),
    "another head": (lambda p: p["account"]["value"].update(head="00" * 32), {"complete"}),
    "a truncated account path": (lambda p: p["account"]["path"].pop(), {"complete"}),
    "a key left out": (lambda p: p["keys"].pop(), {"bound", "signed", "authorised"}),
    "a key repeated": (lambda p: p["keys"].append(p["keys"][0]), {"bound"}),
    "a superfluous key": (lambda p: p["keys"].append(S.receipt_json(0)["keys"][0]), {"bound"}),
    "keys in another order": (lambda p: p["keys"].reverse(), {"bound"}),
    "an index off by one": (lambda p: entries(p)[1].update(index=entries(p)[1]["index"] + 1), {"bound", "included"}),
    "a path of another entry": (lambda p: entries(p)[1].update(path=entries(p)[2]["path"]), {"included"}),
    "a disclosure of another entry": (
        lambda p: entries(p)[1].update(disclosures=entries(p)[2]["disclosures"]),
        {"private"},
    ),
    "an unknown field of an entry": (lambda p: entries(p)[1].update(seq=1), {"format"}),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_forged_statement_is_invalid_and_the_right_step_says_so(name: str) -> None:
    change, steps = STATEMENTS[name]
    report = S.judge(spoil(STATEMENT, change))
    assert report.verdict == "invalid"
    assert steps <= failing(report)


def test_a_statement_whose_balances_a_cheating_log_committed_wrongly_does_not_add_up() -> None:
    ledger = LedgerBuilder.village()
    ledger.award()
    key = f"account:{ledger.person('zhang').party}"
    account = ledger.facts[key]
    assert account is not None
    ledger.facts[key] = msgspec.structs.replace(account, balances={"merit": 200, "spend": 201})
    size = ledger.commit()
    report = S.judge(ledger.statement("zhang", size), trust=ledger.trust())
    assert failing(report) == {"complete"}
    assert "do not add up" in report.steps[-1].detail


def test_an_entry_that_does_not_name_the_party_cannot_pad_a_statement() -> None:
    entry = parse_entry(S.ledger.entries[1])
    assert S.ledger.person("zhang").party not in entry.effects.parties
    padded = spoil(STATEMENT, lambda p: entries(p).insert(0, S.statement_json("clerk")["entries"][0]))
    assert "complete" in failing(S.judge(padded))


def test_a_hash_of_a_node_is_never_a_leaf() -> None:
    assert node_hash(b"\x01" * 32, b"\x02" * 32) != leaf_hash(b"\x01" * 32 + b"\x02" * 32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda chain: chain.update(prev="ab" * 32), "not chained"),
        (lambda chain: chain.update(at=chain["at"] - 60_000), "time went back"),
    ],
)
def test_neighbours_that_a_cheating_log_did_not_chain_are_a_fault(change: Callable[[Json], object], words: str) -> None:
    ledger = LedgerBuilder.village()
    ledger.award()
    ledger.award()
    entry = json.loads(ledger.entries[-1])
    change(entry["chain"])
    ledger.unsafe_replace_last(json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())
    size = ledger.commit()
    report = S.judge(ledger.statement("zhang", size), trust=ledger.trust())
    assert {"bound", "complete"} == failing(report)  # the account binds the entry as it should have been
    assert words in next(step for step in report.steps if step.code == "bound").detail
