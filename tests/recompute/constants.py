"""The constants of a round, derived with integers (docs/wire-formats.md §4)."""

import math
from dataclasses import dataclass

from ring import N, Q


@dataclass(frozen=True)
class Request:
    """The numbers that the creator of a round chooses: d, n_max, B, C and the weights."""

    dimension: int
    n_max: int
    norm_bound: int
    clip: float
    weight_min: int
    weight_max: int
    max_total_weight: int

    @property
    def padded(self) -> int:
        """d': d rounded up to a multiple of N."""
        return padded_dimension(self.dimension)

    @property
    def root(self) -> int:
        """The smallest integer whose square is at least d'."""
        return math.isqrt(self.padded - 1) + 1

    @property
    def lightest(self) -> int:
        """B(w_min)."""
        return self.norm_bound * self.weight_min // self.weight_max


@dataclass(frozen=True)
class Constants:
    """The numbers that every party derives from a request."""

    scale_log2: int
    transport_bits: int
    noisy_norm_bound: int
    scale: float


def padded_dimension(dimension: int) -> int:
    """d': d rounded up to a multiple of N."""
    return -(-dimension // N) * N


def range_error(request: Request) -> str | None:
    """A sentence about the first value outside its range of §4. None if all values are inside."""
    if not 1 <= request.dimension <= 2**32:
        return "the dimension is not in 1..2^32"
    if not 1 <= request.n_max <= 2**20:
        return "max_contributions is not in 1..2^20"
    if not 2**10 <= request.norm_bound < 2**31:
        return "the norm bound is not in 2^10..2^31"
    if not (math.isfinite(request.clip) and 1e-9 <= request.clip <= 1e9):
        return "the clip is not in 1e-9..1e9"
    if not 1 <= request.weight_min <= request.weight_max <= 2**20:
        return "the weights are not 1 <= min <= max <= 2^20"
    if not request.weight_max <= request.max_total_weight <= request.n_max * request.weight_max:
        return "max_total_weight is not in weight_max..max_contributions * weight_max"
    if request.lightest < max(2**10, 4 * request.root):
        return "the norm bound of the smallest weight is too small for the dimension"
    return None


def _errors(request: Request, tau: int) -> int:
    """What B_phi has beside 2^delta B."""
    return request.root * ((1 << 18) + (1 << (tau - 1)))


def _fits(request: Request, delta: int, tau: int) -> bool:
    """Whether the conditions of step 2 hold."""
    n, errors, largest = request.n_max, _errors(request, tau), request.weight_max
    r = -(-271 * ((request.norm_bound << delta) + errors) // 100)
    updates = (request.norm_bound << delta) * request.max_total_weight
    total = -(-271 * (updates + n * errors * largest) // (100 * largest)) + n
    slack = 2 ** (delta - 1) - 4 * n
    return (
        2 * total < Q - 1
        and 125 * r <= Q
        and n <= 2**tau
        and slack > 0
        and 64 * n * ((2**36 - 1) * 8 + 2 ** (2 * tau)) < 12 * slack**2
        and 256 * errors <= request.lightest << delta
    )


def derive(request: Request) -> Constants | None:
    """The constants for values in their ranges. None when no pair (delta, tau) fits."""
    lightest = request.lightest
    for delta in range(44, 19, -1):
        for tau in range(32, 0, -1):
            if _fits(request, delta, tau):
                bound = (request.norm_bound << delta) + _errors(request, tau)
                room = lightest**2 - request.padded // 4 - 8 * lightest
                scale = math.sqrt(float(room)) / (float(request.weight_min) * request.clip)
                return Constants(delta, tau, bound, scale)
    return None
