//! ChaCha8 with a block in each lane of a vector, for consumers that take the stream by words of equal position.

use pulp::{Arch, Simd, WithSimd};

use super::{Purpose, nonce};

/// Words of a ChaCha block.
pub(crate) const BLOCK_WORDS: usize = 16;

/// "expand 32-byte k", the first four words of a state.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Position of the block counter in a state.
const COUNTER: usize = 12;

const DOUBLE_ROUNDS: usize = 4;

/// `COUNT` consecutive blocks of a stream, transposed: plane w holds word w of every block.
///
/// `COUNT` is a multiple of the lanes of every vector, at most 16.
pub(crate) type Planes<const COUNT: usize> = [[u32; COUNT]; BLOCK_WORDS];

/// The stream of [`PublicStream`](super::PublicStream), addressed by block.
#[derive(Clone, Copy)]
pub(crate) struct BlockStream {
    state: [u32; BLOCK_WORDS],
}

impl BlockStream {
    /// The stream of `key` at `index` for `purpose`.
    pub(crate) fn new(key: &[u8; 32], index: u64, purpose: Purpose) -> Self {
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let mut state = [0; BLOCK_WORDS];
        state[..4].copy_from_slice(&CONSTANTS);
        state[4..COUNTER].iter_mut().zip(key.chunks(4)).for_each(|(state, bytes)| *state = word(bytes));
        let nonce = nonce(index, purpose);
        state[COUNTER + 1..].iter_mut().zip(nonce.chunks(4)).for_each(|(state, bytes)| *state = word(bytes));
        Self { state }
    }

    /// Overwrites `planes` with the `COUNT` blocks from block `first`: byte 4w + b of block first + i is bits
    /// `[8b, 8b + 8)` of `planes[w][i]`.
    pub(crate) fn fill<const COUNT: usize>(&self, arch: Arch, first: u32, planes: &mut Planes<COUNT>) {
        const { assert!(COUNT.is_multiple_of(16), "whole vectors") };
        arch.dispatch(Fill { stream: self, first, planes });
    }
}

struct Fill<'a, const COUNT: usize> {
    stream: &'a BlockStream,
    first: u32,
    planes: &'a mut Planes<COUNT>,
}

impl<const COUNT: usize> WithSimd for Fill<'_, COUNT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut initial = self.stream.state.map(|word| simd.splat_u32s(word));
        let lanes: [u32; 16] = std::array::from_fn(|lane| self.first + lane as u32);
        initial[COUNTER] = simd.partial_load_u32s(&lanes[..S::U32_LANES]);
        let mut planes = self.planes.each_mut().map(|plane| S::as_mut_simd_u32s(plane).0);
        for vector in 0..COUNT / S::U32_LANES {
            let block = block(simd, &initial);
            for (plane, word) in planes.iter_mut().zip(block) {
                plane[vector] = word;
            }
            initial[COUNTER] = simd.add_u32s(initial[COUNTER], simd.splat_u32s(S::U32_LANES as u32));
        }
    }
}

/// The ChaCha8 block function on every lane.
#[inline(always)]
fn block<S: Simd>(simd: S, initial: &[S::u32s; BLOCK_WORDS]) -> [S::u32s; BLOCK_WORDS] {
    let mut state = *initial;
    for _ in 0..DOUBLE_ROUNDS {
        for column in 0..4 {
            quarter_round(simd, &mut state, [column, 4 + column, 8 + column, 12 + column]);
        }
        for diagonal in 0..4 {
            let [b, c, d] = [1, 2, 3].map(|row| 4 * row + (diagonal + row) % 4);
            quarter_round(simd, &mut state, [diagonal, b, c, d]);
        }
    }
    std::array::from_fn(|word| simd.add_u32s(state[word], initial[word]))
}

#[inline(always)]
fn quarter_round<S: Simd>(simd: S, state: &mut [S::u32s; BLOCK_WORDS], [a, b, c, d]: [usize; 4]) {
    let mut step = |sum: usize, term: usize, mixed: usize, bits: u32| {
        state[sum] = simd.add_u32s(state[sum], state[term]);
        state[mixed] = rotate_left(simd, simd.xor_u32s(state[mixed], state[sum]), bits);
    };
    step(a, b, d, 16);
    step(c, d, b, 12);
    step(a, b, d, 8);
    step(c, d, b, 7);
}

#[inline(always)]
fn rotate_left<S: Simd>(simd: S, x: S::u32s, bits: u32) -> S::u32s {
    let left = simd.wrapping_dyn_shl_u32s(x, simd.splat_u32s(bits));
    let right = simd.wrapping_dyn_shr_u32s(x, simd.splat_u32s(32 - bits));
    simd.or_u32s(left, right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::PublicStream;
    use super::*;

    /// Blocks `first` to `first + 32` of the stream that the `chacha20` crate makes.
    fn expected(key: &[u8; 32], index: u64, first: usize) -> Vec<u64> {
        let mut words = vec![0; (first + 32) * BLOCK_WORDS / 2];
        PublicStream::new(key, index, Purpose::PROJECTION).fill(&mut words);
        words.split_off(first * BLOCK_WORDS / 2)
    }

    proptest! {
        #[test]
        fn blocks_are_those_of_the_public_stream(
            key: [u8; 32], index: u64, first in prop_oneof![0..100_usize, 0..10_000_usize],
        ) {
            let expected = expected(&key, index, first);
            for arch in [Arch::new(), Arch::Scalar] {
                let mut planes = [[0; 32]; BLOCK_WORDS];
                BlockStream::new(&key, index, Purpose::PROJECTION).fill(arch, first as u32, &mut planes);
                for (i, words) in expected.chunks(BLOCK_WORDS / 2).enumerate() {
                    for (w, &word) in words.iter().enumerate() {
                        let pair = [planes[2 * w][i], planes[2 * w + 1][i]];
                        prop_assert_eq!(pair, [word as u32, (word >> 32) as u32], "block {}, word {}", i, w);
                    }
                }
            }
        }
    }
}
