//! Checks of products of mask polynomials with a key, and of projections.

use lattice::{BackendError, MODULUS, MaskingBackend, ProjectionRows, RING_DEGREE};

use super::inputs::{BLOCKS, FIRST, evaluation, mask_coefficients, masks, negacyclic_product};
use super::rows::{COLUMN_WORDS, columns, entry, rows};
use super::vectors::{Vectors, digest, signed};
use crate::seeded;

/// Runs the checks of this module.
pub(super) fn check(backend: &dyn MaskingBackend) {
    mask_products(backend);
    projections(backend);
    recomputed_projection(backend);
    recomputed(backend);
    misuse(backend);
}

fn mask_products(backend: &dyn MaskingBackend) {
    let key = seeded::key_share(6);
    let mut out = vec![u64::MAX; BLOCKS * RING_DEGREE];
    backend.mask_product(&masks(), FIRST, &key.to_evaluation(), &mut out).expect("whole blocks");
    for (index, block) in (FIRST..).zip(out.chunks(RING_DEGREE)) {
        assert_eq!(block, negacyclic_product(&mask_coefficients(index), &key));
    }
}

/// Values to project. They include the ends of the range of `i64` and of F_q's centred
/// representatives.
fn coordinates() -> [Vec<i64>; 3] {
    let half = (MODULUS / 2) as i64;
    let edges = [i64::MIN, i64::MAX, half, -half, 0, -1];
    let random: Vec<i64> =
        seeded::words(21, BLOCKS * RING_DEGREE).into_iter().map(|word| word as i64).collect();
    let extreme = random.iter().map(|&word| edges[(word as u64 % edges.len() as u64) as usize]).collect();
    let small = seeded::integers(22, BLOCKS * RING_DEGREE, 1 << 20).into_iter().map(i64::from).collect();
    [random, extreme, small]
}

fn projections(backend: &dyn MaskingBackend) {
    let columns = columns();
    let start: Vec<i64> =
        seeded::words(23, ProjectionRows::COUNT).into_iter().map(|word| word as i64).collect();
    for values in coordinates() {
        let mut sums: [i64; ProjectionRows::COUNT] = start.clone().try_into().expect("a value for each row");
        backend.project(&rows(), FIRST, &values, &mut sums).expect("whole blocks");
        for (t, &sum) in sums.iter().enumerate() {
            let terms = columns.chunks(COLUMN_WORDS).zip(&values);
            let exact: i128 = terms.map(|(column, &v)| i128::from(entry(column, t)) * i128::from(v)).sum();
            assert_eq!(sum, (i128::from(start[t]) + exact) as i64, "row {t}");
        }
    }
    let mut sums = [7; ProjectionRows::COUNT];
    backend.project(&rows(), FIRST, &[], &mut sums).expect("no blocks");
    assert_eq!(sums, [7; ProjectionRows::COUNT]);
}

/// Compares with the sums that `tests/recompute/test_vectors.py` has.
fn recomputed_projection(backend: &dyn MaskingBackend) {
    let rows = ProjectionRows::new(std::array::from_fn::<u8, 32, _>(|i| i as u8).into());
    let values: Vec<i64> = (0..RING_DEGREE as i64).map(|k| k * k - 1_000_003).collect();
    let mut sums = [0; ProjectionRows::COUNT];
    backend.project(&rows, 0x0102_0304_0506_0708, &values, &mut sums).expect("a whole block");
    let selected = [0, 1, 31, 32, 100, 255].map(|t| sums[t]);
    assert_eq!(selected, [29_184_990, -7_841_674, -181_770, -24_525_345, 34_899_156, -10_570_685]);
}

/// Compares with the words that `tests/recompute/kernels.py` computes.
fn recomputed(backend: &dyn MaskingBackend) {
    let vectors = Vectors::load();
    let a = vectors.words(1);
    let key = evaluation(&a[..RING_DEGREE]);
    let expected = &vectors.sha256;

    let mut values = vec![0; a.len()];
    backend.mask_product(&vectors.masks(), vectors.first, &key, &mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.mask_product);

    let values: Vec<i64> = a.iter().map(|&word| word as i64).collect();
    let mut sums = [0; ProjectionRows::COUNT];
    backend.project(&vectors.rows(), vectors.first, &values, &mut sums).expect("whole blocks");
    assert_eq!(digest(signed(&sums)), expected.project);
}

fn misuse(backend: &dyn MaskingBackend) {
    let key = seeded::key_share(6).to_evaluation();
    let mut sums = [0; ProjectionRows::COUNT];
    let partial = [
        backend.mask_product(&masks(), 0, &key, &mut vec![0; RING_DEGREE + 1]),
        backend.project(&rows(), 0, &[0; RING_DEGREE - 1], &mut sums),
    ];
    let refused = |result: &Result<_, _>| matches!(result, Err(BackendError::PartialBlock { .. }));
    assert!(partial.iter().all(refused), "{partial:?}");
}
