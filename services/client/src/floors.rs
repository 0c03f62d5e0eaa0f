//! What a participant demands of a round, whatever the combiners accept.

use protocol::{Proof, VerifiedRound};

use crate::ClientError;

/// The least that a round must promise, for this client to open it or to send anything in it. The
/// combiners have floors of their own, and a participant need not rely on them. A client that only
/// reads keeps the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floors {
    /// The smallest `min_cohort` of a round. Default: 2, the smallest that a document may have.
    pub min_cohort: u32,
    /// Whether a round must demand a proof of the norm. Default: no.
    pub norm_proof: bool,
}

impl Default for Floors {
    fn default() -> Self {
        Self { min_cohort: 2, norm_proof: false }
    }
}

impl Floors {
    /// Checks a round against the floors.
    ///
    /// # Errors
    /// [`ClientError::CohortFloor`], [`ClientError::ProofFloor`].
    pub(crate) fn check(&self, round: &VerifiedRound) -> Result<(), ClientError> {
        let document = round.document();
        let (floor, found) = (self.min_cohort, document.min_cohort);
        if found < floor {
            return Err(ClientError::CohortFloor { floor, found });
        }
        if self.norm_proof && document.proof == Proof::None {
            return Err(ClientError::ProofFloor);
        }
        Ok(())
    }
}
