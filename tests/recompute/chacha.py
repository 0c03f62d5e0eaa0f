"""The ChaCha key stream (RFC 8439 §2.3) with any even number of rounds, many nonces at once."""

import numpy as np
from numpy.typing import NDArray

_CONSTANTS = np.frombuffer(b"expand 32-byte k", dtype="<u4").astype(np.uint32)


def _rotate(x: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))


def _quarter_rounds(rows: list[NDArray[np.uint32]]) -> list[NDArray[np.uint32]]:
    """The quarter round of RFC 8439 §2.1 on four columns at once; rows: the rows of the state."""
    a, b, c, d = rows
    a = a + b
    d = _rotate(d ^ a, 16)
    c = c + d
    b = _rotate(b ^ c, 12)
    a = a + b
    d = _rotate(d ^ a, 8)
    c = c + d
    b = _rotate(b ^ c, 7)
    return [a, b, c, d]


def keystream(
    key: bytes, nonces: list[bytes], rounds: int, first_block: int, blocks: int
) -> NDArray[np.uint64]:
    """Blocks first_block, first_block + 1, … of each nonce's stream: (nonces, 8 * blocks)."""
    if len(key) != 32 or any(len(nonce) != 12 for nonce in nonces):
        raise ValueError("ChaCha takes a key of 32 bytes and nonces of 12 bytes")
    state = np.empty((16, len(nonces), blocks), dtype=np.uint32)
    state[0:4] = _CONSTANTS[:, None, None]
    state[4:12] = np.frombuffer(key, dtype="<u4").astype(np.uint32)[:, None, None]
    state[12] = np.arange(first_block, first_block + blocks, dtype=np.uint32)
    state[13:16] = np.frombuffer(b"".join(nonces), dtype="<u4").reshape(-1, 3).T[:, :, None]
    columns = state.reshape(16, -1)
    rows = [columns[0:4], columns[4:8], columns[8:12], columns[12:16]]
    for _ in range(rounds // 2):
        rows = _quarter_rounds(rows)
        rows = [row[[(i + shift) % 4 for i in range(4)]] for shift, row in enumerate(rows)]
        rows = _quarter_rounds(rows)
        rows = [row[[(i - shift) % 4 for i in range(4)]] for shift, row in enumerate(rows)]
    stream = (np.concatenate(rows) + columns).T.astype("<u4")
    return np.ascontiguousarray(stream).view("<u8").astype(np.uint64).reshape(len(nonces), 8 * blocks)
