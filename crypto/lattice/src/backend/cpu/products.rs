//! Products and sums of blocks. The compiler vectorises the loops if the caller is compiled for the
//! processor's vector features.

use crate::field;

/// Multiplies each value of `block` by the value of `factor` at its position.
#[inline(always)]
pub(super) fn multiply(block: &mut [u64], factor: &[u64]) {
    for (value, &factor) in block.iter_mut().zip(factor) {
        *value = field::mul(*value, factor);
    }
}

/// Adds `lhs · rhs` to `sums`, position by position.
#[inline(always)]
pub(super) fn multiply_add(sums: &mut [u64], lhs: &[u64], rhs: &[u64]) {
    for ((sum, &lhs), &rhs) in sums.iter_mut().zip(lhs).zip(rhs) {
        *sum = field::add(*sum, field::mul(lhs, rhs));
    }
}

/// Σ lhs_i · rhs_i mod q, for any `u64` values. The low and high halves of the products are summed
/// separately and reduced once.
#[inline(always)]
pub(super) fn inner_product(lhs: &[u64], rhs: &[u64]) -> u64 {
    let (mut low, mut high) = (0, 0);
    for (&lhs, &rhs) in lhs.iter().zip(rhs) {
        let product = u128::from(lhs) * u128::from(rhs);
        low += u128::from(product as u64);
        high += product >> 64;
    }
    field::add(field::reduce_wide(low), field::mul(field::reduce_wide(high), field::EPSILON))
}

/// Adds `terms` to `sums`, position by position.
pub(super) fn add_values(sums: &mut [u64], terms: &[u64]) {
    sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = field::add(*sum, term));
}
