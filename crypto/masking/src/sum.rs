//! Sums of packed contributions.

use lattice::{SummingBackend, pack};

use crate::{MaskingError, RoundConstants};

/// The sum of one chunk over contributions: V_k = Σ_i v_(i,k), an integer below 2⁶⁴ for each
/// coordinate. It is never reduced modulo q.
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

    /// Restores a sum of `contributions` contributions from the stored `words`.
    ///
    /// # Errors
    /// When the round has no such chunk, when it allows fewer contributions, or when the chunk has
    /// another length.
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

    /// Adds the same chunk of more contributions, as packed bytes. An error consumes the sum,
    /// because its words may be incomplete.
    ///
    /// # Errors
    /// When there are more than n_max contributions in all, when the bytes have the wrong length,
    /// when a word v has v·2^τ ≥ q, or when the backend fails.
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

    /// The number of contributions in the sum.
    pub fn contributions(&self) -> u64 {
        self.contributions
    }

    /// V, one word for each coordinate.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The number of contributions including `more`. Sums fit 64 bits because n_max ≤ 2^τ and words
    /// are below 2^(64 − τ).
    fn count_with(&self, constants: &RoundConstants, more: u64) -> Result<u64, MaskingError> {
        let contributions = self.contributions.saturating_add(more);
        let max_contributions = constants.max_contributions;
        if contributions > u64::from(max_contributions) {
            return Err(MaskingError::TooManyContributions { contributions, max_contributions });
        }
        Ok(contributions)
    }
}

/// Checks one packed chunk of a contribution on arrival.
///
/// # Errors
/// When the round has no such chunk, when the length is wrong, or when a word v has v·2^τ ≥ q.
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

/// The number of coefficients of `chunk`, or an error if the round has no such chunk.
pub(crate) fn existing_chunk(constants: &RoundConstants, chunk: u64) -> Result<usize, MaskingError> {
    match constants.chunk_coefficients(chunk) {
        0 => Err(MaskingError::NoSuchChunk { chunk, chunks: constants.chunks() }),
        coefficients => Ok(coefficients),
    }
}
