//! The arithmetic of attesting. An examination opens the shares of a batch, checks them together,
//! and signs for the good ones.

use std::collections::HashMap;

use api::{
    HexBytes, ProblemKind,
    combiner::{ContributionEnvelope, Verdict},
};
use names::{HeaderHash, SealedDigest};
use protocol::{
    Canonical, ContributionHeader, IdentityKey, Refusal, RefusedFor, SealedSeeds, VerifiedRound,
    roles::combiner::{AttestedMember, attest, check_shares, open_share, refuse},
};
use rand::rngs::OsRng;
use rayon::prelude::*;
use sharing::{KeyShare, RoundKeyPair};

use crate::{state::App, store::attestations::NewAttestation};

/// A contribution whose bytes decode.
pub(super) struct Candidate {
    arrived: Arrived,
    member: AttestedMember,
}

/// The bytes that a refusal is about: the header and the sealed seeds as they arrived.
#[derive(Clone, Copy)]
pub(super) struct Arrived {
    pub(super) hash: HeaderHash,
    pub(super) sealed: SealedDigest,
}

/// A refused contribution. `arrived` is absent if the header does not decode.
pub(super) struct Refused {
    arrived: Option<Arrived>,
    reason: ProblemKind,
    signed: RefusedFor,
}

impl Candidate {
    pub(super) fn decode(envelope: &ContributionEnvelope) -> Result<Self, Refused> {
        let (header, sealed) = (&envelope.header.0, &envelope.sealed_seeds.0);
        let header = ContributionHeader::from_bytes(header).map_err(|_| Refused {
            arrived: None,
            reason: ProblemKind::MalformedMessage,
            signed: RefusedFor::Rule,
        })?;
        let arrived = Arrived { hash: header.hash(), sealed: SealedSeeds::digest_of(sealed) };
        match SealedSeeds::from_bytes(sealed) {
            Ok(sealed) => Ok(Self { arrived, member: AttestedMember { header, sealed } }),
            Err(error) => Err(arrived.refused(&Refusal::malformed("sealed seeds")(error))),
        }
    }

    pub(super) fn hash(&self) -> HeaderHash {
        self.arrived.hash
    }
}

impl Arrived {
    fn refused(self, refusal: &Refusal) -> Refused {
        let (reason, signed) = (refusal.into(), RefusedFor::of(refusal));
        Refused { arrived: Some(self), reason, signed }
    }
}

/// The combiner in one round, which signs its refusals.
pub(super) struct Signer<'a> {
    pub(super) round: &'a VerifiedRound,
    pub(super) holder: u8,
    pub(super) identity: &'a IdentityKey,
}

impl Signer<'_> {
    /// The refusal as a verdict.
    pub(super) fn refuse(&self, arrived: Arrived, reason: ProblemKind, signed: RefusedFor) -> Verdict {
        let refusal = refuse(self.round, self.holder, &arrived.hash, &arrived.sealed, signed, self.identity);
        Verdict::Refused { reason, refusal: Some(HexBytes(refusal.to_bytes())) }
    }

    fn refused(&self, refused: &Refused) -> Verdict {
        match refused.arrived {
            Some(arrived) => self.refuse(arrived, refused.reason, refused.signed),
            None => Verdict::Refused { reason: refused.reason, refusal: None },
        }
    }
}

/// The outcome of examining one contribution.
pub(super) enum Finding {
    /// The contribution was attested before, or its share is found good now.
    Good(Arrived, Box<NewAttestation>),
    /// The contribution is refused.
    Bad(Verdict),
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
    pub(super) fn run(self, candidates: Vec<Result<Candidate, Refused>>) -> (VerifiedRound, Vec<Finding>) {
        let signer = Signer { round: &self.round, holder: self.holder, identity: &self.app.identity };
        let opened: Vec<_> = candidates.into_par_iter().map(|candidate| self.open(candidate?)).collect();
        let unchecked: Vec<_> = opened
            .iter()
            .flatten()
            .filter_map(|(candidate, share)| Some((&candidate.member.header, share.as_ref()?)))
            .collect();
        let mut checks = check_shares(self.holder, &unchecked, &mut OsRng).into_iter();
        let finding = |opened: Result<(Candidate, Option<KeyShare>), Refused>| {
            let good = opened.and_then(|(candidate, share)| match share {
                Some(_) => match checks.next().expect("every opened share is checked") {
                    Ok(()) => self.good(&candidate),
                    Err(refusal) => Err(candidate.arrived.refused(&refusal)),
                },
                None => self.good(&candidate),
            });
            good.unwrap_or_else(|refused| Finding::Bad(signer.refused(&refused)))
        };
        let findings = opened.into_iter().map(finding).collect();
        (self.round, findings)
    }

    /// Opens the candidate's share. Returns no share for a candidate that was attested before.
    fn open(&self, candidate: Candidate) -> Result<(Candidate, Option<KeyShare>), Refused> {
        if self.known.contains_key(&candidate.hash()) {
            return Ok((candidate, None));
        }
        let AttestedMember { header, sealed } = &candidate.member;
        match open_share(&self.round, self.holder, &self.key, header, sealed) {
            Ok(share) => Ok((candidate, Some(share))),
            Err(refusal) => Err(candidate.arrived.refused(&refusal)),
        }
    }

    fn good(&self, Candidate { arrived, member }: &Candidate) -> Result<Finding, Refused> {
        let attestation = match self.known.get(&arrived.hash) {
            Some(known) => known.clone(),
            None => attest(&self.round, self.holder, &member.header, &self.app.identity)
                .map_err(|refusal| arrived.refused(&refusal))?
                .to_bytes(),
        };
        let attestation = NewAttestation {
            header_hash: arrived.hash,
            subject: member.header.credential.subject.clone(),
            commitment: member.header.commitments[usize::from(self.holder)].encoded(),
            header: member.header.to_bytes(),
            sealed_seeds: member.sealed.to_bytes(),
            attestation,
        };
        Ok(Finding::Good(*arrived, Box::new(attestation)))
    }
}
