//! The client: from an update to the bytes it uploads.

use curve25519_dalek::Scalar;
use lattice::{CHUNK_COEFFICIENTS, MaskingBackend, RING_DEGREE, SmallPoly, expand::SecretStreamKey};
use masking::{Masker, MaskingError, Quantised};
use names::{BodyDigest, ContributionId, Name, PublicKey, labels};
use norm_proof::{NormProofError, Projecting};
use rand::{CryptoRng, RngCore};
use sharing::{Commitment, KeyShare, SealContext, ShareSeed, seal};
use zeroize::Zeroizing;

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
    backend: &'a dyn MaskingBackend,
    masker: Masker<'a>,
    digester: BodyDigester,
    next_chunk: u64,
    secrets: Secrets,
    contributed: Option<Contributed>,
}

/// φ, kept when the round demands a proof: eight bytes a coordinate.
type Contributed = Zeroizing<Vec<i64>>;

struct Secrets {
    seeds: Vec<ShareSeed>,
    commitments: Vec<Commitment>,
    key: SmallPoly,
    blinding: Zeroizing<Scalar>,
}

/// A contribution whose body is complete; what remains is to prove its norm, if the round demands that, and to sign it.
pub struct Masked<'a> {
    round: &'a VerifiedRound,
    backend: &'a dyn MaskingBackend,
    body_digest: BodyDigest,
    secrets: Secrets,
    contributed: Option<Contributed>,
}

/// Why a masked contribution was not proved and signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The round document does not allow it.
    #[error("the round cannot be contributed to")]
    Round(#[source] Refusal),
    /// The proof of the norm could not be made.
    #[error("the norm could not be proved")]
    Proof(#[source] NormProofError),
}

impl<'a> Masking<'a> {
    /// Draws fresh seeds for every holder and a fresh stream of errors.
    ///
    /// `rng` must be the operating system's or as good. `client_key` is the key that will sign.
    pub fn begin(
        round: &'a VerifiedRound,
        backend: &'a dyn MaskingBackend,
        client_key: &PublicKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        let seeds: Vec<ShareSeed> = (0..round.holders()).map(|_| ShareSeed::generate(rng)).collect();
        let shares: Vec<KeyShare> = (0..)
            .zip(&seeds)
            .map(|(holder, seed)| KeyShare::derive(seed, round.hash(), client_key, holder))
            .collect();
        let commitments = shares.iter().map(KeyShare::commit).collect();
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let blinding = Zeroizing::new(shares.iter().map(KeyShare::blinding).sum());
        let error_seed = SecretStreamKey::generate(rng);
        let constants = round.constants();
        let kept = || Zeroizing::new(Vec::with_capacity(constants.padded_dimension as usize));
        Self {
            round,
            backend,
            masker: Masker::new(backend, constants, &round.document().mask_seed, &key, error_seed),
            digester: BodyDigester::new(constants),
            next_chunk: 0,
            secrets: Secrets { seeds, commitments, key, blinding },
            contributed: (round.document().proof == Proof::NormV1).then(kept),
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
        match &mut self.contributed {
            Some(kept) => self.masker.mask_chunk_keeping(self.next_chunk, values, chunk, kept)?,
            None => self.masker.mask_chunk(self.next_chunk, values, chunk)?,
        }
        self.digester.push(chunk).expect("a masked chunk has its length and canonical words");
        self.next_chunk += 1;
        Ok(true)
    }

    /// Ends the body.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when chunks are missing.
    pub fn finish(self) -> Result<Masked<'a>, Refusal> {
        let Self { round, backend, digester, secrets, contributed, .. } = self;
        Ok(Masked { round, backend, body_digest: digester.finish()?, secrets, contributed })
    }
}

impl Masked<'_> {
    /// Seals the seeds, proves the norm if the round demands it, signs the header and returns what precedes the body in the
    /// message. `progress` hears of the chunks done, of how many: each is read twice for a proof.
    ///
    /// # Errors
    /// [`SigningError::Round`] when a holder's HPKE key is not usable; [`SigningError::Proof`].
    pub fn sign(
        mut self,
        credential: &Credential,
        weight: u32,
        identity: &IdentityKey,
        rng: &mut (impl CryptoRng + RngCore),
        progress: impl FnMut(u64, u64),
    ) -> Result<MessagePrefix, SigningError> {
        let sealed = self.seal(identity, rng).map_err(SigningError::Round)?;
        let mut contribution_id = [0; ContributionId::LENGTH];
        rng.fill_bytes(&mut contribution_id);
        let mut header = ContributionHeader {
            round_hash: *self.round.hash(),
            contribution_id: contribution_id.into(),
            credential: credential.clone(),
            weight,
            body_digest: self.body_digest,
            commitments: self.secrets.commitments.clone(),
            sealed_digest: sealed.digest(),
            proof: self.round.document().proof,
            proof_bytes: 0,
            proof_digest: proof_digest(&[]),
            signature: Signature::BLANK,
        };
        let proof = match self.contributed.take() {
            Some(contributed) => {
                self.prove(&header, &contributed, rng, progress).map_err(SigningError::Proof)?
            }
            None => Vec::new(),
        };
        header.proof_bytes = u32::try_from(proof.len()).expect("a proof is shorter than a mebibyte");
        header.proof_digest = proof_digest(&proof);
        Ok(MessagePrefix { header: header.sign(identity), sealed, proof })
    }

    fn seal(
        &self,
        identity: &IdentityKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<SealedSeeds, Refusal> {
        let seeds = (0..).zip(self.secrets.seeds.iter().zip(&self.round.document().holders));
        let sealed = seeds.map(|(index, (seed, holder))| {
            let context = SealContext {
                round_hash: self.round.hash(),
                holder: index,
                hpke_key_id: &holder.hpke_key_id,
                client_key: &identity.public(),
                body_digest: &self.body_digest,
                commitments: &self.secrets.commitments,
            };
            let rule = "the holders' HPKE keys are usable";
            seal(seed, &holder.hpke_public_key, &context, rng).map_err(|_| Refusal::Document { rule })
        });
        sealed.collect::<Result<_, _>>().map(SealedSeeds)
    }

    fn prove(
        self,
        header: &ContributionHeader,
        contributed: &[i64],
        rng: &mut (impl CryptoRng + RngCore),
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Vec<u8>, NormProofError> {
        let Secrets { key, blinding, .. } = self.secrets;
        let chunks = contributed.chunks(CHUNK_COEFFICIENTS);
        let (total, mut done) = (2 * chunks.len() as u64, 0);
        let mut step = || {
            done += 1;
            progress(done, total);
        };
        let mut prover = Projecting::begin(self.round.statement(header), key, *blinding);
        for chunk in chunks.clone() {
            prover.project(self.backend, chunk)?;
            step();
        }
        let mut prover = prover.commit(rng)?;
        for chunk in chunks {
            prover.fold(self.backend, chunk.len() / RING_DEGREE)?;
            step();
        }
        Ok(prover.finish()?.to_bytes())
    }
}
