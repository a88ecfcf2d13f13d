"""Canonical JSON and strict text encodings (formats §1).

RFC 8785 (JCS), restricted until it is unambiguous in any language: no ``null``, no fractions, no control characters.
Under these restrictions the sorted output of msgspec equals RFC 8785; a property test holds it to the `rfc8785`
package.
"""

from __future__ import annotations

import binascii
import re
from binascii import a2b_base64, b2a_base64
from typing import Any, Final

import msgspec

from ledger.core.types import DIGEST_SIZE, MAX_INT, Digest
from ledger.errors import FormatError

type_error: Final = "an object, array, string, boolean or integer"
MAX_DEPTH: Final = 16
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_SAFE_DEPTH: Final = 500
_SAFE_SIZE: Final = 4096
"""Bytes that cannot nest deeper than any stack bears."""
_NESTING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.S)
"""A bracket, or a whole string, within which brackets do not count."""
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")

JSON = dict[str, "JSON"] | list["JSON"] | str | bool | int
"""A value that canonical JSON can carry."""

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


def canonical(value: object) -> bytes:
    """The one byte string of a value (formats §1). Raises `FormatError` if the value breaks a restriction."""
    check_value(value)
    return _encode_sorted(value)


def parse_canonical(data: bytes) -> JSON:
    """The value of canonical bytes; the inverse of `canonical`.

    The restrictions are checked on the value first, then the bytes are accepted only if re-encoding gives the same
    bytes (formats §1). Raises `FormatError`.
    """
    value = parse_json(data)
    check_value(value)
    if _encode_sorted(value) != data:
        raise FormatError(
            "not canonical JSON", code="not_canonical", expected="sorted keys, no spaces, RFC 8785 escapes"
        )
    return value


def parse_json(data: bytes) -> JSON:
    """Any JSON text in strict UTF-8; spelling and restrictions are not checked yet. Raises `FormatError`."""
    check_nesting(data)
    try:
        return _decode(data)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", code="not_json") from error


def check_nesting(data: bytes) -> None:
    """Refuse what nests deeper than `_SAFE_DEPTH`, without recursion.

    The decoder recurses as deep as the interpreter's limit, which any library may raise beyond what the stack bears.
    """
    if len(data) <= _SAFE_SIZE or data.count(b"[") + data.count(b"{") <= _SAFE_DEPTH:
        return
    depth = 0
    for token in _NESTING.finditer(data):
        mark = data[token.start()]
        if mark in b"[{":
            depth += 1
            if depth > _SAFE_DEPTH:
                raise FormatError(
                    "nested too deeply",
                    code="not_json",
                    expected=f"depth ≤ {MAX_DEPTH}",
                    got=f"more than {_SAFE_DEPTH}",
                )
        elif mark in b"]}":
            depth -= 1


def check_value(value: object, field: str = "") -> None:
    """Raise `FormatError` unless every restriction of formats §1 holds within ``value``."""
    _check(value, field, MAX_DEPTH)


def _check(value: Any, field: str, depth_left: int) -> None:
    kind = type(value)
    if kind is str:
        if found := _FORBIDDEN.search(value):
            raise FormatError(
                "forbidden character in a string", field=field, expected="no control characters", got=ascii(found[0])
            )
    elif kind is int:
        if not -MAX_INT <= value <= MAX_INT:
            bits = f"{value.bit_length()} bits"  # not the number: Python refuses to print very long ones
            raise FormatError("integer out of range", field=field, expected="at most 2^53-1 in size", got=bits)
    elif kind is bool:
        return
    elif kind is dict or kind is list:
        if depth_left == 0:
            raise FormatError("nested too deeply", field=field, expected=f"depth ≤ {MAX_DEPTH}")
        items = value.items() if kind is dict else enumerate(value)
        for name, item in items:
            if kind is dict:
                _check_key(name, field)
            _check(item, f"{field}.{name}" if field else str(name), depth_left - 1)
    else:
        raise FormatError("value of a type that is not allowed", field=field, expected=type_error, got=kind.__name__)


def _check_key(name: object, field: str) -> None:
    if type(name) is not str or not _KEY.match(name):
        raise FormatError("key not allowed", field=field, expected="[a-z][a-z0-9_]{0,63}", got=ascii(name))


def decode_digest(text: object, field: str = "digest") -> Digest:
    """32 bytes from exactly 64 lower-case hex digits. Raises `FormatError`."""
    if type(text) is not str or len(text) != 2 * DIGEST_SIZE:
        raise FormatError("not a digest", field=field, expected="64 lower-case hex digits", got=repr(text))
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if data.hex() != text:
        raise FormatError("not a digest", field=field, expected="64 lower-case hex digits", got=text)
    return Digest(data)


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding: entry bytes and C2SP hashes."""
    return b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: object, field: str = "base64") -> bytes:
    """Standard base64, only in the spelling that `encode_base64` gives. Raises `FormatError`."""
    if type(text) is str and text.isascii():
        try:
            data = a2b_base64(text)
        except binascii.Error:
            data = None
        if data is not None and encode_base64(data) == text:
            return data
    raise FormatError("not standard base64 with padding", field=field, got=repr(text))


def encode_base64url(data: bytes) -> str:
    """URL-safe base64 without padding: keys, signatures and disclosures."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode_base64url(text: object, field: str = "base64url", *, size: int | None = None) -> bytes:
    """URL-safe base64 without padding, only in the spelling that `encode_base64url` gives.

    ``size`` demands a length in bytes. Raises `FormatError`.
    """
    if type(text) is str and text.isascii():
        try:
            data = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4))
        except binascii.Error:
            data = None
        if data is not None and encode_base64url(data) == text:
            if size is not None and len(data) != size:
                raise FormatError("wrong length", field=field, expected=f"{size} bytes", got=f"{len(data)} bytes")
            return data
    raise FormatError("not base64url without padding", field=field, got=repr(text))
