//! Packs words of w bits in groups of 64. A group is w little-endian `u64` words, and coefficient i
//! is its bits `[i·w, (i+1)·w)`. Bit 0 is the least significant bit of the first word.
//!
//! 8 words of w bits are w bytes, so the format is also a sequence of w-byte *octets*. Coefficient
//! i of an octet lies in the eight bytes from byte min(⌊i·w/8⌋, w − 8) on. The loops below use that
//! view. Their times do not depend on the values.

use pulp::Arch;

use crate::field::MODULUS;

/// Coefficients in one group.
pub const GROUP: usize = 64;

const OCTET: usize = 8;

/// A transport width w = 64 − τ, from 32 to 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(u32);

impl Width {
    /// The width that drops τ = `transport_bits` bits of each coefficient, or `None` if τ is not 1
    /// to 32.
    pub const fn from_transport_bits(transport_bits: u32) -> Option<Self> {
        if transport_bits >= 1 && transport_bits <= 32 { Some(Self(64 - transport_bits)) } else { None }
    }

    /// w, the bits of a packed word.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// τ = 64 − w, the bits that are dropped.
    pub const fn transport_bits(self) -> u32 {
        64 - self.0
    }

    /// The bytes of `coefficients` packed words. `coefficients` is a multiple of 64.
    pub const fn bytes(self, coefficients: usize) -> usize {
        coefficients / OCTET * self.0 as usize
    }

    /// The largest word v with v·2^τ < q. It is (q − 1)/2^τ because q − 1 is a multiple of 2³².
    pub const fn max_word(self) -> u64 {
        (MODULUS - 1) >> self.transport_bits()
    }
}

/// Calls `$kernel::<W>`, where W is the width's number of bits.
macro_rules! with_width {
    ($width:expr, $kernel:ident, $arguments:tt; $($w:literal)*) => {
        match $width.bits() {
            $($w => $kernel::<$w>$arguments,)*
            _ => unreachable!("a width has 32 to 63 bits"),
        }
    };
    ($width:expr, $kernel:ident, $arguments:tt) => {
        with_width!($width, $kernel, $arguments;
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    };
}

/// Packs `words` into `out`.
///
/// Each word is below 2^w. The number of words is a multiple of 64, and `out` has
/// `width.bytes(words.len())` bytes.
///
/// # Panics
/// When the lengths do not agree.
pub fn pack(width: Width, words: &[u64], out: &mut [u8]) {
    assert!(
        words.len().is_multiple_of(GROUP) && out.len() == width.bytes(words.len()),
        "lengths of packed words"
    );
    Arch::new().dispatch(
        #[inline(always)]
        || with_width!(width, pack_octets, (words, out)),
    );
}

/// Unpacks `packed` and adds its words to `sums`. It neither reduces modulo q nor checks whether a
/// sum exceeds 2⁶⁴.
///
/// Returns whether every word v satisfies v·2^τ < q. All words are added in either case.
///
/// # Panics
/// When the lengths do not agree.
#[must_use]
pub fn unpack_add(width: Width, packed: &[u8], sums: &mut [u64]) -> bool {
    unpack_add_with(Arch::new(), width, packed, sums)
}

/// The position of the first packed word v with v·2^τ ≥ q, or `None` if there is no such word.
///
/// # Panics
/// When `packed` is not a whole number of groups.
pub fn first_noncanonical(width: Width, packed: &[u8]) -> Option<usize> {
    let group_bytes = width.bytes(GROUP);
    assert!(packed.len().is_multiple_of(group_bytes), "whole groups");
    for (index, group) in packed.chunks_exact(group_bytes).enumerate() {
        let mut words = [0; GROUP];
        if !unpack_add(width, group, &mut words) {
            let offset = words.iter().position(|&word| word > width.max_word())?;
            return Some(index * GROUP + offset);
        }
    }
    None
}

/// Does what [`unpack_add`] does, with the instructions of `arch`.
#[inline]
pub(crate) fn unpack_add_with(arch: Arch, width: Width, packed: &[u8], sums: &mut [u64]) -> bool {
    assert!(
        sums.len().is_multiple_of(GROUP) && packed.len() == width.bytes(sums.len()),
        "lengths of packed words"
    );
    arch.dispatch(
        #[inline(always)]
        || with_width!(width, unpack_octets, (packed, sums)),
    )
}

/// The byte and the bit at which coefficient `i` of an octet starts. The bit plus W is at most 71.
#[inline(always)]
const fn position<const W: usize>(i: usize) -> (usize, usize) {
    let byte = if i * W / 8 < W - 8 { i * W / 8 } else { W - 8 };
    (byte, i * W - 8 * byte)
}

/// Adds packed words to `sums` and returns whether all are at most `max_word`.
#[inline(always)]
fn unpack_octets<const W: usize>(packed: &[u8], sums: &mut [u64]) -> bool {
    let max_word = (MODULUS - 1) >> (64 - W);
    let mut excess = [0; OCTET];
    for (octet, sums) in packed.chunks_exact(W).zip(sums.chunks_exact_mut(OCTET)) {
        for i in 0..OCTET {
            let (byte, bit) = position::<W>(i);
            let low = u64::from_le_bytes(octet[byte..byte + 8].try_into().expect("eight bytes"));
            let mut word = low >> bit;
            if bit + W > 64 {
                word |= u64::from(octet[byte + 8]) << (64 - bit);
            }
            word &= (1 << W) - 1;
            excess[i] |= max_word.wrapping_sub(word);
            sums[i] = sums[i].wrapping_add(word);
        }
    }
    excess.into_iter().all(|difference| difference >> 63 == 0)
}

#[inline(always)]
fn pack_octets<const W: usize>(words: &[u64], out: &mut [u8]) {
    for (words, octet) in words.chunks_exact(OCTET).zip(out.chunks_exact_mut(W)) {
        let (mut pending, mut filled, mut byte) = (0_u128, 0, 0);
        for &word in words {
            pending |= u128::from(word) << filled;
            filled += W;
            while filled >= 32 {
                octet[byte..byte + 4].copy_from_slice(&(pending as u32).to_le_bytes());
                (pending, filled, byte) = (pending >> 32, filled - 32, byte + 4);
            }
        }
        octet[byte..].copy_from_slice(&pending.to_le_bytes()[..W - byte]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Packs by the definition of the format, bit by bit.
    fn pack_by_definition(width: Width, words: &[u64]) -> Vec<u8> {
        let w = width.bits() as usize;
        let mut packed = vec![0_u64; words.len() * w / 64];
        for (index, word) in words.iter().enumerate() {
            for bit in 0..w {
                packed[(index * w + bit) / 64] |= (word >> bit & 1) << ((index * w + bit) % 64);
            }
        }
        packed.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn widths() -> impl Iterator<Item = Width> {
        (1..=32).filter_map(Width::from_transport_bits)
    }

    fn words(width: Width, seed: u64, groups: usize) -> Vec<u64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            ((u128::from(state) * (u128::from(width.max_word()) + 1)) >> 64) as u64
        };
        (0..groups * GROUP).map(|_| next()).collect()
    }

    #[test]
    fn widths_are_32_to_63_bits() {
        assert_eq!(widths().count(), 32);
        assert_eq!(Width::from_transport_bits(0), None);
        assert_eq!(Width::from_transport_bits(33), None);
    }

    #[test]
    fn the_largest_word_is_the_last_below_the_modulus() {
        for width in widths() {
            let (max, tau) = (u128::from(width.max_word()), width.transport_bits());
            assert!(max << tau < u128::from(MODULUS) && (max + 1) << tau >= u128::from(MODULUS));
        }
    }

    #[test]
    fn a_word_beyond_the_largest_is_found_where_it_is() {
        for width in widths().filter(|width| width.max_word() + 1 < 1 << width.bits()) {
            let mut values = vec![width.max_word(); 3 * GROUP];
            let mut packed = vec![0; width.bytes(values.len())];
            pack(width, &values, &mut packed);
            assert_eq!(first_noncanonical(width, &packed), None);
            values[100] += 1;
            pack(width, &values, &mut packed);
            assert_eq!(first_noncanonical(width, &packed), Some(100));
            assert!(!unpack_add(width, &packed, &mut vec![0; values.len()]));
        }
    }

    proptest! {
        #[test]
        fn every_width_packs_by_definition_and_unpacks_on_top_of_sums(seed: u64, groups in 1_usize..4) {
            for width in widths() {
                let values = words(width, seed, groups);
                let mut packed = vec![0; width.bytes(values.len())];
                pack(width, &values, &mut packed);
                prop_assert_eq!(&packed, &pack_by_definition(width, &values));
                for arch in [Arch::Scalar, Arch::new()] {
                    let mut sums: Vec<u64> = (0..values.len() as u64).collect();
                    prop_assert!(unpack_add_with(arch, width, &packed, &mut sums));
                    for (i, (sum, value)) in sums.iter().zip(&values).enumerate() {
                        prop_assert_eq!(*sum, value + i as u64);
                    }
                }
            }
        }
    }
}
