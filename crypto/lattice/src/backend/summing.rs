//! The operations of an aggregator, which an auditor repeats. All arguments and results are public.

use super::error::BackendError;
use super::folding::FoldingBackend;
use crate::expand::MaskPolynomials;
use crate::pack::Width;
use crate::poly::{Evaluation, Poly};

/// A backend for an aggregator or an auditor. It verifies and adds contributions, and it unmasks
/// their sum.
pub trait SummingBackend: FoldingBackend {
    /// Computes `accumulator += Σ unpack(body)` over integers, without reduction modulo q.
    ///
    /// Each body packs as many `width`-bit words as `accumulator` holds. The caller must add at
    /// most 2^τ bodies in all, because more could overflow a sum. After an error the values of the
    /// accumulator are unspecified.
    ///
    /// # Errors
    /// When a length is wrong, a word v has v·2^τ ≥ q, or the device fails.
    fn add_packed(&self, accumulator: &mut [u64], width: Width, bodies: &[&[u8]])
    -> Result<(), BackendError>;

    /// Removes the masks from a sum and rounds it. Writes the rounded sums to `sums` and returns
    /// the largest magnitude of a residual.
    ///
    /// Let V be the unreduced `accumulator` and y = 2^τ·V − a·key_sum mod q, centred. Then sum =
    /// ⌊(y + Δ/2)/Δ⌋ and residual = y − Δ·sum, in [−Δ/2, Δ/2).
    ///
    /// # Errors
    /// When the lengths differ or are not multiples of N, Δ is out of range, or the device fails.
    fn unmask(&self, job: &Unmasking<'_>, accumulator: &[u64], sums: &mut [i64])
    -> Result<u64, BackendError>;
}

/// The arguments of [`SummingBackend::unmask`] other than the sum itself.
#[derive(Clone, Copy, Debug)]
pub struct Unmasking<'a> {
    /// The mask polynomials of the round.
    pub masks: &'a MaskPolynomials,
    /// Index of the mask polynomial of the first block.
    pub first: u64,
    /// The sum of all mask keys.
    pub key_sum: &'a Poly<Evaluation>,
    /// Transport width w = 64 − τ.
    pub width: Width,
    /// δ = log₂ Δ, from 1 to 62.
    pub scale_log2: u32,
}
