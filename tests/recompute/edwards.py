"""The twisted Edwards curve of Ed25519 and Ristretto255, in variable time: all is public."""

from collections.abc import Sequence

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 §5.1.4)."""

IDENTITY: Point = (0, 1, 1, 0)

_D2 = 2 * D % P
_WINDOW_BITS = 8


def add(a: Point, b: Point) -> Point:
    """The complete addition of RFC 8032 §5.1.4."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    low = (y1 - x1) * (y2 - x2) % P
    high = (y1 + x1) * (y2 + x2) % P
    c = t1 * _D2 * t2 % P
    d = 2 * z1 * z2 % P
    e, f, g, h = high - low, d - c, d + c, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(a: Point) -> Point:
    """The doubling of RFC 8032 §5.1.4."""
    x1, y1, z1, _ = a
    xx = x1 * x1 % P
    yy = y1 * y1 % P
    h = xx + yy
    e = h - (x1 + y1) * (x1 + y1) % P
    g = xx - yy
    f = 2 * z1 * z1 % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(a: Point) -> Point:
    """-a."""
    return -a[0] % P, a[1], a[2], -a[3] % P


def multiply(scalar: int, point: Point) -> Point:
    """[scalar] point for 0 <= scalar, four bits at a time."""
    table = [IDENTITY, point]
    for _ in range(14):
        table.append(add(table[-1], point))
    result = IDENTITY
    for position in range((scalar.bit_length() + 3) // 4 - 1, -1, -1):
        result = double(double(double(double(result))))
        digit = scalar >> (4 * position) & 15
        if digit:
            result = add(result, table[digit])
    return result


def multiscalar(coefficients: Sequence[int], points: Sequence[Point]) -> Point:
    """Sum of [c] point for signed coefficients, with a bucket for each value of an 8-bit digit.

    A bucket method (Pippenger): each digit costs one addition a point and two a bucket, so that the
    short coefficients of a release answer need one or two digits only.
    """
    largest = max((abs(c) for c in coefficients), default=0)
    windows = (largest.bit_length() + _WINDOW_BITS - 1) // _WINDOW_BITS
    result = IDENTITY
    for window in range(windows - 1, -1, -1):
        for _ in range(_WINDOW_BITS):
            result = double(result)
        buckets: dict[int, Point] = {}
        for coefficient, point in zip(coefficients, points, strict=True):
            digit = abs(coefficient) >> (_WINDOW_BITS * window) & (2**_WINDOW_BITS - 1)
            if digit:
                signed = point if coefficient > 0 else negate(point)
                buckets[digit] = add(buckets[digit], signed) if digit in buckets else signed
        running = IDENTITY
        for digit in range(max(buckets, default=0), 0, -1):
            if digit in buckets:
                running = add(running, buckets[digit])
            result = add(result, running)
    return result


def is_identity(a: Point) -> bool:
    """Whether a is the neutral element of the curve."""
    return a[0] % P == 0 and (a[1] - a[2]) % P == 0


def is_small_order(a: Point) -> bool:
    """Whether a is in the torsion subgroup of order 8."""
    return is_identity(double(double(double(a))))
