"""What must not stand in the ledger: a table of bad submissions, each refused with reasons and not stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from ledger.domain.fields import DAY_MS, day_of
from tests.helpers.village import Village, rule_ref
from tests.unit.api.world import BATCH, EVENTS, World, changed, resigned

OTHER = "gongfen.example/other-village"


def _swap_signature(value: dict[str, Any]) -> None:
    value["event"]["body"]["quantity"] = 2


def _award(village: Village) -> bytes:
    return village.award("zhang", "volunteer")


BAD: dict[str, tuple[Callable[[Village], bytes], int, str, str | None]] = {
    "no JSON": (lambda v: b"{", 400, "not_json", None),
    "nothing": (lambda v: b"", 400, "not_json", None),
    "not UTF-8": (lambda v: _award(v).replace(b"volunteer", b"volunt\xff\xfer"), 400, "not_json", None),
    "an array": (lambda v: b"[]", 400, "bad_field", None),
    "a field missing": (lambda v: changed(_award(v), lambda s: s["event"].pop("actor")), 400, "bad_field", "event"),
    "a field too many": (lambda v: changed(_award(v), lambda s: s.update(more=1)), 400, "bad_field", None),
    "an unknown kind": (
        lambda v: changed(_award(v), lambda s: s["event"].update(kind="points_given")),
        400,
        "bad_field",
        "event.kind",
    ),
    "a fraction": (
        lambda v: _award(v).replace(b'"quantity":1', b'"quantity":1.5'),
        400,
        "bad_field",
        "event.body.quantity",
    ),
    "an amount of nothing": (
        lambda v: changed(_award(v), lambda s: s["event"]["body"].update(amount_units=0)),
        400,
        "bad_field",
        "event.body.amount_units",
    ),
    "a key that stands twice": (lambda v: _award(v).replace(b'{"disc', b'{"event":{},"disc'), 400, None, None),
    "too large": (lambda v: b" " * ((1 << 20) + 1), 413, "too_large", "body"),
    "an event too large": (
        lambda v: resigned(_award(v), lambda e: e.update(causes=[str(uuid.uuid4())] * 8000), "issuer"),
        400,
        None,
        "event.causes",
    ),
    "unsigned": (lambda v: changed(_award(v), lambda s: s.update(signatures=[])), 400, None, "signatures"),
    "wrongly signed": (lambda v: changed(_award(v), _swap_signature), 422, "bad_signature", "signatures.0"),
    "signed by a stranger": (
        lambda v: v.make("points_awarded", _body(v), "stranger", rule=rule_ref("volunteer")),
        422,
        "unknown_key",
        "signatures",
    ),
    "signed in the wrong role": (
        lambda v: v.award("zhang", "volunteer", signers=("clerk",)),
        422,
        "not_authorised",
        None,
    ),
    "another ledger": (
        lambda v: resigned(_award(v), lambda e: e.update(ledger=OTHER), "issuer"),
        422,
        "wrong_ledger",
        "ledger",
    ),
    "no such rule": (
        lambda v: resigned(_award(v), lambda e: e["rule"].update(id="nonsense"), "issuer"),
        422,
        "unknown_rule",
        "rule.id",
    ),
    "a version not in force": (
        lambda v: v.award("zhang", "volunteer", version=7),
        422,
        "rule_not_in_force",
        "rule.version",
    ),
    "another amount than the rule gives": (
        lambda v: v.award("zhang", "volunteer", body={"amount_units": 1}),
        422,
        "wrong_amount",
        "body.amount_units",
    ),
    "more than the balance": (lambda v: v.redeem("zhang", 300), 422, "insufficient_balance", None),
    "an unknown party": (lambda v: v.award("nobody", "volunteer"), 422, "unknown_party", "body.subject"),
    "dated tomorrow": (
        lambda v: v.award("zhang", "volunteer", day=day_of(v.now_ms + 2 * DAY_MS)),
        422,
        "future_dated",
        "occurred_on",
    ),
    "a detail that is not disclosed": (
        lambda v: v.award("zhang", "volunteer", private={"place": "A" * 43}),
        422,
        "disclosure_missing",
        None,
    ),
    "signed by the ledger's clock": (lambda v: v.make("state_committed", _root(), "ledger"), 422, None, None),
}
"""What is sent, the status, code and field of the problem; None where any will do."""


def _body(village: Village) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(_award(village))["event"]["body"]
    return body


def _root() -> dict[str, Any]:
    return {"root": "00" * 32, "size": 1}


@pytest.mark.parametrize("name", BAD)
def test_what_must_not_stand_in_the_ledger_is_refused_with_reasons_and_not_stored(world: World, name: str) -> None:
    make, status, code, field = BAD[name]
    before = world.size
    answer = world.post(make(world.village))
    problem = answer.json()
    assert answer.status_code == status == problem["status"], problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == (code or problem["code"])
    assert problem.get("field") == (field or problem.get("field"))
    assert {"type", "title", "detail"} <= problem.keys()
    if status == 422:
        assert {"field", "expected", "got"} <= problem.keys(), problem
    assert world.size == before


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][1] != 413])
def test_the_same_is_refused_as_a_line_of_a_batch_and_harms_no_other_line(world: World, name: str) -> None:
    make, status, code, field = BAD[name]
    before = world.size
    bad = make(world.village).replace(b"\n", b" ")
    lines = [world.village.award("li", "volunteer"), bad, world.village.award("li", "volunteer")]
    answer = world.http.post(BATCH, content=b"\n".join(lines) + b"\n", headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200
    first, refused, last = map(json.loads, answer.text.splitlines())
    assert (first["seq"], last["seq"]) == (before, before + 1)
    assert refused["status"] == status
    assert refused["code"] == (code or refused["code"])
    assert refused.get("field") == (field or refused.get("field"))
    assert world.size == before + 2


MEDIA = {
    "another type": ({"Content-Type": "text/plain"}, "Content-Type"),
    "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, "Content-Type"),
    "packed": ({"Content-Encoding": "gzip"}, "Content-Encoding"),
}


@pytest.mark.parametrize("name", MEDIA)
def test_a_body_of_another_type_is_refused(world: World, name: str) -> None:
    headers, field = MEDIA[name]
    problem = world.http.post(EVENTS, content=_award(world.village), headers=headers).json()
    assert (problem["status"], problem["code"], problem["field"]) == (415, "bad_media_type", field)


def test_a_body_without_a_type_or_with_a_charset_is_taken(world: World) -> None:
    assert world.http.post(EVENTS, content=_award(world.village)).status_code == 201
    assert world.post(_award(world.village), **{"Content-Type": "application/json; charset=utf-8"}).status_code == 201
