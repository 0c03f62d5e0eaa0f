//! Why a proof is not made or not accepted.

use lattice::BackendError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NormProofError {
    /// A round with these holders is not supported.
    #[error("{holders} share holders are outside 1 to 8")]
    Holders {
        /// Share holders.
        holders: u8,
    },
    /// A contribution of this length is not supported.
    #[error("{blocks} blocks are outside 1 to 2^21")]
    Blocks {
        /// Blocks of N coordinates.
        blocks: u64,
    },
    /// The lemma behind the proof does not hold for so large a bound.
    #[error("with the norm bound {noisy_norm_bound} a projection could wrap around")]
    NormBound {
        /// B_φ.
        noisy_norm_bound: u64,
    },
    /// Data was given that does not continue the contribution.
    #[error("block {next_block} of {blocks} comes next, and {values} values do not continue from there")]
    Sequence {
        /// The block that comes next.
        next_block: u64,
        /// Blocks of the contribution.
        blocks: u64,
        /// Coordinates given.
        values: usize,
    },
    /// Not all of the contribution was given.
    #[error("only {next_block} of {blocks} blocks were given")]
    Incomplete {
        /// The first block that was not given.
        next_block: u64,
        /// Blocks of the contribution.
        blocks: u64,
    },
    /// The contribution's projection is longer than the bound: it cannot be proved.
    #[error("the contribution is larger than the round's bound")]
    TooLarge,
    /// The proof does not have the length of proofs.
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
    /// A sum of small entries is too large, so that not all of them are small.
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
    /// The limbs of the slack are not shown to be in range.
    #[error("the range proof does not verify")]
    Range(#[source] bulletproofs::ProofError),
    /// The bulk arithmetic was refused or failed.
    #[error("the arithmetic of a chunk failed")]
    Backend(#[from] BackendError),
}

impl NormProofError {
    /// The check that a proof fails, or `None` when the error says nothing of the proof: the verifier's own arithmetic failed, or it
    /// was not given the whole body.
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
