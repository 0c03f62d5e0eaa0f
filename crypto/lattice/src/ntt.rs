//! The negacyclic number-theoretic transform of one block.
//!
//! Evaluation k of a polynomial is its value at ω^(2·bitrev(k) + 1). Here ω = 10974926054405199669
//! is a primitive 2N-th root of unity, and bitrev reverses 11 bits.
//!
//! With AVX2 or AVX-512 the transforms select without branches, so their times do not depend on the
//! values. On other machines this holds only if the compiler turns the conditional subtractions of
//! `tfhe-ntt` into selects.

use std::sync::OnceLock;

use tfhe_ntt::prime64::Plan;

use crate::block::RING_DEGREE;
use crate::field::{Fq, MODULUS};

/// 1/N mod q.
pub(crate) const DEGREE_INVERSE: u64 = Fq::new(RING_DEGREE as u64).inverse().value();

/// Turns coefficients into evaluations, in place. `block` holds N canonical values.
pub(crate) fn forward(block: &mut [u64]) {
    plan().fwd(block);
}

/// Turns evaluations into N times the coefficients, in place. `block` holds N canonical values.
pub(crate) fn inverse_scaled(block: &mut [u64]) {
    plan().inv(block);
}

/// Turns evaluations into coefficients, in place. `block` holds N canonical values.
pub(crate) fn inverse(block: &mut [u64]) {
    plan().inv(block);
    plan().normalize(block);
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| Plan::try_new(RING_DEGREE, MODULUS).expect("q is a prime with q = 1 mod 4096"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OMEGA: Fq = Fq::new(10_974_926_054_405_199_669);

    fn block(seed: u64) -> Vec<u64> {
        let mut state = Fq::new(seed);
        let step = || {
            state = state * Fq::new(6_364_136_223_846_793_005) + Fq::ONE;
            state.value()
        };
        std::iter::repeat_with(step).take(RING_DEGREE).collect()
    }

    fn evaluate(coefficients: &[u64], point: Fq) -> Fq {
        coefficients.iter().rev().fold(Fq::ZERO, |value, &c| value * point + Fq::new(c))
    }

    #[test]
    fn omega_is_a_primitive_root_of_order_4096() {
        assert_eq!(OMEGA.pow(RING_DEGREE as u64), -Fq::ONE);
    }

    #[test]
    fn evaluations_lie_at_odd_powers_in_bit_reversed_order() {
        let coefficients = block(1);
        let mut evaluations = coefficients.clone();
        forward(&mut evaluations);
        for k in [0, 1, 2, 3, 777, 1024, 2046, 2047_usize] {
            let exponent = 2 * (k.reverse_bits() >> (usize::BITS - 11)) + 1;
            assert_eq!(
                evaluations[k],
                evaluate(&coefficients, OMEGA.pow(exponent as u64)).value(),
                "k = {k}"
            );
        }
    }

    #[test]
    fn inverse_undoes_forward_and_both_stay_canonical() {
        for coefficients in [block(2), vec![MODULUS - 1; RING_DEGREE], vec![0; RING_DEGREE]] {
            let mut values = coefficients.clone();
            forward(&mut values);
            assert!(values.iter().all(|&v| v < MODULUS));
            let mut scaled = values.clone();
            inverse(&mut values);
            assert_eq!(values, coefficients);
            inverse_scaled(&mut scaled);
            let unscaled: Vec<_> =
                scaled.iter().map(|&v| (Fq::new(v) * Fq::new(DEGREE_INVERSE)).value()).collect();
            assert!(scaled.iter().all(|&v| v < MODULUS));
            assert_eq!(unscaled, coefficients);
        }
    }
}
