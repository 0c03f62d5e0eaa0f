//! Folding the rows of a projection: what a proof of a norm and its verification share.

use super::error::BackendError;
use super::named::Backend;
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::field::Fq;
use crate::pack::Width;
use crate::poly::{Evaluation, Poly};

/// A backend that folds rows. The prover and the verifier of a norm proof call it; nothing here is
/// secret.
pub trait FoldingBackend: Backend {
    /// Folds the rows of R under both challenges of `job`.
    ///
    /// For the challenge z, r = Rᵀ(1, z, z², …, z²⁵⁵) mod q in the blocks `first` to `first +
    /// blocks`. With the fold of the same position in `folds`:
    ///
    /// * `fold.adjoint += Σ_j adjoint(a_(first + j)) · r_j`, in evaluation form, with adjoint(a)(X)
    ///   = a(X⁻¹);
    /// * `fold.inner += Σ_i r_i · v_i` mod q when `packed` holds the `job.width`-bit words v, N for
    ///   each block.
    ///
    /// After an error the folds are unchanged.
    ///
    /// # Errors
    /// When the length of `packed` is wrong, a word v has v·2^τ ≥ q (as ciphertext 0), or the
    /// device fails.
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError>;
}

/// The arguments of [`FoldingBackend::fold_rows`] that stay the same for all blocks of a
/// contribution.
#[derive(Clone, Copy, Debug)]
pub struct RowFolding<'a> {
    /// The rows R.
    pub rows: &'a ProjectionRows,
    /// The mask polynomials of the round.
    pub masks: &'a MaskPolynomials,
    /// The two challenges z.
    pub challenges: [Fq; 2],
    /// Transport width w = 64 − τ.
    pub width: Width,
}

/// The rows of a projection folded with the powers of one challenge, and applied to both parts of a
/// contribution.
#[derive(Debug)]
pub struct RowFold {
    /// ⟨r, v⟩ mod q.
    pub inner: Fq,
    /// Σ_j adjoint(a_j) · r_j.
    pub adjoint: Poly<Evaluation>,
}

impl RowFold {
    /// The fold of no blocks.
    pub fn zero() -> Self {
        Self { inner: Fq::ZERO, adjoint: Poly::zero() }
    }
}

impl Default for RowFold {
    fn default() -> Self {
        Self::zero()
    }
}
