//! The prover. Its states follow the transcript. A step after a challenge needs a value that only
//! the previous state gives, so no step can be taken too early.
//!
//! Constant-time in all secrets, except that the time shows whether the contribution is within the
//! bound.

use std::fmt;

use curve25519_dalek::Scalar;
use lattice::expand::ProjectionRows;
use lattice::{FoldingBackend, Fq, MaskingBackend, RING_DEGREE, RowFold, RowFolding, SmallPoly, field};
use merlin::TranscriptRng;
use rand::{CryptoRng, RngCore};
use sharing::Commitment;
use zeroize::Zeroizing;

use crate::{
    NormProof, NormProofError, Statement,
    generators::{self, LIMBS},
    linear::{Merged, Relation},
    parameters::FLOODING_LOG2,
    proof::{ANNOUNCEMENTS, BLINDINGS, CROSS_TERMS},
    slack::{self, limb_weight},
    smallness::SmallnessRows,
    statement::Blocks,
    transcript::ProofTranscript,
    vector_commitment::commit,
    witness::{self, COMMITTED, FLOODING, Integers, KEY, LENGTH, PROJECTION, QUOTIENTS, SMALL, Scalars},
};

/// A prover that projects the contribution φ. It reads φ once, in order. Its secrets are in boxes,
/// so that moving the prover does not copy them.
pub struct Projecting {
    statement: Statement,
    transcript: ProofTranscript,
    rows: ProjectionRows,
    blocks: Blocks,
    opening: Box<Opening>,
    projection: Box<Zeroizing<[i64; ProjectionRows::COUNT]>>,
}

/// The opening (s, ρ) of P.
pub(crate) struct Opening {
    key: SmallPoly,
    blinding: Zeroizing<Scalar>,
}

impl Opening {
    pub(crate) fn new(key: SmallPoly, blinding: Scalar) -> Self {
        Self { key, blinding: Zeroizing::new(blinding) }
    }
}

impl Projecting {
    /// Starts a proof about the contribution that was masked with `key`, the sum of all holders'
    /// shares. `blinding` is the sum of the blindings of their commitments.
    pub fn begin(statement: Statement, key: SmallPoly, blinding: Scalar) -> Self {
        let mut transcript = ProofTranscript::new(&statement);
        Self {
            rows: transcript.projection_rows(),
            blocks: Blocks::of(&statement.parameters),
            opening: Box::new(Opening::new(key, blinding)),
            projection: Box::new(Zeroizing::new([0; ProjectionRows::COUNT])),
            statement,
            transcript,
        }
    }

    /// Projects the next blocks of φ = b − a·s, centred.
    ///
    /// # Errors
    /// [`NormProofError::Sequence`] when `phi` is not whole blocks or is too long.
    /// [`NormProofError::Backend`] when the backend fails.
    pub fn project(&mut self, backend: &dyn MaskingBackend, phi: &[i64]) -> Result<(), NormProofError> {
        let first = self.blocks.take(phi.len())?;
        Ok(backend.project(&self.rows, first, phi, &mut self.projection)?)
    }

    /// Commits to the projection. `rng` is hedged with the witness, here and in the later steps.
    ///
    /// # Errors
    /// [`NormProofError::Incomplete`] when blocks of φ are missing. [`NormProofError::TooLarge`]
    /// when the projection exceeds its bound, which happens to a contribution of norm at most B_φ
    /// with probability below 2⁻³². Nothing has left the prover by then. The contribution must be
    /// dropped and made again as a whole, with another key and other errors.
    pub fn commit(self, rng: &mut (impl CryptoRng + RngCore)) -> Result<Folding, NormProofError> {
        self.blocks.complete()?;
        let mut secrets = Secrets::boxed(&self.opening, &self.projection[..], &self.transcript, rng);
        let bound = self.statement.parameters.projected_bound();
        let limbs = slack::limbs(bound, &secrets.integers[PROJECTION]).ok_or(NormProofError::TooLarge)?;
        secrets.set_slack(limbs);
        Ok(Folding::begin(self.statement, self.transcript, self.rows, secrets))
    }
}

/// All secrets of a proof.
pub(crate) struct Secrets {
    /// The witness s ‖ w ‖ κ ‖ y. κ and y are zero at first.
    pub(crate) integers: Integers,
    /// The witness as scalars modulo ℓ.
    pub(crate) scalars: Scalars,
    /// The limbs of the slack.
    pub(crate) limbs: Zeroizing<[u64; LIMBS]>,
    /// The limbs as scalars modulo ℓ, σ₀ and σ₁.
    pub(crate) slack: Zeroizing<[Scalar; LIMBS]>,
    /// The blindings of P, P_w, P_κy, V₀ and V₁.
    pub(crate) blindings: Zeroizing<[Scalar; ANNOUNCEMENTS]>,
    pub(crate) rng: TranscriptRng,
}

impl Secrets {
    /// The secrets of a proof about `projection`. The blindings and all later randomness come from
    /// `rng`, hedged with the witness.
    pub(crate) fn boxed(
        opening: &Opening,
        projection: &[i64],
        transcript: &ProofTranscript,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Box<Self> {
        let mut integers = Zeroizing::new(vec![0_i128; LENGTH]);
        let key = opening.key.coefficients().iter().map(|&s| s.into());
        let small = key.chain(projection.iter().map(|&w| w.into()));
        integers.iter_mut().zip(small).for_each(|(entry, small)| *entry = small);
        let known = integers[..PROJECTION.end].iter().flat_map(|entry| entry.to_le_bytes());
        let witness: Zeroizing<Vec<u8>> =
            Zeroizing::new(opening.blinding.to_bytes().into_iter().chain(known).collect());
        let mut rng = transcript.hedged(&witness, rng);
        let mut blindings = Zeroizing::new(std::array::from_fn(|_| Scalar::random(&mut rng)));
        blindings[0] = *opening.blinding;
        let scalars = witness::scalars(&integers);
        let (limbs, slack) = (Zeroizing::new([0; LIMBS]), Zeroizing::new([Scalar::ZERO; LIMBS]));
        Box::new(Self { integers, scalars, limbs, slack, blindings, rng })
    }

    pub(crate) fn set(&mut self, entry: usize, value: i128) {
        self.integers[entry] = value;
        self.scalars[entry] = witness::scalar(value);
    }

    pub(crate) fn set_slack(&mut self, limbs: [u64; LIMBS]) {
        *self.limbs = limbs;
        *self.slack = limbs.map(Scalar::from);
    }

    /// The commitment to the entries in `COMMITTED[index]`.
    pub(crate) fn commit(&self, index: usize) -> Commitment {
        let range = COMMITTED[index].clone();
        Commitment::from_point(commit(range.clone(), &self.scalars[range], &self.blindings[index]))
    }

    /// V₀ and V₁, the commitments to the limbs of the slack.
    fn commit_slack(&self) -> [Commitment; LIMBS] {
        let blindings = &self.blindings[COMMITTED.len()..];
        std::array::from_fn(|i| {
            Commitment::from_point(generators::pedersen().commit(self.slack[i], blindings[i]))
        })
    }
}

/// A prover that has committed to its projection. It folds R under the challenges that followed,
/// and no longer needs φ.
pub struct Folding {
    pub(crate) statement: Statement,
    pub(crate) transcript: ProofTranscript,
    pub(crate) secrets: Box<Secrets>,
    rows: ProjectionRows,
    blocks: Blocks,
    projection: Commitment,
    pub(crate) challenges: [Fq; 2],
    pub(crate) folds: [RowFold; 2],
}

impl Folding {
    pub(crate) fn begin(
        statement: Statement,
        mut transcript: ProofTranscript,
        rows: ProjectionRows,
        secrets: Box<Secrets>,
    ) -> Self {
        let projection = secrets.commit(1);
        let challenges = transcript.folding(&projection);
        let blocks = Blocks::of(&statement.parameters);
        let folds = std::array::from_fn(|_| RowFold::zero());
        Self { statement, transcript, rows, blocks, secrets, projection, challenges, folds }
    }

    /// Folds the next `blocks` blocks of R.
    ///
    /// # Errors
    /// [`NormProofError::Sequence`] when there are not that many blocks left.
    /// [`NormProofError::Backend`] when the backend fails.
    pub fn fold(&mut self, backend: &dyn FoldingBackend, blocks: usize) -> Result<(), NormProofError> {
        let first = self.blocks.take(blocks * RING_DEGREE)?;
        let job = RowFolding {
            rows: &self.rows,
            masks: &self.statement.masks,
            challenges: self.challenges,
            width: self.statement.parameters.width(),
        };
        Ok(backend.fold_rows(&job, first, blocks, None, &mut self.folds)?)
    }

    /// Makes the proof.
    ///
    /// # Errors
    /// [`NormProofError::Incomplete`] when blocks of R have not been folded.
    pub fn finish(mut self) -> Result<NormProof, NormProofError> {
        self.blocks.complete()?;
        let relations = self.relations();
        for (entry, relation) in QUOTIENTS.zip(&relations) {
            let quotient = quotient(relation, &self.secrets.integers);
            self.secrets.set(entry, quotient);
        }
        for entry in FLOODING {
            let flooding = flood(&mut self.secrets.rng);
            self.secrets.set(entry, flooding);
        }
        let smallness = self.secrets.commit(2);
        Ok(self.respond(&relations, smallness))
    }

    /// Takes the folds and makes the relations from them.
    pub(crate) fn relations(&mut self) -> [Relation; 2] {
        let folds = std::mem::replace(&mut self.folds, std::array::from_fn(|_| RowFold::zero()));
        let [first, second] = folds;
        let [z1, z2] = self.challenges;
        [Relation::new(z1, first), Relation::new(z2, second)]
    }

    /// Makes the rest of the proof, after κ and y are chosen and `smallness` commits to them.
    pub(crate) fn respond(mut self, relations: &[Relation; 2], smallness: Commitment) -> NormProof {
        let secrets = &mut self.secrets;
        let slack = secrets.commit_slack();
        let rows = SmallnessRows::expand(&self.transcript.smallness_rows(&smallness, &slack));
        let mut sums = rows.apply(&secrets.integers[SMALL]);
        sums.iter_mut().zip(&secrets.integers[FLOODING]).for_each(|(sum, y)| *sum += y);
        let alpha = self.transcript.merging(&sums);
        let merged = Merged::new(relations, &rows, &alpha);

        let masks = Masks::draw(&mut secrets.rng);
        let announcements = masks.announce();
        let cross_terms = masks.cross_terms(&secrets.scalars[PROJECTION]);
        let linear_mask = merged.left_side(&masks.values);
        let x = self.transcript.evaluation(&announcements, &cross_terms, &linear_mask);
        let Responses { values: responses, slack: slack_responses, blindings: blinding_responses } =
            masks.respond(&x, secrets);

        let transcript = self.transcript.range_proof(&[&responses, &slack_responses, &blinding_responses]);
        let blindings = &secrets.blindings[COMMITTED.len()..];
        let range = slack::prove(transcript, &secrets.limbs, blindings, &mut secrets.rng);
        NormProof {
            projection: self.projection,
            smallness,
            slack,
            sums: sums.to_vec(),
            announcements,
            cross_terms,
            linear_mask,
            responses,
            slack_responses,
            blinding_responses,
            range,
        }
    }
}

/// Computes κ_z = (⟨A_z, s⟩ + ⟨z⃗, w⟩ − Y_z)/q with Y_z = (⟨A_z, s⟩ + ⟨z⃗, w⟩) mod q.
///
/// The division is exact, so a multiplication by 1/q modulo 2¹²⁸ replaces it. That is
/// constant-time. The sums may wrap modulo 2¹²⁸, but the quotient does not, so the result is right.
pub(crate) fn quotient(relation: &Relation, integers: &[i128]) -> i128 {
    let coefficients = relation.key_coefficients.iter().chain(&relation.powers);
    let (mut total, mut residue) = (0_i128, Fq::ZERO);
    for (&coefficient, &value) in coefficients.zip(&integers[KEY.start..PROJECTION.end]) {
        total = total.wrapping_add(i128::from(coefficient).wrapping_mul(value));
        residue += Fq::new(coefficient) * Fq::from(value as i64);
    }
    total.wrapping_sub(residue.value().into()).wrapping_mul(MODULUS_INVERSE)
}

/// 1/q modulo 2¹²⁸. Each step of Newton's iteration doubles the number of right bits.
const MODULUS_INVERSE: i128 = {
    let (q, mut inverse) = (field::MODULUS as i128, 1_i128);
    let mut step = 0;
    while step < 7 {
        inverse = inverse.wrapping_mul(2_i128.wrapping_sub(q.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
};

/// Draws a y that is uniform in [−2¹¹⁹, 2¹¹⁹).
pub(crate) fn flood(rng: &mut TranscriptRng) -> i128 {
    let mut bytes = Zeroizing::new([0; 16]);
    rng.fill_bytes(&mut *bytes);
    i128::from_le_bytes(*bytes) >> (127 - FLOODING_LOG2)
}

/// The masks of the Σ-protocol (m for the vector, the slack and the blindings) and the blindings of
/// the cross terms.
struct Masks {
    values: Scalars,
    slack: Zeroizing<[Scalar; LIMBS]>,
    blindings: Zeroizing<[Scalar; ANNOUNCEMENTS]>,
    cross_blindings: Zeroizing<[Scalar; CROSS_TERMS]>,
}

struct Responses {
    values: Vec<Scalar>,
    slack: [Scalar; LIMBS],
    blindings: [Scalar; BLINDINGS],
}

impl Masks {
    fn draw(rng: &mut TranscriptRng) -> Self {
        Self {
            values: Zeroizing::new((0..LENGTH).map(|_| Scalar::random(rng)).collect()),
            slack: Zeroizing::new(std::array::from_fn(|_| Scalar::random(rng))),
            blindings: Zeroizing::new(std::array::from_fn(|_| Scalar::random(rng))),
            cross_blindings: Zeroizing::new(std::array::from_fn(|_| Scalar::random(rng))),
        }
    }

    /// The announcement T for each commitment.
    fn announce(&self) -> [Commitment; ANNOUNCEMENTS] {
        std::array::from_fn(|index| {
            let blinding = &self.blindings[index];
            Commitment::from_point(match COMMITTED.get(index) {
                Some(range) => commit(range.clone(), &self.values[range.clone()], blinding),
                None => generators::pedersen().commit(self.slack[index - COMMITTED.len()], *blinding),
            })
        })
    }

    /// The commitments to t₀ = ⟨m_w, m_w⟩ and t₁ = 2⟨w, m_w⟩ + m_σ₀ + 2⁶⁴·m_σ₁. In the clear, t₁
    /// would reveal something about w.
    fn cross_terms(&self, projection: &[Scalar]) -> [Commitment; CROSS_TERMS] {
        let masks = &self.values[PROJECTION];
        let mut terms = Zeroizing::new([Scalar::ZERO; CROSS_TERMS]);
        terms[0] = masks.iter().map(|m| m * m).sum();
        terms[1] = masks.iter().zip(projection).map(|(m, w)| m * w).sum();
        terms[1] = terms[1] + terms[1] + self.slack[0] + limb_weight() * self.slack[1];
        std::array::from_fn(|i| {
            Commitment::from_point(generators::pedersen().commit(terms[i], self.cross_blindings[i]))
        })
    }

    fn respond(&self, x: &Scalar, secrets: &Secrets) -> Responses {
        let masked = |(m, value): (&Scalar, &Scalar)| m + x * value;
        let [constant, linear] = &*self.cross_blindings;
        Responses {
            values: self.values.iter().zip(secrets.scalars.iter()).map(masked).collect(),
            slack: std::array::from_fn(|i| self.slack[i] + x * secrets.slack[i]),
            blindings: std::array::from_fn(|i| match self.blindings.get(i) {
                Some(mask) => mask + x * secrets.blindings[i],
                None => constant + x * linear,
            }),
        }
    }
}

impl fmt::Debug for Projecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projecting").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

impl fmt::Debug for Folding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folding").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_the_modulus_inverts_it() {
        assert_eq!(MODULUS_INVERSE.wrapping_mul(field::MODULUS as i128), 1);
    }
}
