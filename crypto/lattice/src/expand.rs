//! Expands seeds to ChaCha streams, and the mask seed of a round to its uniform mask polynomials.
//!
//! The streams follow RFC 8439, with 20 rounds for secrets and 8 for public randomness. The key has
//! 256 bits, the nonce is `u64 index ‖ u32 purpose`, the block counter starts at 0, and words are
//! little-endian. One (key, index, purpose) yields at most 256 GiB.

pub(crate) mod chacha8_lanes;
mod keys;
mod purpose;

use chacha20::{
    ChaCha8, ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use names::{MaskSeed, labels};

use self::chacha8_lanes::BlockStream;
use self::purpose::nonce;
pub use self::{
    keys::{PublicStreamKey, SecretStreamKey},
    purpose::Purpose,
};
use crate::block::RING_DEGREE;
use crate::field::MODULUS;

/// A public pseudorandom stream, from ChaCha8.
pub struct PublicStream(ChaCha8);

impl PublicStream {
    /// The stream of `key` at `index` for `purpose`.
    pub fn new(key: &PublicStreamKey, index: u64, purpose: Purpose) -> Self {
        Self(ChaCha8::new(key.as_bytes().into(), &nonce(index, purpose).into()))
    }

    /// Overwrites `words` with the stream's next words.
    pub fn fill(&mut self, words: &mut [u64]) {
        fill(&mut self.0, words);
    }
}

/// A secret pseudorandom stream, from ChaCha20. Dropping it overwrites its state.
pub struct SecretStream(ChaCha20);

impl SecretStream {
    /// The stream of `key` at `index` for `purpose`.
    pub fn new(key: &SecretStreamKey, index: u64, purpose: Purpose) -> Self {
        Self(ChaCha20::new(key.as_bytes().into(), &nonce(index, purpose).into()))
    }

    /// Overwrites `words` with the stream's next words.
    pub fn fill(&mut self, words: &mut [u64]) {
        fill(&mut self.0, words);
    }

    /// Overwrites `bytes` with the stream's next bytes.
    pub fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
        self.0.apply_keystream(bytes);
    }
}

/// The public mask polynomials a_0, a_1, … of a round: uniform in R_q and the same for all clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskPolynomials {
    key: PublicStreamKey,
}

impl MaskPolynomials {
    /// The mask polynomials that `mask_seed` expands to.
    pub fn derive(mask_seed: &MaskSeed) -> Self {
        Self { key: labels::hash(labels::MASK_POLYNOMIALS, &[mask_seed.as_bytes()]) }
    }

    /// The key of the ChaCha8 streams from which the polynomials are read.
    pub fn stream_key(&self) -> &PublicStreamKey {
        &self.key
    }

    /// Overwrites `block`, N words, with a_`index` in evaluation form.
    ///
    /// Evaluation k is word k of the stream if that word is below q. The evaluations that are then
    /// still missing, in increasing order, take the next words of the stream that are below q.
    ///
    /// # Panics
    /// When `block` does not hold N words.
    pub fn expand(&self, index: u64, block: &mut [u64]) {
        assert_eq!(block.len(), RING_DEGREE, "a mask polynomial is one block");
        let mut stream = PublicStream::new(&self.key, index, Purpose::MASK_POLYNOMIAL);
        uniform(block, |words| stream.fill(words));
    }
}

/// The rows of a projection: a public matrix R with 256 rows and a column for each coordinate. An
/// entry is 0 with probability 1/2, and 1 or −1 with probability 1/4 each.
///
/// The columns of block j come from the ChaCha8 stream of the key at index j for
/// [`Purpose::PROJECTION`]. Coordinate k of the block takes bytes 64k to 64k + 63. R_{t, jN + k} is
/// bit t of the first 32 of these bytes minus bit t of the last 32. Bit t is bit t mod 8 of byte
/// ⌊t/8⌋.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionRows {
    key: PublicStreamKey,
}

impl ProjectionRows {
    /// The number of rows.
    pub const COUNT: usize = 256;

    /// The rows whose streams have the key `key`.
    pub fn new(key: PublicStreamKey) -> Self {
        Self { key }
    }

    /// The key of the ChaCha8 streams from which the rows are read.
    pub fn stream_key(&self) -> &PublicStreamKey {
        &self.key
    }

    /// The stream of block `index` of the vector. Block k of the stream is the column of coordinate
    /// k.
    pub(crate) fn columns(&self, index: u64) -> BlockStream {
        BlockStream::new(&self.key, index, Purpose::PROJECTION)
    }
}

/// Fills `values` with elements of F_q. `fill` produces the words, and [`MaskPolynomials::expand`]
/// states which of them are taken.
fn uniform(values: &mut [u64], mut fill: impl FnMut(&mut [u64])) {
    fill(values);
    if values.iter().fold(0, |largest, &word| word.max(largest)) < MODULUS {
        return;
    }
    for value in values.iter_mut() {
        while *value >= MODULUS {
            fill(std::slice::from_mut(value));
        }
    }
}

fn fill(cipher: &mut impl StreamCipher, words: &mut [u64]) {
    words.fill(0);
    cipher.apply_keystream(bytemuck::cast_slice_mut(words));
    if cfg!(target_endian = "big") {
        words.iter_mut().for_each(|word| *word = u64::from_le(*word));
    }
}

#[cfg(test)]
mod tests {
    use pulp::Arch;
    use sha2::{Digest, Sha256};

    use super::chacha8_lanes::BLOCK_WORDS;
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn words(hex: &str) -> Vec<u64> {
        bytes(hex).chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
    }

    /// From RFC 8439 §2.3.2: key 00 … 1f, counter 1, nonce 00000009 0000004a 00000000.
    #[test]
    fn secret_streams_are_rfc_8439() {
        let key = SecretStreamKey::from_bytes(std::array::from_fn(|i| i as u8));
        let index = u64::from_le_bytes([0, 0, 0, 9, 0, 0, 0, 0x4a]);
        let mut stream = SecretStream::new(&key, index, Purpose(0));
        let mut skipped = [0; 64];
        stream.fill_bytes(&mut skipped);
        let mut block = [0; 8];
        stream.fill(&mut block);
        let expected = "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e
                        d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e";
        assert_eq!(block.as_slice(), words(expected));
    }

    /// From RFC 8439 appendix A.1, test vector 1: key and nonce zero, counter 0.
    #[test]
    fn secret_streams_start_at_counter_zero() {
        let mut block = [0; 64];
        SecretStream::new(&[0; 32].into(), 0, Purpose(0)).fill_bytes(&mut block);
        let expected = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
                        da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586";
        assert_eq!(block.as_slice(), bytes(expected));
    }

    /// From draft-strombergson-chacha-test-vectors-01: TC1 and TC2 for 256-bit keys and 8 rounds,
    /// with both blocks.
    #[test]
    fn public_streams_are_chacha8() {
        let mut key = [0; 32];
        for (first, expected) in [
            (
                0,
                "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e
                 984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42
                 d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b
                 5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa",
            ),
            (
                1,
                "cf5ee9a0494aa9613e05d5ed725b804b12f4a465ee635acc3a311de8740489ea
                 289d04f43c7518db56eb4433e498a1238cd8464d3763ddbb9222ee3bd8fae3c8",
            ),
        ] {
            key[0] = first;
            let expected = words(expected);
            let mut block = vec![0; expected.len()];
            PublicStream::new(&key.into(), 0, Purpose(0)).fill(&mut block);
            assert_eq!(block, expected);
        }
    }

    #[test]
    fn index_and_purpose_separate_streams() {
        assert_eq!(
            nonce(0x0102_0304_0506_0708, Purpose(0x0a0b_0c0d)),
            [8, 7, 6, 5, 4, 3, 2, 1, 13, 12, 11, 10]
        );
    }

    #[test]
    fn words_beyond_the_modulus_are_replaced_in_increasing_order() {
        let mut source = vec![5, MODULUS, 6, u64::MAX, MODULUS - 1, MODULUS + 1];
        source.extend([u64::MAX, 10, MODULUS, MODULUS, 11, 12, 13]);
        let mut source = source.into_iter();
        let mut values = [0; 6];
        uniform(&mut values, |words| words.fill_with(|| source.next().unwrap()));
        assert_eq!(values, [5, 10, 6, 11, MODULUS - 1, 12]);
        assert_eq!(source.next(), Some(13));
    }

    #[test]
    fn mask_polynomials_are_the_labelled_stream() {
        let masks = MaskPolynomials::derive(&[7; 32].into());
        let key = labels::hash(labels::MASK_POLYNOMIALS, &[&[7; 32]]);
        let (mut block, mut expected) = (vec![0; RING_DEGREE], vec![0; RING_DEGREE]);
        masks.expand(1 << 40, &mut block);
        PublicStream::new(&key, 1 << 40, Purpose::MASK_POLYNOMIAL).fill(&mut expected);
        assert!(expected.iter().all(|&word| word < MODULUS), "this seed needs no rejection");
        assert_eq!(block, expected);
    }

    /// `tests/recompute/test_vectors.py` recomputes the same digest and entries.
    #[test]
    fn projection_rows_are_the_recomputed_ones() {
        let rows = ProjectionRows::new(PublicStreamKey::from_bytes(std::array::from_fn(|i| i as u8)));
        let index = 0x0102_0304_0506_0708;
        let mut words = [0; 128];
        PublicStream::new(rows.stream_key(), index, Purpose::PROJECTION).fill(&mut words);
        let stream: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let digest = "f1fd5f17815814a07743f565fc2602fa12cf3a06016816b53fe5732f0ef862f3";
        assert_eq!(Sha256::digest(&stream).as_slice(), bytes(digest));

        let mut planes = [[0; 16]; BLOCK_WORDS];
        rows.columns(index).fill(Arch::new(), 2032, &mut planes);
        let bit = |word: usize, t: usize| (planes[word][15] >> (t % 32) & 1) as i32;
        let entries =
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 254, 255].map(|t| bit(t / 32, t) - bit(8 + t / 32, t));
        assert_eq!(entries, [1, -1, 1, 0, 0, -1, -1, 1, 1, 1, 1, 0, -1]);
    }
}
