"""Which bytes an event's signature covers, with `cryptography` as a second signer and verifier (formats §3)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core import ed25519
from ledger.core.encoding import canonical
from ledger.core.signature import (
    MAX_SIGNATURES,
    SUITE,
    sign_event,
    sign_event_bytes,
    verify_event,
    verify_event_bytes,
)
from ledger.errors import FormatError, SignatureError

# RFC 8032 §7.1, tests 1, 2, 3 and 1024: seeds and public keys.
RFC_8032_KEYS = {
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    ),
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    ),
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    ),
    "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5": (
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e"
    ),
}
SEED = bytes.fromhex(next(iter(RFC_8032_KEYS)))
PUBLIC = ed25519.public_key(SEED)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
EVENT: dict[str, Any] = {
    "v": 1,
    "ledger": "gongfen.example/foshan-village",
    "id": "0b0e7c3c-5a52-4c0e-9d58-7d3f4a1f8a10",
    "kind": "points_awarded",
    "occurred_on": "2021-11-20",
    "actor": "p_0123456789abcdefghjkmnpqrs",
    "body": {"party": "p_7zyxwvtsrqpnmkjhgfedcba987", "amount_units": 21120},
}
SIGNATURE = sign_event(EVENT, SEED)


@pytest.mark.parametrize("seed", RFC_8032_KEYS)
def test_signing_equals_the_second_implementation_under_the_keys_of_the_rfc(seed: str) -> None:
    key = bytes.fromhex(seed)
    public = bytes.fromhex(RFC_8032_KEYS[seed])
    other = Ed25519PrivateKey.from_private_bytes(key)
    assert ed25519.public_key(key) == public == other.public_key().public_bytes_raw()
    message = b"gongfen/event/v1\n" + canonical(EVENT)
    signature = sign_event(EVENT, key)
    assert signature == other.sign(message)
    other.public_key().verify(signature, message)
    verify_event(EVENT, signature, public)


def test_an_rfc_8032_signature_over_bare_bytes_is_no_signature_of_an_event() -> None:
    """The vector of RFC 8032 §7.1 test 1 (empty message) holds as Ed25519, but lacks the context of an event."""
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    ed25519.verify(PUBLIC, b"", signature)
    with pytest.raises(SignatureError):
        verify_event_bytes(b"", signature, PUBLIC)


def test_the_variants_over_bytes_agree_with_those_over_events() -> None:
    assert sign_event_bytes(canonical(EVENT), SEED) == SIGNATURE
    verify_event_bytes(canonical(EVENT), SIGNATURE, PUBLIC)


def test_the_order_of_keys_in_memory_does_not_matter() -> None:
    verify_event(dict(reversed(EVENT.items())), SIGNATURE, PUBLIC)


def test_a_signature_is_64_bytes_and_the_constants_are_those_of_the_text() -> None:
    assert (len(SIGNATURE), SUITE, MAX_SIGNATURES) == (64, "ed25519", 8)


@pytest.mark.parametrize("field", EVENT)
def test_a_change_of_any_field_spoils_the_signature(field: str) -> None:
    changed = {**EVENT, field: EVENT["body"] if field != "body" else "x"}
    with pytest.raises(SignatureError):
        verify_event(changed, SIGNATURE, PUBLIC)
    with pytest.raises(SignatureError):
        verify_event({name: value for name, value in EVENT.items() if name != field}, SIGNATURE, PUBLIC)
    with pytest.raises(SignatureError):
        verify_event({**EVENT, field + "_": 1}, SIGNATURE, PUBLIC)


def test_one_flipped_bit_in_signature_or_key_is_refused() -> None:
    for bit in range(512):
        wrong = (int.from_bytes(SIGNATURE, "big") ^ 1 << bit).to_bytes(64, "big")
        with pytest.raises(SignatureError):
            verify_event(EVENT, wrong, PUBLIC)
    for bit in range(256):
        wrong = (int.from_bytes(PUBLIC, "big") ^ 1 << bit).to_bytes(32, "big")
        with pytest.raises(SignatureError):
            verify_event(EVENT, SIGNATURE, wrong)


R, S = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:], "little")
IDENTITY = b"\x01" + bytes(31)
BAD_SIGNATURES: dict[str, Any] = {
    "empty": b"",
    "63 bytes": SIGNATURE[:63],
    "65 bytes": SIGNATURE + b"\x00",
    "twice": SIGNATURE * 2,
    "hex": SIGNATURE.hex(),
    "none": None,
    "bytearray": bytearray(SIGNATURE),
    "all zero": bytes(64),
    "S + L": R + (S + GROUP_ORDER).to_bytes(32, "little"),
    "S = L": R + GROUP_ORDER.to_bytes(32, "little"),
    "R of small order": IDENTITY + SIGNATURE[32:],
    "of another key": sign_event(EVENT, bytes(32)),
    "of the bytes without context": Ed25519PrivateKey.from_private_bytes(SEED).sign(canonical(EVENT)),
    "of another context": Ed25519PrivateKey.from_private_bytes(SEED).sign(b"gongfen/event/v2\n" + canonical(EVENT)),
    "of other spelling": Ed25519PrivateKey.from_private_bytes(SEED).sign(
        b"gongfen/event/v1\n" + canonical(EVENT) + b"\n"
    ),
}


@pytest.mark.parametrize("name", BAD_SIGNATURES)
def test_a_bad_signature_is_refused(name: str) -> None:
    with pytest.raises(SignatureError):
        verify_event(EVENT, BAD_SIGNATURES[name], PUBLIC)


BAD_KEYS: dict[str, Any] = {
    "empty": b"",
    "31 bytes": PUBLIC[:31],
    "33 bytes": PUBLIC + b"\x00",
    "hex": PUBLIC.hex(),
    "none": None,
    "the seed": SEED,
    "another key": ed25519.public_key(bytes(32)),
    "small order": IDENTITY,
    "not canonical": b"\xff" * 32,
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_bad_public_key_is_refused(name: str) -> None:
    with pytest.raises(SignatureError):
        verify_event(EVENT, SIGNATURE, BAD_KEYS[name])


def test_a_small_order_key_cannot_sign_every_event() -> None:
    """With A = R = the neutral point and S = 0 the bare equation holds for any message."""
    with pytest.raises(SignatureError):
        verify_event(EVENT, IDENTITY + bytes(32), IDENTITY)


BAD_EVENTS: dict[str, Any] = {
    "a list": [EVENT],
    "text": "event",
    "bytes": canonical(EVENT),
    "none": None,
    "with null": {**EVENT, "body": None},
    "with a fraction": {**EVENT, "v": 1.0},
    "with a key in capitals": {**EVENT, "Kind": "x"},
    "with a key that is a number": {**EVENT, 1: "x"},
    "with a huge number": {**EVENT, "v": 2**53},
    "with a control character": {**EVENT, "kind": "\x00"},
    "with a lone surrogate": {**EVENT, "kind": "\ud800"},
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_what_has_no_canonical_bytes_is_neither_signed_nor_verified(name: str) -> None:
    with pytest.raises(FormatError):
        sign_event(BAD_EVENTS[name], SEED)
    with pytest.raises(SignatureError, match="cannot be signed"):
        verify_event(BAD_EVENTS[name], SIGNATURE, PUBLIC)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytes(64), "0" * 32, None], ids=repr)
def test_a_signing_key_that_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(SignatureError):
        sign_event(EVENT, seed)


def test_the_second_implementation_refuses_what_we_refuse() -> None:
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    message = b"gongfen/event/v1\n" + canonical(EVENT)
    for name in ("S + L", "S = L", "of another key", "of the bytes without context", "of another context"):
        with pytest.raises(InvalidSignature):
            public.verify(BAD_SIGNATURES[name], message)
