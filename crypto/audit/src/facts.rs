//! The facts about a verified round with which the log must agree.

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

/// The facts about a round with which the log must agree.
#[derive(Clone, Debug)]
pub(crate) struct RoundFacts {
    pub(crate) round_id: RoundId,
    pub(crate) round_hash: RoundHash,
    pub(crate) document: Vec<u8>,
    pub(crate) root: SetRoot,
    pub(crate) terms: Option<PayoutTerms>,
    pub(crate) min_reputation_ppm: u32,
    /// The members in the order of the set root.
    pub(crate) members: Vec<MemberFacts>,
    /// The holders' answers, in the order of the holders.
    pub(crate) answers: Vec<Vec<u8>>,
    pub(crate) result: Vec<u8>,
}

impl RoundFacts {
    /// Takes the facts from a bundle that the caller has verified.
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
