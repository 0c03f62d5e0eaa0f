//! Contributions as a combiner sees them, both honest and dishonest. They have a header and sealed
//! seeds, but no body.

use api::{HexBytes, combiner::ContributionEnvelope};
use names::{BodyDigest, ContributionId, Name, Subject};
use protocol::{
    Canonical, ContributionHeader, Credential, IdentityKey, Proof, SealedSeeds, Signature, Signed,
    VerifiedRound, proof_digest,
};
use rand::{RngCore, rngs::StdRng};
use sharing::{KeyShare, SealContext, SealRandomness, ShareSeed, seal};

/// The header and the sealed seeds of a contribution.
pub struct Envelope {
    /// The key of the participant.
    pub identity: IdentityKey,
    /// The signed header.
    pub header: ContributionHeader,
    /// One sealed seed for each holder.
    pub sealed: SealedSeeds,
    /// The seeds to which the header commits, one for each holder.
    pub seeds: Vec<[u8; 32]>,
}

impl Envelope {
    /// Makes a contribution that keeps the rules.
    pub fn honest(rng: &mut StdRng, registrar: &IdentityKey, round: &VerifiedRound, subject: &str) -> Self {
        let epoch = round.document().credential_epoch;
        Self::new(rng, registrar, round, subject, epoch, |_| {})
    }

    /// Makes a contribution whose sealed seeds differ from those that it commits to. `swap` changes
    /// them.
    pub fn new(
        rng: &mut StdRng,
        registrar: &IdentityKey,
        round: &VerifiedRound,
        subject: &str,
        epoch: u32,
        swap: impl FnOnce(&mut Vec<[u8; 32]>),
    ) -> Self {
        let identity = IdentityKey::generate(rng);
        let client_key = identity.public();
        let mut draw = || {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            seed
        };
        let seeds: Vec<[u8; 32]> = (0..round.holders()).map(|_| draw()).collect();
        let commitments: Vec<_> = (0..)
            .zip(&seeds)
            .map(|(holder, &seed)| {
                KeyShare::derive(&ShareSeed::from_bytes(seed), round.hash(), &client_key, holder).commit()
            })
            .collect();
        let body_digest = BodyDigest::from_bytes(draw());
        let mut sent = seeds.clone();
        swap(&mut sent);
        let sealed = (0..).zip(&sent).zip(&round.document().holders).map(|((index, &seed), holder)| {
            let context = SealContext {
                round_hash: round.hash(),
                holder: index,
                hpke_key_id: &holder.hpke_key_id,
                client_key: &client_key,
                body_digest: &body_digest,
                commitments: &commitments,
            };
            let randomness = SealRandomness::generate(rng);
            seal(&ShareSeed::from_bytes(seed), &holder.hpke_public_key, &context, &randomness).unwrap()
        });
        let sealed = SealedSeeds(sealed.collect());
        let mut contribution_id = [0; ContributionId::LENGTH];
        rng.fill_bytes(&mut contribution_id);
        let header = ContributionHeader {
            round_hash: *round.hash(),
            contribution_id: contribution_id.into(),
            credential: Credential::issue(registrar, Subject::new(subject).unwrap(), client_key, epoch),
            weight: 1,
            clip_step: None,
            trace_root: None,
            body_digest,
            commitments,
            sealed_digest: sealed.digest(),
            proof: Proof::None,
            proof_bytes: 0,
            proof_digest: proof_digest(&[]),
            signature: Signature::BLANK,
        };
        let header = header.sign(&identity);
        Self { identity, header, sealed, seeds }
    }

    /// Returns the same contribution with a changed header, which its participant signs again.
    pub fn resigned(mut self, change: impl FnOnce(&mut ContributionHeader)) -> Self {
        change(&mut self.header);
        self.header = self.header.sign(&self.identity);
        self
    }

    /// Returns the JSON that the aggregator sends to the combiner.
    pub fn envelope(&self) -> ContributionEnvelope {
        ContributionEnvelope {
            header: HexBytes(self.header.to_bytes()),
            sealed_seeds: HexBytes(self.sealed.to_bytes()),
        }
    }
}
