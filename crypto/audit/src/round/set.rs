//! Checks the members of the set, their signatures, and the result about the set.

use std::collections::HashSet;

use protocol::{
    Attestation, Canonical, ContributionHeader, Refusal, ReleaseRequest, Signed,
    roles::aggregator::check_attestation,
};

use crate::{
    Finding, Place,
    bundle::{Bundle, Member},
    finding::RoundFault,
};

/// Checks the credentials, signatures and attestations of the members, the set root and the signed
/// result. A participant may appear only once.
pub(super) fn check_set(bundle: &Bundle) -> Result<(), Finding> {
    let mut subjects = HashSet::new();
    for (member, header) in bundle.members.iter().zip(&bundle.headers) {
        let wrong = |fault| Finding::new(Place::Contribution(member.contribution_id), fault);
        bundle
            .round
            .check_header(header)
            .map_err(|refusal| Finding::new(Place::Contribution(member.contribution_id), refusal))?;
        if header.contribution_id != member.contribution_id {
            return Err(wrong(RoundFault::OtherContribution));
        }
        if !subjects.insert(&header.credential.subject) {
            return Err(wrong(RoundFault::RepeatedSubject));
        }
        check_attestations(bundle, member, header)?;
    }
    check_result(bundle)
}

fn check_attestations(bundle: &Bundle, member: &Member, header: &ContributionHeader) -> Result<(), Finding> {
    let contribution = member.contribution_id;
    if member.attestations.len() + 1 != usize::from(bundle.round.holders()) {
        return Err(Finding::new(Place::Contribution(contribution), RoundFault::Attestations));
    }
    for (holder, bytes) in (1..).zip(&member.attestations) {
        let attestation = Attestation::from_bytes(bytes)
            .map_err(Refusal::malformed("attestation"))
            .map_err(|refusal| Finding::new(Place::Contribution(contribution), refusal))?;
        check_attestation(&bundle.round, holder, header, &attestation)
            .map_err(|refusal| Finding::new(Place::Attestation { contribution, holder }, refusal))?;
    }
    Ok(())
}

/// Checks that the members are in the order of the set root, and that the aggregator has signed a
/// result about them.
fn check_result(bundle: &Bundle) -> Result<(), Finding> {
    let Bundle { round, headers, result, .. } = bundle;
    let hashes: Vec<_> = headers.iter().map(ContributionHeader::hash).collect();
    let request = ReleaseRequest::over(*round.hash(), hashes.clone());
    if request.members != hashes {
        return Err(Finding::new(Place::Members, RoundFault::Order));
    }
    let aggregator = round.document().holders[0].identity_key;
    result.verify(&aggregator).map_err(|refusal| Finding::new(Place::Result, refusal))?;
    let weights = headers.iter().map(|header| u64::from(header.weight));
    let is_about_them = result.round_hash == *round.hash()
        && result.root == request.root
        && result.count as usize == headers.len()
        && result.total_weight == weights.sum::<u64>();
    if !is_about_them {
        return Err(Finding::new(Place::Result, RoundFault::OtherMembers));
    }
    round
        .check_weights(headers.iter().map(|header| header.weight))
        .map_err(|refusal| Finding::new(Place::Members, refusal))
}
