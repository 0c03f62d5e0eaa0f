//! The errors of the prover and of the verifier.

use lattice::BackendError;

/// The reason why a proof was not made or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NormProofError {
    /// The number of holders is not supported.
    #[error("{holders} share holders are outside 1 to 8")]
    Holders {
        /// The number of holders.
        holders: u8,
    },
    /// There is not one commitment for each holder.
    #[error("{found} commitments are given for {expected} share holders")]
    Commitments {
        /// The number of holders.
        expected: u8,
        /// The number of commitments.
        found: usize,
    },
    /// The length of the contribution is not supported.
    #[error("{blocks} blocks are outside 1 to 2^21")]
    Blocks {
        /// Blocks of N coordinates.
        blocks: u64,
    },
    /// The bound is zero, or so large that the lemma behind the proof does not hold.
    #[error("with the norm bound {noisy_norm_bound} a projection could wrap around")]
    NormBound {
        /// B_φ.
        noisy_norm_bound: u64,
    },
    /// The data does not continue the contribution with whole blocks.
    #[error("block {next_block} of {blocks} comes next, and {values} values do not continue from there")]
    Sequence {
        /// The block that comes next.
        next_block: u64,
        /// Blocks of the contribution.
        blocks: u64,
        /// Coordinates given.
        values: usize,
    },
    /// Some blocks of the contribution are missing.
    #[error("only {next_block} of {blocks} blocks were given")]
    Incomplete {
        /// The first block that was not given.
        next_block: u64,
        /// Blocks of the contribution.
        blocks: u64,
    },
    /// The projection of the contribution is longer than the bound allows, so no proof exists. An
    /// honest contribution has such a projection with probability below 2⁻³².
    #[error("the projection of the contribution is longer than the round's bound")]
    TooLarge,
    /// The proof has the wrong length.
    #[error("a proof has {expected} bytes, not {length}")]
    Length {
        /// Bytes given.
        length: usize,
        /// Bytes of a proof.
        expected: usize,
    },
    /// A field of the proof is not the canonical encoding of an element.
    #[error("{field} is not a canonical encoding")]
    Encoding {
        /// The field.
        field: &'static str,
    },
    /// A smallness sum is so large that some entry is not small.
    #[error("the smallness sum {row} is out of range")]
    Smallness {
        /// The row.
        row: usize,
    },
    /// The responses do not satisfy the linear relations.
    #[error("the linear relations do not hold")]
    Linear,
    /// The responses do not open the commitments, or the quadratic relation does not hold.
    #[error("the responses do not open the commitments")]
    Opening,
    /// The range proof does not show that the limbs of the slack are in range.
    #[error("the range proof does not verify")]
    Range(#[source] bulletproofs::ProofError),
    /// A backend refused its arguments or failed.
    #[error("the arithmetic of a chunk failed")]
    Backend(#[from] BackendError),
}

impl NormProofError {
    /// The name of the check that the proof fails. `None` when the error is not the proof's fault:
    /// the verifier's own arithmetic failed, or it was not given the whole body.
    pub fn failed_check(&self) -> Option<&'static str> {
        match self {
            Self::Length { .. } => Some("length"),
            Self::Encoding { .. } => Some("encoding"),
            Self::Smallness { .. } => Some("smallness"),
            Self::Linear => Some("linear relations"),
            Self::Opening => Some("openings"),
            Self::Range(_) => Some("range"),
            _ => None,
        }
    }
}
