"""The constants of a round, derived with integers (docs/wire-formats.md §4)."""

import math
from dataclasses import dataclass

from ring import N, Q


@dataclass(frozen=True)
class Constants:
    """The numbers that every party derives from d, n_max, B and C."""

    scale_log2: int
    transport_bits: int
    noisy_norm_bound: int
    scale: float


def padded_dimension(dimension: int) -> int:
    """d': d rounded up to a multiple of N."""
    return -(-dimension // N) * N


def range_error(dimension: int, n_max: int, norm_bound: int, clip: float) -> str | None:
    """A sentence about the first value outside its range of §4. None if all values are inside."""
    if not 1 <= dimension <= 2**32:
        return "the dimension is not in 1..2^32"
    if not 1 <= n_max <= 2**20:
        return "max_contributions is not in 1..2^20"
    if not 2**10 <= norm_bound < 2**31:
        return "the norm bound is not in 2^10..2^31"
    if norm_bound**2 < padded_dimension(dimension) + 16 * norm_bound:
        return "the norm bound is too small for the dimension"
    if not (math.isfinite(clip) and 1e-9 <= clip <= 1e9):
        return "the clip is not in 1e-9..1e9"
    return None


def _noisy_norm_bound(padded: int, norm_bound: int, delta: int, tau: int) -> int:
    """B_phi."""
    root = math.isqrt(padded - 1) + 1
    return (norm_bound << delta) + root * ((1 << 18) + (1 << (tau - 1)))


def _fits(n_max: int, bound: int, delta: int, tau: int) -> bool:
    """Whether the conditions of step 2 hold, for B_phi = bound."""
    r = -(-271 * bound // 100)
    slack = 2 ** (delta - 1) - 4 * n_max
    return (
        2 * n_max * r < Q - 1
        and 125 * r <= Q
        and n_max <= 2**tau
        and slack > 0
        and 64 * n_max * ((2**36 - 1) * 8 + 2 ** (2 * tau)) < 12 * slack**2
    )


def derive(dimension: int, n_max: int, norm_bound: int, clip: float) -> Constants | None:
    """The constants for values in their ranges. None when no pair (delta, tau) fits."""
    padded = padded_dimension(dimension)
    for delta in range(44, 19, -1):
        for tau in range(32, 0, -1):
            bound = _noisy_norm_bound(padded, norm_bound, delta, tau)
            if _fits(n_max, bound, delta, tau):
                scale = math.sqrt(float(norm_bound**2 - padded // 4 - 8 * norm_bound)) / clip
                return Constants(delta, tau, bound, scale)
    return None
