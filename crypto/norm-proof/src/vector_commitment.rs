//! Commitments to ranges of the witness.

use std::ops::Range;

use curve25519_dalek::{RistrettoPoint, Scalar, traits::MultiscalarMul};
use rayon::prelude::*;

use crate::generators;

/// Terms that one thread puts into one multiscalar multiplication.
const TERMS: usize = 512;

/// Computes Σ values_i · g_i + blinding · H over the generators of `range`. Constant-time.
pub(crate) fn commit(range: Range<usize>, values: &[Scalar], blinding: &Scalar) -> RistrettoPoint {
    let points = &generators::vector()[range];
    debug_assert_eq!(points.len(), values.len());
    let terms = values.par_chunks(TERMS).zip(points.par_chunks(TERMS));
    let sum: RistrettoPoint =
        terms.map(|(values, points)| RistrettoPoint::multiscalar_mul(values, points)).sum();
    sum + blinding * sharing::generators::blinding()
}
