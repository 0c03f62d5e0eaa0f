//! The errors between a quantised update and a published sum.

use lattice::BackendError;

/// The reason why a chunk was not masked, added or unmasked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaskingError {
    /// The chunk was already masked or is not the next one. Each chunk is masked once, in order.
    #[error("chunk {given} cannot be masked now, chunk {expected} is next")]
    ChunkOrder {
        /// The chunk that was given.
        given: u64,
        /// The chunk that is next. When all are masked, the number of chunks of the round.
        expected: u64,
    },
    /// The round has no such chunk.
    #[error("chunk {chunk} does not exist, the round has {chunks}")]
    NoSuchChunk {
        /// The chunk that was asked for.
        chunk: u64,
        /// Chunks of the round.
        chunks: u64,
    },
    /// A slice has the wrong number of elements for its chunk.
    #[error("chunk {chunk} needs {expected} elements, not {length}")]
    Length {
        /// The chunk.
        chunk: u64,
        /// Elements given.
        length: usize,
        /// Elements that the chunk needs.
        expected: usize,
    },
    /// A value exceeds every coordinate of an honest quantised update in magnitude.
    #[error("value {coordinate} of chunk {chunk} exceeds the norm bound {norm_bound}")]
    ValueTooLarge {
        /// The chunk.
        chunk: u64,
        /// The first such coordinate, counted within the chunk.
        coordinate: usize,
        /// B.
        norm_bound: u64,
    },
    /// A packed word v has v·2^τ ≥ q, so it is not the rounding of an element of F_q.
    #[error("coefficient {coordinate} of chunk {chunk} is beyond the modulus")]
    NonCanonical {
        /// The chunk.
        chunk: u64,
        /// The first such coordinate, counted within the chunk.
        coordinate: usize,
    },
    /// The sum would hold more contributions than the round allows.
    #[error("{contributions} contributions exceed the round's {max_contributions}")]
    TooManyContributions {
        /// Contributions in the sum, including those that were to be added.
        contributions: u64,
        /// n_max.
        max_contributions: u32,
    },
    /// A sum of keys does not have N coefficients.
    #[error("a sum of keys has {length} coefficients, not {expected}")]
    KeyLength {
        /// Coefficients given.
        length: usize,
        /// N.
        expected: usize,
    },
    /// A backend refused its arguments or failed.
    #[error("the arithmetic of a chunk failed")]
    Backend(#[from] BackendError),
}
