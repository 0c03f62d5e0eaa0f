"""Pedersen commitments to key shares (docs/wire-formats.md §3)."""

import functools
import hashlib
import struct
from collections.abc import Sequence

import edwards
import ristretto255
from edwards import Point
from ring import N


def _generator(name: bytes, k: int) -> Point:
    material = b"blindsum/v2/generator\0" + name + struct.pack("<I", k)
    return ristretto255.from_uniform_bytes(hashlib.sha512(material).digest())


@functools.cache
def generators() -> tuple[tuple[Point, ...], Point]:
    """G_0 … G_(N-1), and H."""
    return tuple(_generator(b"key", k) for k in range(N)), _generator(b"blinding", 0)


def commit(coefficients: Sequence[int], blinding: int) -> Point:
    """Sum of coefficients[k] G_k + blinding H."""
    keys, blinder = generators()
    return edwards.add(edwards.multiscalar(coefficients, keys), edwards.multiply(blinding, blinder))


def opens(commitment: Point, coefficients: Sequence[int], blinding: int) -> bool:
    """Whether the commitment opens to the coefficients and the blinding."""
    return ristretto255.equal(commitment, commit(coefficients, blinding))
