//! Checks of transforms, inner products and sums of adjoint products.

use lattice::{BackendError, Fq, Poly, RING_DEGREE, TransformBackend, field};

use super::inputs::{FIRST, blocks, evaluation, mask_coefficients, masks, negacyclic_product};
use super::vectors::{Vectors, digest};
use crate::seeded;

/// Runs the checks of this module.
pub(super) fn check(backend: &dyn TransformBackend) {
    transforms(backend);
    inner_products(backend);
    adjoint_sums(backend);
    recomputed(backend);
    no_blocks(backend);
    misuse(backend);
}

fn transforms(backend: &dyn TransformBackend) {
    let coefficients = blocks(2);
    let mut values = coefficients.clone();
    backend.forward(&mut values).expect("whole blocks");
    for (block, values) in coefficients.chunks(RING_DEGREE).zip(values.chunks(RING_DEGREE)) {
        let signed: Vec<i64> = block.iter().map(|&c| field::centre(c)).collect();
        let expected = Poly::from_signed(&signed).expect("N coefficients").into_evaluation();
        assert_eq!(values, expected.values());
    }
    backend.inverse(&mut values).expect("whole blocks");
    assert_eq!(values, coefficients);
}

fn inner_products(backend: &dyn TransformBackend) {
    let (lhs, rhs) = (blocks(9), blocks(10));
    let expected: Fq = lhs.iter().zip(&rhs).map(|(&a, &b)| Fq::new(a) * Fq::new(b)).sum();
    assert_eq!(backend.inner_product(&lhs, &rhs).expect("equal lengths"), expected.value());
}

/// ⟨r, a·s⟩ = ⟨Σ adjoint(a_j)·r_j, s⟩ for several keys s.
fn adjoint_sums(backend: &dyn TransformBackend) {
    let r = blocks(11);
    let start = seeded::elements(12, RING_DEGREE);
    let mut sum = evaluation(&start);
    backend.adjoint_accumulate(&masks(), FIRST, &r, &mut sum).expect("whole blocks");
    let total: Vec<_> =
        sum.values().iter().zip(&start).map(|(&sum, &start)| field::sub(sum, start)).collect();
    let total = evaluation(&total).into_coefficients();
    for seed in 13..16 {
        let key = seeded::key_share(seed);
        let mut masked = Fq::ZERO;
        for (j, block) in r.chunks(RING_DEGREE).enumerate() {
            let product = negacyclic_product(&mask_coefficients(FIRST + j as u64), &key);
            masked += block.iter().zip(product).map(|(&r, p)| Fq::new(r) * Fq::new(p)).sum();
        }
        let coefficients = key.coefficients().iter().map(|&s| Fq::from(i64::from(s)));
        let expected = total.values().iter().zip(coefficients).map(|(&t, s)| Fq::new(t) * s).sum();
        assert_eq!(masked, expected);
    }
}

/// Compares with the words that `tests/recompute/kernels.py` computes.
fn recomputed(backend: &dyn TransformBackend) {
    let vectors = Vectors::load();
    let (a, b) = (vectors.words(1), vectors.words(2));
    let expected = &vectors.sha256;

    let mut values = a.clone();
    backend.forward(&mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.forward);

    let mut values = a.clone();
    backend.inverse(&mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.inverse);

    let inner = backend.inner_product(&a, &b).expect("equal lengths");
    assert_eq!(digest([inner]), expected.inner_product);

    let mut adjoint = evaluation(&a[..RING_DEGREE]);
    backend.adjoint_accumulate(&vectors.masks(), vectors.first, &b, &mut adjoint).expect("whole blocks");
    assert_eq!(digest(adjoint.values().iter().copied()), expected.adjoint_accumulate);
}

fn no_blocks(backend: &dyn TransformBackend) {
    assert_eq!(backend.inner_product(&[], &[]).expect("no blocks"), 0);
    let mut sum = Poly::zero();
    backend.adjoint_accumulate(&masks(), FIRST, &[], &mut sum).expect("no blocks");
    assert_eq!(sum.values(), [0; RING_DEGREE]);
}

fn misuse(backend: &dyn TransformBackend) {
    let mut odd = vec![0; RING_DEGREE + 1];
    let (block, two_blocks) = (vec![0; RING_DEGREE], vec![0; 2 * RING_DEGREE]);
    let partial = [
        backend.forward(&mut odd),
        backend.inverse(&mut odd),
        backend.inner_product(&odd, &odd).map(drop),
        backend.adjoint_accumulate(&masks(), 0, &odd, &mut Poly::zero()),
    ];
    let refused = |result: &Result<_, _>| matches!(result, Err(BackendError::PartialBlock { .. }));
    assert!(partial.iter().all(refused), "{partial:?}");

    let result = backend.inner_product(&block, &two_blocks);
    assert!(matches!(result, Err(BackendError::Length { .. })), "{result:?}");
}
