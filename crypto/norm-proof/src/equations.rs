//! The group equations of a proof. There is one for each commitment, over its own generators and H,
//! and one for the quadratic relation.
//!
//! A vector commitment P_i with the announcement T_i has the equation Σ f G + z_i H = T_i + x·P_i.
//! A limb of the slack has f U + z H = T + x·V. With C₀ and C₁ the commitments to the cross terms,
//! the quadratic relation has (⟨f_w, f_w⟩ + x·(f_σ₀ + 2⁶⁴·f_σ₁) − x²·220·B_φ²) U + τ H = C₀ + x·C₁.
//!
//! The equations are checked together, with weights of 128 bits that the verifier draws after it
//! has seen the proof. Without weights, a commitment that is sent late could carry a component on
//! the generators of another one.

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use rand::{CryptoRng, RngCore};
use sharing::bisect;

use crate::{
    NormProofError,
    generators::{self, LIMBS},
    proof::{ANNOUNCEMENTS, CROSS_TERMS, NormProof},
    slack::limb_weight,
    witness::{COMMITTED, LENGTH, PROJECTION},
};

/// The group equations of one proof. Everything else about the proof has been checked.
#[derive(Debug)]
pub struct GroupEquations {
    pub(crate) proof: NormProof,
    key_commitment: RistrettoPoint,
    evaluation: Scalar,
    projected_bound: u128,
}

impl GroupEquations {
    pub(crate) fn new(
        proof: NormProof,
        key_commitment: RistrettoPoint,
        evaluation: Scalar,
        projected_bound: u128,
    ) -> Self {
        Self { proof, key_commitment, evaluation, projected_bound }
    }

    /// Checks the equations of this proof. Variable-time.
    ///
    /// # Errors
    /// [`NormProofError::Opening`] if an equation does not hold.
    pub fn verify(&self, rng: &mut (impl CryptoRng + RngCore)) -> Result<(), NormProofError> {
        if hold(std::slice::from_ref(self), rng) { Ok(()) } else { Err(NormProofError::Opening) }
    }

    /// Checks the equations of many proofs with one multiplication. Returns one result for each
    /// proof, in order.
    ///
    /// A wrong proof goes unnoticed with probability 2⁻¹²⁸ over `rng`, which must be the operating
    /// system's generator or equally strong. If the sum does not vanish, [`bisect`] finds the wrong
    /// proofs, at the cost of 2·⌈log₂ n⌉ further multiplications for one wrong proof of n.
    pub fn verify_batch(
        batch: &[Self],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Vec<Result<(), NormProofError>> {
        let verdicts = bisect(batch.len(), |range| hold(&batch[range], rng));
        let verdict = |good| if good { Ok(()) } else { Err(NormProofError::Opening) };
        verdicts.into_iter().map(verdict).collect()
    }
}

/// Whether the weighted sum of all equations vanishes.
pub(crate) fn hold(batch: &[GroupEquations], rng: &mut (impl CryptoRng + RngCore)) -> bool {
    let mut sum = Combination::new();
    batch.iter().for_each(|equations| sum.add(equations, || weight(rng)));
    sum.vanishes()
}

fn weight(rng: &mut (impl CryptoRng + RngCore)) -> Scalar {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    Scalar::from(u128::from_le_bytes(bytes))
}

/// A linear combination of the fixed generators and the points of proofs.
pub(crate) struct Combination {
    vector: Vec<Scalar>,
    number: Scalar,
    blinding: Scalar,
    scalars: Vec<Scalar>,
    points: Vec<RistrettoPoint>,
}

impl Combination {
    pub(crate) fn new() -> Self {
        Self {
            vector: vec![Scalar::ZERO; LENGTH],
            number: Scalar::ZERO,
            blinding: Scalar::ZERO,
            scalars: Vec::new(),
            points: Vec::new(),
        }
    }

    /// Adds (left side − right side) of each equation. Each gets its own weight.
    pub(crate) fn add(&mut self, equations: &GroupEquations, mut weight: impl FnMut() -> Scalar) {
        let GroupEquations { proof, key_commitment, evaluation, projected_bound } = equations;
        let x = *evaluation;
        let weights: [Scalar; ANNOUNCEMENTS + 1] = std::array::from_fn(|_| weight());
        let (openings, quadratic) = weights.split_at(ANNOUNCEMENTS);

        for (range, weight) in COMMITTED.into_iter().zip(openings) {
            let terms = self.vector[range.clone()].iter_mut().zip(&proof.responses[range]);
            terms.for_each(|(sum, response)| *sum += weight * response);
        }
        for (response, weight) in proof.slack_responses.iter().zip(&openings[COMMITTED.len()..]) {
            self.number += weight * response;
        }
        self.number += quadratic[0] * quadratic_value(proof, &x, *projected_bound);
        self.blinding +=
            proof.blinding_responses.iter().zip(&weights).map(|(z, weight)| z * weight).sum::<Scalar>();

        let vectors = [*key_commitment, proof.projection.point(), proof.smallness.point()];
        let committed = vectors.into_iter().chain(proof.slack.iter().map(|limb| limb.point()));
        for ((announcement, committed), weight) in proof.announcements.iter().zip(committed).zip(openings) {
            self.subtract(*weight, announcement.point());
            self.subtract(weight * x, committed);
        }
        let [constant, linear]: &[_; CROSS_TERMS] = &proof.cross_terms;
        self.subtract(quadratic[0], constant.point());
        self.subtract(quadratic[0] * x, linear.point());
    }

    fn subtract(&mut self, scalar: Scalar, point: RistrettoPoint) {
        self.scalars.push(-scalar);
        self.points.push(point);
    }

    /// Whether the combination is the identity. Variable-time.
    pub(crate) fn vanishes(&self) -> bool {
        let pedersen = generators::pedersen();
        let scalars = self.vector.iter().chain([&self.number, &self.blinding]).chain(&self.scalars);
        let fixed = generators::vector().iter().chain([&pedersen.B, &pedersen.B_blinding]);
        RistrettoPoint::vartime_multiscalar_mul(scalars, fixed.chain(&self.points)).is_identity()
    }
}

/// Computes ⟨f_w, f_w⟩ + x·(f_σ₀ + 2⁶⁴·f_σ₁) − x²·220·B_φ². In an honest proof it is t₀ + x·t₁.
fn quadratic_value(proof: &NormProof, x: &Scalar, projected_bound: u128) -> Scalar {
    let squares: Scalar = proof.responses[PROJECTION].iter().map(|f| f * f).sum();
    let [low, high]: &[_; LIMBS] = &proof.slack_responses;
    squares + x * (low + limb_weight() * high) - x * x * Scalar::from(projected_bound)
}
