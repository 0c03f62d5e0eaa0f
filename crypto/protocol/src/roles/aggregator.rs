//! The aggregator: its checks when a round ends, and the result that it publishes. It is
//! holder 0 too. For its own share of each key it uses the functions of [`super::combiner`].

use std::collections::BTreeSet;

use names::{PublicKey, SetRoot, SumDigest, labels};
use norm_proof::{NormProof, NormProofError, Verifying};
use sharing::{Commitment, ShareSum};

use crate::{
    Attestation, ContributionHeader, IdentityKey, Proof, Refusal, RefusedFor, ReleaseAnswer, ReleaseRequest,
    RoundResult, Signature, Signed, SignedRefusal, VerifiedRound,
};

/// The index of the aggregator among the holders.
pub const HOLDER: u8 = 0;

/// Checks a combiner's attestation of a contribution.
///
/// # Errors
/// [`Refusal::Share`] when it attests another share, [`Refusal::Signature`].
pub fn check_attestation(
    round: &VerifiedRound,
    holder: u8,
    header: &ContributionHeader,
    attestation: &Attestation,
) -> Result<(), Refusal> {
    let expected = header.commitments.get(usize::from(holder)).ok_or(Refusal::Share { holder })?;
    let speaks_of_it = attestation.round_hash == *round.hash()
        && attestation.header_hash == header.hash()
        && attestation.client_key == header.credential.client_key
        && attestation.holder == holder
        && attestation.commitment == expected.encoded();
    match round.holder(holder) {
        Some(combiner) if speaks_of_it => attestation.verify(&combiner.identity_key),
        _ => Err(Refusal::Share { holder }),
    }
}

/// Checks that holder `holder` refused the contribution as its participant signed it.
///
/// A refusal for [`RefusedFor::Rule`] says nothing by itself, because anybody can check the rule.
/// It counts only if the header breaks one. The aggregator checks the sealed seeds before it
/// forwards them.
///
/// # Errors
/// [`Refusal::Unfounded`] when the refusal is of another round, header, holder or sealed seeds, or
/// for a rule that the header keeps. [`Refusal::Signature`].
pub fn check_refusal(
    round: &VerifiedRound,
    holder: u8,
    header: &ContributionHeader,
    refusal: &SignedRefusal,
) -> Result<(), Refusal> {
    let concerns_it = refusal.round_hash == *round.hash()
        && refusal.header_hash == header.hash()
        && refusal.sealed_digest == header.sealed_digest
        && refusal.holder == holder;
    match round.holder(holder) {
        Some(holder) if concerns_it => refusal.verify(&holder.identity_key)?,
        _ => return Err(Refusal::Unfounded { holder }),
    }
    if refusal.reason == RefusedFor::Rule && round.check_header(header).is_ok() {
        return Err(Refusal::Unfounded { holder });
    }
    Ok(())
}

/// Checks the header of a contribution and starts to verify its norm proof, which the header binds.
/// The body is read next.
///
/// # Errors
/// The errors of [`VerifiedRound::check_header`], [`Refusal::ProofKind`], [`Refusal::Digest`],
/// [`Refusal::NormProof`].
pub fn begin_proof(
    round: &VerifiedRound,
    header: &ContributionHeader,
    proof: &[u8],
) -> Result<Verifying, Refusal> {
    round.check_header(header)?;
    header.check_proof_digest(proof)?;
    if round.document().proof != Proof::NormV2 {
        return Err(Refusal::ProofKind);
    }
    let proof =
        NormProof::from_bytes(proof).map_err(|error| refused_proof(&error).unwrap_or(Refusal::ProofKind))?;
    Ok(Verifying::begin(round.statement(header)?, proof))
}

/// The refusal for an error in verifying a proof. `None` if the proof is not at fault.
pub fn refused_proof(error: &NormProofError) -> Option<Refusal> {
    error.failed_check().map(|check| Refusal::NormProof { check })
}

/// Checks the answer of a holder for the set of `members`, each once. The set's size, the round,
/// the members' root and the signature must be right, and each coefficient within its range. The
/// answer must open the sum of the holder's commitments, so a wrong key cannot pass.
///
/// # Errors
/// Those of [`VerifiedRound::check_weights`], [`Refusal::WrongRound`], [`Refusal::Order`] when a
/// member is in the set twice, [`Refusal::Root`], [`Refusal::Signature`], [`Refusal::Opening`].
pub fn check_answer(
    round: &VerifiedRound,
    members: &[ContributionHeader],
    answer: &ReleaseAnswer,
) -> Result<(), Refusal> {
    round.check_weights(members.iter().map(|header| header.weight))?;
    if answer.round_hash != *round.hash() {
        return Err(Refusal::WrongRound);
    }
    let hashes = members.iter().map(ContributionHeader::hash).collect();
    let set = ReleaseRequest::over(*round.hash(), hashes);
    set.check_root()?;
    if answer.root != set.root || answer.count as usize != members.len() {
        return Err(Refusal::Root);
    }
    let opening = Refusal::Opening { holder: answer.holder };
    let holder = round.holder(answer.holder).ok_or(opening.clone())?;
    answer.verify(&holder.identity_key)?;
    let index = usize::from(answer.holder);
    let commitments: Option<Vec<Commitment>> =
        members.iter().map(|header| header.commitments.get(index).copied()).collect();
    let sum =
        ShareSum::from_parts(answer.key_sum.clone(), answer.blinding_sum).map_err(|_| opening.clone())?;
    sum.verify(&commitments.ok_or(opening.clone())?).map_err(|_| opening)
}

/// Σ_h Σ_i s_i^h: the key of the sum, from the checked answers of all holders for one set.
///
/// # Errors
/// [`Refusal::Holders`] unless every holder of the round has answered once,
/// [`Refusal::WrongRound`], [`Refusal::Root`] when the answers are for several sets.
pub fn sum_key(round: &VerifiedRound, answers: &[ReleaseAnswer]) -> Result<Vec<i64>, Refusal> {
    let holders: BTreeSet<u8> = answers.iter().map(|answer| answer.holder).collect();
    if answers.len() != holders.len() || !holders.into_iter().eq(0..round.holders()) {
        return Err(Refusal::Holders { expected: round.holders().into(), found: answers.len() });
    }
    let mut key = vec![0i64; lattice::RING_DEGREE];
    for answer in answers {
        if answer.round_hash != *round.hash() {
            return Err(Refusal::WrongRound);
        }
        if answer.root != answers[0].root {
            return Err(Refusal::Root);
        }
        key.iter_mut().zip(&answer.key_sum).for_each(|(sum, &share)| *sum += i64::from(share));
    }
    Ok(key)
}

/// The result of a round, signed by the aggregator.
pub fn publish(
    round: &VerifiedRound,
    root: &SetRoot,
    members: &[ContributionHeader],
    sum_digest: SumDigest,
    residual_max: u64,
    identity: &IdentityKey,
) -> RoundResult {
    RoundResult {
        round_hash: *round.hash(),
        root: *root,
        count: u32::try_from(members.len()).expect("a set has at most 2^20 members"),
        total_weight: members.iter().map(|header| u64::from(header.weight)).sum(),
        sum_digest,
        residual_max,
        signature: Signature::BLANK,
    }
    .sign(identity)
}

/// Checks the proof of possession with which a participant enrols: a signature over its credential.
///
/// # Errors
/// [`Refusal::Signature`].
pub fn check_enrolment(
    credential: &crate::Credential,
    registrar: &PublicKey,
    possession: &Signature,
) -> Result<(), Refusal> {
    use crate::Canonical;

    credential.verify(registrar)?;
    possession.verify(&credential.client_key, labels::ENROLMENT, &credential.to_bytes(), "enrolment")
}
