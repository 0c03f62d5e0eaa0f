//! The client: from a quantised update to the bytes that it uploads.

use curve25519_dalek::Scalar;
use lattice::{CHUNK_COEFFICIENTS, MaskingBackend, RING_DEGREE, SmallPoly};
use masking::{Masker, MaskingError, QuantiseError, Quantised, quantise};
use names::{BodyDigest, labels};
use norm_proof::{NormProofError, Projecting, Statement};
use rand::{CryptoRng, RngCore};
use sharing::{Commitment, KeyShare, SealContext, ShareSeed, seal};
use zeroize::Zeroizing;

use crate::{
    BodyDigester, Canonical, ContributionHeader, Credential, IdentityKey, MessagePrefix, Proof, Refusal,
    SealedSeeds, Signature, Signed, VerifiedRound,
    contribution::proof_digest,
    hedged::{AttemptContext, AttemptSecret, ContributionSecret},
};

/// Signs an enrolment. The signature shows that the participant holds the key in its credential.
pub fn sign_enrolment(credential: &Credential, identity: &IdentityKey) -> Signature {
    identity.sign(labels::ENROLMENT, &credential.to_bytes())
}

/// What a participant wants to contribute to a round.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The round.
    pub round: &'a VerifiedRound,
    /// The key that signs the contribution. It also hedges the contribution's randomness.
    pub identity: &'a IdentityKey,
    /// The registrar's statement about this key.
    pub credential: &'a Credential,
    /// The update, of the round's dimension.
    pub update: &'a [f32],
    /// The weight with which the update counts.
    pub weight: u32,
}

/// One attempt to make a contribution from an offer.
///
/// Everything random in the contribution follows from one secret: rounding, seeds, errors, seals,
/// id and proof. [`mask`](Self::mask) consumes the attempt, so it serves for one contribution. A
/// contribution that fails is made again from the offer, under the next number, and shares nothing
/// with the one before:
///
/// ```compile_fail,E0382
/// use lattice::CpuBackend;
/// use masking::Quantised;
/// use protocol::roles::client::Attempt;
///
/// fn twice<'a>(attempt: Attempt<'a>, backend: &'a CpuBackend, updates: [&'a Quantised; 2]) {
///     attempt.mask(backend, updates[0]);
///     attempt.mask(backend, updates[1]);
/// }
/// ```
pub struct Attempt<'a> {
    offer: Offer<'a>,
    secret: AttemptSecret,
}

/// A contribution whose body is being masked, chunk by chunk. Its mask key exists only here and is
/// used for this body alone.
pub struct Masking<'a> {
    offer: Offer<'a>,
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
    source: ContributionSecret,
    seeds: Vec<ShareSeed>,
    commitments: Vec<Commitment>,
    key: SmallPoly,
    blinding: Zeroizing<Scalar>,
}

/// A contribution whose body is complete. What remains is to sign it, after a proof of its norm if
/// the round demands one.
pub struct Masked<'a> {
    offer: Offer<'a>,
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

impl<'a> Attempt<'a> {
    /// Starts attempt `number` at an offer. Attempts at one offer have different numbers.
    ///
    /// `rng` should be as good as that of the operating system. If it repeats itself, the same
    /// offer and number give the same contribution, and others give unrelated ones.
    pub fn new(offer: Offer<'a>, number: u32, rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let Offer { round, identity, update, weight, .. } = offer;
        let context = AttemptContext { round_hash: round.hash(), update, weight, number };
        Self { offer, secret: AttemptSecret::derive(&identity.secret(), &context, rng) }
    }

    /// Clips the update and rounds it to integers.
    ///
    /// # Errors
    /// When the update has the wrong length or a coordinate that is not finite, or when the weight
    /// is zero.
    pub fn quantise(&self) -> Result<Quantised, QuantiseError> {
        let Offer { round, update, weight, .. } = self.offer;
        quantise(update, weight, round.constants(), self.secret.rounding())
    }

    /// Makes the seeds of every holder and the stream of errors. The body will be that of `update`,
    /// which is what [`quantise`](Self::quantise) gave. All that follows is bound to these
    /// integers.
    pub fn mask(self, backend: &'a dyn MaskingBackend, update: &'a Quantised) -> Masking<'a> {
        let Self { offer, secret } = self;
        let (round, client_key) = (offer.round, offer.identity.public());
        let source = secret.contribution(update.values());
        let seeds: Vec<ShareSeed> = (0..round.holders()).map(|holder| source.share_seed(holder)).collect();
        let shares: Vec<KeyShare> = (0..)
            .zip(&seeds)
            .map(|(holder, seed)| KeyShare::derive(seed, round.hash(), &client_key, holder))
            .collect();
        let commitments = shares.iter().map(KeyShare::commit).collect();
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let blinding = Zeroizing::new(shares.iter().map(KeyShare::blinding).sum());
        let constants = round.constants();
        let kept = || Zeroizing::new(Vec::with_capacity(constants.padded_dimension as usize));
        Masking {
            offer,
            backend,
            masker: Masker::new(backend, constants, &round.document().mask_seed, &key, source.errors()),
            digester: BodyDigester::new(constants),
            rest: update.values(),
            next_chunk: 0,
            secrets: Secrets { source, seeds, commitments, key, blinding },
            contributed: (round.document().proof == Proof::NormV2).then(kept),
        }
    }
}

impl<'a> Masking<'a> {
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
        let Self { offer, backend, digester, secrets, contributed, .. } = self;
        Ok(Masked { offer, backend, body_digest: digester.finish()?, secrets, contributed })
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
    pub fn sign(mut self, progress: impl FnMut(u64, u64)) -> Result<MessagePrefix, SigningError> {
        let Offer { round, identity, credential, weight, .. } = self.offer;
        let sealed = self.seal().map_err(SigningError::Round)?;
        let mut header = ContributionHeader {
            round_hash: *round.hash(),
            contribution_id: self.secrets.source.contribution_id(),
            credential: credential.clone(),
            weight,
            clip_step: None,
            trace_root: None,
            body_digest: self.body_digest,
            commitments: self.secrets.commitments.clone(),
            sealed_digest: sealed.digest(),
            proof: round.document().proof,
            proof_bytes: 0,
            proof_digest: proof_digest(&[]),
            signature: Signature::BLANK,
        };
        let proof = match self.contributed.take() {
            Some(contributed) => {
                let statement = round.statement(&header).map_err(SigningError::Round)?;
                self.prove(statement, &contributed, progress)?
            }
            None => Vec::new(),
        };
        header.proof_bytes = u32::try_from(proof.len()).expect("a proof is shorter than a mebibyte");
        header.proof_digest = proof_digest(&proof);
        let prefix = MessagePrefix { header: header.sign(identity), sealed, proof };
        round.check_seals(&prefix.header, &prefix.sealed).map_err(SigningError::Round)?;
        Ok(prefix)
    }

    fn seal(&self) -> Result<SealedSeeds, Refusal> {
        let Offer { round, identity, .. } = self.offer;
        let seeds = (0..).zip(self.secrets.seeds.iter().zip(&round.document().holders));
        let sealed = seeds.map(|(index, (seed, holder))| {
            let context = SealContext {
                round_hash: round.hash(),
                holder: index,
                hpke_key_id: &holder.hpke_key_id,
                client_key: &identity.public(),
                body_digest: &self.body_digest,
                commitments: &self.secrets.commitments,
            };
            let rule = "the holders' HPKE keys are usable";
            let randomness = self.secrets.source.seal_randomness(index);
            seal(seed, &holder.hpke_public_key, &context, &randomness).map_err(|_| Refusal::Document { rule })
        });
        sealed.collect::<Result<_, _>>().map(SealedSeeds)
    }

    fn prove(
        self,
        statement: Statement,
        contributed: &[i64],
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Vec<u8>, NormProofError> {
        let Secrets { source, key, blinding, .. } = self.secrets;
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
        let mut prover = prover.commit(&mut source.prover())?;
        for chunk in chunks {
            prover.fold(self.backend, chunk.len() / RING_DEGREE)?;
            step();
        }
        Ok(prover.finish()?.to_bytes())
    }
}
