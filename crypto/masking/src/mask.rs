//! Masks an update: b = a·s + e + Δ·x, rounded for transport and packed.

use std::fmt;

use lattice::sample::{ErrorSampler, ErrorScratch};
use lattice::{
    CHUNK_BLOCKS, Evaluation, MaskPolynomials, MaskingBackend, Poly, RING_DEGREE, SmallPoly,
    expand::SecretStreamKey, field, pack,
};
use names::MaskSeed;
use pulp::Arch;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::sum::existing_chunk;
use crate::{MaskingError, RoundConstants};

/// Masks one contribution, chunk by chunk.
///
/// Each chunk is masked only once. Two sets of values under the same key would give away their
/// difference. Constant-time in the key, the errors and the values.
pub struct Masker<'a> {
    backend: &'a dyn MaskingBackend,
    constants: RoundConstants,
    masks: MaskPolynomials,
    key: Poly<Evaluation>,
    errors: ErrorSampler,
    next_chunk: u64,
}

impl<'a> Masker<'a> {
    /// Starts to mask the contribution with the mask key `key`, which is the sum of all holders'
    /// shares.
    ///
    /// `error_seed` serves for this key and these values only. It stays secret.
    pub fn new(
        backend: &'a dyn MaskingBackend,
        constants: &RoundConstants,
        mask_seed: &MaskSeed,
        key: &SmallPoly,
        error_seed: SecretStreamKey,
    ) -> Self {
        Self {
            backend,
            constants: *constants,
            masks: MaskPolynomials::derive(mask_seed),
            key: key.to_evaluation(),
            errors: ErrorSampler::new(error_seed),
            next_chunk: 0,
        }
    }

    /// Masks chunk `chunk`, which must be the next one, and appends its packed bytes to `out`.
    ///
    /// `values` are the quantised coordinates of the chunk, of magnitude at most B. The padding is
    /// zeros.
    ///
    /// # Errors
    /// When the chunk is not the next one, when a value is too large, when the length is wrong, or
    /// when the backend fails. After an error nothing is appended.
    pub fn mask_chunk(&mut self, chunk: u64, values: &[i32], out: &mut Vec<u8>) -> Result<(), MaskingError> {
        self.mask::<false>(chunk, values, out).map(drop)
    }

    /// Does what [`mask_chunk`](Self::mask_chunk) does, and also appends φ = b − a·s, centred, to
    /// `contributed`.
    ///
    /// φ is Δ·x + e with the rounding error. The norm proof is about φ. It is as secret as the
    /// values.
    ///
    /// # Errors
    /// The same as those of [`mask_chunk`](Self::mask_chunk). After an error nothing is appended.
    pub fn mask_chunk_keeping(
        &mut self,
        chunk: u64,
        values: &[i32],
        out: &mut Vec<u8>,
        contributed: &mut Vec<i64>,
    ) -> Result<(), MaskingError> {
        let words = self.mask::<true>(chunk, values, out)?;
        contributed.extend(words.iter().map(|&word| word as i64));
        Ok(())
    }

    /// Masks and packs a chunk. If `KEEP`, it returns φ in two's complement. Otherwise the returned
    /// words have no meaning.
    fn mask<const KEEP: bool>(
        &mut self,
        chunk: u64,
        values: &[i32],
        out: &mut Vec<u8>,
    ) -> Result<Zeroizing<Vec<u64>>, MaskingError> {
        self.check(chunk, values)?;
        let first = chunk * CHUNK_BLOCKS as u64;
        let mut words = Zeroizing::new(vec![0; values.len()]);
        self.backend.mask_product(&self.masks, first, &self.key, &mut words)?;

        let start = out.len();
        out.resize(start + self.constants.chunk_bytes(chunk), 0);
        let block_bytes = self.constants.width().bytes(RING_DEGREE);
        words
            .par_chunks_exact_mut(RING_DEGREE)
            .zip(values.par_chunks_exact(RING_DEGREE))
            .zip(out[start..].par_chunks_exact_mut(block_bytes))
            .enumerate()
            .for_each_init(ErrorScratch::new, |scratch, (j, ((words, values), packed))| {
                self.finish_block::<KEEP>(first + j as u64, words, values, scratch, packed);
            });
        self.next_chunk += 1;
        Ok(words)
    }

    fn check(&self, chunk: u64, values: &[i32]) -> Result<(), MaskingError> {
        if chunk != self.next_chunk {
            return Err(MaskingError::ChunkOrder { given: chunk, expected: self.next_chunk });
        }
        let expected = existing_chunk(&self.constants, chunk)?;
        if values.len() != expected {
            return Err(MaskingError::Length { chunk, length: values.len(), expected });
        }
        let norm_bound = self.constants.norm_bound;
        let largest = values.iter().fold(0, |largest, value| value.unsigned_abs().max(largest));
        if u64::from(largest) > norm_bound {
            let too_large = |value: &i32| u64::from(value.unsigned_abs()) > norm_bound;
            let coordinate = values.iter().position(too_large).unwrap_or_default();
            return Err(MaskingError::ValueTooLarge { chunk, coordinate, norm_bound });
        }
        Ok(())
    }

    /// Adds errors and values to the products in `words`, rounds the sums and packs them. If
    /// `KEEP`, it leaves φ in `words`.
    fn finish_block<const KEEP: bool>(
        &self,
        block: u64,
        words: &mut [u64],
        values: &[i32],
        scratch: &mut ErrorScratch,
        packed: &mut [u8],
    ) {
        let mut errors = Zeroizing::new([0; RING_DEGREE]);
        self.errors.fill(block, scratch, &mut errors);
        let mut contributed = Zeroizing::new([0; RING_DEGREE]);
        let (delta, tau) = (self.constants.scale_log2, self.constants.transport_bits);
        Arch::new().dispatch(
            #[inline(always)]
            || add_and_round::<KEEP>(words, values, &errors[..], &mut contributed[..], delta, tau),
        );
        pack::pack(self.constants.width(), words, packed);
        if KEEP {
            words.copy_from_slice(&contributed[..]);
        }
    }
}

impl fmt::Debug for Masker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("next_chunk", &self.next_chunk).finish_non_exhaustive()
    }
}

/// Computes words = round((words + 2^δ·values + errors mod q) / 2^τ). If `KEEP`, it also computes
/// contributed = 2^δ·values + errors with the rounding error, in two's complement.
#[inline(always)]
fn add_and_round<const KEEP: bool>(
    words: &mut [u64],
    values: &[i32],
    errors: &[i32],
    contributed: &mut [u64],
    delta: u32,
    tau: u32,
) {
    let terms = words.iter_mut().zip(values).zip(errors).zip(contributed);
    for (((word, &value), &error), contributed) in terms {
        let term = (i64::from(value) << delta) + i64::from(error);
        let exact = field::add(*word, field::from_signed(term));
        *word = round(exact, tau);
        if KEEP {
            *contributed = (term as u64).wrapping_add((*word << tau).wrapping_sub(exact));
        }
    }
}

/// Computes round(b / 2^τ) with ties up, for b in `[0, q)` and τ from 1 to 32.
///
/// The result is at most (q − 1)/2^τ because q − 1 is a multiple of 2³². The addition cannot carry.
#[inline(always)]
const fn round(b: u64, tau: u32) -> u64 {
    (b + (1 << (tau - 1))) >> tau
}

#[cfg(test)]
mod tests {
    use lattice::MODULUS;

    use super::*;

    #[test]
    fn rounding_is_to_nearest_with_ties_up_and_stays_in_the_field() {
        for tau in 1..=32 {
            let half = 1 << (tau - 1);
            assert_eq!(round(half - 1, tau), 0);
            assert_eq!(round(half, tau), 1);
            assert_eq!(round(3 * half, tau), 2);
            assert_eq!(round(MODULUS - 1, tau), (MODULUS - 1) >> tau);
        }
    }
}
