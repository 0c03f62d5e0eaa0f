"""BLAKE3, hash mode, 32 bytes of output (specification: github.com/BLAKE3-team/BLAKE3-specs, §2).

The chunks of an input are compressed side by side. Each is one column of a numpy array. The parents
on one level of the tree are compressed in the same way.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_IV = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19],
    dtype=np.uint32,
)
_PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8
_CHUNK, _BLOCK = 1024, 64


def _schedule() -> list[list[int]]:
    """The indexes of the message words, for the 16 inputs of each of the seven rounds."""
    rounds = [list(range(16))]
    for _ in range(6):
        rounds.append([rounds[-1][i] for i in _PERMUTATION])
    return rounds


_SCHEDULE = _schedule()


def _rotate(x: Words, bits: int) -> Words:
    return (x >> np.uint32(bits)) | (x << np.uint32(32 - bits))


def _mix(rows: list[Words], mx: Words, my: Words) -> None:
    """Apply G to four columns at once. rows holds the four rows of the state."""
    a, b, c, d = rows
    a = a + b + mx
    d = _rotate(d ^ a, 16)
    c = c + d
    b = _rotate(b ^ c, 12)
    a = a + b + my
    d = _rotate(d ^ a, 8)
    c = c + d
    rows[:] = a, _rotate(b ^ c, 7), c, d


def _compress(value: Words, block: Words, counter: NDArray[np.uint64], length: int, flags: int) -> Words:
    """The first eight output words of value (8, lanes), block (16, lanes) and counter (lanes,)."""
    lanes = value.shape[1]
    last = np.empty((4, lanes), dtype=np.uint32)
    last[0] = counter & np.uint64(0xFFFFFFFF)
    last[1] = counter >> np.uint64(32)
    last[2], last[3] = length, flags
    rows = [value[:4], value[4:], np.repeat(_IV[:4, None], lanes, axis=1), last]
    for order in _SCHEDULE:
        _mix(rows, block[order[0:8:2]], block[order[1:8:2]])
        rows = [row[[(i + shift) % 4 for i in range(4)]] for shift, row in enumerate(rows)]
        _mix(rows, block[order[8::2]], block[order[9::2]])
        rows = [row[[(i - shift) % 4 for i in range(4)]] for shift, row in enumerate(rows)]
    return np.concatenate([rows[0] ^ rows[2], rows[1] ^ rows[3]])


def _chunk_values(words: Words, first: int, last_length: int, root: bool) -> Words:
    """Chaining values (8, chunks) of chunks with the same number of blocks.

    words has the shape (chunks, blocks, 16).
    """
    chunks, blocks, _ = words.shape
    value = np.repeat(_IV[:, None], chunks, axis=1)
    counter = np.arange(first, first + chunks, dtype=np.uint64)
    for index in range(blocks):
        end = index == blocks - 1
        flags = _CHUNK_START if index == 0 else 0
        if end:
            flags |= _CHUNK_END | (_ROOT if root else 0)
        block = np.ascontiguousarray(words[:, index, :].T)
        value = _compress(value, block, counter, last_length if end else _BLOCK, flags)
    return value


def _to_words(data: bytes | memoryview, chunks: int) -> Words:
    return np.frombuffer(data, dtype="<u4").astype(np.uint32).reshape(chunks, -1, 16)


def blake3(data: bytes | memoryview) -> bytes:
    """The 32-byte hash of the data."""
    view = memoryview(data)
    full = max(0, (len(view) - 1) // _CHUNK)
    tail = bytes(view[full * _CHUNK :])
    last_length = len(tail) - _BLOCK * max(0, (len(tail) - 1) // _BLOCK)
    padded = tail + bytes(_BLOCK - last_length)
    values = _chunk_values(_to_words(padded, 1), full, last_length, root=full == 0)
    if full:
        before = _chunk_values(_to_words(view[: full * _CHUNK], full), 0, _BLOCK, root=False)
        values = np.concatenate([before, values], axis=1)
    while values.shape[1] > 1:
        pairs = values.shape[1] // 2
        blocks = np.concatenate([values[:, 0 : 2 * pairs : 2], values[:, 1 : 2 * pairs : 2]])
        flags = _PARENT | (_ROOT if values.shape[1] == 2 else 0)
        key = np.repeat(_IV[:, None], pairs, axis=1)
        parents = _compress(key, blocks, np.zeros(pairs, dtype=np.uint64), _BLOCK, flags)
        values = np.concatenate([parents, values[:, 2 * pairs :]], axis=1)
    return values[:, 0].astype("<u4").tobytes()
