//! The arithmetic of attesting. An examination opens the shares of a batch, checks them together,
//! and signs for the good ones.

use std::collections::HashMap;

use api::{ProblemKind, combiner::ContributionEnvelope};
use names::HeaderHash;
use protocol::{
    Canonical, ContributionHeader, Refusal, SealedSeeds, VerifiedRound,
    roles::combiner::{AttestedMember, attest, check_shares, open_share},
};
use rand::rngs::OsRng;
use rayon::prelude::*;
use sharing::{KeyShare, RoundKeyPair};

use crate::{state::App, store::attestations::NewAttestation};

/// A contribution whose bytes decode.
pub(super) struct Candidate {
    pub(super) hash: HeaderHash,
    member: AttestedMember,
}

impl Candidate {
    pub(super) fn decode(envelope: &ContributionEnvelope) -> Result<Self, Refusal> {
        let header = ContributionHeader::from_bytes(&envelope.header.0);
        let header = header.map_err(Refusal::malformed("contribution header"))?;
        let sealed =
            SealedSeeds::from_bytes(&envelope.sealed_seeds.0).map_err(Refusal::malformed("sealed seeds"))?;
        Ok(Self { hash: header.hash(), member: AttestedMember { header, sealed } })
    }
}

/// The outcome of examining one contribution.
pub(super) enum Finding {
    /// The contribution was attested before, or its share is found good now.
    Good(Box<NewAttestation>),
    /// The contribution is refused for this reason.
    Bad(ProblemKind),
}

/// All inputs for examining a batch. The examination runs on a thread that computes.
pub(super) struct Examination {
    pub(super) app: App,
    pub(super) round: VerifiedRound,
    pub(super) holder: u8,
    pub(super) key: RoundKeyPair,
    /// Attestations given earlier, by header hash.
    pub(super) known: HashMap<HeaderHash, Vec<u8>>,
}

impl Examination {
    /// Examines the candidates. Returns the round, and the findings in order.
    pub(super) fn run(self, candidates: Vec<Result<Candidate, Refusal>>) -> (VerifiedRound, Vec<Finding>) {
        let opened: Vec<_> = candidates.into_par_iter().map(|candidate| self.open(candidate?)).collect();
        let unchecked: Vec<_> = opened
            .iter()
            .flatten()
            .filter_map(|(candidate, share)| Some((&candidate.member.header, share.as_ref()?)))
            .collect();
        let mut checks = check_shares(self.holder, &unchecked, &mut OsRng).into_iter();
        let finding = |opened: &Result<(Candidate, Option<KeyShare>), Refusal>| match opened {
            Err(refusal) => Finding::Bad(refusal.into()),
            Ok((candidate, None)) => self.good(candidate),
            Ok((candidate, Some(_))) => match checks.next().expect("every opened share is checked") {
                Ok(()) => self.good(candidate),
                Err(refusal) => Finding::Bad((&refusal).into()),
            },
        };
        let findings = opened.iter().map(finding).collect();
        (self.round, findings)
    }

    /// Opens the candidate's share. Returns no share for a candidate that was attested before.
    fn open(&self, candidate: Candidate) -> Result<(Candidate, Option<KeyShare>), Refusal> {
        if self.known.contains_key(&candidate.hash) {
            return Ok((candidate, None));
        }
        let AttestedMember { header, sealed } = &candidate.member;
        let share = open_share(&self.round, self.holder, &self.key, header, sealed)?;
        Ok((candidate, Some(share)))
    }

    fn good(&self, Candidate { hash, member }: &Candidate) -> Finding {
        let attestation = match self.known.get(hash) {
            Some(known) => known.clone(),
            None => match attest(&self.round, self.holder, &member.header, &self.app.identity) {
                Ok(attestation) => attestation.to_bytes(),
                Err(refusal) => return Finding::Bad((&refusal).into()),
            },
        };
        Finding::Good(Box::new(NewAttestation {
            header_hash: *hash,
            subject: member.header.credential.subject.clone(),
            commitment: member.header.commitments[usize::from(self.holder)].encoded(),
            header: member.header.to_bytes(),
            sealed_seeds: member.sealed.to_bytes(),
            attestation,
        }))
    }
}
