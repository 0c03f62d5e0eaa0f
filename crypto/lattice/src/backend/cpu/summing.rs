//! [`SummingBackend`] on the processor.

use rayon::prelude::*;

use super::CpuBackend;
use super::mask_product::MaskProduct;
use crate::backend::checks::{equal_blocks, packed_blocks, usable_scale};
use crate::backend::error::BackendError;
use crate::backend::summing::{SummingBackend, Unmasking};
use crate::block::RING_DEGREE;
use crate::field;
use crate::pack::{self, Width};

/// Coefficients that [`SummingBackend::add_packed`] keeps in cache while it adds all bodies to
/// them.
const TILE: usize = 2 * RING_DEGREE;

impl SummingBackend for CpuBackend {
    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        bodies: &[&[u8]],
    ) -> Result<(), BackendError> {
        packed_blocks(accumulator.len(), width, bodies)?;
        let add_tile = |(t, sums): (usize, &mut [u64])| {
            let start = width.bytes(t * TILE);
            let bytes = start..start + width.bytes(sums.len());
            let refused = |body: &&[u8]| !pack::unpack_add_with(self.arch, width, &body[bytes.clone()], sums);
            bodies.iter().position(refused)
        };
        let refused = accumulator.par_chunks_mut(TILE).enumerate().filter_map(add_tile).min();
        refused.map_or(Ok(()), |body| Err(BackendError::NonCanonical { body }))
    }

    fn unmask(
        &self,
        job: &Unmasking<'_>,
        accumulator: &[u64],
        sums: &mut [i64],
    ) -> Result<u64, BackendError> {
        equal_blocks(accumulator.len(), sums.len())?;
        let Unmasking { masks, first, key_sum, width, scale_log2 } = *job;
        usable_scale(scale_log2)?;
        let product = MaskProduct::new(self.arch, masks, key_sum);
        let unmask_block = |mask: &mut Vec<u64>, (j, (sums, words)): (usize, (&mut [i64], &[u64]))| {
            product.write(first + j as u64, mask);
            self.arch.dispatch(
                #[inline(always)]
                || subtract_and_round(width.transport_bits(), scale_log2, words, mask, sums),
            )
        };
        let blocks = sums.par_chunks_exact_mut(RING_DEGREE).zip(accumulator.par_chunks_exact(RING_DEGREE));
        let residuals = blocks.enumerate().map_init(|| vec![0; RING_DEGREE], unmask_block);
        Ok(residuals.max().unwrap_or(0))
    }
}

/// Removes the known mask of one block and rounds. Returns the largest magnitude of a residual.
#[inline(always)]
fn subtract_and_round(tau: u32, delta: u32, words: &[u64], mask: &[u64], sums: &mut [i64]) -> u64 {
    let mut largest = 0;
    for ((sum, &word), &mask) in sums.iter_mut().zip(words).zip(mask) {
        let y = field::centre(field::sub(field::shift_left(word, tau), mask));
        let round_up = y >> (delta - 1) & 1;
        *sum = (y >> delta) + round_up;
        let residual = (y & ((1 << delta) - 1)) - (round_up << delta);
        largest = largest.max(residual.unsigned_abs());
    }
    largest
}
