//! The parties whose keys are in a round document.

use protocol::{
    Canonical, Holder, IdentityKey, Pins, RoundDocument, SignedDocument, VerifiedRound,
    roles::{combiner::countersign, round::sign_document},
};
use rand::{CryptoRng, RngCore};
use sharing::RoundKeyPair;

use crate::RoundBuilder;

/// A registrar and the holders.
pub struct Parties {
    /// The registrar's key, which signs credentials.
    pub registrar: IdentityKey,
    /// The identity key and the round key of each holder. The aggregator comes first.
    pub holders: Vec<(IdentityKey, RoundKeyPair)>,
}

impl Parties {
    /// Draws the keys of a registrar, an aggregator and `combiners` combiners.
    pub fn draw(combiners: usize, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let registrar = IdentityKey::generate(rng);
        let holder = |_| (IdentityKey::generate(rng), RoundKeyPair::generate(rng));
        Self { registrar, holders: (0..=combiners).map(holder).collect() }
    }

    /// The public keys that participants pin.
    pub fn pins(&self) -> Pins {
        let mut keys = self.holders.iter().map(|(identity, _)| identity.public());
        Pins {
            aggregator: keys.next().unwrap(),
            combiners: keys.collect(),
            registrar: self.registrar.public(),
        }
    }

    /// Starts a round document of these parties.
    pub fn round(&self) -> RoundBuilder {
        let holder = |(identity, key): &(IdentityKey, RoundKeyPair)| Holder {
            identity_key: identity.public(),
            hpke_key_id: *key.id(),
            hpke_public_key: *key.public(),
        };
        RoundBuilder::new(self.registrar.public(), self.holders.iter().map(holder).collect())
    }

    /// Signs and countersigns a document that keeps the rules.
    pub fn sign(&self, document: RoundDocument) -> (VerifiedRound, SignedDocument) {
        let bytes = document.to_bytes();
        let aggregator_signature = sign_document(&document, &self.holders[0].0);
        let round = VerifiedRound::trusted(document).unwrap();
        let countersignatures = (1..)
            .zip(&self.holders[1..])
            .map(|(holder, (identity, _))| countersign(&round, holder, identity))
            .collect();
        (round, SignedDocument { document: bytes, aggregator_signature, countersignatures })
    }
}
