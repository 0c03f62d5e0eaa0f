//! Provers that leave the protocol. The verifier must refuse each for its own reason.

use curve25519_dalek::Scalar;
use lattice::expand::{ProjectionRows, PublicStream, Purpose};
use lattice::{FoldingBackend, Fq, MODULUS, RING_DEGREE, RowFold, RowFolding, field};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sharing::Commitment;

use super::fixture::{BOUND, Contribution, backend, equations, fold, gaussian, rng};
use crate::{
    Folding, NormProof, NormProofError,
    equations::Combination,
    linear::Relation,
    prove::{Opening, Secrets, flood, quotient},
    slack,
    transcript::ProofTranscript,
    vector_commitment::commit,
    witness::{self, FLOODING, KEY, PROJECTION, QUOTIENTS, scalar},
};

/// R·φ mod q, centred, computed from the definition of R.
fn projection(rows: &ProjectionRows, phi: &[i64]) -> Vec<i64> {
    let mut sums = vec![Fq::ZERO; ProjectionRows::COUNT];
    for (index, value) in phi.iter().enumerate().filter(|(_, value)| **value != 0) {
        let mut stream =
            PublicStream::new(rows.stream_key(), (index / RING_DEGREE) as u64, Purpose::PROJECTION);
        let mut words = vec![0; 8 * (index % RING_DEGREE + 1)];
        stream.fill(&mut words);
        let (plus, minus) = words[words.len() - 8..].split_at(4);
        for (t, sum) in sums.iter_mut().enumerate() {
            let bit = |words: &[u64]| words[t / 64] >> (t % 64) & 1;
            match (bit(plus), bit(minus)) {
                (1, 0) => *sum += Fq::from(*value),
                (0, 1) => *sum -= Fq::from(*value),
                _ => {}
            }
        }
    }
    sums.into_iter().map(Fq::centred).collect()
}

/// The square of the norm of `w`, as a real number.
fn square(w: &[i64]) -> f64 {
    w.iter().map(|&w| w as f64 * w as f64).sum()
}

/// A prover that claims the projection `claim`. Its slack is zero at first.
fn claiming(contribution: &Contribution, claim: &[i64]) -> Folding {
    let mut transcript = ProofTranscript::new(&contribution.statement);
    let rows = transcript.projection_rows();
    let opening = Opening::new(contribution.key(), contribution.blinding);
    let secrets = Secrets::boxed(&opening, claim, &transcript, &mut rng());
    let mut prover = Folding::begin(contribution.statement.clone(), transcript, rows, secrets);
    fold(&mut prover, contribution.phi.len() / RING_DEGREE);
    prover
}

/// The prover with the same secrets and a new commitment to w. Other challenges follow from it.
fn recommitted(prover: Folding, contribution: &Contribution) -> Folding {
    let mut secrets = prover.secrets;
    secrets.blindings[1] = Scalar::random(&mut rng());
    let mut transcript = ProofTranscript::new(&contribution.statement);
    let rows = transcript.projection_rows();
    let mut prover = Folding::begin(contribution.statement.clone(), transcript, rows, secrets);
    fold(&mut prover, contribution.phi.len() / RING_DEGREE);
    prover
}

fn copy(contribution: &Contribution) -> Contribution {
    Contribution {
        statement: contribution.statement.clone(),
        key: contribution.key.clone(),
        blinding: contribution.blinding,
        phi: contribution.phi.clone(),
        body: contribution.body.clone(),
    }
}

/// Y_z for both z, as the verifier computes them from b.
fn right_sides(contribution: &Contribution, prover: &Folding) -> [Fq; 2] {
    let parameters = &contribution.statement.parameters;
    let job = RowFolding {
        rows: &contribution.rows(),
        masks: &contribution.statement.masks,
        challenges: prover.challenges,
        width: parameters.width(),
    };
    let mut folds = std::array::from_fn(|_| RowFold::zero());
    let blocks = contribution.phi.len() / RING_DEGREE;
    backend().fold_rows(&job, 0, blocks, Some(&contribution.body), &mut folds).unwrap();
    let dropped_bits = Fq::new(1 << parameters.width().transport_bits());
    folds.map(|fold| fold.inner * dropped_bits)
}

/// Sets κ to the values that (L) requires modulo ℓ, and checks that (L) then holds modulo ℓ.
/// Returns whether both quotients are small.
fn force_linear_relations(prover: &mut Folding, relations: &[Relation; 2], right_sides: [Fq; 2]) -> bool {
    let q = Scalar::from(MODULUS);
    let mut small = true;
    for ((entry, relation), y) in QUOTIENTS.zip(relations).zip(right_sides) {
        let coefficients = relation.key_coefficients.iter().chain(&relation.powers);
        let entries = &prover.secrets.scalars[KEY.start..PROJECTION.end];
        let left: Scalar = coefficients.zip(entries).map(|(&c, value)| Scalar::from(c) * value).sum();
        let quotient = (left - Scalar::from(y.value())) * q.invert();
        assert_eq!(left - q * quotient, Scalar::from(y.value()));
        small &= is_small(&quotient);
        prover.secrets.scalars[entry] = quotient;
    }
    small
}

/// Whether a scalar is an integer below 2¹²⁰ in magnitude.
fn is_small(value: &Scalar) -> bool {
    [*value, -value].iter().any(|value| value.as_bytes()[15..].iter().all(|&byte| byte == 0))
}

/// Finishes the proof with fresh flooding.
fn finish_with(mut prover: Folding, relations: &[Relation; 2]) -> NormProof {
    for entry in FLOODING {
        let flooding = flood(&mut prover.secrets.rng);
        prover.secrets.set(entry, flooding);
    }
    let smallness = prover.secrets.commit(2);
    prover.respond(relations, smallness)
}

/// 220·B_φ² − ‖w‖² modulo ℓ.
fn slack_scalar(folding: &Folding) -> Scalar {
    let bound = Scalar::from(folding.statement.parameters.projected_bound());
    bound - folding.secrets.scalars[PROJECTION].iter().map(|w| w * w).sum::<Scalar>()
}

/// Contributions of many shapes, by name. All are too large.
fn oversized() -> Vec<(&'static str, Vec<i64>)> {
    let mut rng = StdRng::seed_from_u64(11);
    let d = 2 * RING_DEGREE;
    let half = (MODULUS / 2) as i64;
    let of = |f: &dyn Fn(usize) -> f64| (0..d).map(|i| f(i) as i64).collect::<Vec<_>>();
    let spread = 40.0 * BOUND as f64 / (d as f64).sqrt();
    let sparse = |entries: &[(usize, i64)]| {
        let mut phi = vec![0; d];
        entries.iter().for_each(|&(index, value)| phi[index] = value);
        phi
    };
    vec![
        ("ten times the bound", gaussian(2, 10.0 * BOUND as f64, &mut rng)),
        ("a thousand times the bound", gaussian(2, 1000.0 * BOUND as f64, &mut rng)),
        ("one huge coordinate", sparse(&[(77, half)])),
        ("half the modulus twice", sparse(&[(0, half), (1, half)])),
        ("half the modulus with both signs", sparse(&[(5, half), (3000, -half)])),
        (
            "a quarter of the modulus four times",
            sparse(&[(1, half / 2), (2, half / 2), (3, half / 2), (4, half / 2)]),
        ),
        ("a spread sinusoid", of(&|i| spread * (i as f64 * 0.01).sin())),
        ("block-periodic", of(&|i| spread * ((i % RING_DEGREE) as f64 * 0.3).cos())),
        ("a constant", of(&|_| spread)),
        ("a random well-formed body", (0..d).map(|_| field::centre(rng.gen_range(0..MODULUS))).collect()),
    ]
}

#[test]
fn oversized_contributions_have_long_projections_and_no_honest_proof() {
    for (name, phi) in oversized() {
        let contribution = Contribution::of(&phi, 1);
        let w = projection(&contribution.rows(), &contribution.phi);
        assert!(square(&w) > contribution.statement.parameters.projected_bound() as f64, "{name}");
        // The prover's arithmetic is modulo 2⁶⁴. A value that wraps may become another one, but
        // never a valid proof.
        let refused = contribution.prove().and_then(|proof| contribution.verify(&proof)).unwrap_err();
        assert!(matches!(refused, NormProofError::TooLarge | NormProofError::Linear), "{name}: {refused}");
    }
}

/// Shows why R has zeros. With signs alone, two coordinates of half the modulus always project to
/// almost nothing.
#[test]
fn rows_without_zeros_would_let_half_the_modulus_pass_twice() {
    let half = MODULUS / 2;
    for (first, second) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
        let sum = Fq::from(first) * Fq::new(half) + Fq::from(second) * Fq::new(half);
        assert!(sum.centred().abs() <= 1);
    }
}

/// The prover claims the true projection. It makes the range proof for some number that is in
/// range.
#[test]
fn a_negative_slack_fails_the_range_proof() {
    for (name, phi) in oversized() {
        let contribution = Contribution::of(&phi, 1);
        let w = projection(&contribution.rows(), &contribution.phi);
        let mut prover = claiming(&contribution, &w);
        *prover.secrets.slack = [slack_scalar(&prover), Scalar::ZERO];
        let refused = contribution.verify(&prover.finish().unwrap()).unwrap_err();
        assert!(matches!(refused, NormProofError::Range(_)), "{name}: {refused}");
    }
}

/// The prover claims the true projection and a slack that is in range but wrong.
#[test]
fn a_wrong_slack_fails_the_quadratic_relation() {
    for (name, phi) in oversized() {
        let contribution = Contribution::of(&phi, 1);
        let w = projection(&contribution.rows(), &contribution.phi);
        let prover = claiming(&contribution, &w);
        let refused = contribution.verify(&prover.finish().unwrap()).unwrap_err();
        assert!(matches!(refused, NormProofError::Opening), "{name}: {refused}");
    }
}

/// One millionth below the bound after the projection is accepted. One millionth or one hundredth
/// above it is refused.
#[test]
fn the_threshold_is_at_the_bound_of_the_projection() {
    let mut rng = StdRng::seed_from_u64(3);
    let shape = gaussian(1, BOUND as f64, &mut rng);
    let probe = Contribution::of(&shape, 1);
    let norm = square(&projection(&probe.rows(), &probe.phi)).sqrt();
    let limit = (probe.statement.parameters.projected_bound() as f64).sqrt();
    for (factor, accepted) in [(1.0 - 1e-6, true), (1.0 + 1e-6, false), (1.01, false)] {
        let scaled: Vec<i64> = shape.iter().map(|&v| (v as f64 * factor * limit / norm) as i64).collect();
        let contribution = Contribution::of(&scaled, 1);
        match contribution.prove() {
            Ok(proof) => assert!(accepted && contribution.verify(&proof).is_ok(), "{factor}"),
            Err(error) => {
                assert!(!accepted && matches!(error, NormProofError::TooLarge), "{factor}: {error}")
            }
        }
        if !accepted {
            let w = projection(&contribution.rows(), &contribution.phi);
            let mut prover = claiming(&contribution, &w);
            *prover.secrets.slack = [slack_scalar(&prover), Scalar::ZERO];
            let refused = contribution.verify(&prover.finish().unwrap()).unwrap_err();
            assert!(matches!(refused, NormProofError::Range(_)), "{factor}: {refused}");
        }
    }
}

/// A contribution of 1.45·B_φ was within the bound of version 1, ‖Rφ‖² ≤ 337·B_φ². Its prover keeps
/// to that version, and every number that it commits to is in range.
#[test]
fn a_proof_of_the_first_versions_bound_fails_the_quadratic_relation() {
    const FIRST_COMPLETENESS: u128 = 337;
    let phi = gaussian(1, 1.45 * BOUND as f64, &mut StdRng::seed_from_u64(8));
    let contribution = Contribution::of(&phi, 1);
    let w = projection(&contribution.rows(), &contribution.phi);
    let first_bound = FIRST_COMPLETENESS * u128::from(BOUND).pow(2);
    let wide: Vec<i128> = w.iter().map(|&w| w.into()).collect();
    let limbs = slack::limbs(first_bound, &wide).expect("within the bound of version 1");
    assert!(square(&w) > contribution.statement.parameters.projected_bound() as f64);
    let mut prover = claiming(&contribution, &w);
    prover.secrets.set_slack(limbs);
    let refused = contribution.verify(&prover.finish().unwrap()).unwrap_err();
    assert!(matches!(refused, NormProofError::Opening), "{refused}");
}

/// The prover claims the projection of another, small vector for a large one.
#[test]
fn a_false_projection_fails_the_linear_relation() {
    let mut rng = StdRng::seed_from_u64(4);
    let contribution = Contribution::of(&gaussian(2, 100.0 * BOUND as f64, &mut rng), 1);
    let small = projection(&contribution.rows(), &gaussian(2, BOUND as f64, &mut rng));
    let prover = claiming(&contribution, &small);
    assert!(matches!(contribution.verify(&prover.finish().unwrap()), Err(NormProofError::Linear)));
}

/// With κ free, (L) would hold modulo ℓ for any w. Only (S) requires a small κ.
#[test]
fn quotients_out_of_range_fail_the_smallness_relation() {
    let mut rng = StdRng::seed_from_u64(5);
    let contribution = Contribution::of(&gaussian(2, 100.0 * BOUND as f64, &mut rng), 1);
    let mut prover = claiming(&contribution, &[0; ProjectionRows::COUNT]);
    let right_sides = right_sides(&contribution, &prover);
    let relations = prover.relations();
    assert!(!force_linear_relations(&mut prover, &relations, right_sides));
    let proof = finish_with(prover, &relations);
    assert!(matches!(contribution.verify(&proof), Err(NormProofError::Linear)));
}

/// One coordinate is half the modulus, so that its projections are w* ≈ ±q/2. The prover claims the
/// small half-integers (2w* ∓ q)/2 modulo ℓ in their place.
///
/// (Q) holds when their number is a multiple of four. (L) holds, with a small κ, for one challenge
/// in four. But every second sum of (S) is a half-integer.
#[test]
fn half_integers_fail_the_smallness_relation() {
    let mut phi = vec![0; RING_DEGREE];
    phi[9] = (MODULUS / 2) as i64;
    let is_half = |w: &i64| w.unsigned_abs() > MODULUS / 4;
    let candidates = (0..).map(|seed| Contribution::of(&phi, seed));
    let with_claim = candidates.map(|one| (projection(&one.rows(), &one.phi), one));
    let (claim, contribution) = with_claim
        .into_iter()
        .find(|(w, _)| w.iter().filter(|w| is_half(w)).count().is_multiple_of(4))
        .unwrap();

    let mut prover = claiming(&contribution, &claim);
    let doubled = |w: i64| 2 * i128::from(w) - i128::from(w.signum()) * i128::from(MODULUS);
    let mut four_norms = 0;
    for (entry, &w) in PROJECTION.zip(&claim) {
        let twice = if is_half(&w) { doubled(w) } else { 2 * i128::from(w) };
        prover.secrets.set(entry, twice.div_euclid(2));
        prover.secrets.scalars[entry] = scalar(twice) * Scalar::from(2_u8).invert();
        four_norms += twice.unsigned_abs().pow(2);
    }
    assert!(four_norms.is_multiple_of(4));
    let slack = contribution.statement.parameters.projected_bound() - four_norms / 4;
    prover.secrets.set_slack([slack as u64, (slack >> 64) as u64]);
    let [low, high] = *prover.secrets.slack;
    assert_eq!(low + Scalar::from(1_u128 << 64) * high, slack_scalar(&prover), "(Q) holds");

    let mut attempts = 0;
    let (prover, relations) = loop {
        attempts += 1;
        assert!(attempts < 200, "one attempt in four succeeds");
        prover = recommitted(prover, &contribution);
        let right_sides = right_sides(&contribution, &prover);
        let relations = prover.relations();
        if force_linear_relations(&mut prover, &relations, right_sides) {
            break (prover, relations);
        }
    };
    let proof = finish_with(prover, &relations);
    assert!(matches!(contribution.verify(&proof), Err(NormProofError::Linear)));
}

/// A commitment that is sent after z carries a component on the generators of w. Without weights,
/// the sum of the equations would hold.
#[test]
fn a_late_component_on_the_projections_generators_fails_its_own_equation() {
    let contribution = Contribution::honest(6);
    let honest = contribution.folding().unwrap();
    let delta: Vec<i128> = (0..ProjectionRows::COUNT as i128).map(|t| 1_000 - 7 * t).collect();
    let shift = |prover: &mut Folding, sign: i128| {
        for (entry, delta) in PROJECTION.zip(&delta) {
            let shifted = prover.secrets.integers[entry] + sign * delta;
            prover.secrets.set(entry, shifted);
        }
    };

    // Before z, the prover commits to w − δ. After z, the commitment to κ and y contains δ, and the
    // witness is w.
    let mut prover = honest;
    shift(&mut prover, -1);
    let mut prover = recommitted(prover, &contribution);
    shift(&mut prover, 1);
    let relations = prover.relations();
    for (entry, relation) in QUOTIENTS.zip(&relations) {
        let quotient = quotient(relation, &prover.secrets.integers);
        prover.secrets.set(entry, quotient);
    }
    for entry in FLOODING {
        let flooding = flood(&mut prover.secrets.rng);
        prover.secrets.set(entry, flooding);
    }
    let late = commit(PROJECTION, &witness::scalars(&delta), &Scalar::ZERO);
    let smallness = Commitment::from_point(prover.secrets.commit(2).point() + late);
    let proof = prover.respond(&relations, smallness);

    let equations = equations(&contribution.statement, &proof, &contribution.body).unwrap();
    let mut unweighted = Combination::new();
    unweighted.add(&equations, || Scalar::ONE);
    assert!(unweighted.vanishes(), "the attack succeeds against a verifier that merges the equations");
    assert!(matches!(equations.verify(&mut rng()), Err(NormProofError::Opening)));
}

/// The prover folds under challenges of its own choice.
#[test]
fn other_challenges_do_not_verify() {
    let contribution = Contribution::honest(7);
    let mut prover = contribution.projecting().commit(&mut rng()).unwrap();
    prover.challenges = [Fq::new(5), Fq::new(6)];
    fold(&mut prover, 2);
    let proof = prover.finish().unwrap();
    assert!(matches!(contribution.verify(&proof), Err(NormProofError::Linear)));
}

/// The prover masks with one key and commits to another.
#[test]
fn another_key_fails_the_opening_or_the_linear_relation() {
    let contribution = Contribution::honest(8);
    let mut other = copy(&contribution);
    other.key[3] += 1;
    assert!(matches!(contribution.verify(&other.prove().unwrap()), Err(NormProofError::Linear)));
    other.key[3] -= 1;
    other.blinding += Scalar::ONE;
    assert!(matches!(contribution.verify(&other.prove().unwrap()), Err(NormProofError::Opening)));
}
