"""Receipts and statements as types: what is written is read back, bounds, spelling, and the words of refusals."""

from __future__ import annotations

import json
import sys

import pytest

from ledger.core import receipt as receipts
from ledger.core.receipt import (
    RECEIPT_MAX_BYTES,
    STATEMENT_MAX_BYTES,
    Commitment,
    MapProof,
    Receipt,
    Statement,
    digests_of,
    parse,
    serialise,
)
from ledger.errors import FormatError

HASH = b"\x01" * 32
EARLY = Receipt(entry=b"{}", disclosures=[], index=0, path=[HASH], checkpoint="x")
VALUE = b'{"balances":{"merit":0,"spend":-5},"count":1,"party":"p_"}'
FULL = Receipt(
    entry=b"{}",
    disclosures=["abc"],
    index=7,
    path=[],
    commitment=Commitment(entry=b"{}", path=[HASH]),
    keys=[MapProof.of(VALUE, [HASH])],
    checkpoint="ä\n",
    anchors=[],
)


def test_what_is_written_is_read_back() -> None:
    statement = Statement(
        party="p_0" + "0" * 25,
        entries=[],
        commitment=Commitment(entry=b"{}", path=[]),
        absence=receipts.AbsenceProof(path=[], other=receipts.OtherLeaf(key="00" * 32, value_hash="11" * 32)),
        keys=[],
        checkpoint="x",
    )
    for proof in (EARLY, FULL, statement):
        assert parse(serialise(proof)) == proof


def test_the_fields_stand_in_the_order_of_the_format_and_absent_ones_are_left_out() -> None:
    assert list(json.loads(serialise(EARLY))) == ["format", "entry", "disclosures", "index", "path", "checkpoint"]
    assert list(json.loads(serialise(FULL))) == [
        "format",
        "entry",
        "disclosures",
        "index",
        "path",
        "commitment",
        "keys",
        "checkpoint",
        "anchors",
    ]
    assert json.loads(serialise(FULL))["keys"][0]["value"] == json.loads(VALUE)


def test_the_spelling_of_json_is_free() -> None:
    value = json.loads(serialise(FULL))
    for text in (json.dumps(value, indent=2), json.dumps(dict(reversed(value.items()))), json.dumps(value) + "\n\t "):
        assert parse(text.encode()) == FULL


@pytest.mark.parametrize("data", [b"", b"{", b"nonsense", b"\xff", b'{"format":"gongfen-receipt/1"} x', b'{"a":}'])
def test_bytes_that_are_no_json_are_told_apart(data: bytes) -> None:
    with pytest.raises(FormatError) as refused:
        parse(data)
    assert refused.value.code == "not_json"


DEEP = b"[" * 300_000 + b"]" * 300_000


@pytest.mark.parametrize(
    "data",
    [b'{"a":%b,"format":"gongfen-receipt/1"}' % DEEP, b'{"a":%b,"format":"gongfen-statement/1"}' % (DEEP * 3), DEEP],
    ids=["before the format", "in the size of a statement", "nothing else"],
)
def test_deep_nesting_is_refused_however_deep_the_interpreter_would_go(data: bytes) -> None:
    """A library may have raised the interpreter's limit; then the decoder, which skips values to find the format,
    would overrun the stack."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(FormatError) as refused:
            parse(data)
    finally:
        sys.setrecursionlimit(limit)
    assert refused.value.code == "not_json"


REFUSED = {
    "no format": (b"{}", "format"),
    "another format": (b'{"format":"gongfen-receipt/9"}', "format"),
    "a number for a format": (b'{"format":1}', "format"),
    "a list": (b"[]", None),
    "a missing field": (b'{"format":"gongfen-receipt/1"}', None),
    "an entry of nothing": (serialise(EARLY).replace(b'"entry":"e30="', b'"entry":""'), "entry"),
    "a short hash": (serialise(EARLY).replace(b'"path":["', b'"path":["AAAA","'), "path[0]"),
    "a key twice": (serialise(EARLY).replace(b'"index":0', b'"index":1,"index":0'), "index"),
    "base64 with stray bits": (serialise(EARLY).replace(b'"entry":"e30="', b'"entry":"e31="'), None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_json_of_another_shape_is_refused_with_its_field(name: str) -> None:
    data, field = REFUSED[name]
    with pytest.raises(FormatError) as refused:
        parse(data)
    assert refused.value.code != "not_json"
    assert refused.value.field == field


def test_the_bound_of_a_receipt_is_smaller_than_that_of_a_statement() -> None:
    statement = b'{"format":"gongfen-statement/1","party":"' + b"x" * RECEIPT_MAX_BYTES + b'"}'
    with pytest.raises(FormatError) as refused:
        parse(statement)
    assert (refused.value.code, refused.value.field) == ("malformed", "party")
    for data, most in (
        (serialise(EARLY) + b" " * RECEIPT_MAX_BYTES, RECEIPT_MAX_BYTES),
        (b"[" + b" " * RECEIPT_MAX_BYTES + b"]", None),
        (b" " * (STATEMENT_MAX_BYTES + 1), STATEMENT_MAX_BYTES),
    ):
        with pytest.raises(FormatError) as refused:
            parse(data)
        if most:
            assert (refused.value.code, str(most) in str(refused.value)) == ("too_large", True)
    with pytest.raises(FormatError) as refused:
        parse(b"x" * (RECEIPT_MAX_BYTES + 1))
    assert refused.value.code == "not_json"


def test_hashes_of_a_map_path_are_read_strictly() -> None:
    good = ["00" * 32, "ab" * 32]
    assert digests_of(good) == [bytes(32), b"\xab" * 32]
    assert digests_of([]) == []
    for bad in (["AB" * 32], ["00" * 31], ["0" * 63, "0" * 65], ["zz" * 32], ["00" * 32, ""], ["００" * 32]):
        with pytest.raises(FormatError):
            digests_of(bad)


@pytest.mark.timeout(30)
def test_a_name_that_stands_twice_among_many_is_found_without_delay() -> None:
    many = ",".join(f'"k{number}":1' for number in range(80_000))
    data = serialise(FULL).replace(b'"count":1', many.encode() + b',"count":1,"count":1')
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert (caught.value.code, caught.value.field) == ("repeated_key", "count")
