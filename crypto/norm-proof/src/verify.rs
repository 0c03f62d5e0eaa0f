//! The verifier. It reads public values only, and its time depends on them.

use lattice::expand::ProjectionRows;
use lattice::{FoldingBackend, Fq, RING_DEGREE, RowFold, RowFolding};
use rand::{CryptoRng, RngCore};

use crate::{
    GroupEquations, NormProof, NormProofError, Statement,
    linear::{Merged, Relation},
    slack,
    smallness::SmallnessRows,
    statement::Blocks,
    transcript::ProofTranscript,
};

/// A verifier that reads the body once, in order.
#[derive(Debug)]
pub struct Verifying {
    statement: Statement,
    proof: NormProof,
    transcript: ProofTranscript,
    rows: ProjectionRows,
    blocks: Blocks,
    challenges: [Fq; 2],
    folds: [RowFold; 2],
}

impl Verifying {
    /// Starts to verify `proof` for `statement`.
    pub fn begin(statement: Statement, proof: NormProof) -> Self {
        let mut transcript = ProofTranscript::new(&statement);
        let rows = transcript.projection_rows();
        let challenges = transcript.folding(&proof.projection);
        let blocks = Blocks::of(&statement.parameters);
        let folds = std::array::from_fn(|_| RowFold::zero());
        Self { statement, proof, transcript, rows, blocks, challenges, folds }
    }

    /// Reads the next whole blocks of the packed body. The caller must check the body's digest
    /// itself. After an error the verifier cannot be used any more.
    ///
    /// # Errors
    /// [`NormProofError::Sequence`] when `packed` is not whole blocks or is too long.
    /// [`NormProofError::Backend`] when the backend fails or a word is outside the ring.
    pub fn read(&mut self, backend: &dyn FoldingBackend, packed: &[u8]) -> Result<(), NormProofError> {
        let width = self.statement.parameters.width();
        let (block_bytes, length) = (width.bytes(RING_DEGREE), packed.len());
        // A partial block counts as one value too many, so that `take` refuses it.
        let values = length / block_bytes * RING_DEGREE + usize::from(!length.is_multiple_of(block_bytes));
        let first = self.blocks.take(values)?;
        let job =
            RowFolding { rows: &self.rows, masks: &self.statement.masks, challenges: self.challenges, width };
        Ok(backend.fold_rows(&job, first, values / RING_DEGREE, Some(packed), &mut self.folds)?)
    }

    /// A verifier of another proof with the same projection commitment. It has read the same
    /// blocks.
    #[cfg(test)]
    pub(crate) fn of(&self, proof: NormProof) -> Self {
        let copy = |fold: &RowFold| RowFold {
            inner: fold.inner,
            adjoint: lattice::Poly::from_canonical(fold.adjoint.values()).expect("canonical values"),
        };
        assert_eq!(proof.projection, self.proof.projection);
        let folds = self.folds.each_ref().map(copy);
        Self { blocks: self.blocks, folds, ..Self::begin(self.statement.clone(), proof) }
    }

    /// Checks everything except the group equations. It returns the equations, so that the caller
    /// can check those of many proofs together.
    ///
    /// # Errors
    /// [`NormProofError::Incomplete`] when blocks of the body are missing. Otherwise
    /// [`NormProofError::Smallness`], [`NormProofError::Linear`] or [`NormProofError::Range`] for
    /// the first check that fails.
    pub fn finish(self, rng: &mut (impl CryptoRng + RngCore)) -> Result<GroupEquations, NormProofError> {
        self.blocks.complete()?;
        let Self { statement, proof, mut transcript, challenges, folds, .. } = self;
        let bound = statement.parameters.smallness_bound();
        if let Some(row) = proof.sums.iter().position(|sum| sum.unsigned_abs() > bound) {
            return Err(NormProofError::Smallness { row });
        }

        let rows = SmallnessRows::expand(&transcript.smallness_rows(&proof.smallness, &proof.slack));
        let alpha = transcript.merging(&proof.sums);
        let dropped_bits = Fq::new(1 << statement.parameters.width().transport_bits());
        let inner = folds.each_ref().map(|fold| fold.inner * dropped_bits);
        let [first, second] = folds;
        let [z1, z2] = challenges;
        let merged = Merged::new(&[Relation::new(z1, first), Relation::new(z2, second)], &rows, &alpha);

        let x = transcript.evaluation(&proof.announcements, &proof.cross_terms, &proof.linear_mask);
        let right_side = proof.linear_mask + x * merged.right_side(&inner, &proof.sums);
        if merged.left_side(&proof.responses) != right_side {
            return Err(NormProofError::Linear);
        }

        let transcript =
            transcript.range_proof(&[&proof.responses, &proof.slack_responses, &proof.blinding_responses]);
        slack::verify(transcript, &proof.range, &proof.slack, rng)?;
        let bound = statement.parameters.projected_bound();
        Ok(GroupEquations::new(proof, statement.key_commitment(), x, bound))
    }
}
