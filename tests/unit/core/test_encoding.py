"""Canonical JSON and the strict text encodings: one spelling each, everything else refused by name."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import rfc8785

from ledger.core import encoding
from ledger.core.encoding import canonical, check_value, parse_canonical
from ledger.errors import FormatError


def nested(depth: int, container: type = dict) -> Any:
    value: Any = {} if container is dict else []
    for _ in range(depth - 1):
        value = {"a": value} if container is dict else [value]
    return value


GOOD = {
    "empty object": ({}, b"{}"),
    "empty array": ([], b"[]"),
    "empty string": ("", b'""'),
    "booleans": ([True, False], b"[true,false]"),
    "zero": (0, b"0"),
    "largest integer": (2**53 - 1, b"9007199254740991"),
    "smallest integer": (-(2**53) + 1, b"-9007199254740991"),
    "keys are sorted": ({"b": 1, "a": 2, "a_b": 3, "a0": 4, "aa": 5}, b'{"a":2,"a0":4,"a_b":3,"aa":5,"b":1}'),
    "arrays keep their order": ([3, 1, 2], b"[3,1,2]"),
    "key of 64 characters": ({"k" * 64: 1}, b'{"' + b"k" * 64 + b'":1}'),
    "quotes and backslash": ('"\\', b'"\\"\\\\"'),
    "slash stands plain": ("a/b", b'"a/b"'),
    "newline": ("a\nb", b'"a\\nb"'),
    "Chinese": ("积分", '"积分"'.encode()),
    "beyond the basic plane": ("\U00010000\U0010ffff", '"\U00010000\U0010ffff"'.encode()),
    "line separators": ("\u2028\u2029", '"\u2028\u2029"'.encode()),
    "C1 controls stand": ("\u0080\u009f", '"\u0080\u009f"'.encode()),
    "noncharacters stand": ("\ufffe\uffff\ufeff", '"\ufffe\uffff\ufeff"'.encode()),
    "not normalised": ("e\u0301\u00e9", '"e\u0301\u00e9"'.encode()),
    "depth 16 of objects": (nested(16), b'{"a":' * 15 + b"{}" + b"}" * 15),
    "depth 16 of arrays": (nested(16, list), b"[" * 16 + b"]" * 16),
}


@pytest.mark.parametrize(("value", "data"), GOOD.values(), ids=GOOD.keys())
def test_values_have_one_spelling(value: Any, data: bytes) -> None:
    assert canonical(value) == data == rfc8785.dumps(value)
    assert parse_canonical(data) == value


BAD_VALUES: dict[str, Any] = {
    "null": None,
    "null in an array": [None],
    "null in an object": {"a": None},
    "fraction": 1.5,
    "whole number as a float": 1.0,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "2^53": 2**53,
    "-2^53": -(2**53),
    "number of 5000 digits": 10**5000,
    "upper-case key": {"Key": 1},
    "empty key": {"": 1},
    "key with a digit first": {"1a": 1},
    "key with an underscore first": {"_a": 1},
    "key with a hyphen": {"a-b": 1},
    "key with a dot": {"a.b": 1},
    "key with a newline at the end": {"a\n": 1},
    "key of 65 characters": {"k" * 65: 1},
    "key outside ASCII": {"é": 1},
    "key in Chinese": {"积分": 1},
    "key that is a number": {1: 1},
    "key that is a boolean": {True: 1},
    "key that is bytes": {b"a": 1},
    "bytes": b"text",
    "bytearray": bytearray(b"text"),
    "tuple": (1, 2),
    "set": {1, 2},
    "an object of Python": object(),
    "subclass of str": type("Text", (str,), {})("a"),
    "subclass of int": type("Number", (int,), {})(1),
    "subclass of dict": type("Map", (dict,), {})(a=1),
    "subclass of list": type("List", (list,), {})([1]),
    "depth 17 of objects": nested(17),
    "depth 17 of arrays": nested(17, list),
    "depth 100000": nested(100_000, list),
    "lone high surrogate": "\ud800",
    "lone low surrogate": "a\udfffb",
    "surrogate pair spelled out": "\ud800\udc00",
    "delete": "a\x7f",
    **{f"control U+{n:04X}": f"a{n:c}b" for n in range(0x20) if n != 0x0A},
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES.keys())
def test_values_that_are_not_allowed_are_refused(value: Any) -> None:
    for attempt in (lambda: canonical(value), lambda: canonical({"deep": value}), lambda: check_value(value)):
        with pytest.raises(FormatError) as caught:
            attempt()
        assert len(str(caught.value)) < 600


BAD_TEXTS = {
    "nothing": b"",
    "space alone": b" ",
    "null": b"null",
    "null in an object": b'{"a":null}',
    "fraction": b"1.5",
    "zero fraction": b"1.0",
    "exponent": b"1e2",
    "exponent that is whole": b"10E0",
    "minus zero": b"-0",
    "minus zero fraction": b"-0.0",
    "leading zero": b"01",
    "plus sign": b"+1",
    "2^53": b"9007199254740992",
    "-2^53": b"-9007199254740992",
    "2^64": b"18446744073709551616",
    "number of 5000 digits": b"9" * 5000,
    "hexadecimal": b"0x1",
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "upper-case key": b'{"A":1}',
    "keys out of order": b'{"b":1,"a":2}',
    "repeated key": b'{"a":1,"a":1}',
    "repeated key with another value": b'{"a":1,"a":2}',
    "space after a colon": b'{"a": 1}',
    "space after a comma": b"[1, 2]",
    "space in front": b" {}",
    "space behind": b"{} ",
    "newline behind": b"{}\n",
    "tab": b"{\t}",
    "trailing comma": b"[1,]",
    "trailing bytes": b"{}{}",
    "trailing zero byte": b"{}\x00",
    "comment": b"{}//",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "single quotes": b"{'a':1}",
    "bare key": b"{a:1}",
    "cut off": b'{"a":1',
    "escape of a plain letter": b'"\\u0041"',
    "escape of a Chinese letter": b'"\\u79ef"',
    "escaped slash": b'"\\/"',
    "newline by its number": b'"\\u000a"',
    "newline by its number in upper case": b'"\\u000A"',
    "quote by its number": b'"\\u0022"',
    "surrogate pair by numbers": b'"\\ud800\\udc00"',
    "lone surrogate by its number": b'"\\ud800"',
    "lone surrogate in UTF-8": b'"\xed\xa0\x80"',
    "tab escaped": b'"\\t"',
    "backspace escaped": b'"\\b"',
    "zero byte escaped": b'"\\u0000"',
    "delete": b'"\x7f"',
    "delete escaped": b'"\\u007f"',
    "raw newline": b'"\n"',
    "raw tab": b'"\t"',
    "escaped key": b'{"\\u0061":1}',
    "invalid UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "cut-off UTF-8": b'"\xe7\xa7"',
    "above U+10FFFF": b'"\xf4\x90\x80\x80"',
    "depth 17": b"[" * 17 + b"]" * 17,
    "depth 17 of objects": b'{"a":' * 16 + b"{}" + b"}" * 16,
    "depth 100000": b"[" * 100_000 + b"]" * 100_000,
    "opened 100000 times": b"[" * 100_000,
    "word": b"undefined",
    "True": b"True",
}


@pytest.mark.parametrize("data", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_every_other_text_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_canonical(data)


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(FormatError) as caught:
        canonical({"event": {"body": [1, {"amount": 1.5}]}})
    assert caught.value.field == "event.body.1.amount"
    with pytest.raises(FormatError) as caught:
        check_value("\x00", "name")
    assert caught.value.field == "name"


def test_json_in_another_spelling_is_read_where_spelling_is_free() -> None:
    assert encoding.parse_json(b' {"b": 1,\n"a": "\\u0041"} ') == {"b": 1, "a": "A"}


DIGEST = bytes(range(224, 256))


def test_digests_are_64_lower_case_hex_digits() -> None:
    assert encoding.decode_digest(DIGEST.hex()) == DIGEST


BAD_DIGESTS: dict[str, object] = {
    "empty": "",
    "63 digits": DIGEST.hex()[:-1],
    "65 digits": DIGEST.hex() + "0",
    "31 bytes": DIGEST.hex()[:-2],
    "upper case": DIGEST.hex().upper(),
    "one upper-case digit": DIGEST.hex()[:-1] + "F",
    "0x": "0x" + DIGEST.hex(),
    "0x within 64": "0x" + DIGEST.hex()[2:],
    "spaces between bytes": " ".join(["ff"] * 22)[:64],
    "newline at the end": DIGEST.hex()[:-1] + "\n",
    "not hex": "g" * 64,
    "full-width digits": "０" * 64,
    "bytes": DIGEST,
    "nothing": None,
    "a number": 5,
}


@pytest.mark.parametrize("text", BAD_DIGESTS.values(), ids=BAD_DIGESTS.keys())
def test_other_spellings_of_a_digest_are_refused(text: object) -> None:
    with pytest.raises(FormatError, match="not a digest"):
        encoding.decode_digest(text)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd", DIGEST])
def test_base64_of_both_kinds_gives_the_bytes_back(data: bytes) -> None:
    assert encoding.decode_base64(encoding.encode_base64(data)) == data
    assert encoding.decode_base64url(encoding.encode_base64url(data)) == data
    assert encoding.decode_base64url(encoding.encode_base64url(data), size=len(data)) == data


BAD_BASE64: dict[str, object] = {
    "padding missing": "YQ",
    "half the padding": "YQ=",
    "too much padding": "YQ===",
    "padding alone": "=",
    "padding in front": "=YQ=",
    "padding within": "YQ==YQ==",
    "trailing bits": "YR==",
    "trailing bits of two": "YWJ=",
    "single letter": "Y",
    "url alphabet": "__-_",
    "space": "YQ ==",
    "newline at the end": "YQ==\n",
    "newline within": "YW\nJj",
    "junk": "YW*Jj",
    "zero byte": "YWJj\x00",
    "outside ASCII": "YWJjé",
    "bytes": b"YQ==",
    "nothing": None,
}


@pytest.mark.parametrize("text", BAD_BASE64.values(), ids=BAD_BASE64.keys())
def test_other_spellings_of_base64_are_refused(text: object) -> None:
    with pytest.raises(FormatError, match="base64"):
        encoding.decode_base64(text)


BAD_BASE64URL: dict[str, object] = {
    "padding": "YQ==",
    "half the padding": "YQ=",
    "padding alone": "=",
    "padding on whole groups": "YWJj=",
    "trailing bits": "YR",
    "trailing bits of two": "YWJ",
    "single letter": "Y",
    "standard alphabet": "//+/",
    "mixed alphabets": "_/-_",
    "space": "YQ ",
    "space within": "Y Q",
    "newline at the end": "YQ\n",
    "junk": "Y*Q",
    "dots": "YQ.YQ",
    "outside ASCII": "YQé",
    "bytes": b"YQ",
    "nothing": None,
}


@pytest.mark.parametrize("text", BAD_BASE64URL.values(), ids=BAD_BASE64URL.keys())
def test_other_spellings_of_base64url_are_refused(text: object) -> None:
    with pytest.raises(FormatError, match="not base64url"):
        encoding.decode_base64url(text)


def test_base64url_of_another_length_is_refused() -> None:
    with pytest.raises(FormatError, match="wrong length") as caught:
        encoding.decode_base64url("YWJj", "key", size=32)
    assert (caught.value.field, caught.value.expected, caught.value.got) == ("key", "32 bytes", "3 bytes")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'["]",', b'[1,{"a":"]","b":'])
def test_nesting_is_bounded_whatever_the_interpreter_would_recurse_to(opening: bytes) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(FormatError, match="nested too deeply"):
            encoding.parse_json(opening * 100_000)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("text", ["[" * 600, '"' + "[" * 600, '\\"' + "{" * 600 + '\\\\"'])
def test_brackets_in_strings_and_beside_each_other_do_not_nest(text: str) -> None:
    value = [text, [[]] * 600, [{}] * 600]
    assert encoding.parse_json(canonical(value)) == value


def test_the_bound_of_nesting_is_read_in_linear_time() -> None:
    with pytest.raises(FormatError):
        encoding.parse_json(b'[\\"' * 250_000)
