//! The operations of a client on its secrets.

use super::error::BackendError;
use super::folding::FoldingBackend;
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::poly::{Evaluation, Poly};

/// A backend for a client, which masks its update and proves the update's norm.
///
/// The arguments are secret, so only the processor implements it.
pub trait MaskingBackend: FoldingBackend {
    /// Computes `out_j = a_(first + j) · key` in coefficient form, for each block j of `out`.
    ///
    /// Constant-time in `key` on a processor with AVX2. The mask polynomials are public, so the
    /// products are as secret as the key.
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

    /// Computes `sums_t += Σ_i R_{t, N·first + i} · values_i` for each row t, modulo 2⁶⁴. A sum is
    /// exact if its true value is below 2⁶³ in magnitude.
    ///
    /// `values` may be any `i64` values, and they are secret. Time and access pattern depend only
    /// on `rows` and the length.
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
