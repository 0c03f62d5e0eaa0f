//! The states of a contribution during its verification, and the decision about it.

use std::time::Duration;

use api::ProblemKind;
use names::ContributionId;
use protocol::{ContributionHeader, Refusal};

use crate::store::contributions::Envelope;

/// A contribution whose share for this holder is good.
pub(super) struct Candidate {
    pub(super) envelope: Envelope,
    pub(super) header: ContributionHeader,
}

impl Candidate {
    pub(super) fn id(&self) -> ContributionId {
        self.envelope.contribution_id.0
    }
}

/// A contribution whose shares are good for every holder. Its proof is not verified yet.
pub(super) struct Unproved {
    pub(super) candidate: Candidate,
    pub(super) attestations: Vec<Vec<u8>>,
}

/// The decision about a contribution.
pub(super) enum Decision {
    /// The contribution is verified. It has one attestation of each combiner, in their order.
    Verified {
        attestations: Vec<Vec<u8>>,
    },
    Rejected(ProblemKind),
}

impl Decision {
    pub(super) fn rejected(refusal: &Refusal) -> Self {
        Self::Rejected(refusal.into())
    }
}

/// A contribution together with the decision about it.
pub(super) struct Decided {
    pub(super) contribution_id: ContributionId,
    pub(super) decision: Decision,
    /// The time that the verification of its proof took. `None` if no proof was verified.
    pub(super) proof_time_us: Option<i64>,
}

impl Decided {
    pub(super) fn new(contribution_id: ContributionId, decision: Decision) -> Self {
        Self { contribution_id, decision, proof_time_us: None }
    }

    pub(super) fn after_proof(self, time: Duration) -> Self {
        let time_us = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Self { proof_time_us: Some(time_us), ..self }
    }
}
