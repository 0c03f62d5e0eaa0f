//! The operations that touch every coordinate of a round, on whole runs of blocks.
//!
//! A backend works on seeds where it can: mask polynomials are expanded inside an operation and never stored for a
//! whole vector. Every backend gives bit for bit the same results, which `testkit` checks. Unless an operation says
//! otherwise, slices hold a whole number of blocks of N canonical values.

pub mod cpu;

use std::error::Error;
use std::fmt::Debug;

use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::field::Fq;
use crate::pack::Width;
use crate::poly::{Evaluation, Poly};

/// An implementation of the bulk operations.
pub trait Backend: Send + Sync + Debug {
    /// A short name for logs and benchmarks.
    fn name(&self) -> &'static str;

    /// Transforms each block of `blocks` to evaluation form, in place.
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError>;

    /// Transforms each block of `blocks` to coefficient form, in place; undoes [`forward`](Self::forward).
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError>;

    /// `accumulator_j += lhs_j · rhs` for each block j, all in evaluation form.
    ///
    /// # Errors
    /// When the lengths differ or are not multiples of N, or the device fails.
    fn multiply_accumulate(
        &self,
        accumulator: &mut [u64],
        lhs: &[u64],
        rhs: &Poly<Evaluation>,
    ) -> Result<(), BackendError>;

    /// `out_j = a_(first + j) · key` in coefficient form, for each block j of `out`.
    ///
    /// Constant-time in `key` (on a processor: where it has AVX2). The product of a known polynomial with a key is
    /// as secret as the key.
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError>;

    /// `accumulator += Σ unpack(ciphertext)`, as integers without reduction modulo q.
    ///
    /// Each ciphertext packs as many `width`-bit words as `accumulator` holds. The caller sees to it that at most
    /// 2^τ ciphertexts are added in all, so that nothing overflows. After an error the accumulator's values are
    /// unspecified.
    ///
    /// # Errors
    /// When a length is wrong, a word v has v·2^τ ≥ q, or the device fails.
    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        ciphertexts: &[&[u8]],
    ) -> Result<(), BackendError>;

    /// Removes the masks from a sum and rounds: writes the rounded sums to `sums` and returns the largest magnitude
    /// of a residual.
    ///
    /// With V the unreduced `accumulator`, y = 2^τ·V − a·key_sum mod q, centred: sum = ⌊(y + Δ/2)/Δ⌋ and residual
    /// = y − Δ·sum, in [−Δ/2, Δ/2).
    ///
    /// # Errors
    /// When the lengths differ or are not multiples of N, Δ is out of range, or the device fails.
    fn unmask(&self, job: &Unmasking<'_>, accumulator: &[u64], sums: &mut [i64])
    -> Result<u64, BackendError>;

    /// `Σ_i lhs_i · rhs_i` mod q over all coordinates.
    ///
    /// # Errors
    /// When the lengths differ or are not multiples of N, or the device fails.
    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError>;

    /// `accumulator += Σ_j adjoint(a_(first + j)) · blocks_j`, with `blocks` in coefficient form and the accumulator
    /// in evaluation form; adjoint(a)(X) = a(X⁻¹), so that ⟨r, a·s⟩ = ⟨adjoint(a)·r, s⟩.
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

    /// `sums_t += Σ_i R_{t, N·first + i} · values_i` for each row t, as integers modulo 2⁶⁴: exact when the true sum is
    /// below 2⁶³ in magnitude.
    ///
    /// `values` may be any `i64`. They are secret: time and access pattern depend on `rows` and the length only.
    ///
    /// # Errors
    /// When the length is not a multiple of N, or the device fails.
    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError>;

    /// Folds the rows of R under both challenges of `job`.
    ///
    /// For the challenge z, r = Rᵀ(1, z, z², …, z²⁵⁵) mod q in the blocks `first` to `first + blocks`, and with the
    /// fold of the same position in `folds`:
    ///
    /// * `fold.adjoint += Σ_j adjoint(a_(first + j)) · r_j`, as [`adjoint_accumulate`](Self::adjoint_accumulate) adds it;
    /// * `fold.inner += Σ_i r_i · v_i` mod q when `packed` holds the `job.width`-bit words v, N for each block.
    ///
    /// All of this is public. After an error the folds are unchanged.
    ///
    /// # Errors
    /// When the length of `packed` is wrong, a word v has v·2^τ ≥ q (as ciphertext 0), or the device fails.
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError>;
}

/// What [`Backend::fold_rows`] needs beside the words.
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

/// The rows of a projection folded with the powers of one challenge, and applied to both parts of a contribution.
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

/// What [`Backend::unmask`] needs beside the sum itself.
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

/// Why a bulk operation was refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// A slice does not hold a whole number of blocks.
    #[error("{length} values are not a whole number of blocks of {block}")]
    PartialBlock {
        /// Values in the slice.
        length: usize,
        /// N.
        block: usize,
    },
    /// Two slices that belong together differ in length.
    #[error("expected a slice of length {expected}, not {length}")]
    Length {
        /// The slice's length.
        length: usize,
        /// The length that the other arguments demand.
        expected: usize,
    },
    /// The scale cannot be used for rounding.
    #[error("scale 2^{scale_log2} is outside 2^1 to 2^62")]
    Scale {
        /// δ.
        scale_log2: u32,
    },
    /// A ciphertext holds a word v with v·2^τ ≥ q.
    #[error("ciphertext {ciphertext} holds a word beyond the modulus")]
    NonCanonical {
        /// Its position among the ciphertexts given.
        ciphertext: usize,
    },
    /// The device that computes failed.
    #[error("the {backend} device failed")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// What the device's driver reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
