//! The operations of encrypted scoring: transforms of polynomials and sums of products.

use super::error::BackendError;
use super::named::Backend;
use crate::expand::MaskPolynomials;
use crate::poly::{Evaluation, Poly};

/// A backend that transforms and multiplies polynomials. All arguments and results are public.
pub trait TransformBackend: Backend {
    /// Transforms each block of `blocks` to evaluation form, in place.
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError>;

    /// Transforms each block of `blocks` to coefficient form, in place. This is the inverse of
    /// [`forward`](Self::forward).
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError>;

    /// `Σ_i lhs_i · rhs_i` mod q over all coordinates.
    ///
    /// # Errors
    /// When the lengths differ or are not multiples of N, or the device fails.
    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError>;

    /// Computes `accumulator += Σ_j adjoint(a_(first + j)) · blocks_j`. `blocks` is in coefficient
    /// form, the accumulator in evaluation form. adjoint(a)(X) = a(X⁻¹), so that ⟨r, a·s⟩ =
    /// ⟨adjoint(a)·r, s⟩.
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn adjoint_accumulate(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        blocks: &[u64],
        accumulator: &mut Poly<Evaluation>,
    ) -> Result<(), BackendError>;
}
