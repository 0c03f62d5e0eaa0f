#!/usr/bin/env python3
"""Searches for vectors that pass the projection more often than the lemma allows.

The lemma (norm-proof.md): for b <= q/125 and any phi with |phi| >= b, the projection satisfies
|R phi mod q|^2 < 30 b^2 with probability below 2^-121. That cannot be measured. With K = 8 or 16
rows and the threshold scaled to 30 K/256, it can. The search starts from structured and random
vectors, short ones and ones that wrap around the modulus, and climbs: coordinates are moved,
scaled, copied, negated, set to fractions of the modulus; vectors that pass more often are kept. The
curve to stay under is the one that the lemma's proof gives for K rows. Beside it stand two families
with known rates: a single coordinate, whose |R phi|^2 / |phi|^2 is binomial (K, 1/2), and a dense
vector, for which it is half a chi-square of K degrees of freedom.

Usage: attack_search.py SECONDS OUT.json OUT.svg     (numpy; SECONDS of processor time on one core)
"""

import json
import math
import sys
import time

import numpy as np

Q = 2**31 - 1  # any modulus serves: only ratios to it matter
B = Q // 125
ROWS = (8, 16)
TRIALS = 1 << 15
CONFIRM = 1 << 20
MAX_DIMENSION = 24


def centre(x):
    """The representative in (-Q/2, Q/2]."""
    x = np.mod(x, Q)
    return np.where(x > Q // 2, x - Q, x)


def threshold(rows, ratio):
    """The bound on |R phi mod q|^2 for a pass, ratio 1 being the lemma's."""
    return ratio * 30 * rows / 256 * float(B) ** 2


def pass_rate(phi, rows, ratio, trials, rng):
    """How often the projection of phi is below the threshold."""
    passed, done = 0, 0
    while done < trials:
        count = min(trials - done, 1 << 14)
        shape = (count, rows, len(phi))
        signs = rng.integers(0, 2, shape, dtype=np.int8) - rng.integers(0, 2, shape, dtype=np.int8)
        projected = centre(signs.astype(np.int64) @ phi)
        norms = np.sum(projected.astype(float) ** 2, axis=1)
        passed += int(np.count_nonzero(norms < threshold(rows, ratio)))
        done += count
    return passed / trials


def single_coordinate(rows, ratio):
    """The exact rate for one coordinate of length b."""
    limit = ratio * 30 * rows / 256
    return sum(math.comb(rows, k) for k in range(rows + 1) if k < limit) / 2**rows


def dense(rows, ratio):
    """The rate for a dense vector of length b: half a chi-square, even degrees of freedom."""
    limit = ratio * 30 * rows / 256
    return 1 - math.exp(-limit) * sum(limit**k / math.factorial(k) for k in range(rows // 2))


def families(rows, ratio):
    """The larger rate of the two families."""
    return max(single_coordinate(rows, ratio), dense(rows, ratio))


def largest_moments():
    """Values of t, and for each the logarithm of the largest H_t(w) of the lemma's proof."""
    g = np.linspace(-10, 10, 4001)
    density = np.exp(-g * g / 2) / math.sqrt(2 * math.pi) * (g[1] - g[0])
    times = np.geomspace(0.1, 100, 60)
    largest = [
        max([(1 + t) ** -0.5] + [
            float(np.sum(np.abs(np.cos(math.sqrt(t / 2) * g * w)) ** (2 / w**2) * density))
            for w in np.linspace(0.01, 1, 100)
        ])
        for t in times
    ]
    return times, np.log(largest)


def proved(rows, ratio, moments):
    """What the lemma's proof gives for K rows: the least of exp(t 30 K/256) max_w H_t(w)^K."""
    times, largest = moments
    return min(1.0, float(np.exp(np.min(times * ratio * 30 * rows / 256 + rows * largest))))


def lengthen(phi):
    """Scales phi up to length b if it is shorter; wrapping vectors are left alone."""
    norm = math.sqrt(float(np.sum(phi.astype(float) ** 2)))
    if norm == 0:
        phi = phi.copy()
        phi[0] = B
        return phi
    return phi if norm >= B else np.ceil(np.abs(phi) * (B / norm)).astype(np.int64) * np.sign(phi)


def start(rng):
    """A vector to climb from."""
    d = int(rng.integers(1, MAX_DIMENSION + 1))
    kind = int(rng.integers(0, 6))
    if kind == 0:
        phi = rng.normal(size=d) * B / math.sqrt(d)
    elif kind == 1:
        phi = np.full(d, B / math.sqrt(d))
    elif kind == 2:
        phi = np.full(d, Q // 2)
    elif kind == 3:
        phi = Q / rng.integers(2, 9, size=d)
    elif kind == 4:
        phi = B * 2.0 ** -np.arange(d)
    else:
        phi = rng.integers(-(Q // 2), Q // 2, size=d).astype(float)
    return lengthen(centre(np.asarray(phi, dtype=float).astype(np.int64)))


def move(phi, rng):
    """A neighbour of phi."""
    phi = phi.copy()
    kind, i = int(rng.integers(0, 7)), int(rng.integers(0, len(phi)))
    if kind == 0:
        phi[i] = int(phi[i] * rng.uniform(0.5, 2))
    elif kind == 1:
        phi[i] += int(rng.normal() * B / 4)
    elif kind == 2:
        phi[i] = phi[int(rng.integers(0, len(phi)))]
    elif kind == 3:
        phi[i] = -phi[i]
    elif kind == 4:
        phi[i] = Q // int(rng.integers(2, 9)) + int(rng.integers(-2, 3))
    elif kind == 5 and len(phi) < MAX_DIMENSION:
        phi = np.append(phi, phi[i])
    elif len(phi) > 1:
        phi = np.delete(phi, i)
    return lengthen(centre(phi))


def climb(rows, until, rng):
    """The best vector found until a moment, and how many were tried."""
    best, best_rate, tried = None, -1.0, 0
    while time.process_time() < until:
        phi = start(rng)
        rate, misses = pass_rate(phi, rows, 1, TRIALS, rng), 0
        while misses < 40 and time.process_time() < until:
            other = move(phi, rng)
            other_rate = pass_rate(other, rows, 1, TRIALS, rng)
            tried += 1
            if other_rate >= rate:
                misses = 0 if other_rate > rate else misses + 1
                phi, rate = other, other_rate
            else:
                misses += 1
        # The best of many estimates is too good: confirm it with fresh rows.
        if rate > best_rate:
            confirmed = pass_rate(phi, rows, 1, CONFIRM, rng)
            if confirmed > best_rate:
                best, best_rate = phi, confirmed
    return best, best_rate, tried


def plot(results, path):
    """Pass rates against the length of phi in units of b: proved, of the families, found."""
    width, height, left, bottom = 640, 400, 70, 50
    top = -5.5

    def point(length, rate):
        x = left + (length - 1) / 2 * (width - left - 20)
        y = 20 + math.log10(max(rate, 10**top)) / top * (height - bottom - 20)
        return f"{x:.1f},{y:.1f}"

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    out.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for exponent in range(0, 6):
        x, y = point(1, 10.0**-exponent).split(",")
        out.append(f'<line x1="{x}" x2="{width - 20}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{float(y) + 4}" text-anchor="end">10^-{exponent}</text>')
    for length in (1, 1.5, 2, 2.5, 3):
        x = point(length, 1).split(",")[0]
        out.append(f'<text x="{x}" y="{height - bottom + 18}" text-anchor="middle">{length}</text>')
    out.append(f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">length of the vector / b</text>')
    for line, (result, colour) in enumerate(zip(results, ("#1f77b4", "#d62728"))):
        for name, dashes in (("proved", "none"), ("families", "4 4")):
            curve = " ".join(point(p["length"], p[name]) for p in result["points"])
            out.append(f'<polyline points="{curve}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        for p in result["points"]:
            x, y = point(p["length"], p["measured"]).split(",")
            out.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>')
        text = f'K = {result["rows"]}: line proved, dashes the families, dots the best found'
        out.append(f'<text x="{width - 20}" y="{34 + 16 * line}" text-anchor="end" fill="{colour}">{text}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def main():
    seconds, report, picture = float(sys.argv[1]), sys.argv[2], sys.argv[3]
    rng = np.random.default_rng(1)
    results, moments = [], largest_moments()
    for rows in ROWS:
        best, rate, tried = climb(rows, time.process_time() + seconds / len(ROWS), rng)
        points = []
        for length in (1, 1.25, 1.5, 2, 2.5, 3):
            # A vector of that length against a bound b: the threshold shrinks by its square.
            ratio = length**-2
            points.append({
                "length": length,
                "proved": proved(rows, ratio, moments),
                "families": families(rows, ratio),
                "measured": pass_rate(best, rows, ratio, CONFIRM, rng),
            })
        results.append({
            "rows": rows, "tried": tried, "proved": proved(rows, 1, moments), "best": rate,
            "vector_over_b": [round(float(v) / B, 4) for v in best], "points": points,
        })
        print(f"K = {rows}: {tried} vectors, best {rate:.3e}, proved {proved(rows, 1, moments):.3e}")
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"seconds": seconds, "trials": TRIALS, "results": results}, file, indent=1)
    plot(results, picture)


if __name__ == "__main__":
    main()
