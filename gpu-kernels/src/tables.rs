//! The roots of unity with which the transforms multiply.

use lattice::{Fq, RING_DEGREE};

/// ω, the primitive 2N-th root of unity of [`lattice`]'s transform.
const OMEGA: Fq = Fq::new(10_974_926_054_405_199_669);

/// The passes of a transform in include/ntt.cuh, each as (levels before it, its levels).
const PASSES: [(u32, u32); 4] = [(0, 3), (3, 3), (6, 2), (8, 3)];

/// The root r of a group in the pass of `levels` levels after the first `first`.
///
/// Level s splits polynomial g into those that vanish at plus and minus ω^bitrev(2^s + g), with
/// bitrev on 11 bits. r is that root for the group's first polynomial in the pass's last level.
fn root(first: u32, levels: u32, group: usize) -> Fq {
    let entry = ((1 << first) + group) << (levels - 1);
    OMEGA.pow((entry.reverse_bits() >> (usize::BITS - RING_DEGREE.ilog2())) as u64)
}

/// The words r^e of each pass and each of its groups, at index e·2^first + group. The first word is
/// not used.
pub(crate) fn twiddles() -> Vec<u64> {
    let mut table = vec![1; RING_DEGREE];
    for (first, levels) in PASSES {
        for group in 0..1 << first {
            let root = root(first, levels, group);
            for e in 1..1 << levels {
                table[(e << first) + group] = root.pow(e as u64).value();
            }
        }
    }
    table
}

/// The words 1/r^e of each pass but the first and each of its groups, at index 2^done +
/// group·2^levels + e. `done` counts the levels up to the end of the pass. Other words are not
/// used.
pub(crate) fn inverse_twiddles() -> Vec<u64> {
    let mut table = vec![1; 2 * RING_DEGREE];
    for (first, levels) in &PASSES[1..] {
        for group in 0..1 << first {
            let inverse = root(*first, *levels, group).inverse();
            for e in 0..1 << levels {
                table[(1 << (first + levels)) + (group << levels) + e] = inverse.pow(e as u64).value();
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_of_two(exponent: u64) -> Fq {
        Fq::new(2).pow(exponent)
    }

    /// include/ntt.cuh multiplies by shifts in the first pass, and for all roots of unity in a
    /// pass.
    #[test]
    fn the_first_twiddles_are_powers_of_two() {
        let expected = [12, 24, 36, 48, 60, 72, 84].map(|exponent| power_of_two(exponent).value());
        assert_eq!(twiddles()[1..8], expected);
        assert_eq!(power_of_two(96), -Fq::ONE);
    }

    /// include/ntt.cuh multiplies by −2⁸⁵ for 1/N.
    #[test]
    fn the_inverse_of_the_degree_is_a_power_of_two() {
        assert_eq!(Fq::new(RING_DEGREE as u64).inverse(), -power_of_two(85));
    }

    #[test]
    fn the_passes_cover_all_levels_and_their_words_lie_side_by_side() {
        let mut level = 0;
        for (first, levels) in PASSES {
            assert_eq!(first, level);
            level += levels;
        }
        assert_eq!(level, RING_DEGREE.ilog2());
    }
}
