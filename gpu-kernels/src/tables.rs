//! The roots of unity that the transforms multiply with.

use lattice::{Fq, RING_DEGREE};

/// ω, the primitive 2N-th root of unity of [`lattice`]'s transform.
const OMEGA: Fq = Fq::new(10_974_926_054_405_199_669);

/// Entry bitrev(k) is root^k, for k below N and bitrev on 11 bits.
fn powers(root: Fq) -> Vec<u64> {
    let mut table = vec![0; RING_DEGREE];
    let mut power = Fq::ONE;
    for k in 0..RING_DEGREE {
        table[k.reverse_bits() >> (usize::BITS - RING_DEGREE.ilog2())] = power.value();
        power *= root;
    }
    table
}

/// The powers of ω, in bit-reversed order.
pub(crate) fn twiddles() -> Vec<u64> {
    powers(OMEGA)
}

/// The powers of 1/ω, in bit-reversed order.
pub(crate) fn inverse_twiddles() -> Vec<u64> {
    powers(OMEGA.inverse())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// include/ntt.cuh multiplies by shifts where it could read entries 1 to 7.
    #[test]
    fn the_first_twiddles_are_powers_of_two() {
        let expected = [48, 24, 72, 12, 60, 36, 84].map(|exponent| Fq::new(2).pow(exponent).value());
        assert_eq!(twiddles()[1..8], expected);
    }

    /// include/ntt.cuh multiplies by −2⁸⁵ for 1/N.
    #[test]
    fn the_inverse_of_the_degree_is_a_power_of_two() {
        assert_eq!(Fq::new(RING_DEGREE as u64).inverse(), -Fq::new(2).pow(85));
    }

    #[test]
    fn the_inverse_table_inverts_each_entry() {
        for (a, b) in twiddles().into_iter().zip(inverse_twiddles()) {
            assert_eq!(Fq::new(a) * Fq::new(b), Fq::ONE);
        }
    }
}
