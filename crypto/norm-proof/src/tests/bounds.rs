//! Recomputes the numbers behind soundness and zero knowledge, for the largest allowed rounds.

use lattice::{MODULUS, RING_DEGREE, Width, expand::ProjectionRows};
use proptest::prelude::*;

use super::fixture::BOUND;
use crate::{
    NormProofError, Parameters,
    generators::LIMBS,
    parameters::{COMPLETENESS, FLOODING_LOG2},
    slack,
    witness::{FLOODING, SMALLNESS_ROWS},
};

/// The largest allowed B_φ, from ⌈2.71·B_φ⌉ ≤ ⌊q/125⌋.
const LARGEST_BOUND: u64 = MODULUS / 125 * 100 / 271;

fn parameters(bound: u64, holders: u8) -> Result<Parameters, NormProofError> {
    Parameters::new(1, Width::from_transport_bits(20).unwrap(), bound, holders)
}

/// log₂ of ℓ/2, rounded down.
const HALF_ORDER_LOG2: f64 = 251.0;

fn log2(value: u128) -> f64 {
    (value as f64).log2()
}

/// (S) limits the integers of a cheater. With integers of that size, every relation stays below
/// ℓ/2. A relation that holds modulo ℓ therefore holds over the integers.
#[test]
fn relations_modulo_the_group_order_hold_over_the_integers() {
    for bound in [1, BOUND, LARGEST_BOUND] {
        for holders in [1, 8] {
            let parameters = parameters(bound, holders).unwrap();
            // An entry that passes all rows of (S) is at most 2V.
            let entry = log2(2 * parameters.smallness_bound());
            assert!(entry < 120.001, "{entry}");
            let rows = (ProjectionRows::COUNT as f64).log2();
            let quadratic = rows + 2.0 * entry;
            assert!(quadratic < 248.01);
            // The other terms of ‖w‖² + σ₀ + 2⁶⁴·σ₁ = 220·B_φ² are far below the limit of ‖w‖².
            assert!(log2(parameters.projected_bound()) < 120.0);
            let linear = (RING_DEGREE as f64).log2() + 64.0 + entry;
            assert!(quadratic + 1.0 < HALF_ORDER_LOG2 && linear + 2.0 < HALF_ORDER_LOG2);
        }
    }
}

/// The slack is below 2¹²⁸, so two limbs hold it.
#[test]
fn the_slack_fits_its_limbs() {
    let largest = parameters(LARGEST_BOUND, 8).unwrap().projected_bound();
    assert!(largest < 1 << 119);
    assert_eq!(slack::limbs(largest, &[0]), Some([largest as u64, (largest >> 64) as u64]));
}

/// The bound on the statistical distance of (v_1 … v_128) from values that do not depend on the
/// secret.
#[test]
fn the_flooding_hides_the_sums() {
    let distance = |bound, holders| {
        let combination = log2(parameters(bound, holders).unwrap().combination_bound());
        combination - f64::from(FLOODING_LOG2 + 1) + (SMALLNESS_ROWS as f64).log2()
    };
    assert!(distance(BOUND, 2) < -54.0, "{}", distance(BOUND, 2));
    assert!(distance(LARGEST_BOUND, 8) < -47.8, "{}", distance(LARGEST_BOUND, 8));
    assert_eq!(FLOODING.len(), SMALLNESS_ROWS);
}

/// H_t(w) of the lemma, E |cos(√(t/2)·g·w)|^(2/w²) for a standard normal g. It is computed with the
/// trapezoidal rule.
fn row_moment(t: f64, w: f64) -> f64 {
    const STEP: f64 = 0.005;
    if w == 0.0 {
        return (1.0 + t).powf(-0.5);
    }
    let density = |g: f64| (-g * g / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let value = |g: f64| ((t / 2.0).sqrt() * g * w).cos().abs().powf(2.0 / (w * w)) * density(g);
    (-2000..=2000).map(|k| value(f64::from(k) * STEP)).sum::<f64>() * STEP
}

/// log₂ of the lemma's bound on the probability that a vector of length b projects to less than
/// `threshold`·b².
fn lower_tail_log2(threshold: f64) -> f64 {
    const T: f64 = 2.31;
    let rows = ProjectionRows::COUNT as f64;
    let largest = (0..=500).map(|w| row_moment(T, f64::from(w) / 500.0)).fold(0.0, f64::max);
    // |y − kq| is at least 62.5·b, so |X| or |y − kq + X| is at least half of it.
    let reach = 62.5_f64 / 2.0;
    let wrapped = 4.0 * (2.0 * (-reach * reach / 5.0).exp() + (-T * reach * reach).exp());
    assert!(wrapped.log2() < -250.0);
    let no_large_coordinate = (threshold * T + rows * (largest + wrapped).ln()) / std::f64::consts::LN_2;
    let binomial =
        |n: u32| (0..n).map(|k| ((rows - f64::from(k)) / f64::from(n - k)).log2()).sum::<f64>() - rows;
    let large_coordinate = (0..30).map(|n| binomial(n).exp2()).sum::<f64>().log2();
    assert!((-128.99..-128.98).contains(&large_coordinate), "{large_coordinate}");
    no_large_coordinate.max(large_coordinate)
}

/// The moment has a closed form for a single coordinate and for a dense vector.
#[test]
fn moments_of_a_row_are_those_of_the_two_extreme_vectors() {
    for t in [0.5, 2.31, 6.0_f64] {
        assert!((row_moment(t, 1.0) - (1.0 + (-t).exp()) / 2.0).abs() < 1e-12);
        assert!((row_moment(t, 0.02) - row_moment(t, 0.0)).abs() < 1e-3);
    }
}

/// Pr[Γ(128) ≤ x], the probability that a dense vector of length 1 projects to at most x. The
/// square of a projection's norm is half a chi-square of 256 degrees of freedom.
fn dense_lower_tail(x: f64) -> f64 {
    let shape = ProjectionRows::COUNT / 2;
    let mut term = (1..=shape).fold((-x).exp(), |term, k| term * x / k as f64);
    let mut sum = 0.0;
    for k in shape + 1..4 * ProjectionRows::COUNT {
        sum += term;
        term *= x / k as f64;
    }
    sum
}

/// Pr[Bin(256, ½) ≤ x], the same for a single coordinate.
fn single_lower_tail(x: f64) -> f64 {
    let rows = ProjectionRows::COUNT as f64;
    let mut term = (-rows * std::f64::consts::LN_2).exp();
    let mut sum = 0.0;
    for k in 0..=x as u32 {
        sum += term;
        term *= (rows - f64::from(k)) / f64::from(k + 1);
    }
    sum
}

/// The probability that one try of a cheater passes, at multiples of B_φ. Up to 2.5·B_φ the best
/// known vector is dense. Near the proved factor it is a single coordinate.
#[test]
fn one_try_passes_as_often_as_the_page_says() {
    let tail = |factor: f64| {
        let threshold = COMPLETENESS as f64 / (factor * factor);
        dense_lower_tail(threshold).max(single_lower_tail(threshold)).log2()
    };
    for (factor, expected) in
        [(1.31, -1.0), (1.61, -17.0), (1.86, -40.0), (2.0, -54.7), (2.42, -100.0), (2.71, -129.0)]
    {
        assert!((tail(factor) - expected).abs() < 0.3, "{factor}: {}", tail(factor));
    }
    let honest = (1.0 - dense_lower_tail(COMPLETENESS as f64)).log2();
    assert!((-37.2..-37.0).contains(&honest), "{honest}");
}

#[test]
fn the_lemmas_tails_are_as_small_as_it_says() {
    assert!(lower_tail_log2(30.0) < -121.0, "{}", lower_tail_log2(30.0));
    let (bound, rows) = (COMPLETENESS as f64, ProjectionRows::COUNT as f64);
    let t = 1.0 - rows / (2.0 * bound);
    let upper = (-bound * t - rows / 2.0 * (1.0 - t).ln()) / std::f64::consts::LN_2;
    assert!((-32.8..-32.7).contains(&upper), "{upper}");
}

/// The probability that one attempt with ‖φ‖₂ > ⌈2.71·B_φ⌉ passes. It is the sum of the errors of
/// the lemma, of z, of the rows, of α and of x.
#[test]
fn the_soundness_error_of_an_attempt_is_below_2_to_the_minus_100() {
    let order = 252.0;
    let errors = [
        lower_tail_log2(30.0),
        2.0 * ((ProjectionRows::COUNT as f64 - 1.0).log2() - 64.0) + 1e-9,
        -(SMALLNESS_ROWS as f64),
        (2.0 + SMALLNESS_ROWS as f64).log2() - order,
        1.0 - order,
    ];
    let total = errors.into_iter().map(f64::exp2).sum::<f64>().log2();
    assert!((-112.1..-112.0).contains(&total), "{total}");
}

/// The proof shows ‖Rφ mod q‖² ≤ 220·B_φ². That is at most the lemma's bound 30·⌈2.71·B_φ⌉².
#[test]
fn the_proved_bound_is_the_lemmas() {
    for bound in [1, 3, BOUND, LARGEST_BOUND] {
        let influence = (271 * u128::from(bound)).div_ceil(100);
        assert!(parameters(bound, 2).unwrap().projected_bound() <= 30 * influence * influence);
        assert!(125 * influence <= u128::from(MODULUS));
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let width = Width::from_transport_bits(20).unwrap();
    assert!(matches!(Parameters::new(0, width, BOUND, 2), Err(NormProofError::Blocks { blocks: 0 })));
    assert!(Parameters::new(1 << 21, width, BOUND, 2).is_ok());
    assert!(Parameters::new((1 << 21) + 1, width, BOUND, 2).is_err());
    assert!(matches!(parameters(BOUND, 0), Err(NormProofError::Holders { holders: 0 })));
    assert!(matches!(parameters(BOUND, 9), Err(NormProofError::Holders { holders: 9 })));
    assert!(matches!(parameters(0, 2), Err(NormProofError::NormBound { noisy_norm_bound: 0 })));
    assert!(matches!(parameters(LARGEST_BOUND + 2, 2), Err(NormProofError::NormBound { .. })));
    assert!(matches!(parameters(u64::MAX, 2), Err(NormProofError::NormBound { .. })));
}

/// (Q) is exact. A projection at the bound has slack zero. The next longer projection has no slack.
#[test]
fn the_threshold_of_the_projection_is_exact() {
    let bound = 3 * 3 + 4 * 4;
    assert_eq!(slack::limbs(bound, &[3, -4]), Some([0; LIMBS]));
    assert_eq!(slack::limbs(bound - 1, &[3, -4]), None);
    assert_eq!(slack::limbs(bound + 1, &[3, -4]), Some([1, 0]));
    assert_eq!(slack::limbs(u128::MAX, &[i128::MAX]), None);
    assert_eq!(slack::limbs(u128::MAX, &[1 << 64]), None);
    assert_eq!(
        slack::limbs(u128::MAX, &[i64::MIN.into(), i64::MIN.into(), i64::MIN.into()]).unwrap()[1] >> 62,
        0
    );
}

proptest! {
    #[test]
    fn limbs_make_up_the_slack(w in prop::collection::vec(any::<i64>(), 0..3), bound in any::<u128>()) {
        let wide: Vec<i128> = w.iter().map(|&w| w.into()).collect();
        let norm: u128 = wide.iter().map(|w| w.unsigned_abs().pow(2)).sum();
        let expected = bound.checked_sub(norm).map(|slack| [slack as u64, (slack >> 64) as u64]);
        prop_assert_eq!(slack::limbs(bound, &wide), expected);
    }
}
