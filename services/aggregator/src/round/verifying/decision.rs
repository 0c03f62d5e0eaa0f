//! The states of a contribution during its verification, and the decision about it.

use std::time::Duration;

use api::ProblemKind;
use names::ContributionId;
use protocol::{Canonical, ContributionHeader, Refusal, SignedRefusal};

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

/// The decision about a contribution.
pub(super) enum Decision {
    /// The proof is good. The combiners have not attested the contribution yet.
    Proved,
    /// The contribution is verified. It has one attestation of each combiner, in their order.
    Verified { attestations: Vec<Vec<u8>> },
    /// The contribution is rejected. It has the signed refusals of the holders that refuse it, or
    /// none if its proof is bad.
    Rejected { reason: ProblemKind, refusals: Vec<SignedRefusal> },
}

impl Decision {
    /// Rejects a contribution whose proof is bad. Its bytes show that to anybody.
    pub(super) fn bad_proof(refusal: &Refusal) -> Self {
        Self::Rejected { reason: refusal.into(), refusals: Vec::new() }
    }

    /// Rejects a contribution that holders refuse. The first of them gives the reason.
    pub(super) fn refused(refusals: Vec<SignedRefusal>) -> Option<Self> {
        let reason = refusals.first()?.reason.into();
        Some(Self::Rejected { reason, refusals })
    }

    /// Whether nothing more is to be decided about the contribution.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Proved)
    }
}

/// The holder and the bytes of each refusal, as they are stored.
pub(super) fn stored(refusals: &[SignedRefusal]) -> (Vec<i16>, Vec<Vec<u8>>) {
    refusals.iter().map(|refusal| (i16::from(refusal.holder), refusal.to_bytes())).unzip()
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
