//! Checks of the addition of packed bodies, and of the removal of their masks.

use lattice::{BackendError, RING_DEGREE, SummingBackend, Unmasking, Width, field};

use super::inputs::{BLOCKS, FIRST, evaluation, mask_coefficients, masks, negacyclic_product, packed, width};
use super::vectors::{Vectors, digest, signed};
use crate::seeded;

/// Runs the checks of this module.
pub(super) fn check(backend: &dyn SummingBackend) {
    packed_sums(backend);
    sums_of_many(backend);
    unmasking(backend);
    recomputed(backend);
    misuse(backend);
}

fn packed_sums(backend: &dyn SummingBackend) {
    for width in (1..=32).filter_map(Width::from_transport_bits) {
        let mut sums: Vec<u64> = (0..BLOCKS * RING_DEGREE).map(|k| k as u64).collect();
        let mut expected = sums.clone();
        let mut bodies = Vec::new();
        for seed in 0..2 {
            let mut words = seeded::elements(seed, sums.len());
            words.iter_mut().for_each(|word| *word >>= width.transport_bits());
            expected.iter_mut().zip(&words).for_each(|(sum, word)| *sum += word);
            bodies.push(packed(width, &words));
        }
        let mut slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        backend.add_packed(&mut sums, width, &slices).expect("canonical words");
        assert_eq!(sums, expected, "width {}", width.bits());

        // Every 32-bit word is below q/2³².
        if width.bits() == 32 {
            continue;
        }
        let ones = vec![0xff; slices[0].len()];
        slices[1] = &ones;
        let result = backend.add_packed(&mut sums, width, &slices);
        assert!(matches!(result, Err(BackendError::NonCanonical { body: 1 })), "width {}", width.bits());
    }
}

/// Adds more bodies than a device adds in one launch.
fn sums_of_many(backend: &dyn SummingBackend) {
    const COUNT: usize = 70;
    let width = width(22);
    let words: Vec<u64> = (0..RING_DEGREE as u64).collect();
    let packed = packed(width, &words);
    let mut sums = vec![0; words.len()];
    backend.add_packed(&mut sums, width, &[&packed[..]; COUNT]).expect("canonical words");
    let expected: Vec<u64> = words.iter().map(|word| COUNT as u64 * word).collect();
    assert_eq!(sums, expected);

    let ones = vec![0xff; packed.len()];
    for position in [0, 40, COUNT - 1] {
        let mut slices = [&packed[..]; COUNT];
        slices[position] = &ones;
        let result = backend.add_packed(&mut sums, width, &slices);
        let refused = matches!(result, Err(BackendError::NonCanonical { body }) if body == position);
        assert!(refused, "body {position}");
    }
}

fn unmasking(backend: &dyn SummingBackend) {
    let key = seeded::key_share(7);
    let accumulator = seeded::words(8, BLOCKS * RING_DEGREE);
    let masks = masks();
    for (transport_bits, scale_log2) in [(1, 1), (22, 31), (32, 44), (7, 62)] {
        let width = width(transport_bits);
        let job = Unmasking { masks: &masks, first: FIRST, key_sum: &key.to_evaluation(), width, scale_log2 };
        let mut sums = vec![0; accumulator.len()];
        let residual_max = backend.unmask(&job, &accumulator, &mut sums).expect("equal lengths");
        let mut expected_max = 0;
        for (j, block) in accumulator.chunks(RING_DEGREE).enumerate() {
            let mask = negacyclic_product(&mask_coefficients(FIRST + j as u64), &key);
            for (k, (&word, mask)) in block.iter().zip(mask).enumerate() {
                let shifted = field::reduce_wide(u128::from(word) << transport_bits);
                let y = i128::from(field::centre(field::sub(shifted, mask)));
                let sum = (y + (1 << (scale_log2 - 1))) >> scale_log2;
                assert_eq!(i128::from(sums[j * RING_DEGREE + k]), sum);
                expected_max = expected_max.max((y - (sum << scale_log2)).unsigned_abs());
            }
        }
        assert_eq!(u128::from(residual_max), expected_max);
    }
}

/// Compares with the words that `tests/recompute/kernels.py` computes.
fn recomputed(backend: &dyn SummingBackend) {
    let vectors = Vectors::load();
    let (a, packed) = (vectors.words(1), vectors.packed());
    let key_sum = evaluation(&a[..RING_DEGREE]);
    let expected = &vectors.sha256;

    let mut values = a.clone();
    backend.add_packed(&mut values, vectors.width(), &[&packed, &packed]).expect("canonical words");
    assert_eq!(digest(values), expected.add_packed);

    let masks = vectors.masks();
    let (first, width, scale_log2) = (vectors.first, vectors.width(), vectors.scale_log2);
    let job = Unmasking { masks: &masks, first, key_sum: &key_sum, width, scale_log2 };
    let mut sums = vec![0; a.len()];
    let residual_max = backend.unmask(&job, &a, &mut sums).expect("equal lengths");
    assert_eq!(digest(signed(&sums).chain([residual_max])), expected.unmask);
}

fn misuse(backend: &dyn SummingBackend) {
    let (key_sum, masks, width) = (seeded::key_share(6).to_evaluation(), masks(), width(22));
    let (mut odd, mut block, mut sums) =
        (vec![0; RING_DEGREE + 1], vec![0; RING_DEGREE], vec![0; RING_DEGREE]);
    let job = Unmasking { masks: &masks, first: 0, key_sum: &key_sum, width, scale_log2: 31 };

    let partial = [
        backend.add_packed(&mut odd, width, &[]),
        backend.unmask(&job, &odd, &mut vec![0; odd.len()]).map(drop),
    ];
    let refused = |result: &Result<_, _>| matches!(result, Err(BackendError::PartialBlock { .. }));
    assert!(partial.iter().all(refused), "{partial:?}");

    let lengths = [
        backend.add_packed(&mut block, width, &[&[0; 8]]),
        backend.unmask(&job, &vec![0; 2 * RING_DEGREE], &mut sums).map(drop),
    ];
    let refused = |result: &Result<_, _>| matches!(result, Err(BackendError::Length { .. }));
    assert!(lengths.iter().all(refused), "{lengths:?}");

    for scale_log2 in [0, 63] {
        let result = backend.unmask(&Unmasking { scale_log2, ..job }, &block, &mut sums);
        assert!(matches!(result, Err(BackendError::Scale { .. })), "{result:?}");
    }
}
