//! [`TransformBackend`] on the processor.

use rayon::prelude::*;

use super::CpuBackend;
use super::products::{add_values, inner_product, multiply_add};
use crate::backend::checks::{equal_blocks, whole_blocks};
use crate::backend::error::BackendError;
use crate::backend::transform::TransformBackend;
use crate::block::RING_DEGREE;
use crate::expand::MaskPolynomials;
use crate::field;
use crate::ntt;
use crate::poly::{Evaluation, Poly};

impl TransformBackend for CpuBackend {
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

    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError> {
        equal_blocks(lhs.len(), rhs.len())?;
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
            // The adjoint inverts the odd powers of ω. Inverting complements k, which reverses the
            // bit-reversed order.
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
        let total = partial.map(|(sum, ..)| sum).reduce(|| vec![0; RING_DEGREE], added);
        add_values(accumulator.values_mut(), &total);
        Ok(())
    }
}

/// A sum of adjoint products, and the working memory for the two factors of a product.
type AdjointSum = (Vec<u64>, Vec<u64>, Vec<u64>);

fn added(mut sums: Vec<u64>, terms: Vec<u64>) -> Vec<u64> {
    add_values(&mut sums, &terms);
    sums
}
