//! What a backend must show before it is trusted with a round: every operation on fixed input gives the stored words.

use lattice::{
    Backend, BackendError, Fq, MaskPolynomials, Poly, ProjectionRows, RING_DEGREE, RowFold, RowFolding,
    Unmasking, Width, pack,
};

use crate::device::DeviceError;

/// Blocks of the fixed input.
const BLOCKS: usize = 3;

/// Index of the first mask polynomial: the stream of a_190076, the second one, has a word beyond the modulus.
const FIRST: u64 = 190_075;

const MASK_SEED: [u8; 32] = *b"test seed ......................";

/// The results of the reference backend, each folded to one word.
const EXPECTED: [(&str, u64); 9] = [
    ("forward", 0x307f_0cc8_d2ef_84c0),
    ("inverse", 0x3300_230f_7d08_916a),
    ("multiply_accumulate", 0x03ab_bd79_3e7d_b175),
    ("mask_product", 0x0f94_bc15_2435_a777),
    ("add_packed", 0x94b7_1873_c2bb_3e10),
    ("unmask", 0xb7d0_06cb_7658_a8c7),
    ("inner_product", 0x9adc_e243_f609_3c64),
    ("adjoint_accumulate", 0xef5b_2be0_82ce_6b41),
    ("project and fold_rows", 0xeca2_b4b6_deac_f4fa),
];

/// Runs every operation of `backend` on the fixed input.
///
/// # Errors
/// When an operation fails or gives other words than the stored ones.
pub fn check(backend: &dyn Backend) -> Result<(), BackendError> {
    for ((operation, expected), found) in EXPECTED.into_iter().zip(fingerprints(backend)?) {
        if found != expected {
            let source = Box::new(DeviceError::SelfTest { operation });
            return Err(BackendError::Device { backend: backend.name(), source });
        }
    }
    Ok(())
}

/// The masks of the round of the fixed input.
fn masks() -> MaskPolynomials {
    let mut seed = MASK_SEED;
    seed[24..].copy_from_slice(&1_u64.to_le_bytes());
    MaskPolynomials::derive(&seed)
}

/// `BLOCKS` blocks of canonical words.
fn blocks(stream: u64) -> Vec<u64> {
    let mut values = vec![0; BLOCKS * RING_DEGREE];
    for (index, block) in values.chunks_mut(RING_DEGREE).enumerate() {
        masks().expand(stream << 32 | index as u64, block);
    }
    values
}

/// Σ w_k·x^k mod q at a point of no significance: any wrong word shows but for a chance of length/q.
fn fingerprint(words: impl DoubleEndedIterator<Item = u64>) -> u64 {
    const POINT: Fq = Fq::new(0x0123_4567_89ab_cdef);
    words.rev().fold(Fq::ZERO, |sum, word| sum * POINT + Fq::new(word)).value()
}

fn fingerprints(backend: &dyn Backend) -> Result<[u64; 9], BackendError> {
    let (masks, a, b) = (masks(), blocks(1), blocks(2));
    let key = Poly::from_canonical(&a[..RING_DEGREE]).expect("expansion gives canonical words");
    let (mut forward, mut inverse, mut products) = (a.clone(), a.clone(), a.clone());
    backend.forward(&mut forward)?;
    backend.inverse(&mut inverse)?;
    backend.multiply_accumulate(&mut products, &b, &key)?;
    let mut masked = vec![0; a.len()];
    backend.mask_product(&masks, FIRST, &key, &mut masked)?;
    let width = Width::from_transport_bits(20).expect("1 to 32 bits");
    let packed = packed(width, &b);
    let mut sums = a.clone();
    backend.add_packed(&mut sums, width, &[&packed, &packed])?;
    let job = Unmasking { masks: &masks, first: FIRST, key_sum: &key, width, scale_log2: 31 };
    let mut unmasked = vec![0; a.len()];
    let residual = backend.unmask(&job, &a, &mut unmasked)?;
    let mut adjoint = Poly::zero();
    backend.adjoint_accumulate(&masks, FIRST, &b, &mut adjoint)?;
    Ok([
        fingerprint(forward.into_iter()),
        fingerprint(inverse.into_iter()),
        fingerprint(products.into_iter()),
        fingerprint(masked.into_iter()),
        fingerprint(sums.into_iter()),
        fingerprint(unmasked.iter().map(|&sum| sum as u64)) ^ residual,
        backend.inner_product(&a, &b)?,
        fingerprint(adjoint.values().iter().copied()),
        norm_proof_fingerprint(backend, &masks, width, &a, &packed)?,
    ])
}

fn packed(width: Width, values: &[u64]) -> Vec<u8> {
    let words: Vec<u64> = values.iter().map(|value| value >> width.transport_bits()).collect();
    let mut packed = vec![0; width.bytes(words.len())];
    pack::pack(width, &words, &mut packed);
    packed
}

fn norm_proof_fingerprint(
    backend: &dyn Backend,
    masks: &MaskPolynomials,
    width: Width,
    values: &[u64],
    packed: &[u8],
) -> Result<u64, BackendError> {
    let rows = ProjectionRows::new([7; 32]);
    let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    let mut sums = [0; ProjectionRows::COUNT];
    backend.project(&rows, FIRST, &values, &mut sums)?;
    let job = RowFolding { rows: &rows, masks, challenges: [Fq::new(values[0] as u64), Fq::new(3)], width };
    let mut folds = [RowFold::zero(), RowFold::zero()];
    backend.fold_rows(&job, FIRST, BLOCKS, Some(packed), &mut folds)?;
    let [first, second] = &folds;
    let folded = first.adjoint.values().iter().chain(second.adjoint.values()).copied();
    let words = sums.iter().map(|&sum| sum as u64).chain(folded).chain([first.inner.value()]);
    Ok(fingerprint(words.chain([second.inner.value()])))
}

#[cfg(test)]
mod tests {
    use lattice::CpuBackend;
    use lattice::expand::{PublicStream, Purpose};

    use super::*;

    #[test]
    fn the_stored_words_are_those_of_the_reference() {
        let names = EXPECTED.map(|(name, _)| name);
        let expected = EXPECTED.map(|(_, word)| word);
        let found = fingerprints(&CpuBackend::portable()).unwrap();
        assert_eq!(found, expected, "{names:?}");
    }

    #[test]
    fn the_fixed_input_replaces_a_word_of_a_mask_polynomial() {
        let (mut stream, mut mask) = (vec![0; RING_DEGREE], vec![0; RING_DEGREE]);
        PublicStream::new(masks().stream_key(), FIRST + 1, Purpose::MASK_POLYNOMIAL).fill(&mut stream);
        masks().expand(FIRST + 1, &mut mask);
        let replaced: Vec<usize> = (0..RING_DEGREE).filter(|&k| stream[k] != mask[k]).collect();
        assert_eq!(replaced, [1585]);
    }
}
