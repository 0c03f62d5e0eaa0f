//! Contributions that no honest program makes. Any φ is masked, sealed and signed as the protocol
//! demands, with any proof.

use client::Participant;
use curve25519_dalek::Scalar;
use lattice::{CpuBackend, MaskPolynomials, MaskingBackend, RING_DEGREE, SmallPoly, field, pack};
use masking::{MaskingError, Quantised};
use names::{BodyDigest, ContributionId};
use norm_proof::{NormProofError, Projecting, PublicValues, Statement};
use protocol::{
    BodyDigester, ContributionHeader, MessagePrefix, Proof, Refusal, SealedSeeds, Signature, Signed,
    VerifiedRound, proof_digest,
};
use rand::{RngCore, rngs::OsRng};
use sharing::{KeyShare, SealContext, SealRandomness, ShareSeed, seal};

use crate::error::{CommandError, Result};

/// A masked contribution that lacks only its proof and its signature.
pub(super) struct Forgery<'a> {
    round: &'a VerifiedRound,
    participant: &'a Participant,
    shares: Vec<KeyShare>,
    phi: Vec<i64>,
    body: Vec<u8>,
    header: ContributionHeader,
    sealed: SealedSeeds,
}

/// φ of `factor` times a quantised update, without errors.
pub(super) fn scaled(round: &VerifiedRound, update: &Quantised, factor: i64) -> Vec<i64> {
    update.values().iter().map(|&value| (factor * i64::from(value)) << round.constants().scale_log2).collect()
}

impl<'a> Forgery<'a> {
    /// Masks `phi` with a fresh key. `phi` has the padded dimension, and at most one chunk.
    pub(super) fn mask(
        round: &'a VerifiedRound,
        participant: &'a Participant,
        weight: u32,
        phi: &[i64],
    ) -> Result<Self> {
        let client_key = participant.identity.public();
        let seeds: Vec<_> = (0..round.holders()).map(|_| ShareSeed::generate(&mut OsRng)).collect();
        let share = |(holder, seed)| KeyShare::derive(seed, round.hash(), &client_key, holder);
        let shares: Vec<_> = (0..).zip(&seeds).map(share).collect();
        let (phi, body) = masked(round, &key(&shares), phi)?;
        let mut header = header(round, participant, weight, &shares);
        header.body_digest = digest(round, &body).map_err(CommandError::refused("forged body"))?;
        let sealed = sealed(round, &header, &seeds)?;
        header.sealed_digest = sealed.digest();
        Ok(Self { round, participant, shares, phi, body, header, sealed })
    }

    /// An honest proof. It can be made only if φ is within the bound.
    pub(super) fn prove(&self) -> Result<Vec<u8>> {
        self.make_proof(self.statement()?, Scalar::ZERO, &self.phi)
    }

    /// A proof for a statement that differs from that of the contribution.
    pub(super) fn prove_for(&self, change: impl FnOnce(&mut PublicValues)) -> Result<Vec<u8>> {
        let mut values = PublicValues::clone(&*self.statement()?);
        change(&mut values);
        self.make_proof(Statement::new(values)?, Scalar::ZERO, &self.phi)
    }

    /// A proof about the contribution that uses `claimed` in the place of its φ.
    pub(super) fn prove_claiming(&self, claimed: &[i64]) -> Result<Vec<u8>> {
        self.make_proof(self.statement()?, Scalar::ZERO, claimed)
    }

    /// A proof that is right, except that its commitments open to something else.
    pub(super) fn prove_unopened(&self) -> Result<Vec<u8>> {
        self.make_proof(self.statement()?, Scalar::ONE, &self.phi)
    }

    fn statement(&self) -> Result<Statement> {
        let statement = self.round.statement(&self.header);
        statement.map_err(|_| CommandError::Demo("a contribution of the round has no statement"))
    }

    fn make_proof(&self, statement: Statement, error: Scalar, phi: &[i64]) -> Result<Vec<u8>> {
        let proved = || -> std::result::Result<Vec<u8>, NormProofError> {
            let backend = CpuBackend::new();
            let blinding = self.shares.iter().map(KeyShare::blinding).sum::<Scalar>() + error;
            let mut prover = Projecting::begin(statement, key(&self.shares), blinding);
            prover.project(&backend, phi)?;
            let mut prover = prover.commit(&mut OsRng)?;
            prover.fold(&backend, phi.len() / RING_DEGREE)?;
            Ok(prover.finish()?.to_bytes())
        };
        proved().map_err(|_| CommandError::Demo("a contribution within the bound has no proof"))
    }

    /// The id and the bytes of the message. `proof` is left out if the round demands none.
    pub(super) fn message(mut self, proof: Vec<u8>) -> (ContributionId, Vec<u8>) {
        let proof = if self.header.proof == Proof::None { Vec::new() } else { proof };
        self.header.proof_bytes = u32::try_from(proof.len()).expect("a proof is shorter than a mebibyte");
        self.header.proof_digest = proof_digest(&proof);
        let header = self.header.sign(&self.participant.identity);
        let id = header.contribution_id;
        (id, [MessagePrefix { header, sealed: self.sealed, proof }.to_bytes(), self.body].concat())
    }
}

fn key(shares: &[KeyShare]) -> SmallPoly {
    SmallPoly::sum(shares.iter().map(KeyShare::coefficients))
}

/// φ after rounding, and the packed words of b = a·s + φ.
fn masked(round: &VerifiedRound, key: &SmallPoly, phi: &[i64]) -> Result<(Vec<i64>, Vec<u8>)> {
    let width = round.constants().width();
    let tau = width.transport_bits();
    let masks = MaskPolynomials::derive(&round.document().mask_seed);
    let mut products = vec![0; phi.len()];
    let multiplied = CpuBackend::new().mask_product(&masks, 0, &key.to_evaluation(), &mut products);
    multiplied.map_err(MaskingError::from)?;
    let rounded = |(&product, &phi): (&u64, &i64)| {
        let exact = field::add(product, field::from_signed(phi));
        ((u128::from(exact) + (1 << (tau - 1))) >> tau) as u64
    };
    let words: Vec<u64> = products.iter().zip(phi).map(rounded).collect();
    let actual = |(&word, &product): (&u64, &u64)| field::centre(field::sub(word << tau, product));
    let mut body = vec![0; width.bytes(words.len())];
    pack::pack(width, &words, &mut body);
    Ok((words.iter().zip(&products).map(actual).collect(), body))
}

/// The header, without the fields that depend on the body, the seals and the proof.
fn header(
    round: &VerifiedRound,
    participant: &Participant,
    weight: u32,
    shares: &[KeyShare],
) -> ContributionHeader {
    let mut contribution_id = [0; 16];
    OsRng.fill_bytes(&mut contribution_id);
    ContributionHeader {
        round_hash: *round.hash(),
        contribution_id: contribution_id.into(),
        credential: participant.credential.clone(),
        weight,
        clip_step: None,
        trace_root: None,
        body_digest: [0; 32].into(),
        commitments: shares.iter().map(KeyShare::commit).collect(),
        sealed_digest: [0; 32].into(),
        proof: round.document().proof,
        proof_bytes: 0,
        proof_digest: [0; 32].into(),
        signature: Signature::BLANK,
    }
}

fn digest(round: &VerifiedRound, body: &[u8]) -> std::result::Result<BodyDigest, Refusal> {
    let mut digester = BodyDigester::new(round.constants());
    digester.push(body)?;
    digester.finish()
}

fn sealed(round: &VerifiedRound, header: &ContributionHeader, seeds: &[ShareSeed]) -> Result<SealedSeeds> {
    let seeds = (0..).zip(seeds.iter().zip(&round.document().holders));
    let sealed = seeds.map(|(index, (seed, holder))| {
        let context: SealContext<'_> = round.seal_context(header, index);
        seal(seed, &holder.hpke_public_key, &context, &SealRandomness::generate(&mut OsRng))
    });
    let sealed: std::result::Result<_, _> = sealed.collect();
    sealed.map(SealedSeeds).map_err(|_| CommandError::Unexpected { what: "holder's key" })
}
