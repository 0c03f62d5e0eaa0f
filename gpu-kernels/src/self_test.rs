//! The test that a device passes before it works for a round. It runs every operation on fixed
//! input and compares the results with stored words.

use lattice::{
    BackendError, Fq, MaskPolynomials, Poly, ProjectionRows, RING_DEGREE, RowFold, RowFolding, Unmasking,
    Width, pack,
};
use names::MaskSeed;

use crate::device::DeviceError;
use crate::device_backend::DeviceBackend;

/// Blocks of the fixed input.
const BLOCKS: usize = 3;

/// Index of the first mask polynomial. The stream of the second one, a_1525686, has a word beyond
/// the modulus.
const FIRST: u64 = 1_525_685;

/// The results of the reference backend, each folded to one word.
const EXPECTED: [(&str, u64); 7] = [
    ("forward", 0xf0f9_f86a_4265_72c6),
    ("inverse", 0x4509_b252_37b7_4a72),
    ("add_packed", 0x8fdb_9b0c_f3f8_0134),
    ("unmask", 0x2329_98c3_c4b3_030b),
    ("inner_product", 0x8305_aeff_8093_5234),
    ("adjoint_accumulate", 0xcfee_fda6_7370_3c2d),
    ("fold_rows", 0x2ba2_86df_d28e_93a8),
];

/// Runs every operation of `backend` on the fixed input.
///
/// # Errors
/// When an operation fails or gives other words than the stored ones.
pub fn check(backend: &dyn DeviceBackend) -> Result<(), BackendError> {
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
    MaskPolynomials::derive(&MaskSeed::from_bytes(*b"test seed ..............\x01\0\0\0\0\0\0\0"))
}

/// `BLOCKS` blocks of canonical words.
fn blocks(stream: u64) -> Vec<u64> {
    let mut values = vec![0; BLOCKS * RING_DEGREE];
    for (index, block) in values.chunks_mut(RING_DEGREE).enumerate() {
        masks().expand(stream << 32 | index as u64, block);
    }
    values
}

/// Σ w_k·x^k mod q at an arbitrary point x. A wrong word goes unnoticed with probability length/q.
fn fingerprint(words: impl DoubleEndedIterator<Item = u64>) -> u64 {
    const POINT: Fq = Fq::new(0x0123_4567_89ab_cdef);
    words.rev().fold(Fq::ZERO, |sum, word| sum * POINT + Fq::new(word)).value()
}

fn fingerprints(backend: &dyn DeviceBackend) -> Result<[u64; 7], BackendError> {
    let (masks, a, b) = (masks(), blocks(1), blocks(2));
    let key = Poly::from_canonical(&a[..RING_DEGREE]).expect("expansion gives canonical words");
    let (mut forward, mut inverse) = (a.clone(), a.clone());
    backend.forward(&mut forward)?;
    backend.inverse(&mut inverse)?;
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
        fingerprint(sums.into_iter()),
        fingerprint(unmasked.iter().map(|&sum| sum as u64)) ^ residual,
        backend.inner_product(&a, &b)?,
        fingerprint(adjoint.values().iter().copied()),
        folded(backend, &masks, width, &packed)?,
    ])
}

fn packed(width: Width, values: &[u64]) -> Vec<u8> {
    let words: Vec<u64> = values.iter().map(|value| value >> width.transport_bits()).collect();
    let mut packed = vec![0; width.bytes(words.len())];
    pack::pack(width, &words, &mut packed);
    packed
}

fn folded(
    backend: &dyn DeviceBackend,
    masks: &MaskPolynomials,
    width: Width,
    packed: &[u8],
) -> Result<u64, BackendError> {
    let rows = ProjectionRows::new([7; 32].into());
    let challenges = [Fq::new(0xfedc_ba98_7654_3210), Fq::new(3)];
    let job = RowFolding { rows: &rows, masks, challenges, width };
    let mut folds = [RowFold::zero(), RowFold::zero()];
    backend.fold_rows(&job, FIRST, BLOCKS, Some(packed), &mut folds)?;
    let words = folds.iter().flat_map(|fold| fold.adjoint.values().iter().copied());
    let inner = folds.each_ref().map(|fold| fold.inner.value());
    Ok(fingerprint(words.chain(inner)))
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
        assert_eq!(replaced, [1276]);
    }
}
