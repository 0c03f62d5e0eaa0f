//! The checks that every [`Backend`] must pass: each operation against its definition, bit for bit, and every
//! misuse refused.
//!
//! The expected values are computed here with scalar arithmetic on single polynomials, or come from another program; never
//! from another backend.

mod projection;
mod vectors;

use lattice::{
    Backend, BackendError, Evaluation, Fq, MODULUS, MaskPolynomials, Poly, RING_DEGREE, SmallPoly, Unmasking,
    Width, field, pack,
};

use crate::seeded;

/// Blocks in each check: not a multiple of any likely tile.
const BLOCKS: usize = 5;

/// Index of the first mask polynomial: both halves of the stream's index are used.
const FIRST: u64 = (3 << 32) + 7;

/// Runs every check on `backend`.
///
/// # Panics
/// When the backend departs from the definition of an operation.
pub fn check_backend(backend: &dyn Backend) {
    assert!(!backend.name().is_empty());
    transforms(backend);
    products(backend);
    mask_products(backend);
    packed_sums(backend);
    sums_of_many(backend);
    unmasking(backend);
    inner_products(backend);
    adjoint_sums(backend);
    projection::check(backend);
    vectors::check(backend);
    misuse(backend);
}

fn blocks(seed: u64) -> Vec<u64> {
    seeded::elements(seed, BLOCKS * RING_DEGREE)
}

fn evaluation(values: &[u64]) -> Poly<Evaluation> {
    Poly::from_canonical(values).expect("N canonical values")
}

fn masks() -> MaskPolynomials {
    MaskPolynomials::derive(&seeded::key(1))
}

/// a_index, in coefficient form.
fn mask_coefficients(index: u64) -> Vec<u64> {
    let mut values = vec![0; RING_DEGREE];
    masks().expand(index, &mut values);
    evaluation(&values).into_coefficients().values().to_vec()
}

/// a·s in R_q from the definition, for small s.
fn negacyclic_product(a: &[u64], s: &SmallPoly) -> Vec<u64> {
    let mut product = vec![0_i128; RING_DEGREE];
    for (i, &s) in s.coefficients().iter().enumerate().filter(|(_, s)| **s != 0) {
        for (j, &a) in a.iter().enumerate() {
            let term = i128::from(a) * i128::from(s);
            let k = i + j;
            if k < RING_DEGREE { product[k] += term } else { product[k - RING_DEGREE] -= term }
        }
    }
    product.into_iter().map(|c| c.rem_euclid(i128::from(MODULUS)) as u64).collect()
}

fn transforms(backend: &dyn Backend) {
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

fn products(backend: &dyn Backend) {
    let (start, lhs, rhs) = (blocks(3), blocks(4), seeded::elements(5, RING_DEGREE));
    let mut sums = start.clone();
    backend.multiply_accumulate(&mut sums, &lhs, &evaluation(&rhs)).expect("equal lengths");
    for k in 0..sums.len() {
        let expected = Fq::new(start[k]) + Fq::new(lhs[k]) * Fq::new(rhs[k % RING_DEGREE]);
        assert_eq!(sums[k], expected.value());
    }
}

fn mask_products(backend: &dyn Backend) {
    let key = seeded::key_share(6);
    let mut out = vec![u64::MAX; BLOCKS * RING_DEGREE];
    backend.mask_product(&masks(), FIRST, &key.to_evaluation(), &mut out).expect("whole blocks");
    for (index, block) in (FIRST..).zip(out.chunks(RING_DEGREE)) {
        assert_eq!(block, negacyclic_product(&mask_coefficients(index), &key));
    }
}

fn packed_sums(backend: &dyn Backend) {
    for width in (1..=32).filter_map(Width::from_transport_bits) {
        let mut sums: Vec<u64> = (0..BLOCKS * RING_DEGREE).map(|k| k as u64).collect();
        let mut expected = sums.clone();
        let mut ciphertexts = Vec::new();
        for seed in 0..2 {
            let mut words = seeded::elements(seed, sums.len());
            words.iter_mut().for_each(|word| *word >>= width.transport_bits());
            expected.iter_mut().zip(&words).for_each(|(sum, word)| *sum += word);
            let mut packed = vec![0; width.bytes(words.len())];
            pack::pack(width, &words, &mut packed);
            ciphertexts.push(packed);
        }
        let mut slices: Vec<&[u8]> = ciphertexts.iter().map(Vec::as_slice).collect();
        backend.add_packed(&mut sums, width, &slices).expect("canonical words");
        assert_eq!(sums, expected, "width {}", width.bits());

        // Every 32-bit word is below q/2³².
        if width.bits() == 32 {
            continue;
        }
        let ones = vec![0xff; slices[0].len()];
        slices[1] = &ones;
        let result = backend.add_packed(&mut sums, width, &slices);
        assert!(
            matches!(result, Err(BackendError::NonCanonical { ciphertext: 1 })),
            "width {}",
            width.bits()
        );
    }
}

/// More ciphertexts than a device adds in one go.
fn sums_of_many(backend: &dyn Backend) {
    const COUNT: usize = 70;
    let width = Width::from_transport_bits(22).expect("1 to 32 bits");
    let words: Vec<u64> = (0..RING_DEGREE as u64).collect();
    let mut packed = vec![0; width.bytes(words.len())];
    pack::pack(width, &words, &mut packed);
    let mut sums = vec![0; words.len()];
    backend.add_packed(&mut sums, width, &[&packed[..]; COUNT]).expect("canonical words");
    let expected: Vec<u64> = words.iter().map(|word| COUNT as u64 * word).collect();
    assert_eq!(sums, expected);

    let ones = vec![0xff; packed.len()];
    for position in [0, 40, COUNT - 1] {
        let mut slices = [&packed[..]; COUNT];
        slices[position] = &ones;
        let result = backend.add_packed(&mut sums, width, &slices);
        let refused =
            matches!(result, Err(BackendError::NonCanonical { ciphertext }) if ciphertext == position);
        assert!(refused, "ciphertext {position}");
    }
}

fn unmasking(backend: &dyn Backend) {
    let key = seeded::key_share(7);
    let accumulator = seeded::words(8, BLOCKS * RING_DEGREE);
    let masks = masks();
    for (transport_bits, scale_log2) in [(1, 1), (22, 31), (32, 44), (7, 62)] {
        let width = Width::from_transport_bits(transport_bits).expect("1 to 32 bits");
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

fn inner_products(backend: &dyn Backend) {
    let (lhs, rhs) = (blocks(9), blocks(10));
    let expected: Fq = lhs.iter().zip(&rhs).map(|(&a, &b)| Fq::new(a) * Fq::new(b)).sum();
    assert_eq!(backend.inner_product(&lhs, &rhs).expect("equal lengths"), expected.value());
    assert_eq!(backend.inner_product(&[], &[]).expect("no blocks"), 0);
}

/// ⟨r, a·s⟩ = ⟨Σ adjoint(a_j)·r_j, s⟩ for a key s, and likewise for the unit vectors' worth of s in one block.
fn adjoint_sums(backend: &dyn Backend) {
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

fn misuse(backend: &dyn Backend) {
    let key = seeded::key_share(6).to_evaluation();
    let masks = masks();
    let width = Width::from_transport_bits(22).expect("1 to 32 bits");
    let (mut odd, mut block, mut sums) =
        (vec![0; RING_DEGREE + 1], vec![0; RING_DEGREE], vec![0; RING_DEGREE]);
    let two_blocks = vec![0; 2 * RING_DEGREE];
    let job = Unmasking { masks: &masks, first: 0, key_sum: &key, width, scale_log2: 31 };

    let partial = [
        backend.forward(&mut odd),
        backend.inverse(&mut odd),
        backend.mask_product(&masks, 0, &key, &mut odd),
        backend.multiply_accumulate(&mut odd.clone(), &odd, &key),
        backend.add_packed(&mut odd, width, &[]),
        backend.unmask(&job, &odd, &mut vec![0; odd.len()]).map(drop),
        backend.inner_product(&odd, &odd).map(drop),
        backend.adjoint_accumulate(&masks, 0, &odd, &mut Poly::zero()),
    ];
    assert!(
        partial.iter().all(|result| matches!(result, Err(BackendError::PartialBlock { .. }))),
        "{partial:?}"
    );

    let lengths = [
        backend.multiply_accumulate(&mut block, &two_blocks, &key),
        backend.add_packed(&mut block, width, &[&[0; 8]]),
        backend.unmask(&job, &two_blocks, &mut sums).map(drop),
        backend.inner_product(&block, &two_blocks).map(drop),
    ];
    assert!(lengths.iter().all(|result| matches!(result, Err(BackendError::Length { .. }))), "{lengths:?}");

    for scale_log2 in [0, 63] {
        let result = backend.unmask(&Unmasking { scale_log2, ..job }, &block, &mut sums);
        assert!(matches!(result, Err(BackendError::Scale { .. })), "{result:?}");
    }
}
