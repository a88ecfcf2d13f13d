"""Private details as salted disclosures in the form of RFC 9901 (formats §6).

A disclosure is ``base64url(canonical JSON [salt, name, value])``; its digest, under the same name, is all that the log
holds. The salt keeps a digest from being matched by guessing values, so it must be random and never be used twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.core.encoding import JSON, canonical, decode_base64url, encode_base64url, parse_canonical
from ledger.errors import FormatError, ProofError

SALT_SIZE: Final = 16
"""Bytes of salt."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class Disclosure(NamedTuple):
    """What a disclosure says: 16 bytes of salt, the name of the detail, its value."""

    salt: bytes
    name: str
    value: JSON


def make(salt: bytes, name: str, value: JSON) -> str:
    """The disclosure of ``value`` (formats §1) under ``name``, with 16 bytes of fresh random ``salt``.

    Raises `FormatError`.
    """
    if type(salt) is not bytes or len(salt) != SALT_SIZE:
        raise FormatError("not a salt", field="salt", expected=f"{SALT_SIZE} bytes")
    _check_name(name, "name")
    return encode_base64url(canonical([encode_base64url(salt), name, value]))


def digest(disclosure: str) -> str:
    """``base64url(SHA-256(ASCII bytes of the disclosure))``, as it stands in an event's ``private``.

    Raises `FormatError` if the text is not ASCII; nothing else of its form is checked.
    """
    if type(disclosure) is not str or not disclosure.isascii():
        raise FormatError("not a disclosure", expected="ASCII text", got=type(disclosure).__name__)
    return encode_base64url(sha256(disclosure.encode("ascii")).digest())


def parse(disclosure: str, field: str = "disclosure") -> Disclosure:
    """What a disclosure says, if it is spelt as `make` spells it. Raises `FormatError`, which repeats nothing of it."""
    try:
        parts = parse_canonical(decode_base64url(disclosure, field))
        if type(parts) is not list or len(parts) != 3:
            raise FormatError("not an array of salt, name and value")
        salt, name, value = parts
        return Disclosure(decode_base64url(salt, "salt", size=SALT_SIZE), _check_name(name, "name"), value)
    except FormatError as error:
        # Not chained: the cause may quote what was to stay private.
        raise FormatError(f"not a disclosure: {error.message}", field=field) from None


def match(private: Mapping[str, str], disclosures: Sequence[str], *, complete: bool) -> dict[str, JSON]:
    """The values of ``disclosures`` by name, each found in ``private`` (name → digest) under its own name.

    ``complete`` demands one for every name, as when an event is submitted; a reader may be shown only some. Raises
    `FormatError` if one is malformed; `ProofError` if one is doubled, misnamed (its digest stands under another name),
    superfluous (it stands nowhere) or missing.
    """
    values: dict[str, JSON] = {}
    for place, text in enumerate(disclosures):
        field = f"disclosures.{place}"
        _, name, value = parse(text, field)
        if name in values:
            raise ProofError("a detail is disclosed twice", code="disclosure_doubled", field=field, got=name)
        found = digest(text)
        if private.get(name) != found:
            if found in private.values():
                raise ProofError("a disclosure under another name", code="disclosure_misnamed", field=field, got=name)
            raise ProofError("a disclosure not in the event", code="disclosure_superfluous", field=field, got=name)
        values[name] = value
    if complete and (missing := sorted(private.keys() - values.keys())):
        raise ProofError("a disclosure is missing", code="disclosure_missing", field="disclosures", expected=missing[0])
    return values


def _check_name(name: object, field: str) -> str:
    if type(name) is not str or not _NAME.match(name):
        raise FormatError("not the name of a detail", field=field, expected="[a-z][a-z0-9_]{0,63}", got=ascii(name))
    return name
