//! A small round: an aggregator, two combiners, a registrar, clients. Everything is drawn from a seeded generator.

use lattice::{CpuBackend, RING_DEGREE};
use ledger::{payout::Policy, payout_tree::Address};
use masking::{Quantised, RoundConstants, RoundRequest, quantise};
use protocol::{
    ContributionHeader, Credential, Holder, IdentityKey, MessagePrefix, PayoutTerms, Pins, Proof,
    RoundDocument, SignedDocument, Subject, Tensor, Token, VerifiedRound,
    roles::{
        client::Masking,
        combiner::{AttestedMember, CombinerPolicy, countersign},
        round::sign_document,
    },
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use sharing::RoundKeyPair;

pub(crate) struct Fixture {
    pub(crate) rng: StdRng,
    pub(crate) registrar: IdentityKey,
    /// Identity and round key of each holder; the aggregator is the first.
    pub(crate) holders: Vec<(IdentityKey, RoundKeyPair)>,
    pub(crate) round: VerifiedRound,
    pub(crate) signed: SignedDocument,
    pub(crate) pins: Pins,
}

/// A contribution, and what its client knows.
pub(crate) struct Contribution {
    pub(crate) identity: IdentityKey,
    pub(crate) prefix: MessagePrefix,
    pub(crate) body: Vec<u8>,
    pub(crate) update: Quantised,
}

impl Contribution {
    pub(crate) fn header(&self) -> &ContributionHeader {
        &self.prefix.header
    }

    pub(crate) fn member(&self) -> AttestedMember {
        AttestedMember { header: self.prefix.header.clone(), sealed: self.prefix.sealed.clone() }
    }
}

/// A document of `d = 2·N − 48` coordinates for these holders and keys, with everything derived.
pub(crate) fn document(
    registrar: &IdentityKey,
    holders: &[(IdentityKey, RoundKeyPair)],
    rng: &mut StdRng,
) -> RoundDocument {
    let request = RoundRequest {
        dimension: 2 * RING_DEGREE as u64 - 48,
        max_contributions: 6,
        norm_bound: 1 << 18,
        clip: 1.5,
    };
    let constants = RoundConstants::derive(&request).unwrap();
    let mut document = RoundDocument {
        round_id: [0; 16],
        model_digest: [0; 32],
        model_bytes: 12,
        model_location: "/v1/models/00".into(),
        tensors: vec![
            Tensor { name: "weight".into(), shape: vec![2, 2000], offset: 0 },
            Tensor { name: "bias".into(), shape: vec![48], offset: 4000 },
        ],
        dimension: request.dimension,
        max_contributions: request.max_contributions,
        min_cohort: 3,
        norm_bound: request.norm_bound,
        scale_log2: u8::try_from(constants.scale_log2).unwrap(),
        transport_bits: u8::try_from(constants.transport_bits).unwrap(),
        noisy_norm_bound: constants.noisy_norm_bound,
        clip: request.clip,
        scale: constants.scale,
        weight_min: 1,
        weight_max: 10,
        mask_seed: [0; 32],
        opens_at_ms: 1_000,
        earliest_close_ms: 2_000,
        closes_at_ms: 3_000,
        registrar_key: registrar.public(),
        credential_epoch: 7,
        holders: holders
            .iter()
            .map(|(identity, key)| Holder {
                identity_key: identity.public(),
                hpke_key_id: *key.id(),
                hpke_public_key: *key.public(),
            })
            .collect(),
        proof: Proof::None,
        max_attempts: 2,
        payout: Some(PayoutTerms {
            policy: Policy::Weight,
            pool: 1_000_000_000_000_000_000_000,
            token: Some(Token { chain_id: 1, contract: Address::from_bytes([0xc0; 20]) }),
        }),
        min_reputation_ppm: 250_000,
    };
    rng.fill_bytes(&mut document.round_id);
    rng.fill_bytes(&mut document.model_digest);
    rng.fill_bytes(&mut document.mask_seed);
    document
}

impl Fixture {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let registrar = IdentityKey::generate(&mut rng);
        let holders: Vec<_> =
            (0..3).map(|_| (IdentityKey::generate(&mut rng), RoundKeyPair::generate(&mut rng))).collect();
        let document = document(&registrar, &holders, &mut rng);
        let pins = Pins {
            aggregator: holders[0].0.public(),
            combiners: holders[1..].iter().map(|(identity, _)| identity.public()).collect(),
            registrar: registrar.public(),
        };
        let (round, signed) = sign(document, &holders);
        Self { rng, registrar, holders, round, signed, pins }
    }

    pub(crate) fn policy(&self) -> CombinerPolicy {
        CombinerPolicy {
            aggregator: self.pins.aggregator,
            registrar: self.pins.registrar,
            min_cohort_floor: 3,
            max_contributions_cap: 100,
        }
    }

    pub(crate) fn credential(&self, subject: &str, identity: &IdentityKey) -> Credential {
        Credential::issue(&self.registrar, Subject::new(subject).unwrap(), identity.public(), 7)
    }

    /// A contribution of `subject` to the fixture's round, with a random update.
    pub(crate) fn contribution(&mut self, subject: &str) -> Contribution {
        let round = self.round.clone();
        self.contribution_to(&round, subject, 1)
    }

    pub(crate) fn contribution_to(
        &mut self,
        round: &VerifiedRound,
        subject: &str,
        weight: u32,
    ) -> Contribution {
        let identity = IdentityKey::generate(&mut self.rng);
        let credential = self.credential(subject, &identity);
        let update: Vec<f32> = (0..round.document().dimension)
            .map(|_| self.rng.next_u32() as f32 / u32::MAX as f32 - 0.5)
            .collect();
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let update = quantise(&update, weight, round.constants(), seed).unwrap();
        let backend = CpuBackend::default();
        let mut masking = Masking::begin(round, &backend, &identity.public(), &mut self.rng);
        let (mut body, mut chunk) = (Vec::new(), Vec::new());
        while masking.next_chunk(&update, &mut chunk).unwrap() {
            body.extend_from_slice(&chunk);
        }
        let masked = masking.finish().unwrap();
        let prefix = masked.sign(&credential, weight, &identity, &mut self.rng, |_, _| ()).unwrap();
        Contribution { identity, prefix, body, update }
    }
}

/// Signs and countersigns a document that keeps the rules.
pub(crate) fn sign(
    document: RoundDocument,
    holders: &[(IdentityKey, RoundKeyPair)],
) -> (VerifiedRound, SignedDocument) {
    use protocol::Canonical;

    let bytes = document.to_bytes();
    let aggregator_signature = sign_document(&document, &holders[0].0);
    let round = VerifiedRound::own(document).unwrap();
    let countersignatures = (1..)
        .zip(&holders[1..])
        .map(|(holder, (identity, _))| countersign(&round, holder, identity))
        .collect();
    (round, SignedDocument { document: bytes, aggregator_signature, countersignatures })
}
