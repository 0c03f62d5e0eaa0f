"""The work that grows with the dimension, on three blocks that are derived from a seed.

The operations are those of docs/protocol.md and docs/wire-formats.md.

Run as a program it prints a digest of each operation's results: tests/vectors/backend.json.
"""

import hashlib
import json
import struct
import sys

import numpy as np
from numpy.typing import NDArray

import ring
from chacha import keystream
from ring import N, Q, Residues

SEED = b"parity vectors of every backend."
KEY = bytes(range(32))
"""The key of the projection's rows."""
FIRST = 3 << 32
BLOCKS = 3
TRANSPORT_BITS = 22
SCALE_LOG2 = 31
CHALLENGES = (Q - 2, 3 << 40)


def _adjoint(values: Residues) -> Residues:
    """a(1/X) for a(X), both in evaluation form: OMEGA^-(2k + 1) is OMEGA^(2(N - 1 - k) + 1)."""
    return values[..., ::-1]


def _total(terms: Residues) -> Residues:
    """The sum modulo q over the first axis."""
    total: Residues = np.zeros(terms.shape[1:], dtype=np.uint64)
    for term in terms:
        total = ring.add(total, term)
    return total


def _inner_product(lhs: Residues, rhs: Residues) -> Residues:
    return _total(ring.multiply(lhs.reshape(-1, 1), rhs.reshape(-1, 1)))


def _rows() -> NDArray[np.int64]:
    """The entries of R, an array (BLOCKS * N, 256)."""
    nonces = [struct.pack("<QI", FIRST + block, 5) for block in range(BLOCKS)]
    stream = keystream(KEY, nonces, rounds=8, first_block=0, blocks=N)
    columns = stream.astype("<u8").view(np.uint8).reshape(BLOCKS * N, 2, 32)
    bits = np.unpackbits(columns, axis=2, bitorder="little").astype(np.int64)
    entries: NDArray[np.int64] = bits[:, 0] - bits[:, 1]
    return entries


def _fold(rows: NDArray[np.int64], challenge: int) -> Residues:
    """R^T (1, z, z^2, …)."""
    powers = np.array([pow(challenge, t, Q) for t in range(256)], dtype=np.uint64)
    signs = ring.from_signed(rows.T)
    return _total(ring.multiply(signs, powers[:, None]))


def outputs() -> dict[str, list[Residues]]:
    """The results of each operation, as 64-bit words."""
    a, b = (ring.mask_polynomials(SEED, stream << 40, BLOCKS) for stream in (1, 2))
    masks, key = ring.mask_polynomials(SEED, FIRST, BLOCKS), a[0]
    words = b >> np.uint64(TRANSPORT_BITS)
    product = ring.interpolate(ring.multiply(masks, key))

    power = np.full(a.shape, 1 << TRANSPORT_BITS, dtype=np.uint64)
    y = ring.centred(ring.subtract(ring.multiply(a, power), product))
    sums = (y + (1 << (SCALE_LOG2 - 1))) >> SCALE_LOG2
    residuals = np.abs(y - (sums << SCALE_LOG2))

    rows, values = _rows(), a.view(np.int64).reshape(-1)
    folds = []
    for challenge in CHALLENGES:
        r = _fold(rows, challenge)
        folds.append(_inner_product(r, words))
        folds.append(_total(ring.multiply(_adjoint(masks), ring.evaluate(r.reshape(BLOCKS, N)))))
    return {
        "forward": [ring.evaluate(a)],
        "inverse": [ring.interpolate(a)],
        "mask_product": [product],
        "add_packed": [a + words + words],
        "unmask": [sums.view(np.uint64), residuals.max(keepdims=True).astype(np.uint64)],
        "inner_product": [_inner_product(a, b)],
        "adjoint_accumulate": [
            ring.add(key, _total(ring.multiply(_adjoint(masks), ring.evaluate(b)))),
        ],
        "project": [(rows * values[:, None]).sum(axis=0).view(np.uint64)],
        "fold_rows": folds,
    }


def _digest(words: list[Residues]) -> str:
    return hashlib.sha256(b"".join(part.astype("<u8").tobytes() for part in words)).hexdigest()


def vectors() -> dict[str, object]:
    """The content of tests/vectors/backend.json."""
    return {
        "command": "python3 tests/recompute/kernels.py > tests/vectors/backend.json",
        "mask_seed": SEED.hex(),
        "rows_key": KEY.hex(),
        "first": FIRST,
        "blocks": BLOCKS,
        "transport_bits": TRANSPORT_BITS,
        "scale_log2": SCALE_LOG2,
        "challenges": CHALLENGES,
        "sha256": {operation: _digest(words) for operation, words in outputs().items()},
    }


if __name__ == "__main__":
    json.dump(vectors(), sys.stdout, indent=1)
    sys.stdout.write("\n")
