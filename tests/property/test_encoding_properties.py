"""Whatever value is allowed, its spelling is that of RFC 8785, and it is the only one."""

from __future__ import annotations

import json
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.core import encoding
from ledger.core.encoding import canonical, parse_canonical
from ledger.errors import FormatError

LARGEST = 2**53 - 1
allowed_text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32) if n != 10] + ["\x7f"])
)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)
values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-LARGEST, LARGEST) | allowed_text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


@given(values)
def test_canonical_bytes_are_those_of_rfc_8785_and_read_back(value: Any) -> None:
    data = canonical(value)
    assert data == rfc8785.dumps(value)
    assert parse_canonical(data) == value


@given(values)
def test_looser_spellings_of_the_same_value_are_refused(value: Any) -> None:
    data = canonical(value)
    for loose in (json.dumps(value).encode(), json.dumps(value, indent=1, ensure_ascii=False).encode(), data + b"\n"):
        if loose != data:
            try:
                parse_canonical(loose)
            except FormatError:
                continue
            raise AssertionError(f"accepted {loose!r}")


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_refused_or_are_the_spelling_of_their_value(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except FormatError:
        return
    assert canonical(value) == data == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(values, st.data())
def test_a_changed_byte_is_refused_or_spells_another_value(value: Any, data: st.DataObject) -> None:
    spelled = bytearray(canonical(value))
    at = data.draw(st.integers(0, len(spelled) - 1))
    spelled[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = parse_canonical(bytes(spelled))
    except FormatError:
        return
    assert canonical(changed) == bytes(spelled) != canonical(value)


@given(st.text(alphabet="AQYZabz0189+/-_= \n*é", max_size=12))
def test_a_text_is_at_most_the_one_spelling_of_its_bytes(text: str) -> None:
    for decode, encode in (
        (encoding.decode_base64, encoding.encode_base64),
        (encoding.decode_base64url, encoding.encode_base64url),
    ):
        try:
            data = decode(text)
        except FormatError:
            continue
        assert encode(data) == text


@given(st.binary(max_size=100))
def test_bytes_survive_both_kinds_of_base64(data: bytes) -> None:
    assert encoding.decode_base64(encoding.encode_base64(data)) == data
    assert encoding.decode_base64url(encoding.encode_base64url(data)) == data
