"""Ways to provoke each refusal of the domain, for the table in tests/unit/domain/test_refusals.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ledger.core.disclosure import digest, make
from ledger.core.encoding import canonical, encode_base64url
from ledger.domain.disclosures import check_disclosures
from ledger.domain.entries import event_bytes, parse_entry, parse_event, parse_submission
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from tests.helpers.village import TODAY, Village, person, sign
from tests.helpers.village_rules import BOOK, rule

Provoke = Callable[[Village], object]
NEUTRAL_KEY = encode_base64url(b"\x01" + bytes(31))
SMALL_ORDER = {"public": NEUTRAL_KEY, "suite": "ed25519"}
NOWHERE = "00000000-0000-4000-8000-ffffffffffff"
SALT = bytes(16)
NOT_UTF8 = b'{"disclosures":["\xff"]}'


class Refused(NamedTuple):
    """What is refused, under which code, at which field, and how to provoke it."""

    name: str
    code: str
    field: str
    provoke: Provoke


def submitting(*steps: Callable[[Village], bytes]) -> Provoke:
    """All steps but the last are accepted; the last is refused."""

    def provoke(village: Village) -> None:
        for step in steps[:-1]:
            village.must(step(village))
        raise village.refusal(steps[-1](village))

    return provoke


def founding(**changes: Any) -> Provoke:
    """Entry 0 with another body; ``signers`` may be given."""
    signers = changes.pop("signers", ("mayor", "deputy", "ledger"))

    def provoke(_: Village) -> None:
        village = Village()
        raise village.refusal(village.found(**changes, signers=signers))

    return provoke


def raw_award(v: Village, **changes: Any) -> bytes:
    event = parse_submission(v.award("zhang", "volunteer")).event
    whole = json.loads(event_bytes(event)) | changes
    return sign({k: value for k, value in whole.items() if value is not None}, "issuer")


def reading(**changes: Any) -> Provoke:
    """An award as an event, with fields changed, in JSON."""

    def provoke(v: Village) -> object:
        event = json.loads(event_bytes(parse_submission(v.award("zhang", "volunteer")).event))
        return event_bytes(parse_event(json.dumps(event | changes).encode()))

    return provoke


def voting(votes: dict[str, int]) -> Provoke:
    """A book adopted with these votes."""
    return submitting(lambda v: v.adopt(BOOK, TODAY, votes=votes))


def undo_of(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"account": f"{person(name).party}/spend", "delta": delta} for name, delta in pairs]


def booking(**changes: Any) -> Provoke:
    """Version 2 of the book, of one changed rule."""
    made = rule("odd", **changes)
    made = {key: value for key, value in made.items() if value is not None}
    return submitting(lambda v: v.adopt({**BOOK, "version": 2, "rules": [made]}, TODAY))


def disclosing(private: dict[str, str], *disclosures: str, kind: str = "award") -> Provoke:
    def provoke(v: Village) -> object:
        data = v.award("zhang", "volunteer", private=private) if kind == "award" else v.card("li/card")
        return check_disclosures(parse_submission(data).event, disclosures)

    return provoke


PLACE = make(SALT, "place", "村委会")
OTHER_PLACE = make(SALT, "place", "田里")
PRIVATE = {"place": digest(PLACE)}


def replayed(change: Callable[[Village], None]) -> Provoke:
    """A log that was changed, replayed."""

    def provoke(v: Village) -> None:
        v.must(v.award("zhang", "volunteer"))
        v.must(v.award("zhang", "volunteer"))
        change(v)
        replay = Replay(v.entries.__getitem__)
        for data in v.entries:
            replay.apply(data)

    return provoke


def swap_entries(v: Village) -> None:
    v.entries[-1], v.entries[-2] = v.entries[-2], v.entries[-1]


def change_effects(v: Village) -> None:
    v.entries[-1] = v.entries[-1].replace(b'"delta":200', b'"delta":201')


def repeat_id(v: Village) -> None:
    first, second = (parse_entry(data).event.id.encode() for data in v.entries[-2:])
    v.entries[-1] = v.entries[-1].replace(second, first)


def conflicting(v: Village) -> bytes:
    done = v.must(v.award("zhang", "volunteer"))
    return sign(v.event("points_awarded", "issuer", {**award_body(), "quantity": 2}, id=done.event_id), "issuer")


def award_body() -> dict[str, Any]:
    return {
        "amount_units": 200,
        "issuer": person("coop").party,
        "quantity": 1,
        "subject": person("zhang").party,
        "units": ["merit", "spend"],
    }


def captured(v: Village, seq: int) -> bytes:
    return v.award("zhang", "volunteer", device={"id": "phone-1", "seq": seq, "captured_at": 1})


def taking(subject: str, quantity: int = 1, **task: Any) -> Provoke:
    """zhang takes one place of a task, then ``subject`` asks for one."""

    def provoke(v: Village) -> None:
        published = v.must(v.task(**task)).event_id
        v.must(v.award("zhang", "volunteer", body={"task": published}))
        raise v.refusal(v.award(subject, "volunteer", quantity, body={"task": published}))

    return provoke


def tasked(rule_id: str = "volunteer", day: str = TODAY) -> Provoke:
    def provoke(v: Village) -> None:
        published = v.must(v.task()).event_id
        raise v.refusal(v.award("zhang", rule_id, body={"task": published}, day=day))

    return provoke


def reversing(**changes: Any) -> Provoke:
    def provoke(v: Village) -> None:
        target = v.must(v.award("zhang", "volunteer"))
        raise v.refusal(v.reverse(target, **changes))

    return provoke


def reversed_twice(v: Village) -> None:
    target = v.must(v.award("zhang", "volunteer"))
    v.must(v.reverse(target))
    raise v.refusal(v.reverse(target))


def reversed_reversal(v: Village) -> None:
    done = v.must(v.reverse(v.must(v.award("zhang", "volunteer"))))
    raise v.refusal(v.reverse(done))


def commitment(root: str | None = None, size: int = 0, *, given: bool = True) -> Provoke:
    def provoke(v: Village) -> None:
        true = v.map_root()
        body = {"root": root or true.hex(), "size": size or v.head.size}
        data = v.make("state_committed", body, "ledger")
        outcome = v.submit(data, root=true if given else None)[0]
        assert isinstance(outcome, LedgerError)
        raise outcome

    return provoke


OFFICER_KEY = person("issuer").ref()


def refuse(village: Village, submission: bytes) -> None:
    raise village.refusal(submission)


def doubled_key(v: Village) -> bytes:
    data = event_bytes(parse_submission(v.award("zhang", "volunteer")).event)
    return data.replace(b'"v":1}', b'"v":1,"v":1}')


def not_nfc(v: Village) -> bytes:
    return event_bytes(parse_submission(v.make("role_changed", role_body(reason="e\u0301"), "mayor")).event)


def role_body(**changes: Any) -> dict[str, Any]:
    one = person("new")
    return {"action": "grant", "party": one.party, "role": "clerk", "scope": "*", "key": one.ref(), **changes}


def two_keys(v: Village) -> None:
    v.must(v.role("clerk/second", "clerk"))
    raise v.refusal(v.party("register", "wang", type="resident", signers=("clerk", "clerk/second")))


def signatures_changed(data: bytes, change: Callable[[list[dict[str, str]]], object]) -> bytes:
    value = json.loads(data)
    change(value["signatures"])
    return canonical(value)


def disordered(v: Village) -> bytes:
    return signatures_changed(v.found(), lambda signatures: signatures.append(signatures.pop(1)))


def forged(v: Village) -> bytes:
    data = v.award("zhang", "volunteer")
    return signatures_changed(data, lambda signatures: signatures[0].update(sig="A" * 86))


def merit_only() -> None:
    v = Village()
    v.must(v.found(units=["merit"]))
    for name in ("clerk", "clerk two", "council", "oversight", "issuer"):
        v.must(v.role(name, name.split()[0]))
    v.must(v.adopt(BOOK, "2021-01-01"))
    v.must(v.party("register", "coop", type="organisation"))
    v.must(v.party("register", "zhang", type="resident"))
    raise v.refusal(v.award("zhang", "volunteer"))


def weak_founder() -> None:
    weak = {"party": person("mayor").party, **SMALL_ORDER}
    v = Village()
    raise v.refusal(v.found(root={"threshold": 1, "keys": [weak]}))


def rule_twice(v: Village) -> None:
    raise v.refusal(v.adopt({**BOOK, "version": 2, "rules": [rule("a"), rule("b"), rule("a")]}, TODAY))


def before_any_book(v: Village) -> None:
    v.must(v.party("register", "elder", type="resident", day="2020-01-01"))
    v.must(v.party("register", "old coop", type="organisation", day="2020-01-01"))
    body = {"issuer": person("old coop").party}
    raise v.refusal(v.award("elder", "volunteer", body=body, day="2020-12-31"))
