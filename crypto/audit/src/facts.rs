//! What a verified round says, for comparison with the log.

use names::{ContributionId, HeaderHash, RoundHash, RoundId, SetRoot, Subject};
use protocol::{Canonical, ContributionHeader, PayoutTerms};

use crate::bundle::Bundle;

/// A member of the set, from its signed header.
#[derive(Clone, Debug)]
pub(crate) struct MemberFacts {
    pub(crate) contribution_id: ContributionId,
    pub(crate) header_hash: HeaderHash,
    pub(crate) subject: Subject,
    pub(crate) weight: u32,
}

/// What the log has to agree with.
#[derive(Clone, Debug)]
pub(crate) struct RoundFacts {
    pub(crate) round_id: RoundId,
    pub(crate) round_hash: RoundHash,
    pub(crate) document: Vec<u8>,
    pub(crate) root: SetRoot,
    pub(crate) terms: Option<PayoutTerms>,
    pub(crate) min_reputation_ppm: u32,
    /// In the order of the root.
    pub(crate) members: Vec<MemberFacts>,
    /// By holder.
    pub(crate) answers: Vec<Vec<u8>>,
    pub(crate) result: Vec<u8>,
}

impl RoundFacts {
    /// What this bundle says. The caller has verified it.
    pub(crate) fn of(bundle: &Bundle) -> Self {
        let document = bundle.round.document();
        Self {
            round_id: document.round_id,
            round_hash: *bundle.round.hash(),
            document: document.to_bytes(),
            root: bundle.result.root,
            terms: document.payout,
            min_reputation_ppm: document.min_reputation_ppm,
            members: bundle.headers.iter().map(member).collect(),
            answers: bundle.answers.iter().map(Canonical::to_bytes).collect(),
            result: bundle.result.to_bytes(),
        }
    }
}

fn member(header: &ContributionHeader) -> MemberFacts {
    MemberFacts {
        contribution_id: header.contribution_id,
        header_hash: header.hash(),
        subject: header.credential.subject.clone(),
        weight: header.weight,
    }
}
