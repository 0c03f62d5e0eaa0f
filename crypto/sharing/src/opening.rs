//! Sums of key shares, and the check that such a sum opens the sum of the commitments.

use std::fmt;

use curve25519_dalek::{RistrettoPoint, Scalar};
use lattice::{RING_DEGREE, sample::KEY_SHARE_BOUND};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    commitment::{Commitment, open_shifted},
    error::SharingError,
    share::KeyShare,
};

/// The sums of one holder's key shares over a set: Σ_i s_i, coefficient by coefficient, and Σ_i
/// ρ_i.
///
/// It is secret until it is published. `Debug` therefore prints no value, and dropping it
/// overwrites the values. Coefficients are integers of 32 bits, exact for up to 2²⁵ shares. They
/// are not scalars, because a scalar plus the group's order ℓ would open the same commitments to
/// another key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ShareSum {
    coefficients: Vec<i32>,
    blinding: Scalar,
}

impl ShareSum {
    /// The sum of zero shares, with which adding starts.
    pub fn new() -> Self {
        Self { coefficients: vec![0; RING_DEGREE], blinding: Scalar::ZERO }
    }

    /// The sums that a holder published: N coefficients, that of X⁰ first, and a canonical scalar.
    ///
    /// # Errors
    /// [`SharingError::KeySumLength`] or [`SharingError::ScalarEncoding`].
    pub fn from_parts(coefficients: Vec<i32>, blinding: [u8; 32]) -> Result<Self, SharingError> {
        if coefficients.len() != RING_DEGREE {
            return Err(SharingError::KeySumLength { actual: coefficients.len() });
        }
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(blinding).into();
        Ok(Self { coefficients, blinding: scalar.ok_or(SharingError::ScalarEncoding)? })
    }

    /// Adds a share. Constant-time.
    pub fn add(&mut self, share: &KeyShare) {
        let shares = share.coefficients().coefficients();
        self.coefficients.iter_mut().zip(shares).for_each(|(sum, &s)| *sum = sum.saturating_add(s.into()));
        self.blinding += share.blinding();
    }

    /// The N sums of coefficients, that of X⁰ first.
    pub fn coefficients(&self) -> &[i32] {
        &self.coefficients
    }

    /// The sum of the blindings, canonical.
    pub fn blinding(&self) -> [u8; 32] {
        self.blinding.to_bytes()
    }

    /// Checks that these are the sums of the n shares behind `commitments`: |Σs_k| ≤ 32·n for every
    /// k, and Σ_i P_i = Σ_k (Σs_k) G_k + (Σρ) H.
    ///
    /// Variable-time. Use it only for sums that are published or about to be.
    ///
    /// # Errors
    /// [`SharingError::KeySumRange`] with the first coefficient out of range. If all are in range,
    /// [`SharingError::OpeningMismatch`] when the second equation fails.
    pub fn verify(&self, commitments: &[Commitment]) -> Result<(), SharingError> {
        let bound = KEY_SHARE_BOUND as u64 * commitments.len() as u64;
        if let Some(index) = self.coefficients.iter().position(|sum| u64::from(sum.unsigned_abs()) > bound) {
            return Err(SharingError::KeySumRange { index, bound });
        }
        let shifted = |&sum: &i32| Scalar::from(bound.wrapping_add_signed(sum.into()));
        let shifted: Zeroizing<Vec<Scalar>> = Zeroizing::new(self.coefficients.iter().map(shifted).collect());
        let committed: RistrettoPoint = commitments.iter().map(Commitment::point).sum();
        let opened = open_shifted(&shifted, &Scalar::from(bound), &self.blinding);
        if opened == committed { Ok(()) } else { Err(SharingError::OpeningMismatch) }
    }
}

impl Default for ShareSum {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> FromIterator<&'a KeyShare> for ShareSum {
    fn from_iter<I: IntoIterator<Item = &'a KeyShare>>(shares: I) -> Self {
        let mut sum = Self::new();
        shares.into_iter().for_each(|share| sum.add(share));
        sum
    }
}

impl fmt::Debug for ShareSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareSum(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_shares::{LARGEST_SCALAR, share};

    fn sum_and_commitments(count: u8) -> (ShareSum, Vec<Commitment>) {
        let shares: Vec<KeyShare> = (0..count).map(share).collect();
        (shares.iter().collect(), shares.iter().map(KeyShare::commit).collect())
    }

    #[test]
    fn the_sum_of_shares_opens_the_sum_of_commitments() {
        for count in [0, 1, 2, 3, 17] {
            let (sum, commitments) = sum_and_commitments(count);
            assert_eq!(sum.verify(&commitments), Ok(()), "{count} shares");
            let published = ShareSum::from_parts(sum.coefficients().to_vec(), sum.blinding()).unwrap();
            assert_eq!(published.verify(&commitments), Ok(()));
        }
    }

    #[test]
    fn a_coefficient_off_by_one_is_refused() {
        let (sum, commitments) = sum_and_commitments(3);
        for (index, difference) in [(0, 1), (0, -1), (1000, 1), (RING_DEGREE - 1, -1)] {
            let mut coefficients = sum.coefficients().to_vec();
            coefficients[index] += difference;
            let wrong = ShareSum::from_parts(coefficients, sum.blinding()).unwrap();
            assert_eq!(wrong.verify(&commitments), Err(SharingError::OpeningMismatch));
        }
    }

    #[test]
    fn swapped_coefficients_are_refused() {
        let (sum, commitments) = sum_and_commitments(2);
        let mut coefficients = sum.coefficients().to_vec();
        coefficients.rotate_right(1);
        let wrong = ShareSum::from_parts(coefficients, sum.blinding()).unwrap();
        assert_eq!(wrong.verify(&commitments), Err(SharingError::OpeningMismatch));
    }

    #[test]
    fn a_blinding_off_by_one_is_refused() {
        let (mut sum, commitments) = sum_and_commitments(3);
        sum.blinding += Scalar::ONE;
        assert_eq!(sum.verify(&commitments), Err(SharingError::OpeningMismatch));
    }

    #[test]
    fn the_sum_of_another_set_is_refused() {
        let (sum, mut commitments) = sum_and_commitments(3);
        commitments.push(share(3).commit());
        assert_eq!(sum.verify(&commitments), Err(SharingError::OpeningMismatch), "one share is missing");
        commitments.swap_remove(0);
        assert_eq!(sum.verify(&commitments), Err(SharingError::OpeningMismatch), "one share is another's");
    }

    #[test]
    fn a_coefficient_out_of_range_is_named_before_the_opening_is_computed() {
        let (sum, commitments) = sum_and_commitments(3);
        for (index, value) in [(0, 97), (5, -97), (RING_DEGREE - 1, i32::MAX), (7, i32::MIN)] {
            let mut coefficients = sum.coefficients().to_vec();
            coefficients[index] = value;
            let wrong = ShareSum::from_parts(coefficients, sum.blinding()).unwrap();
            assert_eq!(wrong.verify(&commitments), Err(SharingError::KeySumRange { index, bound: 96 }));
        }
    }

    #[test]
    fn the_range_includes_the_largest_sums() {
        for extreme in [KEY_SHARE_BOUND, -KEY_SHARE_BOUND] {
            let share = KeyShare::from_parts(&[extreme; RING_DEGREE], Scalar::ONE);
            let sum: ShareSum = [&share, &share].into_iter().collect();
            assert_eq!(sum.coefficients(), [2 * i32::from(extreme); RING_DEGREE]);
            assert_eq!(sum.verify(&[share.commit(); 2]), Ok(()));
        }
    }

    /// ρ + ℓ fits in 32 bytes, and as a scalar it would open the same commitments.
    #[test]
    fn a_blinding_raised_by_the_group_order_is_refused() {
        let (sum, _) = sum_and_commitments(1);
        let mut raised = sum.blinding();
        let mut carry = 1;
        for (byte, largest) in raised.iter_mut().zip(LARGEST_SCALAR) {
            let digit = u16::from(*byte) + u16::from(largest) + carry;
            (*byte, carry) = (digit as u8, digit >> 8);
        }
        assert_eq!(Scalar::from_bytes_mod_order(raised).to_bytes(), sum.blinding());
        let refused = ShareSum::from_parts(sum.coefficients().to_vec(), raised).map(drop);
        assert_eq!(refused, Err(SharingError::ScalarEncoding));
    }

    #[test]
    fn a_key_sum_of_another_length_is_refused() {
        for actual in [0, RING_DEGREE - 1, RING_DEGREE + 1] {
            let refused = ShareSum::from_parts(vec![0; actual], [0; 32]).map(drop);
            assert_eq!(refused, Err(SharingError::KeySumLength { actual }));
        }
    }
}
