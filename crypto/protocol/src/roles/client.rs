//! The client: from an update to the bytes it uploads.

use lattice::{Backend, CHUNK_COEFFICIENTS, SmallPoly, labels};
use masking::{Masker, MaskingError, Quantised};
use rand::{CryptoRng, RngCore};
use sharing::{Commitment, KeyShare, SealContext, ShareSeed, seal};

use crate::{
    BodyDigester, Canonical, ContributionHeader, Credential, IdentityKey, MessagePrefix, Proof, Refusal,
    SealedSeeds, Signature, Signed, VerifiedRound, contribution::proof_digest,
};

/// The signature with which a participant enrols: it shows that it holds the credential's key.
pub fn sign_enrolment(credential: &Credential, identity: &IdentityKey) -> Signature {
    identity.sign(labels::ENROLMENT, &credential.to_bytes())
}

/// A contribution whose body is being masked, chunk by chunk. Its key exists nowhere else, and only once.
pub struct Masking<'a> {
    round: &'a VerifiedRound,
    masker: Masker<'a>,
    digester: BodyDigester,
    next_chunk: u64,
    secrets: Secrets,
}

struct Secrets {
    seeds: Vec<ShareSeed>,
    commitments: Vec<Commitment>,
}

/// A contribution whose body is complete; what remains is to sign it.
pub struct Masked<'a> {
    round: &'a VerifiedRound,
    body_digest: [u8; 32],
    secrets: Secrets,
}

impl<'a> Masking<'a> {
    /// Draws fresh seeds for every holder and a fresh stream of errors.
    ///
    /// `rng` must be the operating system's or as good. `client_key` is the key that will sign.
    pub fn begin(
        round: &'a VerifiedRound,
        backend: &'a dyn Backend,
        client_key: &crate::PublicKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        let seeds: Vec<ShareSeed> = (0..round.holders()).map(|_| ShareSeed::generate(rng)).collect();
        let shares: Vec<KeyShare> = (0..)
            .zip(&seeds)
            .map(|(holder, seed)| KeyShare::derive(seed, round.hash(), &client_key.0, holder))
            .collect();
        let commitments = shares.iter().map(KeyShare::commit).collect();
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let mut error_seed = [0; 32];
        rng.fill_bytes(&mut error_seed);
        Self {
            round,
            masker: Masker::new(backend, round.constants(), &round.document().mask_seed, &key, error_seed),
            digester: BodyDigester::new(round.constants()),
            next_chunk: 0,
            secrets: Secrets { seeds, commitments },
        }
    }

    /// Masks the next chunk of the quantised update; none are left when it returns `false`. `chunk` is overwritten
    /// with the bytes to append to the body.
    ///
    /// # Errors
    /// The backend's failure, or an update that is not of the round's dimension.
    pub fn next_chunk(&mut self, update: &Quantised, chunk: &mut Vec<u8>) -> Result<bool, MaskingError> {
        chunk.clear();
        let index = usize::try_from(self.next_chunk).expect("an update that is in memory has fewer chunks");
        let Some(values) = update.values().chunks(CHUNK_COEFFICIENTS).nth(index) else {
            return Ok(false);
        };
        self.masker.mask_chunk(self.next_chunk, values, chunk)?;
        self.digester.push(chunk).expect("a masked chunk has its length and canonical words");
        self.next_chunk += 1;
        Ok(true)
    }

    /// Ends the body.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when chunks are missing.
    pub fn finish(self) -> Result<Masked<'a>, Refusal> {
        let Self { round, digester, secrets, .. } = self;
        Ok(Masked { round, body_digest: digester.finish()?, secrets })
    }
}

impl Masked<'_> {
    /// Seals the seeds, signs the header and returns what precedes the body in the message.
    ///
    /// # Errors
    /// [`Refusal::Document`] when a holder's HPKE key is not usable.
    pub fn sign(
        self,
        credential: &Credential,
        weight: u32,
        identity: &IdentityKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<MessagePrefix, Refusal> {
        let Self { round, body_digest, secrets: Secrets { seeds, commitments } } = self;
        let mut sealed = Vec::with_capacity(seeds.len());
        for (index, (seed, holder)) in (0..).zip(seeds.iter().zip(&round.document().holders)) {
            let context = SealContext {
                round_hash: round.hash(),
                holder: index,
                hpke_key_id: &holder.hpke_key_id,
                client_key: &identity.public().0,
                body_digest: &body_digest,
                commitments: &commitments,
            };
            let rule = "the holders' HPKE keys are usable";
            let seed = seal(seed, &holder.hpke_public_key, &context, rng);
            sealed.push(seed.map_err(|_| Refusal::Document { rule })?);
        }
        let sealed = SealedSeeds(sealed);
        let mut contribution_id = [0; 16];
        rng.fill_bytes(&mut contribution_id);
        let header = ContributionHeader {
            round_hash: *round.hash(),
            contribution_id,
            credential: credential.clone(),
            weight,
            body_digest,
            commitments,
            sealed_digest: sealed.digest(),
            proof: Proof::None,
            proof_bytes: 0,
            proof_digest: proof_digest(&[]),
            signature: Signature::BLANK,
        }
        .sign(identity);
        Ok(MessagePrefix { header, sealed, proof: Vec::new() })
    }
}
