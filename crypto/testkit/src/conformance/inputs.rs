//! Inputs that several checks share, and products computed from their definition.

use lattice::{Evaluation, MODULUS, MaskPolynomials, Poly, RING_DEGREE, SmallPoly, Width, pack};

use crate::seeded;

/// Blocks in each check. The number is not a multiple of any likely tile.
pub(super) const BLOCKS: usize = 5;

/// Index of the first mask polynomial. It uses both halves of the stream's index.
pub(super) const FIRST: u64 = (3 << 32) + 7;

pub(super) fn blocks(seed: u64) -> Vec<u64> {
    seeded::elements(seed, BLOCKS * RING_DEGREE)
}

pub(super) fn evaluation(values: &[u64]) -> Poly<Evaluation> {
    Poly::from_canonical(values).expect("N canonical values")
}

pub(super) fn masks() -> MaskPolynomials {
    MaskPolynomials::derive(&seeded::key(1))
}

/// a_index, in coefficient form.
pub(super) fn mask_coefficients(index: u64) -> Vec<u64> {
    let mut values = vec![0; RING_DEGREE];
    masks().expand(index, &mut values);
    evaluation(&values).into_coefficients().values().to_vec()
}

/// a·s in R_q from the definition, for small s.
pub(super) fn negacyclic_product(a: &[u64], s: &SmallPoly) -> Vec<u64> {
    let mut product = vec![0_i128; RING_DEGREE];
    for (i, &s) in s.coefficients().iter().enumerate().filter(|(_, s)| **s != 0) {
        for (j, &a) in a.iter().enumerate() {
            let term = i128::from(a) * i128::from(s);
            let k = i + j;
            if k < RING_DEGREE { product[k] += term } else { product[k - RING_DEGREE] -= term }
        }
    }
    product.into_iter().map(|c| c.rem_euclid(i128::from(MODULUS)) as u64).collect()
}

/// The width of words without `transport_bits` low bits.
pub(super) fn width(transport_bits: u32) -> Width {
    Width::from_transport_bits(transport_bits).expect("1 to 32 bits")
}

/// The bytes of `words`, packed in words of `width`.
pub(super) fn packed(width: Width, words: &[u64]) -> Vec<u8> {
    let mut packed = vec![0; width.bytes(words.len())];
    pack::pack(width, words, &mut packed);
    packed
}
