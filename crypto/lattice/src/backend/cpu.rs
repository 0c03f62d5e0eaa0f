//! The reference backend: processor cores, on the rayon pool of the calling thread.

mod folding;
mod projection;

use pulp::Arch;
use rayon::prelude::*;

use super::{Backend, BackendError, RowFold, RowFolding, Unmasking};
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::field;
use crate::ntt;
use crate::pack::{self, Width};
use crate::poly::{Evaluation, Poly, RING_DEGREE};

/// Coefficients that [`Backend::add_packed`] keeps in cache while it adds every ciphertext to them.
const TILE: usize = 2 * RING_DEGREE;

/// Computes on the processor.
#[derive(Clone, Copy, Debug)]
pub struct CpuBackend {
    arch: Arch,
}

impl CpuBackend {
    /// The backend with the widest vector instructions of this processor.
    pub fn new() -> Self {
        Self { arch: Arch::new() }
    }

    /// The backend without vector instructions of its own: what others are compared with.
    pub fn portable() -> Self {
        Self { arch: Arch::Scalar }
    }
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        whole_blocks(blocks.len())?;
        blocks.par_chunks_exact_mut(RING_DEGREE).for_each(ntt::forward);
        Ok(())
    }

    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        whole_blocks(blocks.len())?;
        blocks.par_chunks_exact_mut(RING_DEGREE).for_each(ntt::inverse);
        Ok(())
    }

    fn multiply_accumulate(
        &self,
        accumulator: &mut [u64],
        lhs: &[u64],
        rhs: &Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        whole_blocks(accumulator.len())?;
        same_length(lhs.len(), accumulator.len())?;
        let blocks = accumulator.par_chunks_exact_mut(RING_DEGREE).zip(lhs.par_chunks_exact(RING_DEGREE));
        blocks.for_each(|(sums, lhs)| {
            self.arch.dispatch(
                #[inline(always)]
                || multiply_add(sums, lhs, rhs.values()),
            )
        });
        Ok(())
    }

    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError> {
        whole_blocks(out.len())?;
        let product = MaskProduct::new(self.arch, masks, key);
        let blocks = out.par_chunks_exact_mut(RING_DEGREE).enumerate();
        blocks.for_each(|(j, block)| product.write(first + j as u64, block));
        Ok(())
    }

    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        ciphertexts: &[&[u8]],
    ) -> Result<(), BackendError> {
        whole_blocks(accumulator.len())?;
        for ciphertext in ciphertexts {
            same_length(ciphertext.len(), width.bytes(accumulator.len()))?;
        }
        let add_tile = |(t, sums): (usize, &mut [u64])| {
            let start = width.bytes(t * TILE);
            let bytes = start..start + width.bytes(sums.len());
            let refused = |ciphertext: &&[u8]| {
                !pack::unpack_add_with(self.arch, width, &ciphertext[bytes.clone()], sums)
            };
            ciphertexts.iter().position(refused)
        };
        let refused = accumulator.par_chunks_mut(TILE).enumerate().filter_map(add_tile).min();
        refused.map_or(Ok(()), |ciphertext| Err(BackendError::NonCanonical { ciphertext }))
    }

    fn unmask(
        &self,
        job: &Unmasking<'_>,
        accumulator: &[u64],
        sums: &mut [i64],
    ) -> Result<u64, BackendError> {
        whole_blocks(accumulator.len())?;
        same_length(sums.len(), accumulator.len())?;
        let Unmasking { masks, first, key_sum, width, scale_log2 } = *job;
        if !(1..=62).contains(&scale_log2) {
            return Err(BackendError::Scale { scale_log2 });
        }
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

    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError> {
        whole_blocks(lhs.len())?;
        same_length(rhs.len(), lhs.len())?;
        let blocks = lhs.par_chunks_exact(RING_DEGREE).zip(rhs.par_chunks_exact(RING_DEGREE));
        let products = blocks.map(|(lhs, rhs)| {
            self.arch.dispatch(
                #[inline(always)]
                || inner_product(lhs, rhs),
            )
        });
        Ok(products.reduce(|| 0, field::add))
    }

    fn adjoint_accumulate(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        blocks: &[u64],
        accumulator: &mut Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        whole_blocks(blocks.len())?;
        let add_block = |(mut sum, mut r, mut a): AdjointSum, (j, block): (usize, &[u64])| {
            r.copy_from_slice(block);
            ntt::forward(&mut r);
            masks.expand(first + j as u64, &mut a);
            // The odd powers of ω are inverted by complementing k, which reverses the bit-reversed order.
            a.reverse();
            self.arch.dispatch(
                #[inline(always)]
                || multiply_add(&mut sum, &a, &r),
            );
            (sum, r, a)
        };
        let empty = || (vec![0; RING_DEGREE], vec![0; RING_DEGREE], vec![0; RING_DEGREE]);
        let partial =
            blocks.par_chunks_exact(RING_DEGREE).enumerate().with_min_len(16).fold(empty, add_block);
        let total = partial.map(|(sum, ..)| sum).reduce(|| vec![0; RING_DEGREE], |a, b| add_blocks(a, &b));
        accumulator.values_mut().iter_mut().zip(total).for_each(|(sum, term)| *sum = field::add(*sum, term));
        Ok(())
    }

    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError> {
        whole_blocks(values.len())?;
        projection::project(self.arch, rows, first, values, sums);
        Ok(())
    }

    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        if let Some(packed) = packed {
            same_length(packed.len(), job.width.bytes(blocks * RING_DEGREE))?;
        }
        let canonical = folding::fold_rows(self.arch, job, first, blocks, packed, folds);
        if canonical { Ok(()) } else { Err(BackendError::NonCanonical { ciphertext: 0 }) }
    }
}

/// A sum of adjoint products and room for its two factors.
type AdjointSum = (Vec<u64>, Vec<u64>, Vec<u64>);

/// The products of mask polynomials with one key.
struct MaskProduct<'a> {
    arch: Arch,
    masks: &'a MaskPolynomials,
    /// The key divided by N, which leaves nothing to normalise after the inverse transform.
    key: Poly<Evaluation>,
}

impl<'a> MaskProduct<'a> {
    fn new(arch: Arch, masks: &'a MaskPolynomials, key: &Poly<Evaluation>) -> Self {
        let mut scaled = Poly::zero();
        scaled.values_mut().copy_from_slice(key.values());
        scaled.scale(ntt::DEGREE_INVERSE);
        Self { arch, masks, key: scaled }
    }

    /// Overwrites `block` with a_`index` · key in coefficient form.
    fn write(&self, index: u64, block: &mut [u64]) {
        self.masks.expand(index, block);
        self.arch.dispatch(
            #[inline(always)]
            || multiply(block, self.key.values()),
        );
        ntt::inverse_scaled(block);
    }
}

fn whole_blocks(length: usize) -> Result<(), BackendError> {
    if length.is_multiple_of(RING_DEGREE) {
        Ok(())
    } else {
        Err(BackendError::PartialBlock { length, block: RING_DEGREE })
    }
}

fn same_length(length: usize, expected: usize) -> Result<(), BackendError> {
    if length == expected { Ok(()) } else { Err(BackendError::Length { length, expected }) }
}

fn add_blocks(mut a: Vec<u64>, b: &[u64]) -> Vec<u64> {
    a.iter_mut().zip(b).for_each(|(a, &b)| *a = field::add(*a, b));
    a
}

#[inline(always)]
fn multiply(block: &mut [u64], factor: &[u64]) {
    for (value, &factor) in block.iter_mut().zip(factor) {
        *value = field::mul(*value, factor);
    }
}

#[inline(always)]
fn multiply_add(sums: &mut [u64], lhs: &[u64], rhs: &[u64]) {
    for ((sum, &lhs), &rhs) in sums.iter_mut().zip(lhs).zip(rhs) {
        *sum = field::add(*sum, field::mul(lhs, rhs));
    }
}

/// Σ lhs_i · rhs_i mod q for any `u64`: the halves of the products are added up apart, and reduced once.
#[inline(always)]
fn inner_product(lhs: &[u64], rhs: &[u64]) -> u64 {
    let (mut low, mut high) = (0, 0);
    for (&lhs, &rhs) in lhs.iter().zip(rhs) {
        let product = u128::from(lhs) * u128::from(rhs);
        low += u128::from(product as u64);
        high += product >> 64;
    }
    field::add(field::reduce_wide(low), field::mul(field::reduce_wide(high), field::EPSILON))
}

/// [`Backend::unmask`] for one block whose mask is known; returns the largest magnitude of a residual.
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
