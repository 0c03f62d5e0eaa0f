#!/usr/bin/env python3
"""Estimates the cost of lattice attacks on masked contributions.

For a victim's key s and samples b = a.s + e over R_q with N = 2048 and q = 2^64 - 2^32 + 1, prints
the block size beta that the primal uSVP attack needs (Alkim, Ducas, Poeppelmann, Schwabe,
"Post-quantum key exchange", 2016, section 6.3, with the secret rescaled to the size of the error:
Bai and Galbraith, 2014), for

- one key alone;
- published sums of keys and errors with two honest clients, the worst case: every coefficient of
  the victim's key and error then has the distribution of one term given the sum;
- the filtering attack on top: the attacker sees the sum of errors at all d coordinates, of which
  many share one key, and keeps the ones whose sum pins the victim's error down the most.

Costs are printed as core-SVP 2^(0.292 beta) and as 2^(0.292 beta + 16.4 + log2(8 dim)), both
classical. The estimate covers primal attacks only. Needs nothing beyond the standard library.
"""

import math

N = 2048
LOG2_Q = 64.0
KEY_VARIANCE = 16.0  # centred binomial, eta = 32
TERMS, TERM_BITS = 8, 18  # an error is the sum of eight uniforms of 18 bits
GRID = 512  # points for one uniform term in the numerical convolution


def delta(beta):
    """Root Hermite factor of BKZ-beta."""
    return (beta / (2 * math.pi * math.e) * (math.pi * beta) ** (1 / beta)) ** (1 / (2 * (beta - 1)))


def usvp_beta(sigma_s, sigma_e):
    """Least beta with which the primal attack succeeds for some number of samples m; dimension."""
    best = None
    for m in range(256, 2 * N + 1, 16):
        dim = N + m + 1
        log_volume = m * LOG2_Q + N * math.log2(sigma_e / sigma_s)
        low, high = 60, 2000
        while low < high:
            beta = (low + high) // 2
            short = math.log2(sigma_e) + 0.5 * math.log2(beta)
            if short <= (2 * beta - dim - 1) * math.log2(delta(beta)) + log_volume / dim:
                high = beta
            else:
                low = beta + 1
        if best is None or low < best[0]:
            best = (low, dim)
    return best


def convolve_with_box(density):
    """The density after one more uniform term, by a running sum."""
    prefix = [0.0]
    for value in density:
        prefix.append(prefix[-1] + value)
    size = len(density) + GRID - 1
    return [(prefix[min(k + 1, len(density))] - prefix[max(0, k + 1 - GRID)]) / GRID for k in range(size)]


def irwin_hall(terms):
    """Density of a sum of `terms` uniforms on a grid of unit steps."""
    density = [1.0 / GRID] * GRID
    for _ in range(terms - 1):
        density = convolve_with_box(density)
    return density


def error_deviations(terms):
    """Pairs (deviation of the victim's error given its sum with one other client's, probability of
    such a sum),
    smallest first, in units of a uniform term's width."""
    density = irwin_hall(terms)
    pairs = []
    for total in range(0, 2 * len(density) - 1, 8):
        low, high = max(0, total - len(density) + 1), min(len(density) - 1, total)
        stride = max(1, (high - low) // 400)
        points = [(x, density[x] * density[total - x]) for x in range(low, high + 1, stride)]
        mass = sum(weight for _, weight in points)
        if mass > 0:
            mean = sum(weight * x for x, weight in points) / mass
            variance = sum(weight * (x - mean) ** 2 for x, weight in points) / mass
            pairs.append((math.sqrt(variance + 1 / 12) / GRID, mass * stride))
    scale = sum(probability for _, probability in pairs)
    return sorted((deviation, probability / scale) for deviation, probability in pairs)


def filtered_deviation(pairs, d, samples):
    """Root mean square deviation of the `samples` best of d coordinates."""
    wanted, taken, square = samples / d, 0.0, 0.0
    for deviation, probability in pairs:
        part = min(probability, wanted - taken)
        square += part * deviation**2
        taken += part
        if taken >= wanted * (1 - 1e-12):
            break
    return math.sqrt(square / taken)


def report(name, sigma_s, sigma_e):
    beta, dim = usvp_beta(sigma_s, sigma_e)
    core = 0.292 * beta
    gates = core + 16.4 + math.log2(8 * dim)
    print(f"{name:<58} 2^{math.log2(sigma_e):5.2f}  {beta:4d}  2^{core:5.1f}  2^{gates:5.1f}")


def main():
    width = 2.0**TERM_BITS
    sigma_e = width * math.sqrt(TERMS / 12)
    sigma_s = math.sqrt(KEY_VARIANCE)
    print(f"N = {N}, q = 2^64 - 2^32 + 1, key deviation {sigma_s:.0f}, error deviation 2^{math.log2(sigma_e):.2f}\n")
    print(f"{'case':<58} {'error':>7}  beta  core-SVP  gates")
    report("one client's key alone", sigma_s, sigma_e)
    sigma_s2 = sigma_s / math.sqrt(2)  # hypergeometric given the sum, half the variance on average
    report("two honest clients, average coordinate", sigma_s2, sigma_e / math.sqrt(2))
    pairs = error_deviations(TERMS)
    for log_d in (20, 24, 28, 32):
        deviation = filtered_deviation(pairs, 2.0**log_d, N) * width
        report(f"two honest clients, filtering, d = 2^{log_d}", sigma_s2, deviation)
    flat = error_deviations(1)
    for log_d in (20, 28):
        # What flat errors of 19 bits, of nearly the same size, would give.
        deviation = filtered_deviation(flat, 2.0**log_d, N) * 2.0**19
        report(f"for comparison: flat 19-bit errors, d = 2^{log_d}", sigma_s2, deviation)


if __name__ == "__main__":
    main()
