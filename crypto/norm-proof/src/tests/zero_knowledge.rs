//! The values that a proof shows do not depend on the secret. A statistical check finds the secret
//! at once when the flooding is removed.

use super::fixture::Contribution;
use crate::{
    NormProof,
    prove::{flood, quotient},
    smallness::SmallnessRows,
    transcript::ProofTranscript,
    witness::{FLOODING, QUOTIENTS, SMALL, SMALLNESS_ROWS},
};

/// Proofs of one contribution. Each has 128 sums.
const PROOFS: usize = 6;

/// The correlation of the sums v_j with the combinations ⟨ρ_j, (s ‖ w ‖ κ)⟩ that they hide, in
/// standard deviations. The flooding y is divided by 2^`narrowed`.
fn correlation(narrowed: u32) -> f64 {
    let contribution = Contribution::honest(1);
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..PROOFS {
        let mut prover = contribution.folding().unwrap();
        let relations = prover.relations();
        for (entry, relation) in QUOTIENTS.zip(&relations) {
            let quotient = quotient(relation, &prover.secrets.integers);
            prover.secrets.set(entry, quotient);
        }
        for entry in FLOODING {
            let flooding = flood(&mut prover.secrets.rng) >> narrowed;
            prover.secrets.set(entry, flooding);
        }
        let small = prover.secrets.integers[SMALL].to_vec();
        let smallness = prover.secrets.commit(2);
        let proof = prover.respond(&relations, smallness);
        let hidden = rows(&contribution, &proof).apply(&small);
        for (&v, &hidden) in proof.sums.iter().zip(hidden.iter()) {
            sum += v as f64 * hidden as f64;
            squares += (v as f64 * hidden as f64).powi(2);
        }
    }
    sum / squares.sqrt()
}

/// The rows of (S), as the verifier draws them.
fn rows(contribution: &Contribution, proof: &NormProof) -> SmallnessRows {
    let mut transcript = ProofTranscript::new(&contribution.statement);
    transcript.projection_rows();
    transcript.folding(&proof.projection);
    SmallnessRows::expand(&transcript.smallness_rows(&proof.smallness, &proof.slack))
}

#[test]
fn sums_are_uncorrelated_with_what_they_hide_and_would_not_be_without_flooding() {
    let flooded = correlation(0);
    assert!(flooded.abs() < 5.0, "{flooded}");
    let bare = correlation(68);
    assert!(bare > 10.0, "{bare}");
}

/// Responses are uniform for every witness. Two very different secrets give the same bit counts.
#[test]
fn responses_are_uniform_for_every_secret() {
    for seed in [1, 2] {
        let proof = Contribution::honest(seed).prove().unwrap();
        let ones: u32 = proof.responses.iter().flat_map(|f| f.to_bytes()).map(u8::count_ones).sum();
        // Each of the 2434 responses has 252 uniform bits and one that is almost always zero. The
        // limit is six standard deviations.
        let (expected, deviation) = (126.0 * 2434.0, (63.0 * 2434.0_f64).sqrt());
        assert!((f64::from(ones) - expected).abs() < 6.0 * deviation, "{ones}");
    }
}

/// The v_j spread over the whole range of y.
#[test]
fn sums_fill_the_range_of_the_flooding() {
    let proof = Contribution::honest(3).prove().unwrap();
    assert_eq!(proof.sums.len(), SMALLNESS_ROWS);
    let positive = proof.sums.iter().filter(|sum| **sum > 0).count();
    let large = proof.sums.iter().filter(|sum| sum.unsigned_abs() > 1 << 118).count();
    // Each of the 128 sums is a fair coin, so the counts are 64 ± 6 · 5.7.
    assert!((30..=98).contains(&positive) && (30..=98).contains(&large), "{positive} {large}");
}
