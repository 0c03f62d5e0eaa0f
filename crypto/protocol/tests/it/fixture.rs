//! A small round: an aggregator, two combiners, a registrar, clients. A seeded generator draws
//! everything.

use std::sync::Arc;

use ledger::{payout::Policy, payout_tree::Address};
use masking::Quantised;
use protocol::{
    ContributionHeader, IdentityKey, MessagePrefix, PayoutTerms, Pins, RoundDocument, SignedDocument, Token,
    VerifiedRound,
    roles::combiner::{AttestedMember, CombinerPolicy},
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use testbed::{EPOCH, Message, Participant, Parties};

pub(crate) struct Fixture {
    pub(crate) rng: StdRng,
    pub(crate) parties: Parties,
    pub(crate) round: VerifiedRound,
    pub(crate) signed: SignedDocument,
    pub(crate) pins: Pins,
}

/// A contribution, and the secrets of its client.
pub(crate) struct Contribution {
    pub(crate) identity: IdentityKey,
    pub(crate) prefix: MessagePrefix,
    pub(crate) body: Vec<u8>,
    pub(crate) update: Arc<Quantised>,
}

impl Contribution {
    pub(crate) fn header(&self) -> &ContributionHeader {
        &self.prefix.header
    }

    pub(crate) fn member(&self) -> AttestedMember {
        AttestedMember { header: self.prefix.header.clone(), sealed: self.prefix.sealed.clone() }
    }
}

/// A document for these parties, with 4048 coordinates and a payout.
pub(crate) fn document(parties: &Parties, rng: &mut StdRng) -> RoundDocument {
    let payout = PayoutTerms {
        policy: Policy::Weight,
        pool: 1_000_000_000_000_000_000_000,
        token: Some(Token { chain_id: 1, contract: Address::from_bytes([0xc0; 20]) }),
    };
    let round = parties.round().draw(rng).tensors(&[("weight", &[2, 2000]), ("bias", &[48])]);
    round
        .set(|document| {
            document.model_bytes = 12;
            document.payout = Some(payout);
            document.min_reputation_ppm = 250_000;
        })
        .document()
}

impl Fixture {
    pub(crate) fn new(seed: u64) -> Self {
        Self::changed(seed, |_| {})
    }

    /// The fixture with a document that `change` has changed.
    pub(crate) fn changed(seed: u64, change: impl FnOnce(&mut RoundDocument)) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let parties = Parties::draw(2, &mut rng);
        let mut document = document(&parties, &mut rng);
        change(&mut document);
        let pins = parties.pins();
        let (round, signed) = parties.sign(document);
        Self { rng, parties, round, signed, pins }
    }

    pub(crate) fn policy(&self) -> CombinerPolicy {
        CombinerPolicy {
            aggregator: self.pins.aggregator,
            registrar: self.pins.registrar,
            min_cohort_floor: 3,
            max_contributions_cap: 100,
            max_open_ms: 3_000,
            max_release_ms: 2_000,
        }
    }

    /// A contribution of `subject` to the fixture's round, with a random update.
    pub(crate) fn contribution(&mut self, subject: &str) -> Contribution {
        let round = self.round.clone();
        self.contribution_to(&round, subject, 1)
    }

    /// A contribution of `subject` to the fixture's round, with this weight.
    pub(crate) fn weighted(&mut self, subject: &str, weight: u32) -> Contribution {
        let round = self.round.clone();
        self.contribution_to(&round, subject, weight)
    }

    pub(crate) fn contribution_to(
        &mut self,
        round: &VerifiedRound,
        subject: &str,
        weight: u32,
    ) -> Contribution {
        let Self { rng, parties, .. } = self;
        let participant = Participant::new(&parties.registrar, subject, EPOCH, rng);
        let update: Vec<f32> =
            (0..round.document().dimension).map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5).collect();
        let Message { prefix, body, quantised } = participant.contribute(round, &update, weight, rng);
        Contribution { identity: participant.identity, prefix, body, update: quantised }
    }
}
