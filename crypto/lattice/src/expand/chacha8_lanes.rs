//! ChaCha8 with one block of the stream in each lane of a vector. It serves code that reads the
//! words of the same position of many blocks together.

use pulp::{Arch, Simd, WithSimd};

use super::{
    keys::PublicStreamKey,
    purpose::{Purpose, nonce},
};

/// Words in a ChaCha block.
pub(crate) const BLOCK_WORDS: usize = 16;

/// "expand 32-byte k", the first four words of every state.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Index of the block counter in a state.
const COUNTER: usize = 12;

const DOUBLE_ROUNDS: usize = 4;

/// `COUNT` consecutive blocks of a stream, transposed: plane w holds word w of every block.
///
/// `COUNT` is a multiple of 16, so that it is whole vectors on every processor.
pub(crate) type Planes<const COUNT: usize> = [[u32; COUNT]; BLOCK_WORDS];

/// The same stream as [`PublicStream`](super::PublicStream), but readable from any block.
#[derive(Clone, Copy)]
pub(crate) struct BlockStream {
    state: [u32; BLOCK_WORDS],
}

impl BlockStream {
    /// The stream of `key` at `index` for `purpose`.
    pub(crate) fn new(key: &PublicStreamKey, index: u64, purpose: Purpose) -> Self {
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let mut state = [0; BLOCK_WORDS];
        state[..4].copy_from_slice(&CONSTANTS);
        state[4..COUNTER]
            .iter_mut()
            .zip(key.as_bytes().chunks(4))
            .for_each(|(state, bytes)| *state = word(bytes));
        let nonce = nonce(index, purpose);
        state[COUNTER + 1..].iter_mut().zip(nonce.chunks(4)).for_each(|(state, bytes)| *state = word(bytes));
        Self { state }
    }

    /// Overwrites `planes` with `COUNT` blocks, from block `first` on. Bits `[8b, 8b + 8)` of
    /// `planes[w][i]` are byte 4w + b of block first + i.
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
        let mut initial = [simd.splat_u32s(0); BLOCK_WORDS];
        for (initial, &word) in initial.iter_mut().zip(&self.stream.state) {
            *initial = simd.splat_u32s(word);
        }
        let lanes: [u32; 16] = std::array::from_fn(|lane| self.first + lane as u32);
        initial[COUNTER] = simd.partial_load_u32s(&lanes[..S::U32_LANES]);
        let mut planes = self.planes.each_mut().map(|plane| S::as_mut_simd_u32s(plane).0);
        for vector in 0..COUNT / S::U32_LANES {
            let words = block(simd, &initial);
            for (plane, word) in planes.iter_mut().zip(words) {
                plane[vector] = word;
            }
            initial[COUNTER] = simd.add_u32s(initial[COUNTER], simd.splat_u32s(S::U32_LANES as u32));
        }
    }
}

/// The ChaCha8 block function on every lane.
///
/// Every function that handles vectors must be inlined, and none may be a closure. A closure is
/// compiled without the processor's vector features, which makes a call of each operation.
#[inline(always)]
fn block<S: Simd>(simd: S, initial: &[S::u32s; BLOCK_WORDS]) -> [S::u32s; BLOCK_WORDS] {
    let mut state = *initial;
    for _ in 0..DOUBLE_ROUNDS {
        quarter_round(simd, &mut state, [0, 4, 8, 12]);
        quarter_round(simd, &mut state, [1, 5, 9, 13]);
        quarter_round(simd, &mut state, [2, 6, 10, 14]);
        quarter_round(simd, &mut state, [3, 7, 11, 15]);
        quarter_round(simd, &mut state, [0, 5, 10, 15]);
        quarter_round(simd, &mut state, [1, 6, 11, 12]);
        quarter_round(simd, &mut state, [2, 7, 8, 13]);
        quarter_round(simd, &mut state, [3, 4, 9, 14]);
    }
    for (word, &initial) in state.iter_mut().zip(initial) {
        *word = simd.add_u32s(*word, initial);
    }
    state
}

#[inline(always)]
fn quarter_round<S: Simd>(simd: S, state: &mut [S::u32s; BLOCK_WORDS], [a, b, c, d]: [usize; 4]) {
    state[a] = simd.add_u32s(state[a], state[b]);
    state[d] = rotate_left::<S, 16>(simd, simd.xor_u32s(state[d], state[a]));
    state[c] = simd.add_u32s(state[c], state[d]);
    state[b] = rotate_left::<S, 12>(simd, simd.xor_u32s(state[b], state[c]));
    state[a] = simd.add_u32s(state[a], state[b]);
    state[d] = rotate_left::<S, 8>(simd, simd.xor_u32s(state[d], state[a]));
    state[c] = simd.add_u32s(state[c], state[d]);
    state[b] = rotate_left::<S, 7>(simd, simd.xor_u32s(state[b], state[c]));
}

#[inline(always)]
fn rotate_left<S: Simd, const BITS: u32>(simd: S, x: S::u32s) -> S::u32s {
    let left = simd.wrapping_dyn_shl_u32s(x, simd.splat_u32s(BITS));
    let right = simd.wrapping_dyn_shr_u32s(x, simd.splat_u32s(32 - BITS));
    simd.or_u32s(left, right)
}

#[cfg(test)]
mod tests {
    use proptest::{array::uniform32, prelude::*};

    use super::{super::PublicStream, *};

    /// Blocks `first` to `first + 32` of the stream, as the `chacha20` crate computes them.
    fn expected(key: &PublicStreamKey, index: u64, first: usize) -> Vec<u64> {
        let mut words = vec![0; (first + 32) * BLOCK_WORDS / 2];
        PublicStream::new(key, index, Purpose::PROJECTION).fill(&mut words);
        words.split_off(first * BLOCK_WORDS / 2)
    }

    proptest! {
        #[test]
        fn blocks_are_those_of_the_public_stream(
            key in uniform32(any::<u8>()).prop_map(PublicStreamKey::from_bytes),
            index: u64,
            first in prop_oneof![0..100_usize, 0..10_000_usize],
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
