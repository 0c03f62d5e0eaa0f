//! What is proved.

use curve25519_dalek::RistrettoPoint;
use lattice::{MaskPolynomials, RING_DEGREE};
use names::{BodyDigest, PublicKey, RoundHash, SealedDigest};
use sharing::Commitment;

use crate::{NormProofError, Parameters};

/// Everything public that a proof is about, but the body itself, which its digest stands for.
///
/// The prover claims to know s and ρ that open P = Σ_h P^h such that φ = b − a·s mod q satisfies ‖R·φ mod q‖² ≤ 337·B_φ²
/// for the R that follows from all of this.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Sizes and bounds.
    pub parameters: Parameters,
    /// The mask polynomials a_j.
    pub masks: MaskPolynomials,
    /// The round.
    pub round_hash: RoundHash,
    /// Whose contribution it is.
    pub client_key: PublicKey,
    /// The public weight.
    pub weight: u32,
    /// Digest of the body b.
    pub body_digest: BodyDigest,
    /// P^h for each holder.
    pub commitments: Vec<Commitment>,
    /// Digest of the sealed seeds.
    pub sealed_digest: SealedDigest,
}

impl Statement {
    /// P, the commitment to the whole key.
    pub(crate) fn key_commitment(&self) -> RistrettoPoint {
        self.commitments.iter().map(Commitment::point).sum()
    }
}

/// Which blocks of a contribution have been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    next: u64,
    count: u64,
}

impl Blocks {
    /// None of a contribution's blocks.
    pub(crate) fn of(parameters: &Parameters) -> Self {
        Self { next: 0, count: parameters.blocks() }
    }

    /// Moves on by `values` coordinates; returns the index of their first block.
    pub(crate) fn take(&mut self, values: usize) -> Result<u64, NormProofError> {
        let (first, blocks) = (self.next, (values / RING_DEGREE) as u64);
        if !values.is_multiple_of(RING_DEGREE) || blocks > self.count - first {
            return Err(NormProofError::Sequence { next_block: first, blocks: self.count, values });
        }
        self.next += blocks;
        Ok(first)
    }

    /// Checks that all have been read.
    pub(crate) fn complete(&self) -> Result<(), NormProofError> {
        if self.next == self.count {
            Ok(())
        } else {
            Err(NormProofError::Incomplete { next_block: self.next, blocks: self.count })
        }
    }
}
