//! How often one try passes the projection. `examples/accept_rates.rs` prints a finer table.

use lattice::{MaskingBackend, RING_DEGREE, expand::ProjectionRows};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::fixture::{BOUND, Contribution, backend, gaussian};
use crate::{NormProofError, parameters::COMPLETENESS};

const TRIES: u32 = 400;

/// The share of tries in which `phi` projects to a vector within the bound.
fn rate(phi: &[i64], rng: &mut StdRng) -> f64 {
    let limit = COMPLETENESS * u128::from(BOUND).pow(2);
    let mut passes = || {
        let rows = ProjectionRows::new(rng.r#gen::<[u8; 32]>().into());
        let mut sums = [0; ProjectionRows::COUNT];
        backend().project(&rows, 0, phi, &mut sums).unwrap();
        sums.iter().map(|w: &i64| u128::from(w.unsigned_abs()).pow(2)).sum::<u128>() <= limit
    };
    (0..TRIES).map(|_| f64::from(u8::from(passes()))).sum::<f64>() / f64::from(TRIES)
}

/// The rates of dense vectors are those of a chi-square: certain at 1, 0.52 at 1.31, 0.002 at 1.5,
/// 2⁻¹⁷ at 1.61.
#[test]
fn one_try_passes_always_at_the_bound_half_the_time_at_1_31_and_never_from_1_61_on() {
    let rng = &mut StdRng::seed_from_u64(21);
    for (length, least, most) in [(1.0, 1.0, 1.0), (1.31, 0.42, 0.62), (1.5, 0.0, 0.02), (1.61, 0.0, 0.0)] {
        let dense = gaussian(1, length * BOUND as f64, rng);
        let rate = rate(&dense, rng);
        assert!((least..=most).contains(&rate), "{rate} at {length}");
    }
    let mut single = vec![0; RING_DEGREE];
    for (length, least, most) in [(1.0, 1.0, 1.0), (1.31, 0.42, 0.62), (1.5, 0.0, 0.01), (1.61, 0.0, 0.0)] {
        single[5] = (length * BOUND as f64) as i64;
        let rate = rate(&single, rng);
        assert!((least..=most).contains(&rate), "{rate} at {length}, one coordinate");
    }
}

/// A whole proof exists, and verifies, exactly when the projection is within the bound.
#[test]
fn a_proof_exists_when_the_projection_passes() {
    let rng = &mut StdRng::seed_from_u64(22);
    let (mut made, mut refused) = (0, 0);
    for seed in 0..16 {
        let contribution = Contribution::of(&gaussian(1, 1.31 * BOUND as f64, rng), seed);
        match contribution.prove() {
            Ok(proof) => {
                contribution.verify(&proof).unwrap();
                made += 1;
            }
            Err(error) => {
                assert!(matches!(error, NormProofError::TooLarge), "{error}");
                refused += 1;
            }
        }
    }
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
}
