//! Whole rounds. Values of honest clients sum exactly, the influence of other clients stays within
//! its bounds, and no value can be read without every share of the key.

use lattice::{
    CHUNK_COEFFICIENTS, CpuBackend, MaskPolynomials, MaskingBackend, RING_DEGREE, SmallPoly, field, pack,
    sample::ERROR_BOUND,
};
use masking::{
    ChunkSum, Masker, MaskingError, RoundConstants, RoundRequest, mean, quantise, sum::check_packed,
    unmask_chunk,
};
use names::MaskSeed;
use proptest::prelude::*;
use testkit::seeded;

const MASK_SEED: MaskSeed = MaskSeed::from_bytes([9; 32]);

fn constants(dimension: u64, max_contributions: u32, norm_bound: u64) -> RoundConstants {
    RoundConstants::derive(&RoundRequest::unweighted(dimension, max_contributions, norm_bound, 1.0))
        .expect("a round that exists")
}

/// The same with weights from `weights.0` to `weights.1`.
fn weighted(dimension: u64, max_contributions: u32, norm_bound: u64, weights: (u32, u32)) -> RoundConstants {
    let request = RoundRequest {
        weight_min: weights.0,
        weight_max: weights.1,
        max_total_weight: u64::from(max_contributions) * u64::from(weights.1),
        ..RoundRequest::unweighted(dimension, max_contributions, norm_bound, 1.0)
    };
    RoundConstants::derive(&request).expect("a round that exists")
}

/// The two shares of a client's key.
fn shares(client: u64) -> [SmallPoly; 2] {
    [seeded::key_share(1000 + 2 * client), seeded::key_share(1001 + 2 * client)]
}

/// The masked chunks of a client's contribution.
fn masked(constants: &RoundConstants, client: u64, values: &[i32]) -> Vec<Vec<u8>> {
    let backend = CpuBackend::new();
    let key = SmallPoly::sum(&shares(client));
    let mut masker = Masker::new(&backend, constants, &MASK_SEED, &key, seeded::key(client));
    let mask = |(chunk, values): (usize, &[i32])| {
        let mut packed = Vec::new();
        masker.mask_chunk(chunk as u64, values, &mut packed).expect("the next chunk");
        packed
    };
    values.chunks(CHUNK_COEFFICIENTS).enumerate().map(mask).collect()
}

/// The sum of one chunk over all contributions.
fn sum(constants: &RoundConstants, chunk: u64, contributions: &[Vec<Vec<u8>>]) -> ChunkSum {
    let packed: Vec<&[u8]> = contributions.iter().map(|chunks| chunks[chunk as usize].as_slice()).collect();
    let empty = ChunkSum::new(constants, chunk).expect("a chunk of the round");
    empty.add(&CpuBackend::new(), constants, &packed).expect("canonical words")
}

fn key_sum(keys: impl IntoIterator<Item = SmallPoly>) -> Vec<i64> {
    let mut sum = vec![0; RING_DEGREE];
    for key in keys {
        sum.iter_mut().zip(key.coefficients()).for_each(|(sum, &c)| *sum += i64::from(c));
    }
    sum
}

/// A round of `clients` honest clients: the sum of their values, the sum of their keys, and their
/// contributions.
fn honest_round(constants: &RoundConstants, clients: u64) -> (Vec<i64>, Vec<i64>, Vec<Vec<Vec<u8>>>) {
    let d = constants.padded_dimension as usize;
    let values: Vec<_> = (0..clients).map(|client| seeded::integers(client, d, 1000)).collect();
    let total = (0..d).map(|k| values.iter().map(|v| i64::from(v[k])).sum()).collect();
    let contributions =
        (0..clients).map(|client| masked(constants, client, &values[client as usize])).collect();
    (total, key_sum((0..clients).flat_map(shares)), contributions)
}

/// Pearson's statistic of `values` over 16 bins of equal width in ±`bound`. It has 15 degrees of
/// freedom.
fn chi_square(values: &[i64], bound: f64) -> f64 {
    let mut counts = [0.0_f64; 16];
    values.iter().for_each(|&v| counts[((v as f64 / bound + 1.0) * 8.0).clamp(0.0, 15.0) as usize] += 1.0);
    let expected = values.len() as f64 / 16.0;
    counts.iter().map(|count| (count - expected).powi(2) / expected).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_sum_of_honest_contributions_is_exact(
        clients in 1..8_u64,
        dimension in 1..3 * RING_DEGREE as u64,
        norm_bound in prop_oneof![Just(1 << 10), Just(1 << 18), Just((1 << 31) - 1)],
        seed: u64,
    ) {
        let constants = constants(dimension, clients as u32, norm_bound);
        let d = constants.padded_dimension as usize;
        let values: Vec<_> = (0..clients).map(|client| {
            let mut values = seeded::integers(seed ^ client, d, (norm_bound / 100) as i32);
            // One coordinate uses the whole norm bound B.
            (values[0], values[d - 1]) = (norm_bound as i32, -(norm_bound as i32));
            values
        }).collect();
        let contributions: Vec<_> = (0..clients).map(|i| masked(&constants, i, &values[i as usize])).collect();
        let key_sum = key_sum((0..clients).flat_map(shares));
        let sum = sum(&constants, 0, &contributions);
        prop_assert_eq!(sum.contributions(), clients);
        let unmasked = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &sum).unwrap();
        let expected: Vec<i64> = (0..d).map(|k| values.iter().map(|v| i64::from(v[k])).sum()).collect();
        prop_assert_eq!(unmasked.sums, expected);
        prop_assert!(unmasked.residual_max <= clients * ((1 << 20) + (1 << (constants.transport_bits - 1))));
        prop_assert!(unmasked.residual_max > 0);
    }
}

#[test]
fn a_quantised_mean_comes_back() {
    let constants = weighted(5000, 10, 1 << 18, (1, 5));
    let updates: Vec<Vec<f32>> = (0..3_u64)
        .map(|i| seeded::integers(i, 5000, 1000).iter().map(|&v| v as f32 / 1e6).collect())
        .collect();
    let weights = [1_u32, 5, 2];
    let quantised = |i: usize| quantise(&updates[i], weights[i], &constants, seeded::key(i as u64)).unwrap();
    let contributions: Vec<_> = (0..3).map(|i| masked(&constants, i as u64, quantised(i).values())).collect();
    let sum = sum(&constants, 0, &contributions);
    let key_sum = key_sum((0..3).flat_map(shares));
    let sums = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &sum).unwrap().sums;
    let mean = mean(&sums[..5000], &constants, 8);
    for (k, mean) in mean.into_iter().enumerate() {
        let expected: f32 = (0..3).map(|i| updates[i][k] * weights[i] as f32).sum::<f32>() / 8.0;
        assert!((f64::from(mean - expected)).abs() <= 3.0 / (8.0 * constants.scale) + 1e-9);
    }
}

/// Weights from 1 to 1000 at d = 2²⁰. The refusal of a smaller norm bound names this one.
#[test]
fn a_mean_over_weights_of_one_to_a_thousand_is_close_to_that_of_real_numbers() {
    const D: usize = 1 << 20;
    let constants = weighted(D as u64, 8, 4_096_000, (1, 1000));
    let weights = [1_u32, 3, 40, 77, 250, 999, 1000, 500];
    let updates: Vec<Vec<f32>> = (0..8_u64)
        .map(|i| {
            let values: Vec<f32> = seeded::integers(i, D, 1000).iter().map(|&v| v as f32).collect();
            let norm = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            values.iter().map(|v| (f64::from(*v) / norm * 0.999) as f32).collect()
        })
        .collect();
    let contributions: Vec<_> = (0..8)
        .map(|i| {
            let quantised =
                quantise(&updates[i], weights[i], &constants, seeded::key(i as u64 + 100)).unwrap();
            assert_eq!(quantised.clip_ratio(), 1.0);
            masked(&constants, i as u64, quantised.values())
        })
        .collect();
    let sum = sum(&constants, 0, &contributions);
    let key_sum = key_sum((0..8).flat_map(shares));
    let sums = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &sum).unwrap().sums;
    let total: u32 = weights.iter().sum();
    let (mut difference, mut length) = (0.0, 0.0);
    for (k, mean) in mean(&sums, &constants, total.into()).into_iter().enumerate() {
        let expected: f64 = (0..8).map(|i| f64::from(updates[i][k]) * f64::from(weights[i])).sum();
        let expected = expected / f64::from(total);
        difference += (f64::from(mean) - expected).powi(2);
        length += expected.powi(2);
    }
    let relative = (difference / length).sqrt();
    assert!(relative < 0.01, "{relative}");
}

#[test]
fn contributions_of_several_chunks_sum_exactly_in_any_grouping() {
    let constants = constants((1 << 20) + 2 * RING_DEGREE as u64, 4, 1 << 18);
    let (total, key_sum, contributions) = honest_round(&constants, 2);
    for chunk in 0..2_u64 {
        let at_once = sum(&constants, chunk, &contributions);
        let one_by_one =
            contributions.iter().fold(ChunkSum::new(&constants, chunk).unwrap(), |sum, chunks| {
                sum.add(&CpuBackend::new(), &constants, &[&chunks[chunk as usize]]).unwrap()
            });
        assert_eq!(at_once, one_by_one);
        let stored = ChunkSum::from_words(&constants, chunk, 2, at_once.words().to_vec()).unwrap();
        let unmasked = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &stored).unwrap();
        assert_eq!(unmasked.sums, total[chunk as usize * CHUNK_COEFFICIENTS..][..unmasked.sums.len()]);
    }
}

#[test]
fn one_share_of_the_key_reveals_nothing_that_looks_unlike_noise() {
    let constants = constants(16 * RING_DEGREE as u64, 1, 1 << 18);
    let packed = masked(&constants, 0, &vec![0; 16 * RING_DEGREE]);
    let sum = sum(&constants, 0, &[packed]);
    let sums = |keys: Vec<SmallPoly>| {
        unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum(keys), &sum).unwrap().sums
    };
    let bound = 2_f64.powi(63 - constants.scale_log2 as i32);
    for holder in 0..2 {
        let share = shares(0).into_iter().nth(holder).into_iter().collect();
        let statistic = chi_square(&sums(share), bound);
        assert!(statistic < 60.0, "{statistic}");
    }
    assert!(chi_square(&sums(Vec::new()), bound) < 60.0);
    assert_eq!(sums(shares(0).into()), vec![0; 16 * RING_DEGREE]);
}

#[test]
fn a_key_that_is_wrong_by_one_destroys_the_sum() {
    let constants = constants(RING_DEGREE as u64, 2, 1 << 18);
    let (total, mut key_sum, contributions) = honest_round(&constants, 2);
    key_sum[1234] += 1;
    let sum = sum(&constants, 0, &contributions);
    let unmasked = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &sum).unwrap();
    assert!(unmasked.sums.iter().zip(&total).filter(|(a, b)| a == b).count() < 10);
    assert!(unmasked.residual_max > constants.delta() / 4);
}

#[test]
fn another_mask_seed_destroys_the_sum() {
    let constants = constants(RING_DEGREE as u64, 2, 1 << 18);
    let (total, key_sum, contributions) = honest_round(&constants, 2);
    let sum = sum(&constants, 0, &contributions);
    let unmasked = unmask_chunk(&CpuBackend::new(), &constants, &[8; 32].into(), &key_sum, &sum).unwrap();
    assert!(unmasked.sums.iter().zip(&total).filter(|(a, b)| a == b).count() < 10);
}

/// An accepted client may add half a step to every coordinate. That must not fail the round, and
/// must move each coordinate by at most one unit.
#[test]
fn half_steps_in_every_coordinate_tip_each_by_at_most_one_unit() {
    let constants = constants(4 * RING_DEGREE as u64, 10, 1 << 18);
    let (total, key_sum, honest) = honest_round(&constants, 5);
    let half_step = 1_u64 << (constants.scale_log2 - 1 - constants.transport_bits);
    for attackers in 1..=5 {
        let mut contributions = honest.clone();
        for contribution in &mut contributions[..attackers] {
            let mut words = vec![0; constants.padded_dimension as usize];
            assert!(pack::unpack_add(constants.width(), &contribution[0], &mut words));
            let max_word = constants.width().max_word();
            // Adds Δ/2^(τ+1) modulo q, up to the rounding of q/2^τ.
            words.iter_mut().for_each(|word| *word = (*word + half_step) % max_word);
            pack::pack(constants.width(), &words, &mut contribution[0]);
        }
        let sum = sum(&constants, 0, &contributions);
        let unmasked = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &key_sum, &sum).unwrap();
        for (&sum, &honest) in unmasked.sums.iter().zip(&total) {
            let doubled = 2 * (sum - honest) - attackers as i64;
            assert!(doubled.abs() <= 1, "{attackers} attackers move a coordinate by {}", sum - honest);
        }
        assert!(unmasked.residual_max <= constants.delta() / 2);
    }
}

#[test]
fn a_chunk_is_masked_once_and_in_order() {
    let constants = constants((1 << 20) + 1, 4, 1 << 18);
    let backend = CpuBackend::new();
    let mut masker =
        Masker::new(&backend, &constants, &MASK_SEED, &SmallPoly::sum(&shares(0)), [0; 32].into());
    let (full, last) = (vec![1; 1 << 20], vec![1; RING_DEGREE]);
    let mut out = vec![7];
    let early = masker.mask_chunk(1, &last, &mut out);
    assert!(matches!(early, Err(MaskingError::ChunkOrder { given: 1, expected: 0 })));
    let short = masker.mask_chunk(0, &last, &mut out);
    assert!(matches!(
        short,
        Err(MaskingError::Length { chunk: 0, length: RING_DEGREE, expected: 1_048_576 })
    ));
    assert_eq!(out, [7]);
    masker.mask_chunk(0, &full, &mut out).unwrap();
    assert_eq!(out.len(), 1 + constants.chunk_bytes(0));
    let again = masker.mask_chunk(0, &full, &mut out);
    assert!(matches!(again, Err(MaskingError::ChunkOrder { given: 0, expected: 1 })));
    masker.mask_chunk(1, &last, &mut out).unwrap();
    assert_eq!(out.len() as u64, 1 + constants.body_bytes());
    let beyond = masker.mask_chunk(2, &[], &mut out);
    assert!(matches!(beyond, Err(MaskingError::NoSuchChunk { chunk: 2, chunks: 2 })));
}

#[test]
fn values_beyond_the_norm_bound_are_not_masked() {
    let constants = constants(RING_DEGREE as u64, 4, 1 << 18);
    let backend = CpuBackend::new();
    let mut masker =
        Masker::new(&backend, &constants, &MASK_SEED, &SmallPoly::sum(&shares(0)), [0; 32].into());
    for value in [(1 << 18) + 1, -(1 << 18) - 1, i32::MIN] {
        let mut values = vec![0; RING_DEGREE];
        values[77] = value;
        let result = masker.mask_chunk(0, &values, &mut Vec::new());
        assert!(matches!(result, Err(MaskingError::ValueTooLarge { coordinate: 77, .. })));
    }
}

#[test]
fn sums_count_contributions_and_refuse_words_beyond_the_modulus() {
    let constants = constants(RING_DEGREE as u64, 3, (1 << 31) - 1);
    let (_, _, mut contributions) = honest_round(&constants, 3);
    let backend = CpuBackend::new();
    let full = sum(&constants, 0, &contributions);
    let more = full.clone().add(&backend, &constants, &[&contributions[0][0]]);
    assert!(matches!(
        more,
        Err(MaskingError::TooManyContributions { contributions: 4, max_contributions: 3 })
    ));
    let stored = ChunkSum::from_words(&constants, 0, 4, full.words().to_vec());
    assert!(matches!(stored, Err(MaskingError::TooManyContributions { .. })));
    let stored = ChunkSum::from_words(&constants, 0, 3, vec![0; 5]);
    assert!(matches!(stored, Err(MaskingError::Length { .. })));
    assert!(matches!(ChunkSum::new(&constants, 1), Err(MaskingError::NoSuchChunk { chunk: 1, chunks: 1 })));

    assert!(check_packed(&constants, 0, &contributions[1][0]).is_ok());
    let short = check_packed(&constants, 0, &contributions[1][0][1..]);
    assert!(matches!(short, Err(MaskingError::Length { .. })));
    let width = constants.width();
    let mut words = vec![0; RING_DEGREE];
    words[300] = width.max_word() + 1;
    pack::pack(width, &words, &mut contributions[1][0]);
    let bad = check_packed(&constants, 0, &contributions[1][0]);
    assert!(matches!(bad, Err(MaskingError::NonCanonical { chunk: 0, coordinate: 300 })));
    let packed: Vec<&[u8]> = contributions.iter().map(|chunks| chunks[0].as_slice()).collect();
    let result = ChunkSum::new(&constants, 0).unwrap().add(&backend, &constants, &packed);
    assert!(matches!(result, Err(MaskingError::Backend(lattice::BackendError::NonCanonical { body: 1 }))));
}

#[test]
fn key_sums_have_n_coefficients() {
    let constants = constants(RING_DEGREE as u64, 3, 1 << 18);
    let sum = ChunkSum::new(&constants, 0).unwrap();
    let result = unmask_chunk(&CpuBackend::new(), &constants, &MASK_SEED, &[0; 5], &sum);
    assert!(matches!(result, Err(MaskingError::KeyLength { length: 5, expected: RING_DEGREE })));
}

#[test]
fn portable_code_unmasks_what_vector_code_masked() {
    let constants = constants(3 * RING_DEGREE as u64, 4, 1 << 18);
    let (total, key_sum, contributions) = honest_round(&constants, 2);
    let portable = CpuBackend::portable();
    let packed: Vec<&[u8]> = contributions.iter().map(|chunks| chunks[0].as_slice()).collect();
    let sum = ChunkSum::new(&constants, 0).unwrap().add(&portable, &constants, &packed).unwrap();
    assert_eq!(unmask_chunk(&portable, &constants, &MASK_SEED, &key_sum, &sum).unwrap().sums, total);
}

#[test]
fn what_is_kept_is_the_body_without_the_mask() {
    let constants = constants(5000, 64, 1 << 18);
    let (backend, key) = (CpuBackend::new(), SmallPoly::sum(&shares(1)));
    let values = seeded::integers(3, constants.padded_dimension as usize, 1000);
    let masker = || Masker::new(&backend, &constants, &MASK_SEED, &key, seeded::key(1));
    let (mut packed, mut contributed, mut plain) = (Vec::new(), vec![7], Vec::new());
    masker().mask_chunk_keeping(0, &values, &mut packed, &mut contributed).unwrap();
    masker().mask_chunk(0, &values, &mut plain).unwrap();
    assert_eq!(packed, plain);

    let mut words = vec![0; values.len()];
    assert!(pack::unpack_add(constants.width(), &packed, &mut words));
    let mut mask = vec![0; values.len()];
    let masks = MaskPolynomials::derive(&MASK_SEED);
    backend.mask_product(&masks, 0, &key.to_evaluation(), &mut mask).unwrap();
    assert_eq!(contributed.len(), 1 + values.len());
    let allowance = i64::from(ERROR_BOUND) + (1 << (constants.transport_bits - 1));
    for (((&phi, word), mask), value) in contributed[1..].iter().zip(words).zip(mask).zip(values) {
        assert_eq!(phi, field::centre(field::sub(word << constants.transport_bits, mask)));
        assert!((phi - (i64::from(value) << constants.scale_log2)).abs() <= allowance);
    }
}
