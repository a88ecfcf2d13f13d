"""Salted disclosures: one spelling, strict reading, and their matching with an event's digests (formats §6)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from ledger.core.disclosure import Disclosure, digest, make, match, parse
from ledger.errors import FormatError, LedgerError, ProofError

SALT = bytes(range(16))
SALT_TEXT = "AAECAwQFBgcICQoLDA0ODw"


def spelt(value: object, **options: Any) -> str:
    """Base64url of any JSON, in the spelling of the standard library."""
    text = json.dumps(value, ensure_ascii=False, **({"separators": (",", ":")} | options))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_disclosure_has_the_bytes_of_the_text() -> None:
    text = make(SALT, "place", "佛山 hall")
    assert text == spelt([SALT_TEXT, "place", "佛山 hall"])
    expected = base64.urlsafe_b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode().rstrip("=")
    assert digest(text) == expected
    assert len(expected) == 43


def test_the_digest_of_the_rfc_is_reproduced() -> None:
    """RFC 9901 §4.2.3: the digest is over the base64url text, whatever it spells."""
    text = "WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert digest(text) == "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY"


VALUES: list[Any] = [
    "",
    "佛山",
    'quote " and \\',
    "two\nlines",
    0,
    -(2**53 - 1),
    True,
    False,
    [],
    {},
    [[1], {"a": ["b"]}],
    {"b": 1, "a": 2},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_parsing_gives_back_what_was_made(value: Any) -> None:
    assert parse(make(SALT, "detail_1", value)) == Disclosure(SALT, "detail_1", value) == (SALT, "detail_1", value)


def test_another_salt_name_or_value_gives_another_digest() -> None:
    texts = [make(SALT, "place", "a"), make(bytes(16), "place", "a"), make(SALT, "name", "a"), make(SALT, "place", "b")]
    assert len({digest(text) for text in texts}) == len(texts)


BAD_PARTS: dict[str, tuple[Any, Any, Any]] = {
    "short salt": (bytes(15), "place", "a"),
    "long salt": (bytes(17), "place", "a"),
    "salt as text": (SALT_TEXT, "place", "a"),
    "bytearray salt": (bytearray(16), "place", "a"),
    "no salt": (None, "place", "a"),
    "empty name": (SALT, "", "a"),
    "name in capitals": (SALT, "Place", "a"),
    "name with a leading digit": (SALT, "1place", "a"),
    "name with a newline": (SALT, "place\n", "a"),
    "name of the format": (SALT, "_sd", "a"),
    "dots": (SALT, "...", "a"),
    "name of 65 characters": (SALT, "a" * 65, "a"),
    "name in other script": (SALT, "地", "a"),
    "name is none": (SALT, None, "a"),
    "name is a number": (SALT, 1, "a"),
    "null value": (SALT, "place", None),
    "fraction": (SALT, "place", 0.5),
    "huge number": (SALT, "place", 2**53),
    "control character": (SALT, "place", "\x07"),
    "null within": (SALT, "place", {"a": [None]}),
    "bytes": (SALT, "place", b"a"),
    "tuple": (SALT, "place", ("a",)),
}


@pytest.mark.parametrize("name", BAD_PARTS)
def test_a_disclosure_of_bad_parts_is_not_made(name: str) -> None:
    with pytest.raises(FormatError):
        make(*BAD_PARTS[name])


def test_a_value_may_be_as_deep_as_the_array_around_it_allows() -> None:
    deep: Any = "a"
    for _ in range(15):
        deep = [deep]
    assert parse(make(SALT, "place", deep)).value == deep
    with pytest.raises(FormatError):
        make(SALT, "place", [deep])


GOOD = make(SALT, "place", "a")
BAD_TEXTS: dict[str, Any] = {
    "none": None,
    "bytes": GOOD.encode(),
    "empty": "",
    "not base64url": "*" * 40,
    "not ascii": GOOD + "é",
    "padded": spelt([SALT_TEXT, "place", "ab"]) + "=",
    "standard alphabet": spelt([SALT_TEXT, "place", "?>?>"]).replace("_", "/").replace("-", "+"),
    "a space after": GOOD + " ",
    "a newline after": GOOD + "\n",
    "a dot within": GOOD[:8] + "." + GOOD[8:],
    "trailing bits set": spelt([SALT_TEXT, "place", "ab"])[:-1] + chr(ord(spelt([SALT_TEXT, "place", "ab"])[-1]) + 1),
    "cut": GOOD[:-4],
    "the form of SD-JWT, with a tilde": GOOD + "~",
    "not UTF-8": base64.urlsafe_b64encode(b'["\xff"]').decode().rstrip("="),
    "not JSON": base64.urlsafe_b64encode(b"hello").decode().rstrip("="),
    "spaces in JSON": spelt([SALT_TEXT, "place", "a"], separators=(", ", ": ")),
    "escapes in JSON": base64.urlsafe_b64encode(f'["{SALT_TEXT}","place","\\u0061"]'.encode()).decode().rstrip("="),
    "keys out of order": spelt([SALT_TEXT, "place", {"b": 1, "a": 2}]),
    "a key twice": base64.urlsafe_b64encode(f'["{SALT_TEXT}","place",{{"a":1,"a":1}}]'.encode()).decode().rstrip("="),
    "null value": spelt([SALT_TEXT, "place", None]),
    "fraction": spelt([SALT_TEXT, "place", 1.0]),
    "an object": spelt({"salt": SALT_TEXT, "name": "place", "value": "a"}),
    "text": spelt("place"),
    "two parts": spelt([SALT_TEXT, "a"]),
    "four parts": spelt([SALT_TEXT, "place", "a", "b"]),
    "no parts": spelt([]),
    "short salt": spelt([SALT_TEXT[:-2], "place", "a"]),
    "salt of 17 bytes": spelt(["A" * 23, "place", "a"]),
    "salt padded": spelt([SALT_TEXT + "==", "place", "a"]),
    "salt with trailing bits": spelt([SALT_TEXT[:-1] + "x", "place", "a"]),
    "salt in hex": spelt([SALT.hex(), "place", "a"]),
    "salt is a number": spelt([16, "place", "a"]),
    "name in capitals": spelt([SALT_TEXT, "Place", "a"]),
    "name is a number": spelt([SALT_TEXT, 1, "a"]),
    "name is a list": spelt([SALT_TEXT, ["place"], "a"]),
    "too deep": spelt([SALT_TEXT, "place", json.loads("[" * 16 + "]" * 16)]),
    "far too deep": base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("="),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_disclosure_in_any_other_form_is_not_read(name: str) -> None:
    with pytest.raises(FormatError):
        parse(BAD_TEXTS[name])


@pytest.mark.parametrize("wrong", [None, b"abc", "é", "\ud800", 1], ids=ascii)
def test_only_ascii_text_has_a_digest(wrong: Any) -> None:
    with pytest.raises(FormatError):
        digest(wrong)


PLACE, NAME, PHOTO = make(SALT, "place", "佛山"), make(bytes(16), "name", "a"), make(b"\x01" * 16, "photo", [1])
PRIVATE = {"place": digest(PLACE), "name": digest(NAME)}


def test_a_submission_is_matched_whole_in_any_order() -> None:
    for texts in ([PLACE, NAME], [NAME, PLACE]):
        assert match(PRIVATE, texts, complete=True) == {"place": "佛山", "name": "a"}
    assert match({}, [], complete=True) == {}


def test_a_reader_may_be_shown_only_some() -> None:
    assert match(PRIVATE, [NAME], complete=False) == {"name": "a"}
    assert match(PRIVATE, [], complete=False) == {}


OTHER_SALT = make(b"\x02" * 16, "place", "佛山")
OTHER_VALUE = make(SALT, "place", "广州")
BAD_MATCHES: dict[str, tuple[dict[str, Any], list[Any], bool, str]] = {
    "missing": (PRIVATE, [PLACE], True, "disclosure_missing"),
    "all missing": (PRIVATE, [], True, "disclosure_missing"),
    "superfluous": (PRIVATE, [PLACE, NAME, PHOTO], True, "disclosure_superfluous"),
    "superfluous to a reader": (PRIVATE, [PHOTO], False, "disclosure_superfluous"),
    "to an event without any": ({}, [PLACE], True, "disclosure_superfluous"),
    "another salt": (PRIVATE, [OTHER_SALT, NAME], True, "disclosure_superfluous"),
    "another value": (PRIVATE, [OTHER_VALUE], False, "disclosure_superfluous"),
    "misnamed": ({"name": digest(PLACE), "place": digest(NAME)}, [PLACE, NAME], True, "disclosure_misnamed"),
    "misnamed to a reader": ({"photo": digest(PLACE)}, [PLACE], False, "disclosure_misnamed"),
    "doubled": (PRIVATE, [PLACE, PLACE], True, "disclosure_doubled"),
    "doubled with another salt": (PRIVATE, [PLACE, OTHER_SALT], False, "disclosure_doubled"),
    "digest of another type": ({"place": None}, [PLACE], False, "disclosure_superfluous"),
    "malformed": (PRIVATE, [PLACE, NAME + "="], True, "malformed"),
    "not text": (PRIVATE, [None], False, "malformed"),
}


@pytest.mark.parametrize("name", BAD_MATCHES)
def test_disclosures_that_do_not_match_are_refused(name: str) -> None:
    private, texts, complete, code = BAD_MATCHES[name]
    with pytest.raises((FormatError, ProofError)) as caught:
        match(private, texts, complete=complete)
    assert isinstance(caught.value, LedgerError)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", [PLACE + "=", PLACE[:-2], spelt(["x", "place", "佛山"]), spelt([SALT_TEXT, "佛山", 1])]
)
def test_a_malformed_disclosure_is_not_repeated_in_the_message(text: str) -> None:
    with pytest.raises(FormatError, match="not a disclosure") as caught:
        parse(text)
    error = caught.value
    assert error.field == "disclosure"
    assert (error.got, error.__cause__, error.__suppress_context__) == (None, None, True)
    assert text not in str(error)
    assert "佛山" not in str(error)


def test_messages_do_not_repeat_private_values() -> None:
    with pytest.raises(ProofError) as caught:
        match(PRIVATE, [OTHER_VALUE], complete=False)
    assert "广州" not in str(caught.value)
    assert OTHER_VALUE not in str(caught.value)
