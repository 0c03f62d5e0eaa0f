//! The field F_q for q = 2⁶⁴ − 2³² + 1.
//!
//! The functions take and return canonical representatives: `u64` values in `[0, q)`. No branch and
//! no table look-up depends on the values.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use bytemuck::{Pod, Zeroable};
use zeroize::Zeroize;

/// q = 2⁶⁴ − 2³² + 1, a prime.
pub const MODULUS: u64 = 0xffff_ffff_0000_0001;

/// 2⁶⁴ mod q = 2³² − 1.
pub(crate) const EPSILON: u64 = 0xffff_ffff;

/// `a + b` mod q.
#[inline(always)]
pub const fn add(a: u64, b: u64) -> u64 {
    sub(a, MODULUS - b)
}

/// `a − b` mod q, for a in `[0, q)` and b in `[0, q]`.
#[inline(always)]
pub const fn sub(a: u64, b: u64) -> u64 {
    let (difference, borrow) = a.overflowing_sub(b);
    difference.wrapping_sub(EPSILON & (borrow as u64).wrapping_neg())
}

/// `−a` mod q.
#[inline(always)]
pub const fn neg(a: u64) -> u64 {
    sub(0, a)
}

/// `a · b` mod q, for any two `u64` values.
#[inline(always)]
pub const fn mul(a: u64, b: u64) -> u64 {
    reduce_wide(a as u128 * b as u128)
}

/// `x` mod q, for any `x`.
///
/// Write x = lo + 2⁶⁴·mid + 2⁹⁶·top with 32-bit mid and top. Then use 2⁶⁴ ≡ 2³² − 1 and 2⁹⁶ ≡ −1.
#[inline(always)]
pub const fn reduce_wide(x: u128) -> u64 {
    let (low, high) = (x as u64, (x >> 64) as u64);
    let (top, middle) = (high >> 32, high & EPSILON);
    let (difference, borrow) = low.overflowing_sub(top);
    let difference = difference.wrapping_sub(EPSILON & (borrow as u64).wrapping_neg());
    let (sum, carry) = difference.overflowing_add((middle << 32) - middle);
    reduce(sum.wrapping_add(EPSILON & (carry as u64).wrapping_neg()))
}

/// `x · 2^shift` mod q, for any `u64` x and a shift from 1 to 32.
#[inline(always)]
pub const fn shift_left(x: u64, shift: u32) -> u64 {
    let high = x >> (64 - shift);
    let (sum, carry) = (x << shift).overflowing_add((high << 32) - high);
    reduce(sum.wrapping_add(EPSILON & (carry as u64).wrapping_neg()))
}

/// `x` mod q, for any `u64` value.
#[inline(always)]
pub const fn reduce(x: u64) -> u64 {
    let (difference, borrow) = x.overflowing_sub(MODULUS);
    difference.wrapping_add(MODULUS & (borrow as u64).wrapping_neg())
}

/// The canonical representative of `x`, for any `i64` value. One addition is enough because |x| ≤
/// 2⁶³ < q.
#[inline(always)]
pub const fn from_signed(x: i64) -> u64 {
    (x as u64).wrapping_add(MODULUS & ((x >> 63) as u64))
}

/// The centred representative of `a`, in `(−q/2, q/2]`.
#[inline(always)]
pub const fn centre(a: u64) -> i64 {
    let negative = (a > MODULUS / 2) as u64;
    a.wrapping_sub(MODULUS & negative.wrapping_neg()) as i64
}

/// An element of F_q for scalar code. It holds its canonical representative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Fq(u64);

impl Fq {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(1);

    /// `x` mod q.
    pub const fn new(x: u64) -> Self {
        Self(reduce(x))
    }

    /// The canonical representative, in `[0, q)`.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The centred representative, in `(−q/2, q/2]`.
    pub const fn centred(self) -> i64 {
        centre(self.0)
    }

    /// `self` to the power `exponent`, with 0⁰ = 1. The time depends on the exponent alone.
    pub const fn pow(self, mut exponent: u64) -> Self {
        let (mut base, mut power) = (self.0, 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = mul(power, base);
            }
            base = mul(base, base);
            exponent >>= 1;
        }
        Self(power)
    }

    /// The inverse of `self`. The inverse of 0 is defined as 0.
    pub const fn inverse(self) -> Self {
        self.pow(MODULUS - 2)
    }
}

impl From<i64> for Fq {
    fn from(x: i64) -> Self {
        Self(from_signed(x))
    }
}

impl Add for Fq {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(add(self.0, other.0))
    }
}

impl Sub for Fq {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(sub(self.0, other.0))
    }
}

impl Mul for Fq {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(mul(self.0, other.0))
    }
}

impl Neg for Fq {
    type Output = Self;
    fn neg(self) -> Self {
        Self(neg(self.0))
    }
}

impl AddAssign for Fq {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fq {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Fq {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Sum for Fq {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::ZERO, Add::add)
    }
}

impl Zeroize for Fq {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values at which a carry, a borrow or a comparison changes.
    const EDGES: [u64; 12] = [
        0,
        1,
        2,
        EPSILON - 1,
        EPSILON,
        EPSILON + 1,
        MODULUS / 2 - 1,
        MODULUS / 2,
        MODULUS / 2 + 1,
        1 << 63,
        MODULUS - 2,
        MODULUS - 1,
    ];

    fn element() -> impl Strategy<Value = u64> {
        prop_oneof![0..MODULUS, prop::sample::select(EDGES.to_vec())]
    }

    fn check(a: u64, b: u64) {
        let (wide_a, wide_b, q) = (u128::from(a), u128::from(b), u128::from(MODULUS));
        assert_eq!(u128::from(add(a, b)), (wide_a + wide_b) % q);
        assert_eq!(u128::from(sub(a, b)), (wide_a + q - wide_b) % q);
        assert_eq!(u128::from(mul(a, b)), wide_a * wide_b % q);
        assert_eq!(u128::from(neg(a)), (q - wide_a) % q);
    }

    #[test]
    fn arithmetic_is_right_at_every_pair_of_edges() {
        for a in EDGES {
            for b in EDGES {
                check(a, b);
            }
        }
    }

    #[test]
    fn centring_takes_the_middle_up() {
        assert_eq!(centre(MODULUS / 2), (MODULUS / 2) as i64);
        assert_eq!(centre(MODULUS / 2 + 1), -((MODULUS / 2) as i64));
        assert_eq!(centre(MODULUS - 1), -1);
        assert_eq!(from_signed(i64::MIN), MODULUS - (1 << 63));
    }

    #[test]
    fn the_widest_products_reduce() {
        for x in
            [u128::MAX, u128::MAX - 1, u128::from(MODULUS) << 64, u128::from(MODULUS), u128::from(u64::MAX)]
        {
            assert_eq!(u128::from(reduce_wide(x)), x % u128::from(MODULUS));
        }
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_wide_integers(a in element(), b in element()) {
            check(a, b);
        }

        #[test]
        fn reduction_agrees_with_wide_integers(x in any::<u128>()) {
            prop_assert_eq!(u128::from(reduce_wide(x)), x % u128::from(MODULUS));
            prop_assert_eq!(u128::from(reduce(x as u64)), u128::from(x as u64) % u128::from(MODULUS));
        }

        #[test]
        fn shifts_multiply_by_powers_of_two(x in prop_oneof![any::<u64>(), Just(u64::MAX)], shift in 1..=32_u32) {
            prop_assert_eq!(shift_left(x, shift), mul(reduce(x), 1 << shift));
        }

        #[test]
        fn signed_values_return_from_the_field(a in element()) {
            prop_assert_eq!(from_signed(centre(a)), a);
        }

        #[test]
        fn every_element_but_zero_has_an_inverse(a in 1..MODULUS) {
            prop_assert_eq!(Fq::new(a) * Fq::new(a).inverse(), Fq::ONE);
        }
    }
}
