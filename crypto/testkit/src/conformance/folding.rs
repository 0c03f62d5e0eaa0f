//! Checks of the folding of a projection's rows.

use lattice::{
    BackendError, FoldingBackend, Fq, MODULUS, Poly, ProjectionRows, RING_DEGREE, RowFold, RowFolding, Width,
    field,
};

use super::inputs::{BLOCKS, FIRST, evaluation, masks, packed, width};
use super::rows::{COLUMN_WORDS, columns, entry, rows};
use super::vectors::{Vectors, digest};
use crate::seeded;

/// Runs the checks of this module.
pub(super) fn check(backend: &dyn FoldingBackend) {
    foldings(backend);
    noncanonical_words(backend);
    recomputed(backend);
    misuse(backend);
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

fn started_folds() -> [RowFold; 2] {
    [25, 26].map(|seed| RowFold {
        inner: Fq::new(seed),
        adjoint: evaluation(&seeded::elements(seed, RING_DEGREE)),
    })
}

fn foldings(backend: &dyn FoldingBackend) {
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

            let adjoint = adjoint_sum(start.adjoint.values(), &r);
            assert_eq!(folds[z].adjoint.values(), adjoint);
            assert_eq!(unpacked[z].adjoint.values(), adjoint);
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

fn noncanonical_words(backend: &dyn FoldingBackend) {
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
            assert!(matches!(result, Err(BackendError::NonCanonical { body: 0 })), "{result:?}");
            assert_unchanged(&folds);
        }
    }
}

fn misuse(backend: &dyn FoldingBackend) {
    let (rows, masks, width) = (rows(), masks(), width(22));
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

/// `start` + Σ_j adjoint(a_(FIRST + j)) · r_j in evaluation form. The odd powers of ω are inverted
/// by complementing their index, so the evaluations of adjoint(a) are those of a in reverse.
fn adjoint_sum(start: &[u64], r: &[Fq]) -> Vec<u64> {
    let mut sums: Vec<Fq> = start.iter().map(|&value| Fq::new(value)).collect();
    for (index, block) in (FIRST..).zip(r.chunks(RING_DEGREE)) {
        let coefficients: Vec<i64> = block.iter().map(|r| field::centre(r.value())).collect();
        let r = Poly::from_signed(&coefficients).expect("N coefficients").into_evaluation();
        let mut mask = vec![0; RING_DEGREE];
        masks().expand(index, &mut mask);
        let factors = mask.iter().rev().zip(r.values());
        sums.iter_mut().zip(factors).for_each(|(sum, (&a, &r))| *sum += Fq::new(a) * Fq::new(r));
    }
    sums.into_iter().map(Fq::value).collect()
}

/// Compares with the words that `tests/recompute/kernels.py` computes.
fn recomputed(backend: &dyn FoldingBackend) {
    let vectors = Vectors::load();
    let (rows, masks) = (vectors.rows(), vectors.masks());
    let challenges = vectors.challenges.map(Fq::new);
    let job = RowFolding { rows: &rows, masks: &masks, challenges, width: vectors.width() };
    let (packed, mut folds) = (vectors.packed(), [RowFold::zero(), RowFold::zero()]);
    let (first, blocks) = (vectors.first, vectors.blocks);
    backend.fold_rows(&job, first, blocks, Some(&packed), &mut folds).expect("canonical words");
    let words = folds.iter().flat_map(|fold| {
        let adjoint = fold.adjoint.values().iter().copied();
        [fold.inner.value()].into_iter().chain(adjoint)
    });
    assert_eq!(digest(words), vectors.sha256.fold_rows);
}
