"""Identifiers of formats §2, and the domain-separated hashes."""

from __future__ import annotations

import hashlib

import pytest

from ledger.core import hashing, types
from ledger.errors import FormatError

ORIGIN = "gongfen.example/foshan-village"
GOOD_ORIGINS = [ORIGIN, "a/b", "a.b-c.1/d-1/e2", "127.0.0.1/x", "a" * 126 + "/b"]
BAD_ORIGINS = {
    "empty": "",
    "no segment": "gongfen.example",
    "empty segment": "gongfen.example/",
    "empty host": "/village",
    "double slash": "gongfen.example//village",
    "slash at the end": "gongfen.example/village/",
    "upper case": "Gongfen.example/village",
    "scheme": "https://gongfen.example/village",
    "port": "gongfen.example:8000/village",
    "dot in a segment": "gongfen.example/a.b",
    "dots": "gongfen.example/..",
    "underscore": "gongfen.example/a_b",
    "space": "gongfen.example/a b",
    "plus": "gongfen.example/a+b",
    "query": "gongfen.example/a?b",
    "newline at the end": ORIGIN + "\n",
    "Chinese": "gongfen.example/佛山",
    "129 characters": "a" * 127 + "/b",
}


@pytest.mark.parametrize("text", GOOD_ORIGINS)
def test_origins_are_host_and_path(text: str) -> None:
    assert types.parse_origin(text) == text


@pytest.mark.parametrize("text", BAD_ORIGINS.values(), ids=BAD_ORIGINS.keys())
def test_other_origins_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="not an origin"):
        types.parse_origin(text)


def test_the_short_name_is_the_last_segment() -> None:
    assert types.short_name(ORIGIN) == "foshan-village"
    assert types.short_name("a/b/c") == "c"


def test_a_party_is_128_bits_most_significant_first() -> None:
    assert types.party_of(bytes(16)) == "p_" + "0" * 26
    assert types.party_of(bytes([255]) * 16) == "p_7" + "z" * 25
    assert types.party_of(bytes(15) + b"\x01") == "p_" + "0" * 25 + "1"
    assert types.party_of(b"\x80" + bytes(15)) == "p_4" + "0" * 25
    for n in range(256):
        party = types.party_of(hashlib.sha256(bytes([n])).digest()[:16])
        assert types.parse_party(party) == party


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_party_takes_16_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        types.party_of(bytes(size))


BAD_PARTIES = {
    "empty": "",
    "no prefix": "0" * 26,
    "25 characters": "p_" + "0" * 25,
    "27 characters": "p_" + "0" * 27,
    "more than 128 bits": "p_8" + "0" * 25,
    "upper case": "p_" + "A" * 26,
    "letter i": "p_" + "0" * 25 + "i",
    "letter l": "p_" + "0" * 25 + "l",
    "letter o": "p_" + "0" * 25 + "o",
    "letter u": "p_" + "0" * 25 + "u",
    "newline at the end": "p_" + "0" * 26 + "\n",
}


@pytest.mark.parametrize("text", BAD_PARTIES.values(), ids=BAD_PARTIES.keys())
def test_other_party_ids_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="not a party id") as caught:
        types.parse_party(text, "actor")
    assert caught.value.field == "actor"


GOOD_EVENT_IDS = ["0190b0a0-0000-7000-8000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479"]
BAD_EVENT_IDS = {
    "empty": "",
    "version 1": "f47ac10b-58cc-1372-a567-0e02b2c3d479",
    "version 6": "f47ac10b-58cc-6372-a567-0e02b2c3d479",
    "another variant": "f47ac10b-58cc-4372-c567-0e02b2c3d479",
    "all zeros": "00000000-0000-0000-0000-000000000000",
    "upper case": "F47AC10B-58CC-4372-A567-0E02B2C3D479",
    "no hyphens": "f47ac10b58cc4372a5670e02b2c3d479",
    "braces": "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
    "URN": "urn:uuid:f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "newline at the end": "f47ac10b-58cc-4372-a567-0e02b2c3d479\n",
}


@pytest.mark.parametrize("text", GOOD_EVENT_IDS)
def test_event_ids_are_lower_case_uuids_of_version_4_or_7(text: str) -> None:
    assert types.parse_event_id(text) == text


@pytest.mark.parametrize("text", BAD_EVENT_IDS.values(), ids=BAD_EVENT_IDS.keys())
def test_other_event_ids_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="not an event id"):
        types.parse_event_id(text)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_every_hash_has_the_prefix_of_the_formats() -> None:
    assert hashing.digest(b"x") == sha256(b"x")
    assert hashing.u64(258) == b"\x00\x00\x00\x00\x00\x00\x01\x02"
    assert hashing.ledger_id(ORIGIN) == sha256(b"gongfen/ledger/v1\n" + ORIGIN.encode())
    assert hashing.key_id(b"k" * 32) == sha256(b"gongfen/key/v1\ned25519\n" + b"k" * 32).hex()
    assert hashing.key_id(b"k" * 33, "sm2-sm3") == sha256(b"gongfen/key/v1\nsm2-sm3\n" + b"k" * 33).hex()
    assert hashing.state_key("account", "p_1") == sha256(b"gongfen/state-key/v1\naccount\np_1")
    assert hashing.history_step(bytes(32), b"l" * 32) == sha256(b"\x04" + bytes(32) + b"l" * 32)


def test_no_two_domains_share_a_prefix() -> None:
    prefixes = [
        hashing.LEAF_PREFIX,
        hashing.NODE_PREFIX,
        hashing.MAP_LEAF_PREFIX,
        hashing.MAP_NODE_PREFIX,
        hashing.HISTORY_PREFIX,
    ]
    assert prefixes == [bytes([n]) for n in range(5)]
