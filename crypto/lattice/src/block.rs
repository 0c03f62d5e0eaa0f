//! The sizes in which long vectors are handled.

/// N, the number of coefficients of a polynomial: a *block*.
pub const RING_DEGREE: usize = 2048;

/// Blocks in a chunk, the unit of streaming, hashing and storage.
pub const CHUNK_BLOCKS: usize = 512;

/// Coefficients in a full chunk, 2²⁰.
pub const CHUNK_COEFFICIENTS: usize = CHUNK_BLOCKS * RING_DEGREE;
