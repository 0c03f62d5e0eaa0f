//! Recomputes a round from its bundle, bodies and sum, and names the first thing that is wrong.

mod answers;
mod bodies;
pub(crate) mod openings;
mod sample;
mod set;
mod sum;

use lattice::CpuBackend;
use names::RoundHash;
use rand::{CryptoRng, RngCore};

pub use self::sample::Proofs;
use self::{answers::check_answers, bodies::check_bodies, set::check_set, sum::check_sum};
use crate::{AuditError, Published, bundle::Bundle, facts::RoundFacts};

/// A round that was found right.
#[derive(Clone, Debug)]
pub struct RoundReport {
    pub(crate) facts: RoundFacts,
    /// Contributions in the sum.
    pub members: usize,
    /// Norm proofs that were verified.
    pub proofs: usize,
    /// The largest residual of the sum.
    pub residual_max: u64,
}

impl RoundReport {
    /// The round.
    pub fn round_hash(&self) -> RoundHash {
        self.facts.round_hash
    }

    /// If this many proofs were wrong, the random sample would contain one of them with a
    /// probability of 99 %. `None` if no number of wrong proofs is enough for that.
    pub fn found_at_99_percent(&self) -> Option<usize> {
        sample::found_at_99_percent(self.members, self.proofs)
    }
}

/// Verifies a round. Checks the set with its credentials, signatures and attestations, the digest
/// of every body, the norm proofs, and the answers of the holders. Computes the sum from the bodies
/// and compares it with the published one.
///
/// `rng` draws the sample of proofs and the weights of batched equations. It must be the operating
/// system's generator or equally strong. `progress` is called [`Bundle::steps`] times. The bodies
/// are read twice.
///
/// # Errors
/// [`AuditError::Finding`] with the first thing that is wrong, [`AuditError::Source`] when bytes
/// cannot be read, [`AuditError::Computation`] when the arithmetic fails.
pub fn verify_round<P: Published>(
    bundle: &Bundle,
    proofs: Proofs,
    published: &mut P,
    rng: &mut (impl CryptoRng + RngCore),
    progress: &mut dyn FnMut(),
) -> Result<RoundReport, AuditError<P::Error>> {
    let backend = CpuBackend::new();
    check_set(bundle)?;
    let drawn = proofs.drawn(bundle, rng);
    let proofs = check_bodies(bundle, &drawn, published, &backend, rng, progress)?;
    check_answers(bundle)?;
    check_sum(bundle, published, &backend, progress)?;
    Ok(RoundReport {
        facts: RoundFacts::of(bundle),
        members: bundle.members.len(),
        proofs,
        residual_max: bundle.result.residual_max,
    })
}
