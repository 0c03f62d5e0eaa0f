//! A participant and the contributions that it sends.

use std::sync::Arc;

use lattice::{backend::cpu::CpuBackend, expand::SecretStreamKey};
use ledger::payout_tree::Address;
use masking::{Quantised, RoundConstants, quantise};
use names::{PublicKey, Subject};
use protocol::{
    ClaimAddress, ContributionHeader, Credential, IdentityKey, MessagePrefix, Signature, Signed,
    VerifiedRound,
    roles::{
        client::{Attempt, Offer, SigningError},
        combiner::AttestedMember,
    },
};
use rand::{CryptoRng, RngCore};

/// A subject with a key and a credential.
pub struct Participant {
    /// The identity key of the participant.
    pub identity: IdentityKey,
    /// The registrar's statement about this key.
    pub credential: Credential,
}

impl Participant {
    /// Makes a new key, with a credential for `epoch`.
    pub fn new(
        registrar: &IdentityKey,
        subject: &str,
        epoch: u32,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let identity = IdentityKey::generate(rng);
        let subject = Subject::new(subject).unwrap();
        let credential = Credential::issue(registrar, subject, identity.public(), epoch);
        Self { identity, credential }
    }

    /// Signs a claim address for the aggregator with this identity key.
    pub fn claim_address(
        &self,
        aggregator: &PublicKey,
        chain_id: u64,
        address: [u8; 20],
        sequence: u64,
    ) -> ClaimAddress {
        ClaimAddress {
            aggregator_key: *aggregator,
            subject: self.credential.subject.clone(),
            address: Address::from_bytes(address),
            chain_id,
            sequence,
            signature: Signature::BLANK,
        }
        .sign(&self.identity)
    }

    /// Quantises, masks and signs an update.
    pub fn contribute(
        &self,
        round: &VerifiedRound,
        update: &[f32],
        weight: u32,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Message {
        let attempt = Attempt::new(self.offer(round, update, weight), 0, rng);
        let quantised = attempt.quantise().unwrap();
        finish(attempt, quantised).unwrap()
    }

    /// Does the same, but quantises by `constants`, which a cheater may have made larger than those
    /// of the round. Returns an error if its projection is too long for the round's proof.
    ///
    /// # Errors
    /// [`SigningError::TooLong`].
    pub fn contribute_by(
        &self,
        constants: &RoundConstants,
        round: &VerifiedRound,
        update: &[f32],
        weight: u32,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Message, SigningError> {
        let quantised = quantise(update, weight, constants, SecretStreamKey::generate(rng)).unwrap();
        finish(Attempt::new(self.offer(round, update, weight), 0, rng), quantised)
    }

    fn offer<'a>(&'a self, round: &'a VerifiedRound, update: &'a [f32], weight: u32) -> Offer<'a> {
        Offer { round, identity: &self.identity, credential: &self.credential, update, weight }
    }

    /// Returns the same contribution with a changed header, which is signed again.
    pub fn amend(&self, message: &Message, change: impl FnOnce(&mut ContributionHeader)) -> Message {
        let mut amended = message.clone();
        change(&mut amended.prefix.header);
        amended.prefix.header = amended.prefix.header.sign(&self.identity);
        amended
    }

    /// Returns the same contribution with a seed that this holder cannot open.
    pub fn spoil_seed(&self, message: &Message, holder: usize) -> Message {
        let mut spoilt = message.clone();
        spoilt.prefix.sealed.0[holder].0[79] ^= 1;
        let digest = spoilt.prefix.sealed.digest();
        self.amend(&spoilt, |header| header.sealed_digest = digest)
    }
}

/// Masks and signs the integers of an attempt.
fn finish(attempt: Attempt<'_>, quantised: Quantised) -> Result<Message, SigningError> {
    let backend = CpuBackend::new();
    let mut masking = attempt.mask(&backend, &quantised);
    let (mut body, mut chunk) = (Vec::new(), Vec::new());
    while masking.next_chunk(&mut chunk).unwrap() {
        body.extend_from_slice(&chunk);
    }
    let prefix = masking.finish().unwrap().sign(|_, _| ())?;
    Ok(Message { prefix, body, quantised: Arc::new(quantised) })
}

/// A contribution with everything that its participant knows about it.
#[derive(Clone)]
pub struct Message {
    /// The header, the sealed seeds and the proof.
    pub prefix: MessagePrefix,
    /// The masked vector.
    pub body: Vec<u8>,
    /// The vector before masking.
    pub quantised: Arc<Quantised>,
}

impl Message {
    /// The header of the contribution.
    pub fn header(&self) -> &ContributionHeader {
        &self.prefix.header
    }

    /// The bytes that a combiner keeps.
    pub fn member(&self) -> AttestedMember {
        AttestedMember { header: self.prefix.header.clone(), sealed: self.prefix.sealed.clone() }
    }

    /// The bytes to upload.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.prefix.to_bytes(), self.body.clone()].concat()
    }
}
