//! Projections of vectors and foldings of their rows, against the rows' definition bit by bit.

use lattice::expand::{PublicStream, Purpose};
use lattice::{
    Backend, BackendError, Fq, MODULUS, ProjectionRows, RING_DEGREE, RowFold, RowFolding, Width, pack,
};

use super::{BLOCKS, FIRST, evaluation, masks};
use crate::seeded;

/// Words of the stream that belong to one coordinate.
const COLUMN_WORDS: usize = 8;

/// Runs the checks of this module.
pub(super) fn check(backend: &dyn Backend) {
    projections(backend);
    recomputed_projection(backend);
    foldings(backend);
    noncanonical_words(backend);
    misuse(backend);
}

fn rows() -> ProjectionRows {
    ProjectionRows::new(seeded::key(20))
}

/// The words of the stream of each block from `FIRST`, a column after the other.
fn columns() -> Vec<u64> {
    let mut words = vec![0; BLOCKS * RING_DEGREE * COLUMN_WORDS];
    for (index, block) in (FIRST..).zip(words.chunks_mut(RING_DEGREE * COLUMN_WORDS)) {
        PublicStream::new(rows().stream_key(), index, Purpose::PROJECTION).fill(block);
    }
    words
}

/// R_{t, i} for the column of coordinate i.
fn entry(column: &[u64], t: usize) -> i64 {
    let bit = |word: usize| (column[word] >> (t % 64) & 1) as i64;
    bit(t / 64) - bit(COLUMN_WORDS / 2 + t / 64)
}

/// Values for a projection, with the ends of their range and of F_q's centred representatives.
fn vectors() -> [Vec<i64>; 3] {
    let half = (MODULUS / 2) as i64;
    let edges = [i64::MIN, i64::MAX, half, -half, 0, -1];
    let random: Vec<i64> =
        seeded::words(21, BLOCKS * RING_DEGREE).into_iter().map(|word| word as i64).collect();
    let extreme = random.iter().map(|&word| edges[(word as u64 % edges.len() as u64) as usize]).collect();
    let small = seeded::integers(22, BLOCKS * RING_DEGREE, 1 << 20).into_iter().map(i64::from).collect();
    [random, extreme, small]
}

fn projections(backend: &dyn Backend) {
    let columns = columns();
    let start: Vec<i64> =
        seeded::words(23, ProjectionRows::COUNT).into_iter().map(|word| word as i64).collect();
    for values in vectors() {
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

/// Sums that `tests/recompute/test_vectors.py` has as well.
fn recomputed_projection(backend: &dyn Backend) {
    let rows = ProjectionRows::new(std::array::from_fn(|i| i as u8));
    let values: Vec<i64> = (0..RING_DEGREE as i64).map(|k| k * k - 1_000_003).collect();
    let mut sums = [0; ProjectionRows::COUNT];
    backend.project(&rows, 0x0102_0304_0506_0708, &values, &mut sums).expect("a whole block");
    let selected = [0, 1, 31, 32, 100, 255].map(|t| sums[t]);
    assert_eq!(selected, [29_184_990, -7_841_674, -181_770, -24_525_345, 34_899_156, -10_570_685]);
}

/// Rᵀ(1, z, z², …) in the blocks from `FIRST`.
fn folded_rows(columns: &[u64], z: Fq) -> Vec<Fq> {
    let powers: Vec<Fq> = (0..ProjectionRows::COUNT as u64).map(|t| z.pow(t)).collect();
    let fold = |column: &[u64]| {
        let terms = powers.iter().enumerate().map(|(t, &power)| Fq::from(entry(column, t)) * power);
        terms.sum()
    };
    columns.chunks(COLUMN_WORDS).map(fold).collect()
}

/// `BLOCKS` blocks of words of `width`, every third the largest that is canonical.
fn canonical_words(width: Width) -> Vec<u64> {
    let mut words = seeded::elements(24, BLOCKS * RING_DEGREE);
    words.iter_mut().for_each(|word| *word >>= width.transport_bits());
    words.iter_mut().step_by(3).for_each(|word| *word = width.max_word());
    words
}

fn packed(width: Width, words: &[u64]) -> Vec<u8> {
    let mut packed = vec![0; width.bytes(words.len())];
    pack::pack(width, words, &mut packed);
    packed
}

fn width(transport_bits: u32) -> Width {
    Width::from_transport_bits(transport_bits).expect("1 to 32 bits")
}

fn started_folds() -> [RowFold; 2] {
    [25, 26].map(|seed| RowFold {
        inner: Fq::new(seed),
        adjoint: evaluation(&seeded::elements(seed, RING_DEGREE)),
    })
}

fn foldings(backend: &dyn Backend) {
    let (rows, masks, columns) = (rows(), masks(), columns());
    let challenge = Fq::new(seeded::words(27, 1)[0]);
    for (challenges, transport_bits) in [
        ([challenge, Fq::new(MODULUS - 1)], 22),
        ([Fq::ZERO, Fq::ONE], 1),
        ([Fq::new(1 << 32), challenge.inverse()], 32),
    ] {
        let width = width(transport_bits);
        let job = RowFolding { rows: &rows, masks: &masks, challenges, width };
        let words = canonical_words(width);
        let (mut folds, mut unpacked) = (started_folds(), started_folds());
        let bytes = packed(width, &words);
        backend.fold_rows(&job, FIRST, BLOCKS, Some(&bytes), &mut folds).expect("canonical words");
        backend.fold_rows(&job, FIRST, BLOCKS, None, &mut unpacked).expect("no words");
        for (z, start) in started_folds().iter().enumerate() {
            let r = folded_rows(&columns, challenges[z]);
            let inner: Fq = r.iter().zip(&words).map(|(&r, &v)| r * Fq::new(v)).sum();
            assert_eq!(folds[z].inner, start.inner + inner);
            assert_eq!(unpacked[z].inner, start.inner);

            let r: Vec<u64> = r.into_iter().map(Fq::value).collect();
            let mut adjoint = evaluation(start.adjoint.values());
            backend.adjoint_accumulate(&masks, FIRST, &r, &mut adjoint).expect("whole blocks");
            assert_eq!(folds[z].adjoint.values(), adjoint.values());
            assert_eq!(unpacked[z].adjoint.values(), adjoint.values());
        }
        let mut none = started_folds();
        backend.fold_rows(&job, FIRST, 0, Some(&[]), &mut none).expect("no blocks");
        assert_unchanged(&none);
    }
}

fn assert_unchanged(folds: &[RowFold; 2]) {
    for (fold, start) in folds.iter().zip(started_folds()) {
        assert_eq!(fold.inner, start.inner);
        assert_eq!(fold.adjoint.values(), start.adjoint.values());
    }
}

fn noncanonical_words(backend: &dyn Backend) {
    let (rows, masks) = (rows(), masks());
    for transport_bits in [1, 22, 31] {
        let width = width(transport_bits);
        let job = RowFolding { rows: &rows, masks: &masks, challenges: [Fq::ONE; 2], width };
        for position in [0, 2 * RING_DEGREE + 100, BLOCKS * RING_DEGREE - 1] {
            let mut words = canonical_words(width);
            words[position] = width.max_word() + 1;
            assert!(words[position] << transport_bits >= MODULUS);
            let mut folds = started_folds();
            let result = backend.fold_rows(&job, FIRST, BLOCKS, Some(&packed(width, &words)), &mut folds);
            assert!(matches!(result, Err(BackendError::NonCanonical { ciphertext: 0 })), "{result:?}");
            assert_unchanged(&folds);
        }
    }
}

fn misuse(backend: &dyn Backend) {
    let (rows, masks, width) = (rows(), masks(), width(22));
    let mut sums = [0; ProjectionRows::COUNT];
    let result = backend.project(&rows, 0, &[0; RING_DEGREE - 1], &mut sums);
    assert!(matches!(result, Err(BackendError::PartialBlock { .. })), "{result:?}");

    let job = RowFolding { rows: &rows, masks: &masks, challenges: [Fq::ONE; 2], width };
    let bytes = vec![0; width.bytes(2 * RING_DEGREE)];
    let mut folds = [RowFold::zero(), RowFold::zero()];
    for blocks in [0, 1, 3] {
        let result = backend.fold_rows(&job, 0, blocks, Some(&bytes), &mut folds);
        assert!(matches!(result, Err(BackendError::Length { .. })), "{result:?}");
    }
    let result = backend.fold_rows(&job, 0, 2, Some(&bytes[1..]), &mut folds);
    assert!(matches!(result, Err(BackendError::Length { .. })), "{result:?}");
}
