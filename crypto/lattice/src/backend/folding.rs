//! Folds the rows of a projection. The prover and the verifier of a norm proof share this
//! operation.

use super::error::BackendError;
use super::named::Backend;
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::field::Fq;
use crate::pack::Width;
use crate::poly::{Evaluation, Poly};

/// A backend that folds rows, for the prover and the verifier of a norm proof. All arguments and
/// results are public.
pub trait FoldingBackend: Backend {
    /// Folds the rows of R under both challenges of `job`.
    ///
    /// For each challenge z, let r = Rᵀ(1, z, z², …, z²⁵⁵) mod q in the blocks from `first` to
    /// `first + blocks`. The fold at the same position in `folds` changes as follows:
    ///
    /// * `fold.adjoint += Σ_j adjoint(a_(first + j)) · r_j`, in evaluation form, where
    ///   adjoint(a)(X) = a(X⁻¹);
    /// * `fold.inner += Σ_i r_i · v_i` mod q if `packed` is given. It holds the `job.width`-bit
    ///   words v, N for each block.
    ///
    /// After an error the folds are unchanged.
    ///
    /// # Errors
    /// When the length of `packed` is wrong, when a word v has v·2^τ ≥ q (reported as body 0), or
    /// when the device fails.
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError>;
}

/// The arguments of [`FoldingBackend::fold_rows`] that are the same for all blocks of a
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

/// The rows of a projection, folded with the powers of one challenge and applied to the body and to
/// the mask polynomials of a contribution.
#[derive(Debug)]
pub struct RowFold {
    /// ⟨r, v⟩ mod q.
    pub inner: Fq,
    /// Σ_j adjoint(a_j) · r_j.
    pub adjoint: Poly<Evaluation>,
}

impl RowFold {
    /// The fold of zero blocks, with which folding starts.
    pub fn zero() -> Self {
        Self { inner: Fq::ZERO, adjoint: Poly::zero() }
    }
}

impl Default for RowFold {
    fn default() -> Self {
        Self::zero()
    }
}
