//! Wrong group equations when everything else is right. The changed values enter no challenge any
//! more, so only the equations can refuse them.

use curve25519_dalek::Scalar;
use sharing::bisect;

use super::fixture::{Contribution, equations, rng};
use crate::{
    GroupEquations, NormProofError,
    equations::{Combination, hold},
    proof::{BLINDINGS, NormProof},
    slack::limb_weight,
    witness::COMMITTED,
};

/// A contribution with its proof.
struct Honest {
    contribution: Contribution,
    proof: NormProof,
}

impl Honest {
    fn new(seed: u64) -> Self {
        let contribution = Contribution::honest(seed);
        let proof = contribution.prove().unwrap();
        contribution.verify(&proof).unwrap();
        Self { contribution, proof }
    }

    /// The equations, changed after everything else was checked.
    fn changed(&self, change: impl FnOnce(&mut NormProof)) -> GroupEquations {
        let Self { contribution, proof } = self;
        let mut equations = equations(&contribution.statement, proof, &contribution.body).unwrap();
        change(&mut equations.proof);
        equations
    }

    fn refuses(&self, what: &str, change: impl FnOnce(&mut NormProof)) {
        let outcome = self.changed(change).verify(&mut rng());
        assert!(matches!(outcome, Err(NormProofError::Opening)), "{what}");
    }
}

#[test]
fn every_equation_is_checked() {
    let honest = Honest::new(20);
    for index in 0..BLINDINGS {
        honest.refuses(&format!("blinding {index}"), |proof| proof.blinding_responses[index] += Scalar::ONE);
    }
    for entry in COMMITTED.into_iter().flat_map(|range| [range.start, range.end - 1]) {
        honest.refuses(&format!("response {entry}"), |proof| proof.responses[entry] += Scalar::ONE);
    }
    honest.refuses("cross terms", |proof| proof.cross_terms.reverse());
    honest.refuses("announcements", |proof| proof.announcements.swap(3, 4));
    honest.refuses("slack", |proof| proof.slack.reverse());
}

/// The quadratic relation sees only σ₀ + 2⁶⁴·σ₁. Only the openings tie the limbs to the range
/// proof. Without the openings the slack could be negative.
#[test]
fn limbs_that_were_not_committed_to_are_refused_though_the_slack_is_right() {
    Honest::new(20).refuses("limbs", |proof| {
        proof.slack_responses[0] += limb_weight();
        proof.slack_responses[1] -= Scalar::ONE;
    });
}

/// The errors of two wrong proofs cancel unless each proof of a batch has its own weights.
#[test]
fn errors_of_two_proofs_in_a_batch_do_not_cancel() {
    let (one, other) = (Honest::new(21), Honest::new(22));
    for index in 0..BLINDINGS {
        let wrong = [
            one.changed(|proof| proof.blinding_responses[index] += Scalar::ONE),
            other.changed(|proof| proof.blinding_responses[index] -= Scalar::ONE),
        ];
        let mut unweighted = Combination::new();
        wrong.iter().for_each(|equations| unweighted.add(equations, || Scalar::ONE));
        assert!(unweighted.vanishes(), "the errors cancel");
        let verdicts = GroupEquations::verify_batch(&wrong, &mut rng());
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Err(NormProofError::Opening))));
    }
}

/// The batch is one proof sixteen times, because every proof costs time to make.
#[test]
fn one_wrong_proof_of_sixteen_costs_nine_multiplications_and_not_seventeen() {
    let (honest, wrong) = (Honest::new(23), 11);
    let mut batch: Vec<_> = (0..16).map(|_| honest.changed(|_| {})).collect();
    batch[wrong] = honest.changed(|proof| proof.blinding_responses[0] += Scalar::ONE);
    let mut multiplications = 0;
    let verdicts = bisect(batch.len(), |range| {
        multiplications += 1;
        hold(&batch[range], &mut rng())
    });
    assert!(multiplications <= 2 * 4 + 1, "{multiplications}");
    let refused = GroupEquations::verify_batch(&batch, &mut rng());
    for (index, (verdict, good)) in refused.iter().zip(verdicts).enumerate() {
        assert_eq!((verdict.is_ok(), good), (index != wrong, index != wrong));
    }
}
