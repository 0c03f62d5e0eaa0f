//! Sums of packed contributions.

use lattice::{SummingBackend, pack};

use crate::{MaskingError, RoundConstants};

/// The sum of one chunk over contributions: V_k = Σ_i v_(i,k), an integer below 2⁶⁴ a coordinate, never reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkSum {
    chunk: u64,
    contributions: u64,
    words: Vec<u64>,
}

impl ChunkSum {
    /// The empty sum of chunk `chunk`.
    ///
    /// # Errors
    /// When the round has no such chunk.
    pub fn new(constants: &RoundConstants, chunk: u64) -> Result<Self, MaskingError> {
        let words = vec![0; existing_chunk(constants, chunk)?];
        Ok(Self { chunk, contributions: 0, words })
    }

    /// The sum of `contributions` contributions that was stored as `words`.
    ///
    /// # Errors
    /// When the round has no such chunk, allows fewer contributions, or the chunk has another length.
    pub fn from_words(
        constants: &RoundConstants,
        chunk: u64,
        contributions: u64,
        words: Vec<u64>,
    ) -> Result<Self, MaskingError> {
        let expected = existing_chunk(constants, chunk)?;
        if words.len() != expected {
            return Err(MaskingError::Length { chunk, length: words.len(), expected });
        }
        let sum = Self { chunk, contributions: 0, words };
        Ok(Self { contributions: sum.count_with(constants, contributions)?, ..sum })
    }

    /// Adds the chunk's bytes of further contributions; a sum that refuses one is gone.
    ///
    /// # Errors
    /// When there are more than n_max contributions in all, the bytes have the wrong length, a word v has
    /// v·2^τ ≥ q, or the backend fails.
    pub fn add(
        mut self,
        backend: &dyn SummingBackend,
        constants: &RoundConstants,
        packed: &[&[u8]],
    ) -> Result<Self, MaskingError> {
        self.contributions = self.count_with(constants, packed.len() as u64)?;
        backend.add_packed(&mut self.words, constants.width(), packed)?;
        Ok(self)
    }

    /// The chunk's index.
    pub fn chunk(&self) -> u64 {
        self.chunk
    }

    /// Contributions in the sum.
    pub fn contributions(&self) -> u64 {
        self.contributions
    }

    /// V, one word a coordinate.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The number of contributions after `more`. n_max ≤ 2^τ and words are below 2^(64 − τ): sums fit 64 bits.
    fn count_with(&self, constants: &RoundConstants, more: u64) -> Result<u64, MaskingError> {
        let contributions = self.contributions.saturating_add(more);
        let max_contributions = constants.max_contributions;
        if contributions > u64::from(max_contributions) {
            return Err(MaskingError::TooManyContributions { contributions, max_contributions });
        }
        Ok(contributions)
    }
}

/// Checks one packed chunk of a contribution as it is received.
///
/// # Errors
/// When the round has no such chunk, the length is wrong, or a word v has v·2^τ ≥ q.
pub fn check_packed(constants: &RoundConstants, chunk: u64, packed: &[u8]) -> Result<(), MaskingError> {
    existing_chunk(constants, chunk)?;
    let expected = constants.chunk_bytes(chunk);
    if packed.len() != expected {
        return Err(MaskingError::Length { chunk, length: packed.len(), expected });
    }
    match pack::first_noncanonical(constants.width(), packed) {
        Some(coordinate) => Err(MaskingError::NonCanonical { chunk, coordinate }),
        None => Ok(()),
    }
}

/// The coefficients of a chunk that the round has.
pub(crate) fn existing_chunk(constants: &RoundConstants, chunk: u64) -> Result<usize, MaskingError> {
    match constants.chunk_coefficients(chunk) {
        0 => Err(MaskingError::NoSuchChunk { chunk, chunks: constants.chunks() }),
        coefficients => Ok(coefficients),
    }
}
