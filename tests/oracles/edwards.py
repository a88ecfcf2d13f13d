"""The curve of Ed25519 (RFC 8032 §5.1) in plain arithmetic, to make the signatures and keys that no library makes."""

from __future__ import annotations

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P


def multiply(n: int, point: Point) -> Point:
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def recover(y: int, sign: int) -> Point | None:
    """The point of this y whose x has this lowest bit, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return (P - x if x % 2 != sign else x) % P, y


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def scalar(n: int) -> bytes:
    return n.to_bytes(32, "little")


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def small_order_points() -> list[Point]:
    """The eight points whose order divides 8, the neutral one first."""
    y = 2
    while True:
        point = recover(y, 0)
        generator = multiply(L, point) if point else (0, 1)
        if multiply(4, generator) != (0, 1):
            return [multiply(n, generator) for n in range(8)]
        y += 1


_base = recover(4 * pow(5, P - 2, P) % P, 0)
assert _base is not None
BASE: Point = _base
