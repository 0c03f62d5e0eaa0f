//! The combiner: countersigns rounds, attests shares at intake, releases their sum once.

use std::collections::HashSet;

use names::{HeaderHash, PublicKey, SetRoot, labels};
use rand::{CryptoRng, RngCore};
use sharing::{KeyShare, RoundKeyPair, ShareSum, check_batch};

use super::round::countersigned;
use crate::{
    Attestation, ContributionHeader, IdentityKey, Refusal, ReleaseAnswer, ReleaseRequest, SealedSeeds,
    Signature, Signed, VerifiedRound,
};

/// What a combiner accepts, from its own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinerPolicy {
    /// The aggregator it works with.
    pub aggregator: PublicKey,
    /// The registrar it trusts.
    pub registrar: PublicKey,
    /// No document with a smaller `min_cohort` is countersigned.
    pub min_cohort_floor: u32,
    /// No document with a larger `max_contributions` is countersigned.
    pub max_contributions_cap: u32,
}

impl CombinerPolicy {
    /// Accepts a proposed round, and finds this combiner's place among its holders.
    ///
    /// # Errors
    /// [`Refusal::Document`] when the document goes beyond the policy or does not name this combiner with this key;
    /// the errors of [`VerifiedRound::proposed`].
    pub fn accept(
        &self,
        document: &[u8],
        signature: &Signature,
        own_identity: &PublicKey,
        own_round_key: &RoundKeyPair,
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

/// Countersigns a round as holder `holder`.
pub fn countersign(round: &VerifiedRound, holder: u8, identity: &IdentityKey) -> Signature {
    identity.sign(labels::ROUND_COUNTERSIGNATURE, &countersigned(round.hash(), holder))
}

/// Checks one contribution's header and opens this holder's share of its key. Whether the share opens its commitment is
/// for [`check_shares`].
///
/// # Errors
/// The errors of [`VerifiedRound::check_header`]; [`Refusal::Digest`], [`Refusal::Share`].
pub fn open_share(
    round: &VerifiedRound,
    holder: u8,
    key: &RoundKeyPair,
    header: &ContributionHeader,
    sealed: &SealedSeeds,
) -> Result<KeyShare, Refusal> {
    round.check_header(header)?;
    if sealed.digest() != header.sealed_digest {
        return Err(Refusal::Digest { of: "sealed seeds" });
    }
    let sealed = sealed.0.get(usize::from(holder)).ok_or(Refusal::Share { holder })?;
    let context = round.seal_context(header, holder);
    let seed = sharing::open(key, sealed, &context).map_err(|_| Refusal::Share { holder })?;
    Ok(KeyShare::derive(&seed, round.hash(), &header.credential.client_key, holder))
}

/// Checks in one batch that shares open their commitments; the answers are in order. `rng` must be the operating
/// system's or as good: it draws the batch's weights.
pub fn check_shares(
    holder: u8,
    opened: &[(&ContributionHeader, &KeyShare)],
    rng: &mut (impl CryptoRng + RngCore),
) -> Vec<Result<(), Refusal>> {
    let pairs: Vec<_> =
        opened.iter().map(|(header, share)| (*share, &header.commitments[usize::from(holder)])).collect();
    let verdicts = check_batch(&pairs, rng);
    verdicts.into_iter().map(|verdict| verdict.map_err(|_| Refusal::Share { holder })).collect()
}

/// Attests a share that [`check_shares`] found good.
pub fn attest(
    round: &VerifiedRound,
    holder: u8,
    header: &ContributionHeader,
    identity: &IdentityKey,
) -> Attestation {
    Attestation {
        round_hash: *round.hash(),
        header_hash: header.hash(),
        client_key: header.credential.client_key,
        holder,
        commitment: header.commitments[usize::from(holder)].encoded(),
        signature: Signature::BLANK,
    }
    .sign(identity)
}

/// A contribution that a combiner attested, as it recorded it.
#[derive(Clone, Debug)]
pub struct AttestedMember {
    /// The signed header.
    pub header: ContributionHeader,
    /// The sealed seeds.
    pub sealed: SealedSeeds,
}

/// Checks a release request against the round and the combiner's own record: signature, root, size of the set, every
/// member attested by this combiner in this round, no participant twice. `attested` answers for a header hash.
///
/// Whether the round was released before is for the caller, who alone can make that atomic.
///
/// # Errors
/// The first rule broken.
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
    Ok(members)
}

/// The holder's answer over the members that [`check_release`] returned (or, for the aggregator, over its own fixed
/// set): opens every share again and adds them.
///
/// # Errors
/// As [`open_share`], for a record that no longer matches what was attested.
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
