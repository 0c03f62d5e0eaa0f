//! Polynomials of R_q with their form in the type, and polynomials with small coefficients.

use std::fmt;
use std::marker::PhantomData;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::block::RING_DEGREE;
use crate::field::{self, MODULUS};
use crate::ntt;

/// Marks a polynomial that is stored by its coefficients, that of X⁰ first.
pub enum Coefficient {}

/// Marks a polynomial that is stored by its values at the odd powers of ω, in bit-reversed order.
pub enum Evaluation {}

/// The two forms of a polynomial. No other crate can add one.
pub trait Form: sealed::Sealed {
    /// The form's name, for `Debug`.
    const NAME: &'static str;
}

impl Form for Coefficient {
    const NAME: &'static str = "Coefficient";
}

impl Form for Evaluation {
    const NAME: &'static str = "Evaluation";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Coefficient {}
    impl Sealed for super::Evaluation {}
}

/// An element of R_q in form `F`: N canonical values.
///
/// It may be a key. `Debug` therefore prints no value, and dropping it overwrites the values.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Poly<F: Form> {
    values: Box<[u64]>,
    #[zeroize(skip)]
    form: PhantomData<fn() -> F>,
}

impl<F: Form> Poly<F> {
    /// The polynomial 0.
    pub fn zero() -> Self {
        Self::from_values(vec![0; RING_DEGREE].into())
    }

    /// The N canonical values, in the order of the form.
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// The N values, to be changed. The caller must leave them canonical.
    pub fn values_mut(&mut self) -> &mut [u64] {
        &mut self.values
    }

    /// The polynomial with these N values. `None` when there are not N of them, or when one is not
    /// below q.
    pub fn from_canonical(values: &[u64]) -> Option<Self> {
        let valid = values.len() == RING_DEGREE && values.iter().all(|&v| v < MODULUS);
        valid.then(|| Self::from_values(values.into()))
    }

    /// Multiplies every value by `factor`, which is in `[0, q)`.
    pub(crate) fn scale(&mut self, factor: u64) {
        self.values.iter_mut().for_each(|value| *value = field::mul(*value, factor));
    }

    fn from_values(values: Box<[u64]>) -> Self {
        Self { values, form: PhantomData }
    }
}

impl Poly<Coefficient> {
    /// The polynomial with these signed coefficients, or `None` when there are not N of them.
    ///
    /// Constant-time in the coefficients.
    pub fn from_signed<T: Copy + Into<i64>>(coefficients: &[T]) -> Option<Self> {
        (coefficients.len() == RING_DEGREE)
            .then(|| Self::from_values(coefficients.iter().map(|&c| field::from_signed(c.into())).collect()))
    }

    /// Transforms to evaluation form, in place. Constant-time on a processor with AVX2.
    pub fn into_evaluation(mut self) -> Poly<Evaluation> {
        ntt::forward(&mut self.values);
        Poly::from_values(std::mem::take(&mut self.values))
    }
}

impl Poly<Evaluation> {
    /// Transforms to coefficient form, in place. Constant-time on a processor with AVX2.
    pub fn into_coefficients(mut self) -> Poly<Coefficient> {
        ntt::inverse(&mut self.values);
        Poly::from_values(std::mem::take(&mut self.values))
    }
}

impl<F: Form> fmt::Debug for Poly<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Poly<{}>(redacted)", F::NAME)
    }
}

/// A polynomial with small signed coefficients: a mask key or a holder's share of one.
///
/// `Debug` prints no coefficient, and dropping it overwrites them.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SmallPoly(Box<[i16]>);

impl SmallPoly {
    /// The polynomial with these coefficients, or `None` when there are not N of them.
    pub fn from_coefficients(coefficients: &[i16]) -> Option<Self> {
        (coefficients.len() == RING_DEGREE).then(|| Self(coefficients.into()))
    }

    /// The sum of `shares`. There may be at most 2¹⁰ shares, with coefficients of magnitude at most
    /// 32.
    ///
    /// Constant-time in the coefficients.
    pub fn sum<'a>(shares: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut total = vec![0_i16; RING_DEGREE].into_boxed_slice();
        for share in shares {
            total.iter_mut().zip(&share.0).for_each(|(sum, coefficient)| *sum += coefficient);
        }
        Self(total)
    }

    /// The N coefficients, that of X⁰ first.
    pub fn coefficients(&self) -> &[i16] {
        &self.0
    }

    /// The same polynomial in evaluation form. Constant-time on a processor with AVX2.
    pub fn to_evaluation(&self) -> Poly<Evaluation> {
        Poly::from_signed(&self.0).expect("a small polynomial has N coefficients").into_evaluation()
    }
}

impl fmt::Debug for SmallPoly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmallPoly(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_coefficient() {
        let key = SmallPoly::from_coefficients(&[-31; RING_DEGREE]).unwrap();
        assert_eq!(format!("{key:?}"), "SmallPoly(redacted)");
        assert_eq!(format!("{:?}", key.to_evaluation()), "Poly<Evaluation>(redacted)");
    }

    #[test]
    fn transforms_undo_each_other() {
        let signed: Vec<i64> = (0..RING_DEGREE as i64).map(|k| 7 * k * k - 1_000_003 * k).collect();
        let poly = Poly::from_signed(&signed).unwrap();
        let expected = poly.values().to_vec();
        assert_eq!(poly.into_evaluation().into_coefficients().values(), expected);
    }

    #[test]
    fn wrong_lengths_and_values_beyond_the_modulus_are_refused() {
        assert!(SmallPoly::from_coefficients(&[0; RING_DEGREE - 1]).is_none());
        assert!(Poly::from_signed(&[0_i64; RING_DEGREE + 1]).is_none());
        let mut values = [0; RING_DEGREE];
        assert!(Poly::<Evaluation>::from_canonical(&values).is_some());
        values[5] = MODULUS;
        assert!(Poly::<Evaluation>::from_canonical(&values).is_none());
    }

    #[test]
    fn shares_add_coefficientwise() {
        let (a, b) = ([32; RING_DEGREE], [-5; RING_DEGREE]);
        let shares = [SmallPoly::from_coefficients(&a).unwrap(), SmallPoly::from_coefficients(&b).unwrap()];
        assert_eq!(SmallPoly::sum(&shares).coefficients(), [27; RING_DEGREE]);
    }
}
