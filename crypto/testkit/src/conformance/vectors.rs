//! Words that another program computed. `tests/vectors/backend.json` names the program.

use lattice::{MaskPolynomials, ProjectionRows, RING_DEGREE, Width, expand::PublicStreamKey};
use names::MaskSeed;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::inputs;

/// The inputs, and a digest of each operation's results.
#[derive(Deserialize)]
pub(super) struct Vectors {
    mask_seed: MaskSeed,
    rows_key: PublicStreamKey,
    pub(super) first: u64,
    pub(super) blocks: usize,
    transport_bits: u32,
    pub(super) scale_log2: u32,
    pub(super) challenges: [u64; 2],
    pub(super) sha256: Digests,
}

/// SHA-256 of the results of each operation, as little-endian 64-bit words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Digests {
    pub(super) forward: String,
    pub(super) inverse: String,
    pub(super) mask_product: String,
    pub(super) add_packed: String,
    pub(super) unmask: String,
    pub(super) inner_product: String,
    pub(super) adjoint_accumulate: String,
    pub(super) project: String,
    pub(super) fold_rows: String,
}

impl Vectors {
    /// Reads the vectors of the file.
    pub(super) fn load() -> Self {
        let text = include_str!("../../../../tests/vectors/backend.json");
        serde_json::from_str(text).expect("the vectors are well-formed")
    }

    /// The mask polynomials of the stored seed.
    pub(super) fn masks(&self) -> MaskPolynomials {
        MaskPolynomials::derive(&self.mask_seed)
    }

    /// The projection rows of the stored key.
    pub(super) fn rows(&self) -> ProjectionRows {
        ProjectionRows::new(self.rows_key)
    }

    /// The width of the packed words.
    pub(super) fn width(&self) -> Width {
        inputs::width(self.transport_bits)
    }

    /// A packed body: the words of the second stream, rounded.
    pub(super) fn packed(&self) -> Vec<u8> {
        let words: Vec<u64> = self.words(2).iter().map(|word| word >> self.transport_bits).collect();
        inputs::packed(self.width(), &words)
    }

    /// The words of the mask polynomials with the indices from `stream`·2⁴⁰ on.
    pub(super) fn words(&self, stream: u64) -> Vec<u64> {
        let mut words = vec![0; self.blocks * RING_DEGREE];
        for (index, block) in (stream << 40..).zip(words.chunks_mut(RING_DEGREE)) {
            self.masks().expand(index, block);
        }
        words
    }
}

/// The values as words in two's complement.
pub(super) fn signed(values: &[i64]) -> impl Iterator<Item = u64> + '_ {
    values.iter().map(|&value| value as u64)
}

/// The SHA-256 of the words, little-endian.
pub(super) fn digest(words: impl IntoIterator<Item = u64>) -> String {
    let mut hash = Sha256::new();
    words.into_iter().for_each(|word| hash.update(word.to_le_bytes()));
    hex::encode(hash.finalize())
}
