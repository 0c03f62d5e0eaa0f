use lattice::MODULUS;
use proptest::prelude::*;

use super::*;

fn example() -> RoundRequest {
    RoundRequest {
        dimension: 1 << 20,
        max_contributions: 4096,
        norm_bound: 1 << 18,
        clip: 1.0,
        weight_min: 1,
        weight_max: 1,
        max_total_weight: 4096,
    }
}

/// The example with these weights and 64 contributions, without a cap on their sum.
fn weighted(weight_min: u32, weight_max: u32, norm_bound: u64) -> RoundRequest {
    let max_total_weight = 64 * u64::from(weight_max);
    RoundRequest { max_contributions: 64, norm_bound, weight_min, weight_max, max_total_weight, ..example() }
}

/// Whether the pair meets the conditions, written from their definition.
fn satisfied(request: &RoundRequest, delta: u32, tau: u32) -> bool {
    let q = u128::from(MODULUS);
    let d = u128::from(request.dimension.div_ceil(2048) * 2048);
    let (n, b) = (u128::from(request.max_contributions), u128::from(request.norm_bound));
    let (lightest, heaviest) = (u128::from(request.weight_min), u128::from(request.weight_max));
    let root = (0..).map(|k| d.isqrt() + k).find(|r| r * r >= d).unwrap();
    let errors = root * ((1 << 18) + (1 << (tau - 1)));
    let r = (271 * ((b << delta) + errors)).div_ceil(100);
    let total = 271 * ((b << delta) * u128::from(request.max_total_weight) + n * errors * heaviest);
    let half = 1 << (delta - 1);
    total.div_ceil(100 * heaviest) + n < (q - 1) / 2
        && 125 * r <= q
        && n <= 1 << tau
        && half > 4 * n
        && 64 * n * (((1 << 36) - 1) * 8 + (1 << (2 * tau))) < 12 * (half - 4 * n).pow(2)
        && 256 * errors <= (b * lightest / heaviest) << delta
}

#[test]
fn the_example_round_takes_42_bits_a_coordinate() {
    let constants = RoundConstants::derive(&example()).unwrap();
    assert_eq!((constants.scale_log2, constants.transport_bits), (31, 22));
    assert_eq!(constants.width().bits(), 42);
    assert_eq!(constants.noisy_norm_bound, (1 << 49) + 1024 * ((1 << 18) + (1 << 21)));
    assert_eq!((constants.chunks(), constants.blocks()), (1, 512));
    assert_eq!(constants.body_bytes(), (1 << 20) * 42 / 8);
    assert_eq!(constants.scale, ((1_u64 << 36) as f64 - 2_f64.powi(18) - 2_f64.powi(21)).sqrt());
}

#[test]
fn chunks_cover_the_padded_dimension() {
    let request = RoundRequest { dimension: (5 << 20) + 1, ..example() };
    let constants = RoundConstants::derive(&request).unwrap();
    assert_eq!(constants.padded_dimension, (5 << 20) + 2048);
    assert_eq!(
        (constants.chunks(), constants.chunk_coefficients(4), constants.chunk_coefficients(5)),
        (6, 1 << 20, 2048)
    );
    assert_eq!((constants.chunk_coefficients(6), constants.chunk_coefficients(u64::MAX)), (0, 0));
    assert_eq!((0..6).map(|i| constants.chunk_bytes(i) as u64).sum::<u64>(), constants.body_bytes());
}

#[test]
fn requests_out_of_range_are_refused_by_name() {
    use ConstantsError as E;
    let derive = |change: fn(&mut RoundRequest)| {
        let mut request = example();
        change(&mut request);
        RoundConstants::derive(&request).unwrap_err()
    };
    assert_eq!(derive(|r| r.dimension = 0), E::Dimension { dimension: 0 });
    assert_eq!(derive(|r| r.dimension = (1 << 32) + 1), E::Dimension { dimension: (1 << 32) + 1 });
    assert_eq!(derive(|r| r.max_contributions = 0), E::Contributions { max_contributions: 0 });
    assert_eq!(
        derive(|r| r.max_contributions = (1 << 20) + 1),
        E::Contributions { max_contributions: (1 << 20) + 1 }
    );
    assert_eq!(derive(|r| r.norm_bound = 1023), E::NormBound { norm_bound: 1023 });
    assert_eq!(derive(|r| r.norm_bound = 1 << 31), E::NormBound { norm_bound: 1 << 31 });
    assert_eq!(derive(|r| r.clip = 1e10), E::Clip { clip: 1e10 });
    assert!(matches!(derive(|r| r.clip = f64::NAN), E::Clip { .. }));
    assert_eq!(derive(|r| r.weight_min = 0), E::Weights { weight_min: 0, weight_max: 1 });
    assert_eq!(derive(|r| r.weight_min = 2), E::Weights { weight_min: 2, weight_max: 1 });
    let heavy = E::Weights { weight_min: 1, weight_max: (1 << 20) + 1 };
    assert_eq!(derive(|r| r.weight_max = (1 << 20) + 1), heavy);
    for max_total_weight in [0, 4097] {
        let refused = RoundConstants::derive(&RoundRequest { max_total_weight, ..example() }).unwrap_err();
        assert_eq!(refused, E::TotalWeight { max_total_weight, least: 1, most: 4096 });
    }
}

/// With d' = 2²⁰, four times the root is 4096.
#[test]
fn the_smallest_weight_must_leave_room_for_rounding() {
    let norm_bound = |norm_bound| RoundConstants::derive(&RoundRequest { norm_bound, ..example() });
    assert!(RoundConstants::derive(&weighted(1, 1, 4096)).is_ok());
    assert!(norm_bound(4096).is_ok());
    let remedy = Remedy { norm_bound: Some(4096), ratio: None };
    let refused = ConstantsError::Lightest { lightest: 4095, least: 4096, weight_min: 1, remedy };
    assert_eq!(norm_bound(4095), Err(refused));
    let small = RoundRequest { dimension: 1, norm_bound: 2047, weight_max: 2, ..example() };
    let small = RoundRequest { max_total_weight: 8192, ..small };
    let refused = RoundConstants::derive(&small).unwrap_err();
    assert!(matches!(refused, ConstantsError::Lightest { lightest: 1023, least: 1024, .. }), "{refused}");
    assert!(RoundConstants::derive(&RoundRequest { norm_bound: 2048, ..small }).is_ok());
}

#[test]
fn weights_of_one_to_a_thousand_are_refused_with_the_norm_bound_that_fits() {
    let refused = RoundConstants::derive(&weighted(1, 1000, 1 << 18)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "contributions of weight 1 get the norm bound 262 and need 4096 for their rounding: a norm bound of \
         4096000 fits, or the largest weight at most 64 times the smallest"
    );
    RoundConstants::derive(&weighted(1, 1000, 4_096_000)).unwrap();
    RoundConstants::derive(&weighted(1, 1000, 4_095_999)).unwrap_err();
    RoundConstants::derive(&weighted(1, 64, 1 << 18)).unwrap();
    RoundConstants::derive(&weighted(1, 65, 1 << 18)).unwrap_err();
}

/// 4096 contributions of full weight and a norm bound of 4 096 000 would overflow. A cap on the
/// total weight makes room.
#[test]
fn a_cap_on_the_total_weight_makes_room_for_a_larger_norm_bound() {
    let request =
        RoundRequest { max_contributions: 4096, max_total_weight: 4_096_000, ..weighted(1, 1000, 4_096_000) };
    let refused = RoundConstants::derive(&request).unwrap_err();
    assert!(matches!(refused, ConstantsError::Noise { .. }), "{refused}");
    let capped = RoundRequest { max_total_weight: 400_000, ..request };
    assert!(RoundConstants::derive(&capped).is_ok());
    let small = RoundConstants::derive(&RoundRequest { norm_bound: 1 << 18, ..capped }).unwrap_err();
    assert!(small.to_string().contains("a norm bound of 4096000 fits"), "{small}");
    let small = RoundConstants::derive(&RoundRequest { norm_bound: 1 << 18, ..request }).unwrap_err();
    assert!(
        small.to_string().contains("no norm bound fits, but the largest weight at most 64 times"),
        "{small}"
    );
}

/// The largest norm bound leaves room for a scale of 2²⁴ only. There the errors are a little more
/// than a 256th of 4096.
#[test]
fn errors_that_are_a_large_part_of_the_smallest_contribution_are_refused() {
    let request = RoundRequest {
        max_contributions: 1,
        norm_bound: (1 << 31) - 1,
        weight_max: 524_287,
        max_total_weight: 524_287,
        ..example()
    };
    let remedy = Remedy { norm_bound: None, ratio: Some(524_160) };
    let refused =
        ConstantsError::Errors { scale_log2: 24, lightest: 4096, least: 4097, weight_min: 1, remedy };
    assert_eq!(RoundConstants::derive(&request), Err(refused));
    let fitting = RoundRequest { weight_max: 524_160, max_total_weight: 524_160, ..request };
    assert!(RoundConstants::derive(&fitting).is_ok());
}

#[test]
fn a_round_too_large_for_the_modulus_names_the_condition() {
    let large = RoundRequest {
        max_contributions: 1 << 20,
        norm_bound: (1 << 31) - 1,
        max_total_weight: 1 << 20,
        ..example()
    };
    assert!(matches!(RoundConstants::derive(&large), Err(ConstantsError::Overflow { scale_log2: 20, .. })));
    let noisy = RoundRequest {
        max_contributions: 1 << 16,
        norm_bound: 1 << 20,
        max_total_weight: 1 << 16,
        ..example()
    };
    assert!(matches!(RoundConstants::derive(&noisy), Err(ConstantsError::Noise { .. })));
}

#[test]
fn a_bound_is_proportional_to_the_weight_and_never_above_that_of_the_largest() {
    let constants = RoundConstants::derive(&weighted(6, 520, 400_000)).unwrap();
    let bounds = [6, 110, 364, 520, 521, u32::MAX].map(|weight| constants.norm_bound_of(weight));
    assert_eq!(bounds, [4615, 84615, 280_000, 400_000, 400_000, 400_000]);
    let errors = 1024 * ((1 << 18) + (1 << (constants.transport_bits - 1)));
    for (weight, bound) in [(6, 4615), (110, 84615), (520, 400_000), (u32::MAX, 400_000)] {
        assert_eq!(constants.noisy_norm_bound_of(weight), (bound << constants.scale_log2) + errors);
    }
    assert_eq!(constants.noisy_norm_bound_of(520), constants.noisy_norm_bound);
}

prop_compose! {
    /// Any request in its ranges.
    fn requests()(
        dimension in prop_oneof![1..=4096_u64, 1..=1_u64 << 32],
        contributions_log2 in 0..=20_u32,
        norm_bound in prop_oneof![1 << 10..1_u64 << 14, 1 << 10..1_u64 << 31],
        weight_min in prop_oneof![Just(1), 1..=1_u32 << 12],
        ratio in prop_oneof![Just(1), 1..=200_u32],
        cap in prop_oneof![Just(1.0), 0.0..1.0_f64],
    ) -> RoundRequest {
        let (max_contributions, weight_max) = (1 << contributions_log2, weight_min * ratio);
        let most = u64::from(max_contributions) * u64::from(weight_max);
        let max_total_weight = ((most as f64 * cap) as u64).max(weight_max.into());
        RoundRequest {
            dimension, max_contributions, norm_bound, clip: 0.5, weight_min, weight_max, max_total_weight,
        }
    }
}

proptest! {
    #[test]
    fn derived_constants_are_the_first_pair_that_satisfies_every_condition(request in requests()) {
        let root = (request.dimension.div_ceil(2048) as f64 * 2048.0).sqrt().ceil() as u64;
        let lightest = request.norm_bound * u64::from(request.weight_min) / u64::from(request.weight_max);
        let first = (20..=44).rev().flat_map(|delta| (1..=32).rev().map(move |tau| (delta, tau)))
            .find(|&(delta, tau)| satisfied(&request, delta, tau))
            .filter(|_| lightest >= 1024 && lightest >= 4 * root);
        let derived = RoundConstants::derive(&request).ok();
        prop_assert_eq!(derived.map(|c| (c.scale_log2, c.transport_bits)), first);
    }

    /// A refusal names a norm bound and a ratio with which the round is possible, and the next
    /// smaller bound and the next larger ratio are refused.
    #[test]
    fn what_a_refusal_names_fits_and_nothing_less_does(request in requests()) {
        let (Err(ConstantsError::Lightest { remedy, .. }) | Err(ConstantsError::Errors { remedy, .. })) =
            RoundConstants::derive(&request) else { return Ok(()) };
        let possible = |request: RoundRequest| RoundConstants::derive(&request).is_ok();
        let with_bound = |norm_bound| RoundRequest { norm_bound, ..request };
        match remedy.norm_bound {
            Some(norm_bound) => {
                prop_assert!(possible(with_bound(norm_bound)));
                prop_assert!(!possible(with_bound(norm_bound - 1)));
            }
            None => for norm_bound in [1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 28, (1 << 31) - 1] {
                prop_assert!(!possible(with_bound(norm_bound)));
            }
        }
        // A smallest weight of one makes the ratio the largest weight.
        let with_ratio = |ratio: u64| RoundRequest {
            weight_min: 1,
            weight_max: ratio as u32,
            max_total_weight: u64::from(request.max_contributions) * ratio,
            ..request
        };
        if request.max_total_weight == u64::from(request.max_contributions) * u64::from(request.weight_max) {
            if let Some(ratio) = remedy.ratio {
                prop_assert!(possible(with_ratio(ratio)));
            }
            let next = remedy.ratio.unwrap_or(0) + 1;
            prop_assert!(next > 1 << 20 || !possible(with_ratio(next)));
        }
    }

    /// Nobody's contribution, decoded, is longer than 2.76 times its weight times C, and decoding
    /// adds at most one step in each coordinate, which together is about a quarter of the smallest
    /// weight times C. So no sum of a set wraps, and nobody moves the mean by more than its share
    /// allows.
    #[test]
    fn influence_is_proportional_to_the_weight(request in requests(), at in 0.0..=1.0_f64) {
        let Ok(constants) = RoundConstants::derive(&request) else { return Ok(()) };
        let spread = f64::from(request.weight_max - request.weight_min);
        let weight = request.weight_min + (spread * at) as u32;
        let longest = (271 * u128::from(constants.noisy_norm_bound_of(weight))).div_ceil(100);
        let decoded = longest as f64 / constants.delta() as f64 / constants.scale;
        prop_assert!(decoded <= 2.76 * f64::from(weight) * constants.clip, "{decoded}");
        let steps = (constants.padded_dimension as f64).sqrt() / constants.scale;
        prop_assert!(steps <= 0.26 * f64::from(request.weight_min) * constants.clip, "{steps}");
    }

    /// The largest contributions of a full set stay below (q − 1)/2 together, whatever the weights.
    #[test]
    fn no_set_within_its_caps_can_wrap(request in requests(), at in 0.0..=1.0_f64) {
        let Ok(constants) = RoundConstants::derive(&request) else { return Ok(()) };
        let longest = |weight| (271 * u128::from(constants.noisy_norm_bound_of(weight))).div_ceil(100);
        let weight = request.weight_min + (f64::from(request.weight_max - request.weight_min) * at) as u32;
        // As many of this weight as the caps allow, and one of what is left.
        let count = u64::from(request.max_contributions - 1).min(request.max_total_weight / u64::from(weight));
        let left = request.max_total_weight - count * u64::from(weight);
        let last = u32::try_from(left).unwrap_or(u32::MAX).min(request.weight_max);
        let sum = u128::from(count) * longest(weight) + longest(last);
        prop_assert!(sum < u128::from(MODULUS - 1) / 2);
    }
}
