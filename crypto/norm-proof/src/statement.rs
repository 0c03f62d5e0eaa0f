//! The statement of a proof.

use std::ops::Deref;

use curve25519_dalek::RistrettoPoint;
use lattice::{MaskPolynomials, RING_DEGREE};
use names::{BodyDigest, PublicKey, RoundHash, SealedDigest};
use sharing::Commitment;

use crate::{NormProofError, Parameters};

/// All public values that a proof is about, except the body itself. The digest stands for the body.
#[derive(Clone, Debug)]
pub struct PublicValues {
    /// Sizes and bounds.
    pub parameters: Parameters,
    /// The mask polynomials a_j of the round.
    pub masks: MaskPolynomials,
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The key of the client that makes the contribution.
    pub client_key: PublicKey,
    /// The public weight of the contribution.
    pub weight: u32,
    /// The digest of the body b.
    pub body_digest: BodyDigest,
    /// P^h, the commitment to the key share of each holder h.
    pub commitments: Vec<Commitment>,
    /// The digest of the sealed seeds.
    pub sealed_digest: SealedDigest,
}

/// What a proof states about its public values, which agree with each other.
///
/// The prover claims to know s and ρ that open P = Σ_h P^h, for which φ = b − a·s mod q satisfies
/// ‖R·φ mod q‖² ≤ 220·B_φ². The matrix R follows from the statement.
#[derive(Clone, Debug)]
pub struct Statement(pub(crate) PublicValues);

impl Deref for Statement {
    type Target = PublicValues;

    fn deref(&self) -> &PublicValues {
        &self.0
    }
}

impl Statement {
    /// The statement about these values.
    ///
    /// # Errors
    /// [`NormProofError::Commitments`] unless there is one commitment for each holder. The bounds
    /// of the proof follow from the number of holders, so another number of shares would not keep
    /// to them.
    pub fn new(values: PublicValues) -> Result<Self, NormProofError> {
        let (expected, found) = (values.parameters.holders(), values.commitments.len());
        if found == usize::from(expected) {
            Ok(Self(values))
        } else {
            Err(NormProofError::Commitments { expected, found })
        }
    }

    /// P, the commitment to the whole key.
    pub(crate) fn key_commitment(&self) -> RistrettoPoint {
        self.commitments.iter().map(Commitment::point).sum()
    }
}

/// The progress of a reader through the blocks of a contribution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    next: u64,
    count: u64,
}

impl Blocks {
    /// No block has been read.
    pub(crate) fn of(parameters: &Parameters) -> Self {
        Self { next: 0, count: parameters.blocks() }
    }

    /// Moves on by `values` coordinates. Returns the index of their first block.
    pub(crate) fn take(&mut self, values: usize) -> Result<u64, NormProofError> {
        let (first, blocks) = (self.next, (values / RING_DEGREE) as u64);
        if !values.is_multiple_of(RING_DEGREE) || blocks > self.count - first {
            return Err(NormProofError::Sequence { next_block: first, blocks: self.count, values });
        }
        self.next += blocks;
        Ok(first)
    }

    /// Checks that all blocks have been read.
    pub(crate) fn complete(&self) -> Result<(), NormProofError> {
        if self.next == self.count {
            Ok(())
        } else {
            Err(NormProofError::Incomplete { next_block: self.next, blocks: self.count })
        }
    }
}
