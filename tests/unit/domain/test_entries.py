"""Reading is strict: an entry has one spelling, an event any spelling that says one thing (formats §1-§4)."""

from __future__ import annotations

import json
import sys
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from ledger.core.encoding import canonical, parse_canonical, parse_json
from ledger.domain.entries import (
    EVENTS,
    Entry,
    check_submitted,
    entry_bytes,
    event_bytes,
    parse_entry,
    parse_event,
    parse_submission,
)
from ledger.domain.events import EVENT_MAX_BYTES, Event
from ledger.domain.fields import Strict, day_number, day_of, encode, is_day
from ledger.errors import FormatError
from tests.helpers.village import Village, person, sign
from tests.helpers.village_rules import BOOK, rule

NOTES = "第一行\n第二行"


def _entries() -> list[bytes]:
    village = Village.founded()
    award = village.must(village.award("zhang", "volunteer", device={"id": "a", "seq": 0, "captured_at": 0}))
    village.must(village.redeem("zhang", 100, causes=[award.event_id]))
    village.must(village.reverse(award, give_back=True))
    village.must(village.role("new", "clerk"))
    village.commit()
    return village.entries


ENTRIES = _entries()
AWARD = next(data for data in ENTRIES if b"points_awarded" in data)
EVENT = json.loads(AWARD)["event"]


def changed(path: str, value: object, source: bytes = AWARD) -> bytes:
    """The canonical entry with one value replaced; a path such as ``event.body.subject``."""
    whole = json.loads(source)
    place: Any = whole
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return encode(whole)


@pytest.mark.parametrize("data", ENTRIES, ids=range(len(ENTRIES)))
def test_an_accepted_entry_is_canonical_and_written_back_the_same(data: bytes) -> None:
    entry = parse_entry(data)
    value = parse_canonical(data)
    assert canonical(value) == data
    spliced = entry_bytes(encode(entry.event), entry.signatures, entry.chain, entry.effects)
    assert spliced == data
    assert event_bytes(entry.event) == canonical(value["event"])  # type: ignore[index,call-overload]


PARTY = person("zhang").party
BAD_VALUES = [
    ("event.actor", PARTY + "\n"),
    ("event.actor", PARTY[:-1]),
    ("event.actor", PARTY.upper()),
    ("event.actor", "p_8" + PARTY[3:]),
    ("event.actor", PARTY[:-1] + "i"),
    ("event.id", EVENT["id"] + "\n"),
    ("event.id", EVENT["id"].replace("-4000-", "-1000-")),
    ("event.id", "F" + EVENT["id"][1:]),
    ("event.occurred_on", "2021-11-20\n"),
    ("event.occurred_on", "2021-1-20"),
    ("event.rule.book", "points\n"),
    ("event.rule.id", "Volunteer"),
    ("event.rule.version", 0),
    ("event.device.id", "a\n"),
    ("event.device.seq", -1),
    ("event.private", {}),
    ("event.private", {"place\n": "A" * 43}),
    ("event.private", {"place": "A" * 42 + "B"}),
    ("event.causes", []),
    ("event.body.units", []),
    ("event.body.quantity", 2**53),
    ("event.body.quantity", -1),
    ("event.body.quantity", 10**30),
    ("event.body.quantity", True),
    ("event.body.quantity", "1"),
    ("event.body.quantity", 1.5),
    ("event.body.task", None),
    ("event.v", 2),
    ("v", 2),
    ("chain.at", 253_402_272_000_000),
    ("chain.at", -1),
    ("chain.prev", "A" * 64),
    ("chain.prev", "a" * 64 + "\n"),
    ("chain.seq", -1),
    ("effects.parties", [PARTY + "\n"]),
    ("effects.postings.0.account", PARTY + "/spends"),
    ("effects.postings.0.delta", 2**53),
    ("signatures", []),
    ("signatures.0.sig", "A" * 85),
    ("signatures.0.key", "0" * 63),
    ("signatures.0.suite", "rsa"),
    ("signatures.0.note", "x"),
]


@pytest.mark.parametrize(("path", "value"), BAD_VALUES, ids=[f"{path}={value!r:.30}" for path, value in BAD_VALUES])
def test_an_entry_with_a_value_of_no_type_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(FormatError) as caught:
        parse_entry(changed(path, value))
    assert caught.value.code == "bad_field"
    assert path == "v" or (caught.value.field or "").startswith(path.split(".")[0])


@pytest.mark.parametrize("character", ["\x7f", "\x00", "\x1f", "\t", "\r"])
def test_control_characters_are_refused_wherever_they_stand(character: str) -> None:
    body = {"action": "grant", "party": PARTY, "role": "clerk", "scope": "*", "key": person("new").ref()}
    event = Village().event("role_changed", "mayor", {**body, "reason": f"a{character}b"})
    entry, read = changed("event", event), parse_event(json.dumps(event).encode())
    with pytest.raises(FormatError, match="forbidden character"):
        parse_entry(entry)
    with pytest.raises(FormatError, match="forbidden character"):
        event_bytes(read)


def test_a_newline_may_stand_in_a_text() -> None:
    village = Village.founded()
    body = {"action": "grant", "party": person("new").party, "role": "clerk", "scope": "*", "key": person("new").ref()}
    village.must(village.make("role_changed", {**body, "reason": NOTES}, "mayor"))
    assert parse_entry(village.entries[-1])


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'"v":1}', b'"v":1,"v":1}'),
        lambda data: data.replace(b'"quantity":1', b'"quantity":1,"quantity":1'),
        lambda data: data.replace(b"points_awarded", b"points\\u005fawarded"),
        lambda data: data.replace(b'"seq":0', b'"seq":-0'),
        lambda data: canonical({"event": json.loads(data)["event"]}) and json.dumps(json.loads(data)).encode(),
    ],
)
def test_an_entry_has_one_spelling(spoilt: Any) -> None:
    with pytest.raises(FormatError) as caught:
        parse_entry(spoilt(AWARD))
    assert caught.value.code == "not_canonical"


def test_an_entry_holds_no_event_that_is_too_large() -> None:
    book = {**BOOK, "version": 2, "rules": [rule(f"r{i}", legal_basis="x" * 1900) for i in range(17)]}
    village = Village.founded()
    event = village.event("rulebook_adopted", "council", {"book": book, "effective_on": "2021-11-20", "votes": {}})
    event["body"]["votes"] = {"eligible": 1, "present": 1, "in_favour": 1, "against": 0}
    assert EVENT_MAX_BYTES < len(canonical(event)) < 50_000
    for read in (lambda: parse_entry(changed("event", event)), lambda: event_bytes(parse_event(canonical(event)))):
        with pytest.raises(FormatError) as caught:
            read()
        assert (caught.value.code, caught.value.field) == ("too_large", "event")


def test_a_submission_may_be_spelled_freely_and_is_verified_over_canonical_bytes() -> None:
    village = Village.founded()
    data = village.award("zhang", "volunteer")
    spelled = json.dumps(dict(reversed(json.loads(data).items())), indent=2, ensure_ascii=True).encode()
    assert event_bytes(parse_submission(spelled).event) == event_bytes(parse_submission(data).event)
    village.must(spelled)


@pytest.mark.parametrize("doubled", [b'"v":1', b'"quantity":1', b'"suite":"ed25519"'])
def test_a_key_twice_is_refused_in_every_spelling(doubled: bytes) -> None:
    data = Village.founded().award("zhang", "volunteer")
    for spoilt in (
        data.replace(doubled, doubled + b"," + doubled, 1),
        data.replace(doubled, doubled + b" ," + doubled, 1),
    ):
        with pytest.raises(FormatError) as caught:
            parse_submission(spoilt)
        assert caught.value.code == "repeated_key"


@pytest.mark.parametrize("bad", [b"", b"[]", b"null", b"\xef\xbb\xbf{}", b'{"event":', b"[" * 100_000])
def test_what_is_no_submission_is_refused(bad: bytes) -> None:
    for read in (parse_submission, parse_event, parse_entry):
        with pytest.raises(FormatError):
            read(bad)


@pytest.mark.parametrize("outside", [b"", b'{"event":{"body":', b'{"event":{"x":', b'{"disclosures":'])
def test_nesting_is_bounded_whatever_the_interpreter_would_recurse_to(outside: bytes) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for read in (parse_submission, parse_event, parse_entry):
            with pytest.raises(FormatError):
                read(outside + b"[" * 50_000)
    finally:
        sys.setrecursionlimit(limit)


def test_strings_are_held_to_nfc_only_when_submitted() -> None:
    body = {"action": "grant", "party": PARTY, "role": "clerk", "scope": "*", "key": person("new").ref()}
    event = Village().event("role_changed", "mayor", {**body, "reason": "cafe\u0301"})
    with pytest.raises(FormatError) as caught:
        check_submitted(canonical(event))
    assert (caught.value.code, caught.value.field) == ("not_nfc", "event.body.reason")
    assert parse_entry(changed("event", event, ENTRIES[1]))


@pytest.mark.parametrize("text", ["café", "\n\u0301", '"\u0301', "村\u0301"])
def test_a_string_in_nfc_is_not_judged_by_its_escapes(text: str) -> None:
    check_submitted(canonical({"texts": [text, {"a": text}], "number": 1}))


def test_no_field_of_an_event_has_a_default_that_a_signer_could_spell_out() -> None:
    """Whatever is read is written again, so the bytes that were signed are the bytes that are verified."""
    seen: set[type] = set()
    waiting: list[object] = [Entry, *EVENTS.values()]
    while waiting:
        kind = waiting.pop()
        for part in getattr(kind, "__args__", ()):
            waiting.append(part)
        if isinstance(kind, type) and issubclass(kind, Strict) and kind not in seen:
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                assert field.default in (msgspec.NODEFAULT, UNSET), f"{kind.__name__}.{field.name}"
                assert field.default_factory is msgspec.NODEFAULT, f"{kind.__name__}.{field.name}"
            waiting += get_type_hints(kind).values()
    assert len(seen) > 30


@pytest.mark.parametrize("field", ["book", "id"])
def test_the_rule_of_a_reversed_act_is_spelled_as_strictly_as_any(field: str) -> None:
    reversal = next(data for data in ENTRIES if b'"act":' in data)
    with pytest.raises(FormatError) as caught:
        parse_entry(changed(f"event.body.act.rule.{field}", "points\n", reversal))
    assert caught.value.field == f"event.body.act.rule.{field}"


def test_a_rule_spelled_with_what_it_could_leave_out_is_refused_by_name() -> None:
    village = Village.founded()
    for field, value in (("approvals", 0), ("evidence", [])):
        book = {**BOOK, "version": 2, "rules": [rule("odd", **{field: value})]}
        with pytest.raises(FormatError) as caught:
            parse_submission(village.adopt(book, "2021-11-20"))
        assert field in (caught.value.field or "")


def test_the_signed_bytes_are_those_that_are_verified() -> None:
    village = Village.founded()
    event = {**EVENT, "id": "00000000-0000-4000-8000-00000000ffff"}
    event["device"] = {**event["device"], "seq": 1}
    village.must(sign(event, "issuer"))


PIECES = [b"\\n", b"null", b"1.0", b'","', b"\x7f", b"\xc3\xa9"]


@given(st.data())
@example(None)
def test_mutated_bytes_are_refused_or_canonical(data: st.DataObject | None) -> None:
    if data is None:
        mutated = AWARD
    else:
        source = data.draw(st.sampled_from(ENTRIES))
        at = data.draw(st.integers(0, len(source) - 1))
        middle = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\\n", b"null", b"1.0", b'","', b"\x7f", b"\xc3\xa9"])
        )
        mutated = source[:at] + middle + source[at + data.draw(st.integers(0, 3)) :]
    try:
        entry = parse_entry(mutated)
    except FormatError:
        return
    assert canonical(parse_canonical(mutated)) == mutated
    assert encode(entry) == mutated
    assert canonical(parse_json(encode(entry.event))) == encode(entry.event)


@pytest.mark.parametrize(
    ("at_ms", "day"),
    [
        (0, "1970-01-01"),
        (57_599_999, "1970-01-01"),
        (57_600_000, "1970-01-02"),
        (1_637_423_999_999, "2021-11-20"),
        (1_637_424_000_000, "2021-11-21"),
        (253_402_271_999_999, "9999-12-31"),
    ],
)
def test_days_are_days_in_shanghai(at_ms: int, day: str) -> None:
    assert day_of(at_ms) == day


def test_days_of_the_calendar_are_told_from_others() -> None:
    assert is_day("2024-02-29")
    assert not is_day("2023-02-29")
    assert not is_day("0000-01-01")
    assert day_number("1970-01-02") == 1


def test_the_type_of_an_event_is_its_kinds() -> None:
    assert all(issubclass(kind, Event) for kind in EVENTS.values())
    assert type(parse_event(canonical(EVENT))) is EVENTS["points_awarded"]
