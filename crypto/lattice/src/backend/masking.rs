//! What a client computes with its secrets.

use super::error::BackendError;
use super::folding::FoldingBackend;
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::poly::{Evaluation, Poly};

/// A backend for a client, which masks its update and proves the update's norm.
///
/// Its arguments are secret, so only the processor implements it.
pub trait MaskingBackend: FoldingBackend {
    /// `out_j = a_(first + j) · key` in coefficient form, for each block j of `out`.
    ///
    /// Constant-time in `key` on a processor with AVX2. The product of a known polynomial with a
    /// key is as secret as the key.
    ///
    /// # Errors
    /// When the length is not a multiple of N.
    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError>;

    /// `sums_t += Σ_i R_{t, N·first + i} · values_i` for each row t, as integers modulo 2⁶⁴. The
    /// sums are exact when the true ones are below 2⁶³ in magnitude.
    ///
    /// `values` may be any `i64`. They are secret: time and access pattern depend on `rows` and the
    /// length only.
    ///
    /// # Errors
    /// When the length is not a multiple of N.
    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError>;
}
