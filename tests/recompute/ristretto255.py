"""The group Ristretto255 (RFC 9496 §4). Two different points can be one and the same element."""

from edwards import SQRT_M1, D, P, Point, add

_SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
_INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
_ONE_MINUS_D_SQ = (1 - D * D) % P
_D_MINUS_ONE_SQ = (D - 1) * (D - 1) % P


def _absolute(x: int) -> int:
    """CT_ABS of RFC 9496 §4.1: the representative that is even, which counts as not negative."""
    return P - x if x & 1 else x


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 of RFC 9496 §4.2."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    minus_u = -u % P
    flipped = check == minus_u
    if flipped or check == minus_u * SQRT_M1 % P:
        r = r * SQRT_M1 % P
    return check == u % P or flipped, _absolute(r)


def decode(encoded: bytes) -> Point | None:
    """Decode an element (RFC 9496 §4.3.1). None if the bytes are not its canonical encoding."""
    s = int.from_bytes(encoded, "little")
    if len(encoded) != 32 or s >= P or s & 1:
        return None
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    u2_squared = u2 * u2 % P
    v = (-D * u1 * u1 - u2_squared) % P
    was_square, inverse = sqrt_ratio_m1(1, v * u2_squared % P)
    denominator_x = inverse * u2 % P
    x = _absolute(2 * s * denominator_x % P)
    y = u1 * inverse * denominator_x * v % P
    t = x * y % P
    if not was_square or t & 1 or y == 0:
        return None
    return x, y, 1, t


def encode(element: Point) -> bytes:
    """Encode an element (RFC 9496 §4.3.2)."""
    x, y, z, t = element
    u1 = (z + y) * (z - y) % P
    u2 = x * y % P
    _, inverse = sqrt_ratio_m1(1, u1 * u2 * u2 % P)
    d1, d2 = inverse * u1 % P, inverse * u2 % P
    z_inverse = d1 * d2 * t % P
    if t * z_inverse % P & 1:
        x, y, d = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * _INVSQRT_A_MINUS_D % P
    else:
        d = d2
    if x * z_inverse % P & 1:
        y = -y % P
    return _absolute(d * (z - y) % P).to_bytes(32, "little")


def equal(a: Point, b: Point) -> bool:
    """Whether a and b are the same element (RFC 9496 §4.3.3)."""
    return (a[0] * b[1] - a[1] * b[0]) % P == 0 or (a[1] * b[1] - a[0] * b[0]) % P == 0


def _map(half: bytes) -> Point:
    """MAP of RFC 9496 §4.3.4, on the 255 low bits of 32 bytes."""
    t = (int.from_bytes(half, "little") & (2**255 - 1)) % P
    r = SQRT_M1 * t * t % P
    u = (r + 1) * _ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio_m1(u, v)
    c = -1
    if not was_square:
        s, c = -_absolute(s * t % P), r
    n = (c * (r - 1) * _D_MINUS_ONE_SQ - v) % P
    w0, w1 = 2 * s * v % P, n * _SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def from_uniform_bytes(data: bytes) -> Point:
    """The one-way map of RFC 9496 §4.3.4 on 64 bytes."""
    if len(data) != 64:
        raise ValueError("the one-way map takes 64 bytes")
    return add(_map(data[:32]), _map(data[32:]))
