//! Completeness: contributions within the bound are accepted.

use std::env;

use lattice::RING_DEGREE;
use rand::{SeedableRng, rngs::StdRng};

use super::fixture::{BOUND, Contribution, backend, gaussian, rng};
use crate::{GroupEquations, NormProof, NormProofError, PROOF_BYTES, Projecting, Verifying};

/// The number of runs, from the variable `NORM_PROOF_RUNS`. The default is small enough for daily
/// use.
fn runs() -> u64 {
    env::var("NORM_PROOF_RUNS").map_or(24, |runs| runs.parse().expect("NORM_PROOF_RUNS is a number"))
}

#[test]
fn honest_proofs_are_accepted_and_have_the_stated_length() {
    for seed in 0..runs() {
        let contribution = Contribution::honest(seed);
        let bytes = contribution.prove().unwrap().to_bytes();
        assert_eq!(bytes.len(), PROOF_BYTES);
        contribution.verify(&NormProof::from_bytes(&bytes).unwrap()).unwrap();
    }
}

#[test]
fn the_zero_contribution_and_single_coordinates_are_accepted() {
    let mut update = vec![0; RING_DEGREE];
    for value in [0, BOUND as i64, -(BOUND as i64)] {
        update[7] = value;
        let contribution = Contribution::of(&update, 1);
        contribution.verify(&contribution.prove().unwrap()).unwrap();
    }
}

#[test]
fn a_proof_exists_a_tenth_above_the_bound_but_not_at_three_times_the_bound() {
    let mut rng = StdRng::seed_from_u64(5);
    for (factor, accepted) in [(1.1, true), (3.0, false)] {
        let update = gaussian(1, factor * BOUND as f64, &mut rng);
        assert_eq!(Contribution::of(&update, 1).folding().is_ok(), accepted, "{factor}");
    }
}

/// Even with a generator that always returns the same bytes, two proofs must not share a mask.
#[test]
fn randomness_is_hedged_with_statement_and_witness() {
    struct Broken;
    impl rand::RngCore for Broken {
        fn next_u32(&mut self) -> u32 {
            7
        }
        fn next_u64(&mut self) -> u64 {
            7
        }
        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
            bytes.fill(7);
            Ok(())
        }
    }
    impl rand::CryptoRng for Broken {}

    let prove = |contribution: &Contribution| {
        let mut prover = contribution.projecting().commit(&mut Broken).unwrap();
        super::fixture::fold(&mut prover, 2);
        prover.finish().unwrap()
    };
    let contribution = Contribution::honest(9);
    let (first, again) = (prove(&contribution), prove(&contribution));
    assert_eq!(first.announcements, again.announcements, "the generator is as broken as it can be");
    let mut other_statement = Contribution::honest(9);
    other_statement.statement.0.weight += 1;
    let mut other_witness = Contribution::honest(9);
    other_witness.phi[0] += 1;
    for other in [other_statement, other_witness] {
        let other = prove(&other);
        for (one, other) in first.announcements.iter().zip(&other.announcements) {
            assert_ne!(one, other);
        }
        assert_ne!(first.projection, other.projection);
    }
}

#[test]
fn blocks_may_be_read_in_pieces_of_any_size() {
    let contribution = Contribution::honest(3);
    let mut prover =
        Projecting::begin(contribution.statement.clone(), contribution.key(), contribution.blinding);
    prover.project(&backend(), &contribution.phi).unwrap();
    let mut prover = prover.commit(&mut rng()).unwrap();
    prover.fold(&backend(), 2).unwrap();
    let proof = prover.finish().unwrap();
    let mut verifier = Verifying::begin(contribution.statement.clone(), proof);
    for block in contribution.body.chunks(contribution.body.len() / 2) {
        verifier.read(&backend(), block).unwrap();
    }
    verifier.finish(&mut rng()).unwrap().verify(&mut rng()).unwrap();
}

#[test]
fn missing_surplus_and_partial_blocks_are_refused() {
    let contribution = Contribution::honest(4);
    let prover =
        || Projecting::begin(contribution.statement.clone(), contribution.key(), contribution.blinding);
    let incomplete = prover().commit(&mut rng()).unwrap_err();
    assert!(matches!(incomplete, NormProofError::Incomplete { next_block: 0, blocks: 2 }));
    let three = [&contribution.phi[..], &contribution.phi[..RING_DEGREE]].concat();
    for values in [&three[..], &three[..1]] {
        let refused = prover().project(&backend(), values).unwrap_err();
        assert!(matches!(refused, NormProofError::Sequence { next_block: 0, blocks: 2, .. }));
    }

    let folding = contribution.projecting().commit(&mut rng()).unwrap();
    assert!(matches!(folding.finish().unwrap_err(), NormProofError::Incomplete { .. }));
    let proof = contribution.prove().unwrap();
    let verifier = || Verifying::begin(contribution.statement.clone(), proof.clone());
    assert!(matches!(verifier().finish(&mut rng()).unwrap_err(), NormProofError::Incomplete { .. }));
    for body in [&contribution.body[1..], &[&contribution.body[..], &contribution.body[..]].concat()] {
        let refused = verifier().read(&backend(), body).unwrap_err();
        assert!(matches!(refused, NormProofError::Sequence { .. }), "{refused}");
    }
}

#[test]
fn a_batch_names_exactly_the_wrong_proofs() {
    let contributions: Vec<_> = (0..4).map(Contribution::honest).collect();
    let equations = |wrong: Option<usize>| -> Vec<GroupEquations> {
        let one = |(index, contribution): (usize, &Contribution)| {
            let mut prover = contribution.folding().unwrap();
            if wrong == Some(index) {
                prover.secrets.blindings[1] += curve25519_dalek::Scalar::ONE;
            }
            let proof = prover.finish().unwrap();
            super::fixture::equations(&contribution.statement, &proof, &contribution.body).unwrap()
        };
        contributions.iter().enumerate().map(one).collect()
    };
    assert!(GroupEquations::verify_batch(&[], &mut rng()).is_empty());
    let all = GroupEquations::verify_batch(&equations(None), &mut rng());
    assert!(all.len() == 4 && all.iter().all(Result::is_ok));
    let some = GroupEquations::verify_batch(&equations(Some(2)), &mut rng());
    let wrong: Vec<_> = some.iter().map(|result| matches!(result, Err(NormProofError::Opening))).collect();
    assert_eq!(wrong, [false, false, true, false]);
    assert!(some[0].is_ok() && some[1].is_ok() && some[3].is_ok());
}
