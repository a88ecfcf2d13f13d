"""Ed25519 (RFC 8032), strictly: the one place that calls the signature library (formats §3).

Verification is libsodium's: S < L, A and R canonical and not of small order, the cofactorless equation, R compared as
bytes. A key with a component of small order beside its main one could still verify messages here that other libraries
judge otherwise, so `check_public_key` refuses it when it is granted; honest key generation never makes one.
"""

from __future__ import annotations

from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from ledger.errors import SignatureError

SEED_SIZE: Final = 32
PUBLIC_KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64


def sign(key: bytes | SigningKey, message: bytes) -> bytes:
    """The 64-byte signature of ``message``.

    ``key`` is a 32-byte seed, or a `SigningKey` where many messages are signed (a seed is expanded anew each time).
    Raises `SignatureError` if the seed has another length.
    """
    signing_key = key if isinstance(key, SigningKey) else SigningKey(_seed(key))
    return signing_key.sign(message).signature


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise `SignatureError` unless ``signature`` (64 bytes) of ``message`` holds under ``public_key`` (32 bytes).

    It does not look whether the key was fit to be granted; that is `check_public_key`, once per key.
    """
    if not isinstance(public_key, bytes) or len(public_key) != PUBLIC_KEY_SIZE:
        raise SignatureError("not a public key", expected=f"{PUBLIC_KEY_SIZE} bytes", got=_size_of(public_key))
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_SIZE:
        raise SignatureError("not a signature", expected=f"{SIGNATURE_SIZE} bytes", got=_size_of(signature))
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError as error:
        raise SignatureError("signature does not hold") from error


def public_key(key: bytes | SigningKey) -> bytes:
    """The 32-byte public key of a seed. Raises `SignatureError` if the seed has another length."""
    if isinstance(key, SigningKey):
        return bytes(key.verify_key)
    return crypto_sign_seed_keypair(_seed(key))[0]


def check_public_key(public_key: bytes) -> None:
    """Raise `SignatureError` unless the key may be granted.

    That is: 32 bytes, a canonical encoding of a point of the prime-order subgroup other than the neutral one (so
    neither of small order nor with a small-order component).
    """
    if not isinstance(public_key, bytes) or len(public_key) != PUBLIC_KEY_SIZE:
        raise SignatureError("not a public key", expected=f"{PUBLIC_KEY_SIZE} bytes", got=_size_of(public_key))
    if not crypto_core_ed25519_is_valid_point(public_key):
        raise SignatureError(
            "public key refused", code="bad_key", expected="a canonical point of prime order", got=public_key.hex()
        )


def _seed(key: bytes) -> bytes:
    if not isinstance(key, bytes) or len(key) != SEED_SIZE:
        raise SignatureError("not a signing key", code="bad_key", expected=f"a seed of {SEED_SIZE} bytes")
    return key


def _size_of(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else type(value).__name__
