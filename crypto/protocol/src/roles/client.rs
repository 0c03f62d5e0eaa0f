//! The client: from a quantised update to the bytes that it uploads.

use curve25519_dalek::Scalar;
use lattice::{CHUNK_COEFFICIENTS, MaskingBackend, RING_DEGREE, SmallPoly, expand::SecretStreamKey};
use masking::{Masker, MaskingError, Quantised};
use names::{BodyDigest, ContributionId, Name, PublicKey, labels};
use norm_proof::{NormProofError, Projecting, Statement};
use rand::{CryptoRng, RngCore};
use sharing::{Commitment, KeyShare, SealContext, SealRandomness, ShareSeed, seal};
use zeroize::Zeroizing;

use crate::{
    BodyDigester, Canonical, ContributionHeader, Credential, IdentityKey, MessagePrefix, Proof, Refusal,
    SealedSeeds, Signature, Signed, VerifiedRound, contribution::proof_digest,
};

/// Signs an enrolment. The signature shows that the participant holds the key in its credential.
pub fn sign_enrolment(credential: &Credential, identity: &IdentityKey) -> Signature {
    identity.sign(labels::ENROLMENT, &credential.to_bytes())
}

/// A contribution whose body is being masked, chunk by chunk. Its mask key exists only here and is
/// used for this body alone.
pub struct Masking<'a> {
    round: &'a VerifiedRound,
    backend: &'a dyn MaskingBackend,
    masker: Masker<'a>,
    digester: BodyDigester,
    /// The coordinates that are not masked yet.
    rest: &'a [i32],
    next_chunk: u64,
    secrets: Secrets,
    contributed: Option<Contributed>,
}

/// φ of every chunk so far, at eight bytes for each coordinate. It is kept only if the round
/// demands a proof.
type Contributed = Zeroizing<Vec<i64>>;

struct Secrets {
    seeds: Vec<ShareSeed>,
    commitments: Vec<Commitment>,
    key: SmallPoly,
    blinding: Zeroizing<Scalar>,
}

/// A contribution whose body is complete. What remains is to sign it, after a proof of its norm if
/// the round demands one.
pub struct Masked<'a> {
    round: &'a VerifiedRound,
    backend: &'a dyn MaskingBackend,
    body_digest: BodyDigest,
    secrets: Secrets,
    contributed: Option<Contributed>,
}

/// Why a masked contribution could not be proved and signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The round document does not allow it: the HPKE key of a holder is not usable.
    #[error("the round document does not allow contributions")]
    Round(#[source] Refusal),
    /// The projection of this contribution is too long for a proof. That happens to an honest
    /// contribution with probability below 2⁻³². Drop it and make another one from the update, with
    /// everything drawn again. The same key with other errors must never exist.
    #[error("the projection of the contribution is too long to be proved")]
    TooLong,
    /// The norm proof could not be made for another reason.
    #[error("the norm could not be proved")]
    Proof(#[source] NormProofError),
}

impl From<NormProofError> for SigningError {
    fn from(error: NormProofError) -> Self {
        match error {
            NormProofError::TooLarge => Self::TooLong,
            error => Self::Proof(error),
        }
    }
}

impl<'a> Masking<'a> {
    /// Draws fresh seeds for every holder and a fresh stream of errors. The body will be that of
    /// `update`, which has the padded dimension of the round.
    ///
    /// `rng` must be as good as that of the operating system. `client_key` is the key that will
    /// sign.
    pub fn begin(
        round: &'a VerifiedRound,
        backend: &'a dyn MaskingBackend,
        client_key: &PublicKey,
        update: &'a Quantised,
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
            rest: update.values(),
            next_chunk: 0,
            secrets: Secrets { seeds, commitments, key, blinding },
            contributed: (round.document().proof == Proof::NormV2).then(kept),
        }
    }

    /// Masks the next chunk of the update and overwrites `chunk` with its bytes. Append them to the
    /// body. Returns `false`, with `chunk` empty, after the last chunk.
    ///
    /// # Errors
    /// A failure of the backend, or an update that does not have the dimension of the round.
    pub fn next_chunk(&mut self, chunk: &mut Vec<u8>) -> Result<bool, MaskingError> {
        chunk.clear();
        if self.rest.is_empty() {
            return Ok(false);
        }
        let (values, rest) = self.rest.split_at(CHUNK_COEFFICIENTS.min(self.rest.len()));
        match &mut self.contributed {
            Some(kept) => self.masker.mask_chunk_keeping(self.next_chunk, values, chunk, kept)?,
            None => self.masker.mask_chunk(self.next_chunk, values, chunk)?,
        }
        self.digester.push(chunk).expect("a masked chunk has its length and canonical words");
        self.rest = rest;
        self.next_chunk += 1;
        Ok(true)
    }

    /// Ends the body and computes its digest.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when chunks are missing.
    pub fn finish(self) -> Result<Masked<'a>, Refusal> {
        let Self { round, backend, digester, secrets, contributed, .. } = self;
        Ok(Masked { round, backend, body_digest: digester.finish()?, secrets, contributed })
    }
}

impl Masked<'_> {
    /// Seals the seeds, proves the norm if the round demands it, and signs the header. Returns the
    /// prefix, which precedes the body in the upload.
    ///
    /// `progress` gets the readings done and their total. A proof reads every chunk twice.
    ///
    /// # Errors
    /// [`SigningError::Round`] when the HPKE key of a holder is not usable,
    /// [`SigningError::TooLong`] and [`SigningError::Proof`].
    pub fn sign(
        mut self,
        credential: &Credential,
        weight: u32,
        identity: &IdentityKey,
        rng: &mut (impl CryptoRng + RngCore),
        progress: impl FnMut(u64, u64),
    ) -> Result<MessagePrefix, SigningError> {
        let round = self.round;
        let sealed = self.seal(identity, rng).map_err(SigningError::Round)?;
        let mut contribution_id = [0; ContributionId::LENGTH];
        rng.fill_bytes(&mut contribution_id);
        let mut header = ContributionHeader {
            round_hash: *self.round.hash(),
            contribution_id: contribution_id.into(),
            credential: credential.clone(),
            weight,
            clip_step: None,
            trace_root: None,
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
                let statement = self.round.statement(&header).map_err(SigningError::Round)?;
                self.prove(statement, &contributed, rng, progress)?
            }
            None => Vec::new(),
        };
        header.proof_bytes = u32::try_from(proof.len()).expect("a proof is shorter than a mebibyte");
        header.proof_digest = proof_digest(&proof);
        let prefix = MessagePrefix { header: header.sign(identity), sealed, proof };
        round.check_seals(&prefix.header, &prefix.sealed).map_err(SigningError::Round)?;
        Ok(prefix)
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
            let randomness = SealRandomness::generate(rng);
            seal(seed, &holder.hpke_public_key, &context, &randomness).map_err(|_| Refusal::Document { rule })
        });
        sealed.collect::<Result<_, _>>().map(SealedSeeds)
    }

    fn prove(
        self,
        statement: Statement,
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
        let mut prover = Projecting::begin(statement, key, *blinding);
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
