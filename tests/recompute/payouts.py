"""The split of a pool and the reputation rule (docs/wire-formats.md §14 and §15).

Run as a program it prints random cases with their answers: tests/vectors/payouts.json.
"""

import json
import random
import sys
from collections.abc import Sequence
from fractions import Fraction

# The numbers that an event adds for and against. A "scored" event adds its score.
_EVIDENCE = {"included": (10**6, 0), "rejected": (0, 3 * 10**6), "dropped": (0, 10**6)}

Event = tuple[int, str, int]


def split(pool: int, claims: Sequence[tuple[str, int]]) -> list[int]:
    """The shares of (subject, weight), in their order."""
    total = sum(weight for _, weight in claims)
    exact = {subject: Fraction(pool * weight, total) for subject, weight in claims}
    shares = {subject: int(quota) for subject, quota in exact.items()}
    first = sorted(exact, key=lambda subject: (shares[subject] - exact[subject], subject.encode()))
    for subject in first[: pool - sum(shares.values())]:
        shares[subject] += 1
    return [shares[subject] for subject, _ in claims]


def reputation(events: Sequence[Event], at: int) -> int:
    """Parts per million in round `at`, from events (round, kind, score) of rounds up to it."""
    r = s = 0
    for number in range(1, at + 1):
        r, s = 19 * r // 20, 19 * s // 20
        for _, kind, score in (event for event in events if event[0] == number):
            more, less = (score, 10**6 - score) if kind == "scored" else _EVIDENCE[kind]
            r, s = r + more, s + less
    return (r + 10**6) * 10**6 // (r + s + 2 * 10**6)


def _random_split(chance: random.Random) -> dict[str, object]:
    pool = chance.getrandbits(chance.randint(0, 128))
    width = chance.randint(1, 60)
    weights = [chance.getrandbits(width) for _ in range(chance.randint(1, 8))]
    if chance.random() < 0.3:
        weights = [max(weights[0], 1)] * len(weights)
    weights[-1] = max(weights[-1], 1)
    subjects = [f"{chance.choice('abZ_.-9')}{chance.randint(0, 10**6)}-{i}" for i in range(len(weights))]
    claims = list(zip(subjects, weights, strict=True))
    return {"pool": str(pool), "claims": claims, "shares": [str(share) for share in split(pool, claims)]}


def _random_reputation(chance: random.Random) -> dict[str, object]:
    number, events = 0, []
    for _ in range(chance.randint(0, 12)):
        number += chance.randint(0 if number else 1, 3)
        kind = chance.choice([*_EVIDENCE, "scored"])
        events.append((number, kind, chance.randint(0, 10**6) if kind == "scored" else 0))
    at = number + chance.randint(0, 40)
    return {"events": events, "at": at, "ppm": reputation(events, at)}


def _write(cases: list[dict[str, object]]) -> str:
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "]"


if __name__ == "__main__":
    randomness = random.Random(1)
    splits = _write([_random_split(randomness) for _ in range(200)])
    reputations = _write([_random_reputation(randomness) for _ in range(200)])
    command = "python3 tests/recompute/payouts.py > tests/vectors/payouts.json"
    sys.stdout.write(f'{{"command": "{command}",\n"splits": {splits},\n"reputations": {reputations}}}\n')
