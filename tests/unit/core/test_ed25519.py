"""Ed25519 accepts only what formats §3 allows; each edge case is built here from plain curve arithmetic."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from ledger.core import ed25519
from ledger.errors import SignatureError
from tests.oracles.edwards import (
    BASE,
    L,
    P,
    Point,
    add,
    challenge,
    encode,
    multiply,
    recover,
    scalar,
    small_order_points,
)

SEED = bytes(range(32))
SECRET, NONCE = 12345678901234567890, 987654321
PUBLIC_POINT, NONCE_POINT = multiply(SECRET, BASE), multiply(NONCE, BASE)
PUBLIC = encode(PUBLIC_POINT)
SMALL_ORDER = [encode(point) for point in small_order_points()]
NON_CANONICAL_SMALL = [scalar(y | sign << 255) for y in (P, P + 1) for sign in (0, 1)]
NON_CANONICAL = [scalar((y + P) | sign << 255) for y in range(2, 19) for sign in (0, 1) if recover(y, sign) is not None]

# RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def forge(public: bytes, message: bytes, nonce_point: Point = NONCE_POINT, nonce: int = NONCE) -> bytes:
    """A signature that satisfies S·B = R + h·A up to points of small order."""
    r = encode(nonce_point)
    return r + scalar((nonce + challenge(r, public, message) * SECRET) % L)


def multiple_of_8(public: bytes) -> bytes:
    """A message for which a component of small order in the key does not show."""
    messages = (bytes([n]) for n in range(256))
    return next(m for m in messages if challenge(encode(NONCE_POINT), public, m) % 8 == 0)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(seed: str, public: str, message: str, signature: str) -> None:
    key, text = bytes.fromhex(seed), bytes.fromhex(message)
    assert ed25519.public_key(key).hex() == public
    assert ed25519.sign(key, text).hex() == signature
    ed25519.verify(bytes.fromhex(public), text, bytes.fromhex(signature))
    ed25519.check_public_key(bytes.fromhex(public))


def test_a_seed_and_an_expanded_key_sign_alike() -> None:
    expanded = SigningKey(SEED)
    assert ed25519.sign(expanded, b"text") == ed25519.sign(SEED, b"text")
    assert ed25519.public_key(expanded) == ed25519.public_key(SEED)


def test_the_plain_arithmetic_makes_signatures_that_hold() -> None:
    ed25519.check_public_key(PUBLIC)
    ed25519.verify(PUBLIC, b"text", forge(PUBLIC, b"text"))


def test_any_changed_bit_of_a_signature_is_refused() -> None:
    public, signature = ed25519.public_key(SEED), ed25519.sign(SEED, b"text")
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureError):
            ed25519.verify(public, b"text", bytes(changed))
    with pytest.raises(SignatureError):
        ed25519.verify(public, b"texu", signature)


def test_s_of_the_group_order_or_more_is_refused() -> None:
    signature = forge(PUBLIC, b"text")
    s = int.from_bytes(signature[32:], "little")
    assert s + L < 2**256
    with pytest.raises(SignatureError):
        ed25519.verify(PUBLIC, b"text", signature[:32] + scalar(s + L))


@pytest.mark.parametrize("public", SMALL_ORDER + NON_CANONICAL_SMALL)
def test_a_key_of_small_order_verifies_nothing(public: bytes) -> None:
    message = multiple_of_8(public)
    signature = encode(NONCE_POINT) + scalar(NONCE)
    with pytest.raises(SignatureError):
        ed25519.verify(public, message, signature)


@pytest.mark.parametrize("r", SMALL_ORDER + NON_CANONICAL_SMALL)
def test_a_nonce_point_of_small_order_is_refused(r: bytes) -> None:
    signature = r + scalar(challenge(r, PUBLIC, b"text") * SECRET % L)
    with pytest.raises(SignatureError):
        ed25519.verify(PUBLIC, b"text", signature)


def test_a_nonce_point_with_a_small_order_component_is_refused() -> None:
    """The equation is the cofactorless one, so such a signature does not hold although 8·S·B = 8·R + 8·h·A."""
    for torsion in small_order_points()[1:]:
        signature = forge(PUBLIC, b"text", add(NONCE_POINT, torsion))
        with pytest.raises(SignatureError):
            ed25519.verify(PUBLIC, b"text", signature)


def test_a_key_with_a_small_order_component_would_verify_some_messages_and_is_not_granted() -> None:
    for torsion in small_order_points()[1:]:
        mixed = encode(add(PUBLIC_POINT, torsion))
        message = multiple_of_8(mixed)
        ed25519.verify(mixed, message, forge(mixed, message))
        with pytest.raises(SignatureError, match="public key refused"):
            ed25519.check_public_key(mixed)


@pytest.mark.parametrize("public", SMALL_ORDER + NON_CANONICAL_SMALL + NON_CANONICAL + [b"\x02" + bytes(31)])
def test_a_key_that_is_no_canonical_point_of_prime_order_is_not_granted(public: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        ed25519.check_public_key(public)
    assert caught.value.code == "bad_key"


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), bytearray(32), "x" * 32, None, 7])
def test_keys_of_another_size_or_type_are_refused(bad: object) -> None:
    with pytest.raises(SignatureError, match="not a public key"):
        ed25519.check_public_key(bad)  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match="not a public key"):
        ed25519.verify(bad, b"", bytes(64))  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match="not a signing key"):
        ed25519.sign(bad, b"")  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match="not a signing key"):
        ed25519.public_key(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [b"", bytes(63), bytes(65), bytearray(64), "x" * 64, None])
def test_signatures_of_another_size_or_type_are_refused(bad: object) -> None:
    with pytest.raises(SignatureError, match="not a signature"):
        ed25519.verify(PUBLIC, b"", bad)  # type: ignore[arg-type]


def test_messages_never_show_a_signing_key() -> None:
    with pytest.raises(SignatureError) as caught:
        ed25519.sign(b"secret" * 5, b"")
    assert "secret" not in str(caught.value)
