//! The combiner: countersigns rounds, attests shares at intake, and releases their sum once.

use std::collections::HashSet;

use names::{HeaderHash, PublicKey, SealedDigest, SetRoot, labels};
use rand::{CryptoRng, RngCore};
use sharing::{Commitment, KeyShare, RoundKeyPair, ShareSum, check_batch};

use super::round::countersigned;
use crate::{
    Attestation, ContributionHeader, IdentityKey, Refusal, RefusedFor, ReleaseAnswer, ReleaseRequest,
    SealedSeeds, Signature, Signed, SignedRefusal, VerifiedRound,
};

/// The rounds that a combiner accepts, from its own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinerPolicy {
    /// The key of the aggregator that it works with.
    pub aggregator: PublicKey,
    /// The key of the registrar that it trusts.
    pub registrar: PublicKey,
    /// The smallest `min_cohort` that it countersigns.
    pub min_cohort_floor: u32,
    /// The largest `max_contributions` that it countersigns.
    pub max_contributions_cap: u32,
    /// The longest time from countersigning to the end of uploads, in milliseconds.
    pub max_open_ms: i64,
    /// The longest time from the end of uploads to `release_by`, in milliseconds. So long it keeps
    /// the key of a round that nobody releases.
    pub max_release_ms: i64,
}

impl CombinerPolicy {
    /// Accepts a proposed round, and finds the index of this combiner among the holders. `now_ms`
    /// is the present time by the combiner's own clock, and `lowest_epoch` the lowest epoch whose
    /// credentials it still takes.
    ///
    /// # Errors
    /// [`Refusal::Document`] when the document goes beyond the policy, when its times or its epoch
    /// are over, or when it does not name this combiner with this key. The errors of
    /// [`VerifiedRound::proposed`].
    pub fn accept(
        &self,
        document: &[u8],
        signature: &Signature,
        own_identity: &PublicKey,
        own_round_key: &RoundKeyPair,
        now_ms: i64,
        lowest_epoch: u32,
    ) -> Result<(VerifiedRound, u8), Refusal> {
        let round = VerifiedRound::proposed(document, signature, &self.aggregator)?;
        let rule =
            |holds: bool, rule: &'static str| if holds { Ok(()) } else { Err(Refusal::Document { rule }) };
        let document = round.document();
        rule(document.registrar_key == self.registrar, "the registrar is the combiner's own")?;
        rule(document.min_cohort >= self.min_cohort_floor, "min_cohort reaches the combiner's floor")?;
        rule(
            document.max_contributions <= self.max_contributions_cap,
            "max_contributions keeps to the combiner's cap",
        )?;
        rule(now_ms < document.closes_at_ms, "closes_at is in the future by the combiner's clock")?;
        rule(
            document.closes_at_ms.saturating_sub(now_ms) <= self.max_open_ms,
            "uploads end within the time that the combiner allows",
        )?;
        rule(
            document.release_by_ms.saturating_sub(document.closes_at_ms) <= self.max_release_ms,
            "release_by keeps to the time after closes_at that the combiner allows",
        )?;
        rule(
            document.credential_epoch >= lowest_epoch,
            "credential_epoch is not older than what the registrar has signed since",
        )?;
        let holder = (1..round.holders()).find(|&index| {
            round.holder(index).is_some_and(|holder| {
                holder.identity_key == *own_identity
                    && holder.hpke_key_id == *own_round_key.id()
                    && holder.hpke_public_key == *own_round_key.public()
            })
        });
        let rule = "the combiner is a holder with the key it made for this round";
        holder.map(|holder| (round, holder)).ok_or(Refusal::Document { rule })
    }
}

/// The countersignature of a round by holder `holder`.
pub fn countersign(round: &VerifiedRound, holder: u8, identity: &IdentityKey) -> Signature {
    identity.sign(labels::ROUND_COUNTERSIGNATURE, &countersigned(round.hash(), holder))
}

/// Checks the header of one contribution and opens this holder's share of its mask key.
/// [`check_shares`] checks later whether the share opens its commitment.
///
/// # Errors
/// The errors of [`VerifiedRound::check_header`] and [`VerifiedRound::check_seals`], and
/// [`Refusal::Share`] for whatever only the holder's key shows.
pub fn open_share(
    round: &VerifiedRound,
    holder: u8,
    key: &RoundKeyPair,
    header: &ContributionHeader,
    sealed: &SealedSeeds,
) -> Result<KeyShare, Refusal> {
    round.check_header(header)?;
    round.holder(holder).ok_or(Refusal::Share { holder })?;
    round.check_seals(header, sealed)?;
    let sealed = sealed.0.get(usize::from(holder)).ok_or(Refusal::Share { holder })?;
    let context = round.seal_context(header, holder);
    let seed = sharing::open(key, sealed, &context).map_err(|_| Refusal::Share { holder })?;
    Ok(KeyShare::derive(&seed, round.hash(), &header.credential.client_key, holder))
}

/// Checks in one batch that shares open their commitments. The answers are in order. A header
/// without a commitment for this holder is refused. `rng` draws the batch's weights and must be the
/// operating system's, or as good.
pub fn check_shares(
    holder: u8,
    opened: &[(&ContributionHeader, &KeyShare)],
    rng: &mut (impl CryptoRng + RngCore),
) -> Vec<Result<(), Refusal>> {
    let committed = |header: &ContributionHeader| header.commitments.get(usize::from(holder)).copied();
    let commitments: Vec<Option<Commitment>> = opened.iter().map(|(header, _)| committed(header)).collect();
    let pairs: Vec<_> = opened
        .iter()
        .zip(&commitments)
        .filter_map(|((_, share), commitment)| Some((*share, commitment.as_ref()?)))
        .collect();
    let mut verdicts = check_batch(&pairs, rng).into_iter();
    let verdict = |commitment: &Option<Commitment>| match commitment {
        Some(_) => verdicts.next().expect("a verdict for each pair").map_err(|_| Refusal::Share { holder }),
        None => Err(Refusal::Share { holder }),
    };
    commitments.iter().map(verdict).collect()
}

/// The attestation of a share that [`check_shares`] found good.
///
/// # Errors
/// [`Refusal::Share`] when the header has no commitment for this holder.
pub fn attest(
    round: &VerifiedRound,
    holder: u8,
    header: &ContributionHeader,
    identity: &IdentityKey,
) -> Result<Attestation, Refusal> {
    let commitment = header.commitments.get(usize::from(holder)).ok_or(Refusal::Share { holder })?;
    let attestation = Attestation {
        round_hash: *round.hash(),
        header_hash: header.hash(),
        client_key: header.credential.client_key,
        holder,
        commitment: commitment.encoded(),
        signature: Signature::BLANK,
    };
    Ok(attestation.sign(identity))
}

/// The signed refusal of the contribution with this header. `sealed` is the digest of the sealed
/// seeds that the holder received, whether or not it is the one in the header. Signing is
/// deterministic, so a holder that is asked again gives the same bytes.
pub fn refuse(
    round: &VerifiedRound,
    holder: u8,
    header: &HeaderHash,
    sealed: &SealedDigest,
    reason: RefusedFor,
    identity: &IdentityKey,
) -> SignedRefusal {
    SignedRefusal {
        round_hash: *round.hash(),
        header_hash: *header,
        sealed_digest: *sealed,
        holder,
        reason,
        signature: Signature::BLANK,
    }
    .sign(identity)
}

/// A contribution as the combiner recorded it when it attested its share.
#[derive(Clone, Debug)]
pub struct AttestedMember {
    /// The signed header.
    pub header: ContributionHeader,
    /// The sealed seeds.
    pub sealed: SealedSeeds,
}

/// Checks a release request against the round and the combiner's own record. The signature, the
/// root, the size of the set and its weights must be right. This combiner must have attested each
/// member in this round, and no participant may appear twice. `attested` returns the recorded
/// member for a header hash.
///
/// The caller must check that the round was not released before, because only the caller can make
/// that atomic.
///
/// # Errors
/// The first broken rule.
pub fn check_release<'a>(
    round: &VerifiedRound,
    request: &ReleaseRequest,
    attested: impl Fn(&HeaderHash) -> Option<&'a AttestedMember>,
) -> Result<Vec<&'a AttestedMember>, Refusal> {
    if request.round_hash != *round.hash() {
        return Err(Refusal::WrongRound);
    }
    request.verify(&round.document().holders[0].identity_key)?;
    request.check_root()?;
    round.check_cohort(request.members.len())?;
    let mut subjects = HashSet::new();
    let mut members = Vec::with_capacity(request.members.len());
    for (index, hash) in request.members.iter().enumerate() {
        let member = attested(hash).ok_or(Refusal::NotAttested { index })?;
        if !subjects.insert(&member.header.credential.subject) {
            return Err(Refusal::DuplicateSubject { index });
        }
        members.push(member);
    }
    round.check_weights(members.iter().map(|member| member.header.weight))?;
    Ok(members)
}

/// The answer of a holder. It opens every share again and adds the shares up. A combiner passes the
/// members that [`check_release`] returned, the aggregator those of its own fixed set.
///
/// # Errors
/// Those of [`open_share`], when a recorded share no longer opens.
pub fn answer(
    round: &VerifiedRound,
    root: &SetRoot,
    holder: u8,
    key: &RoundKeyPair,
    members: &[&AttestedMember],
    identity: &IdentityKey,
) -> Result<ReleaseAnswer, Refusal> {
    let mut sum = ShareSum::default();
    for member in members {
        sum.add(&open_share(round, holder, key, &member.header, &member.sealed)?);
    }
    Ok(ReleaseAnswer {
        round_hash: *round.hash(),
        root: *root,
        count: u32::try_from(members.len()).expect("a set has at most 2^20 members"),
        holder,
        key_sum: sum.coefficients().to_vec(),
        blinding_sum: sum.blinding(),
        signature: Signature::BLANK,
    }
    .sign(identity))
}
