"""Z_q and R_q = Z_q[X]/(X^N + 1), q = 2^64 - 2^32 + 1, N = 2048, on numpy arrays of uint64."""

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from chacha import keystream

Residues = NDArray[np.uint64]

Q = 2**64 - 2**32 + 1
N = 2048
OMEGA = 10974926054405199669
"""A primitive 2N-th root of unity modulo q."""

_Q = np.uint64(Q)
_EPSILON = np.uint64(2**32 - 1)
"""2^64 modulo q."""
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def add(a: Residues, b: Residues) -> Residues:
    """a + b modulo q, for a, b < q."""
    total = a + b
    return np.where((total < a) | (total >= _Q), total - _Q, total)


def subtract(a: Residues, b: Residues) -> Residues:
    """a - b modulo q, for a, b < q."""
    difference: Residues = a - b
    return np.where(a < b, difference + _Q, difference)


def multiply(a: Residues, b: Residues | np.uint64) -> Residues:
    """a * b modulo q, for any 64-bit a and b. The result is below q.

    The 128-bit product is low + 2^64 h0 + 2^96 h1, and 2^64 = 2^32 - 1, 2^96 = -1 modulo q.
    """
    a0, a1, b0, b1 = a & _LOW, a >> _32, b & _LOW, b >> _32
    p00, p01, p10 = a0 * b0, a0 * b1, a1 * b0
    middle = (p00 >> _32) + (p01 & _LOW) + (p10 & _LOW)
    low = (p00 & _LOW) | (middle << _32)
    high = a1 * b1 + (p01 >> _32) + (p10 >> _32) + (middle >> _32)
    h0, h1 = high & _LOW, high >> _32
    difference = low - h1
    difference = np.where(low < h1, difference - _EPSILON, difference)
    folded = h0 * _EPSILON
    total: Residues = difference + folded
    total = np.where(total < folded, total + _EPSILON, total)
    return np.where(total >= _Q, total - _Q, total)


def bit_reverse(k: int) -> int:
    """The 11 bits of k in the opposite order."""
    return int(format(k, "011b")[::-1], 2)


def _powers(base: int) -> Residues:
    """base^bitrev(k) for k < N, the order in which the transforms take their factors."""
    return np.array([pow(base, bit_reverse(k), Q) for k in range(N)], dtype=np.uint64)


_FORWARD = _powers(OMEGA)
_INVERSE = _powers(pow(OMEGA, -1, Q))
_N_INVERSE = np.uint64(pow(N, -1, Q))


def evaluate(polynomials: Residues) -> Residues:
    """Evaluation form along the last axis: position k has the value at OMEGA^(2 bitrev(k) + 1)."""
    values = polynomials
    groups = 1
    while groups < N:
        split = values.reshape(-1, groups, 2, N // (2 * groups))
        upper = multiply(split[:, :, 1], _FORWARD[groups : 2 * groups, None])
        values = np.stack([add(split[:, :, 0], upper), subtract(split[:, :, 0], upper)], axis=2)
        groups *= 2
    return values.reshape(polynomials.shape)


def interpolate(values: Residues) -> Residues:
    """The inverse of evaluate: coefficients along the last axis."""
    coefficients = values
    groups = N // 2
    while groups >= 1:
        split = coefficients.reshape(-1, groups, 2, N // (2 * groups))
        lower, upper = split[:, :, 0], split[:, :, 1]
        scaled = multiply(subtract(lower, upper), _INVERSE[groups : 2 * groups, None])
        coefficients = np.stack([add(lower, upper), scaled], axis=2)
        groups //= 2
    return multiply(coefficients.reshape(values.shape), _N_INVERSE)


def fill_rejected(words: Residues, spare: list[int]) -> tuple[Residues, bool]:
    """Replace each word that is not below q by the next spare word that is below q (§2).

    The second value says whether there were enough spare words.
    """
    accepted = iter([word for word in spare if word < Q])
    filled = words.copy()
    for position in np.flatnonzero(words >= _Q):
        word = next(accepted, None)
        if word is None:
            return words, False
        filled[position] = word
    return filled, True


def mask_polynomials(mask_seed: bytes, first: int, count: int) -> Residues:
    """The public polynomials a_first, a_(first + 1), … in evaluation form: (count, N) (§2)."""
    key = hashlib.sha256(b"blindsum/v2/mask-polynomials\0" + mask_seed).digest()
    nonces = [struct.pack("<QI", index, 0) for index in range(first, first + count)]
    words = keystream(key, nonces, rounds=8, first_block=0, blocks=N // 8)
    for row in np.flatnonzero((words >= _Q).any(axis=1)):
        spare_blocks, enough = 0, False
        while not enough:
            spare_blocks += 1
            spare = keystream(key, [nonces[row]], rounds=8, first_block=N // 8, blocks=spare_blocks)
            filled, enough = fill_rejected(words[row], spare[0].tolist())
        words[row] = filled
    return words


def from_signed(coefficients: NDArray[np.int64]) -> Residues:
    """Small signed integers as residues."""
    unsigned = coefficients.astype(np.uint64)
    return np.where(coefficients < 0, unsigned + _Q, unsigned)


def centred(residues: Residues) -> NDArray[np.int64]:
    """The representatives in (-q/2, q/2]."""
    return np.where(residues > np.uint64((Q - 1) // 2), residues - _Q, residues).view(np.int64)
