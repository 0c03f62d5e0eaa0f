//! The group equations of several norm proofs, checked together.

use names::ContributionId;
use norm_proof::{GroupEquations, NormProofError};
use protocol::roles::aggregator::refused_proof;
use rand::{CryptoRng, RngCore};

use crate::{Finding, Place, finding::Fault};

/// Proofs whose equations are checked together.
const BATCH: usize = 64;

/// Equations that wait to be checked, and the number of all proofs so far.
#[derive(Default)]
pub(crate) struct Openings {
    open: Vec<(ContributionId, GroupEquations)>,
    taken: usize,
}

impl Openings {
    /// Takes the group equations of a member's proof. Checks all waiting equations once they fill a
    /// batch.
    pub(crate) fn push(
        &mut self,
        contribution: ContributionId,
        equations: GroupEquations,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(), Finding> {
        self.open.push((contribution, equations));
        self.taken += 1;
        if self.open.len() < BATCH { Ok(()) } else { self.check(rng) }
    }

    /// Checks the equations that still wait. Returns the number of all proofs.
    pub(crate) fn finish(mut self, rng: &mut (impl CryptoRng + RngCore)) -> Result<usize, Finding> {
        self.check(rng)?;
        Ok(self.taken)
    }

    fn check(&mut self, rng: &mut (impl CryptoRng + RngCore)) -> Result<(), Finding> {
        let (names, equations): (Vec<_>, Vec<_>) = self.open.drain(..).unzip();
        let verified = GroupEquations::verify_batch(&equations, rng);
        names
            .into_iter()
            .zip(verified)
            .try_for_each(|(name, verified)| verified.map_err(|error| wrong_proof(name, error)))
    }
}

/// Turns an error in verifying a member's proof into a finding.
pub(super) fn wrong_proof(contribution: ContributionId, error: NormProofError) -> Finding {
    let fault = refused_proof(&error).map_or_else(|| Fault::from(error), Fault::from);
    Finding::new(Place::Contribution(contribution), fault)
}
