//! The sizes of blocks and chunks, the units of long vectors.

/// N, the number of coefficients of a polynomial. That many values are a *block*.
pub const RING_DEGREE: usize = 2048;

/// Blocks in a full chunk. Chunks are the unit of streaming, hashing and storage.
pub const CHUNK_BLOCKS: usize = 512;

/// Coefficients in a full chunk, 2²⁰.
pub const CHUNK_COEFFICIENTS: usize = CHUNK_BLOCKS * RING_DEGREE;
