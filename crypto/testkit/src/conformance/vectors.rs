//! Every operation against the words that another program has computed: `tests/vectors/backend.json`, which names it.

use lattice::{
    Backend, Fq, MaskPolynomials, ProjectionRows, RING_DEGREE, RowFold, RowFolding, Unmasking, Width, pack,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::evaluation;

#[derive(Deserialize)]
struct Vectors {
    #[serde(with = "hex")]
    mask_seed: [u8; 32],
    #[serde(with = "hex")]
    rows_key: [u8; 32],
    first: u64,
    blocks: usize,
    transport_bits: u32,
    scale_log2: u32,
    challenges: [u64; 2],
    sha256: Digests,
}

/// SHA-256 of the results of each operation, as little-endian 64-bit words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    forward: String,
    inverse: String,
    multiply_accumulate: String,
    mask_product: String,
    add_packed: String,
    unmask: String,
    inner_product: String,
    adjoint_accumulate: String,
    project: String,
    fold_rows: String,
}

impl Vectors {
    fn load() -> Self {
        let text = include_str!("../../../../tests/vectors/backend.json");
        serde_json::from_str(text).expect("the vectors are well-formed")
    }

    fn masks(&self) -> MaskPolynomials {
        MaskPolynomials::derive(&self.mask_seed)
    }

    /// The mask polynomials from `stream`·2⁴⁰, taken as canonical words.
    fn words(&self, stream: u64) -> Vec<u64> {
        let mut words = vec![0; self.blocks * RING_DEGREE];
        for (index, block) in (stream << 40..).zip(words.chunks_mut(RING_DEGREE)) {
            self.masks().expand(index, block);
        }
        words
    }
}

/// Runs the check of this module.
pub(super) fn check(backend: &dyn Backend) {
    let vectors = Vectors::load();
    let (first, masks) = (vectors.first, vectors.masks());
    let (a, b) = (vectors.words(1), vectors.words(2));
    let key = evaluation(&a[..RING_DEGREE]);
    let width = Width::from_transport_bits(vectors.transport_bits).expect("1 to 32 bits");
    let mut packed = vec![0; width.bytes(b.len())];
    pack::pack(width, &b.iter().map(|word| word >> vectors.transport_bits).collect::<Vec<_>>(), &mut packed);
    let expected = &vectors.sha256;

    let mut values = a.clone();
    backend.forward(&mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.forward);

    let mut values = a.clone();
    backend.inverse(&mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.inverse);

    let mut values = a.clone();
    backend.multiply_accumulate(&mut values, &b, &key).expect("equal lengths");
    assert_eq!(digest(values), expected.multiply_accumulate);

    let mut values = vec![0; a.len()];
    backend.mask_product(&masks, first, &key, &mut values).expect("whole blocks");
    assert_eq!(digest(values), expected.mask_product);

    let mut values = a.clone();
    backend.add_packed(&mut values, width, &[&packed, &packed]).expect("canonical words");
    assert_eq!(digest(values), expected.add_packed);

    let job = Unmasking { masks: &masks, first, key_sum: &key, width, scale_log2: vectors.scale_log2 };
    let mut sums = vec![0; a.len()];
    let residual_max = backend.unmask(&job, &a, &mut sums).expect("equal lengths");
    assert_eq!(digest(signed(&sums).chain([residual_max])), expected.unmask);

    let inner = backend.inner_product(&a, &b).expect("equal lengths");
    assert_eq!(digest([inner]), expected.inner_product);

    let mut adjoint = evaluation(key.values());
    backend.adjoint_accumulate(&masks, first, &b, &mut adjoint).expect("whole blocks");
    assert_eq!(digest(adjoint.values().iter().copied()), expected.adjoint_accumulate);

    let rows = ProjectionRows::new(vectors.rows_key);
    let values: Vec<i64> = a.iter().map(|&word| word as i64).collect();
    let mut sums = [0; ProjectionRows::COUNT];
    backend.project(&rows, first, &values, &mut sums).expect("whole blocks");
    assert_eq!(digest(signed(&sums)), expected.project);

    let job = RowFolding { rows: &rows, masks: &masks, challenges: vectors.challenges.map(Fq::new), width };
    let mut folds = [RowFold::zero(), RowFold::zero()];
    backend.fold_rows(&job, first, vectors.blocks, Some(&packed), &mut folds).expect("canonical words");
    let words = folds
        .iter()
        .flat_map(|fold| [fold.inner.value()].into_iter().chain(fold.adjoint.values().iter().copied()));
    assert_eq!(digest(words), expected.fold_rows);
}

fn signed(values: &[i64]) -> impl Iterator<Item = u64> + '_ {
    values.iter().map(|&value| value as u64)
}

fn digest(words: impl IntoIterator<Item = u64>) -> String {
    let mut hash = Sha256::new();
    words.into_iter().for_each(|word| hash.update(word.to_le_bytes()));
    hex::encode(hash.finalize())
}
