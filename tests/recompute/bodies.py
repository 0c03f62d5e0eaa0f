"""Packed bodies, digests of chunks, and the sum (docs/wire-formats.md §7 and §9)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import ring
from blake3 import blake3
from codec import merkle_root
from ring import N, Q, Residues

CHUNK = 512 * N
"""The coefficients in a chunk. The last chunk may be shorter."""
_BATCH = 64
"""The blocks that are unmasked side by side."""


def chunked_digest(data: bytes, bytes_per_chunk: int) -> bytes:
    """The Merkle root over the BLAKE3 digests of the chunks."""
    view = memoryview(data)
    chunks = [view[start : start + bytes_per_chunk] for start in range(0, len(view), bytes_per_chunk)]
    return merkle_root([blake3(chunk) for chunk in chunks])


def body_digest(body: bytes, word_bits: int) -> bytes:
    """The digest of a packed body. CHUNK coefficients take CHUNK * word_bits / 8 bytes."""
    return chunked_digest(body, CHUNK * word_bits // 8)


def sum_digest(encoded: bytes) -> bytes:
    """The digest of the sum's i64 values."""
    return chunked_digest(encoded, CHUNK * 8)


def unpack(body: bytes, word_bits: int) -> Residues:
    """The words of a body. Each group of 64 takes word_bits u64 words, lowest bit first."""
    groups = np.frombuffer(body, dtype="<u8").astype(np.uint64).reshape(-1, word_bits)
    words = np.empty((groups.shape[0], 64), dtype=np.uint64)
    mask = np.uint64(2**word_bits - 1)
    for i in range(64):
        word, shift = divmod(i * word_bits, 64)
        value = groups[:, word] >> np.uint64(shift)
        if shift + word_bits > 64:
            value = value | (groups[:, word + 1] << np.uint64(64 - shift))
        words[:, i] = value & mask
    return words.reshape(-1)


def first_refused(words: Residues, transport_bits: int) -> int | None:
    """The first coefficient whose word v has v * 2^transport_bits >= q."""
    refused = np.flatnonzero(words > np.uint64((Q - 1) >> transport_bits))
    return int(refused[0]) if len(refused) else None


def _decode_block(unmasked: NDArray[np.int64], scale_log2: int) -> tuple[NDArray[np.int64], int]:
    """(y + Delta/2) div Delta and the largest |residual|.

    y + Delta/2 may overflow, so it is never computed as such.
    """
    delta = 1 << scale_log2
    sums = (unmasked >> scale_log2) + (((unmasked & (delta - 1)) + delta // 2) >> scale_log2)
    return sums, int(np.abs(unmasked - (sums << scale_log2)).max())


def unmask(
    word_sums: Residues,
    key_sums: Sequence[NDArray[np.int64]],
    mask_seed: bytes,
    transport_bits: int,
    scale_log2: int,
) -> tuple[NDArray[np.int64], int]:
    """The d' sums, and their largest absolute residual."""
    key = ring.evaluate(ring.from_signed(np.sum(key_sums, axis=0)))
    blocks = word_sums.reshape(-1, N)
    sums = np.empty(blocks.shape, dtype=np.int64)
    residual_max = 0
    for first in range(0, len(blocks), _BATCH):
        batch = blocks[first : first + _BATCH]
        masks = ring.mask_polynomials(mask_seed, first, len(batch))
        keyed = ring.interpolate(ring.multiply(masks, key))
        scaled = ring.multiply(batch, np.uint64(2**transport_bits))
        unmasked = ring.centred(ring.subtract(scaled, keyed))
        sums[first : first + _BATCH], residual = _decode_block(unmasked, scale_log2)
        residual_max = max(residual_max, residual)
    return sums.reshape(-1), residual_max
