"""Strict Ed25519 verification (RFC 8032 §5.1): canonical, no small-order points, no cofactor."""

import hashlib

from edwards import ORDER, SQRT_M1, D, P, Point, add, is_small_order, multiply, negate


def decode_point(encoded: bytes) -> Point | None:
    """Decode a point (RFC 8032 §5.1.3). None if the bytes are not the canonical encoding of one."""
    value = int.from_bytes(encoded, "little")
    sign, y = value >> 255, value & (2**255 - 1)
    if len(encoded) != 32 or y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_M1 % P
    if v * x * x % P != u or (x == 0 and sign == 1):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point: Point) -> bytes:
    """Encode a point (RFC 8032 §5.1.2)."""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_ENCODED = (4 * pow(5, -1, P) % P).to_bytes(32, "little")
_base = decode_point(_BASE_ENCODED)
assert _base is not None
BASE: Point = _base
"""The base point B of RFC 8032 §5.1: y = 4/5, x even."""


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Verify a signature (RFC 8032 §5.1.7 without the cofactor).

    The encoding of [S]B - [k]A must be the R of the signature.

    Comparing encodings refuses an R that is not canonical. A key or an R of small order is refused
    too.
    """
    key = decode_point(public_key)
    if key is None or len(signature) != 64 or is_small_order(key):
        return False
    encoded_r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(encoded_r + public_key + message).digest(), "little") % ORDER
    r = add(multiply(s, BASE), multiply(k, negate(key)))
    return encode_point(r) == encoded_r and not is_small_order(r)
