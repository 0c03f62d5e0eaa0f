//! Pedersen vector commitments to key shares, P = Σ_k s_k G_k + ρ H.

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    ristretto::CompressedRistretto,
    traits::{Identity, VartimeMultiscalarMul},
};
use lattice::{SmallPoly, sample::KEY_SHARE_BOUND};
use names::EncodedCommitment;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{
    error::SharingError,
    generators::{self, GROUP, SubsetSums},
    share::KeyShare,
};

/// Bits of s + 32, which is from 0 to 64.
const PLANES: usize = 7;

/// A commitment P^h to a holder's key share: a group element together with its canonical encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    point: RistrettoPoint,
    encoding: CompressedRistretto,
}

impl Commitment {
    /// Decodes a group element as in RFC 9496 §4.3.1.
    ///
    /// # Errors
    /// [`SharingError::CommitmentEncoding`] if the bytes are not a canonical encoding.
    pub fn decode(encoded: &EncodedCommitment) -> Result<Self, SharingError> {
        let encoding = CompressedRistretto(encoded.to_bytes());
        let point = encoding.decompress().ok_or(SharingError::CommitmentEncoding)?;
        Ok(Self { point, encoding })
    }

    /// The canonical encoding.
    pub fn encoded(&self) -> EncodedCommitment {
        EncodedCommitment::from_bytes(self.encoding.to_bytes())
    }

    /// The group element.
    pub fn point(&self) -> RistrettoPoint {
        self.point
    }

    /// Encodes `point` and keeps both forms.
    pub fn from_point(point: RistrettoPoint) -> Self {
        Self { point, encoding: point.compress() }
    }
}

impl KeyShare {
    /// The commitment P = Σ_k s_k G_k + ρ H.
    ///
    /// Constant-time in the coefficients and the blinding. Each s + 32 is split into bit planes.
    /// The sum of the generators of a plane comes from tables of subset sums, and each look-up
    /// reads the whole table. Doubling then joins the planes.
    pub fn commit(&self) -> Commitment {
        let planes = plane_sums(self.coefficients());
        let shifted = planes.iter().rev().fold(RistrettoPoint::identity(), |sum, plane| sum + sum + plane);
        let shift = Scalar::from(KEY_SHARE_BOUND as u64) * generators::key_sum();
        Commitment::from_point(shifted - shift + self.blinding() * generators::blinding())
    }
}

/// For each bit p, the sum of those G_k for which bit p of s_k + 32 is set.
fn plane_sums(coefficients: &SmallPoly) -> Zeroizing<[RistrettoPoint; PLANES]> {
    let mut planes = Zeroizing::new([RistrettoPoint::identity(); PLANES]);
    for (group, sums) in coefficients.coefficients().chunks_exact(GROUP).zip(generators::subset_sums()) {
        for (bit, plane) in planes.iter_mut().enumerate() {
            let subset = (0..GROUP).fold(0, |subset, j| {
                let shifted = (group[j] + KEY_SHARE_BOUND) as u8;
                subset | (shifted >> bit & 1) << j
            });
            *plane += select(sums, subset);
        }
    }
    planes
}

/// Returns `sums[subset]`. Reads every entry, so that the access pattern does not depend on
/// `subset`.
fn select(sums: &SubsetSums, subset: u8) -> RistrettoPoint {
    let mut selected = sums[0];
    for (index, sum) in (0_u8..).zip(sums).skip(1) {
        let chosen: Choice = index.ct_eq(&subset);
        selected.conditional_assign(sum, chosen);
    }
    selected
}

/// Σ_k (u_k − shift) G_k + ρ H. It is fastest when the N scalars u_k are short. Variable-time in
/// all arguments.
pub(crate) fn open_shifted(shifted: &[Scalar], shift: &Scalar, blinding: &Scalar) -> RistrettoPoint {
    let scalars = shifted.iter().copied().chain([-shift, *blinding]);
    let points = generators::key().iter().copied().chain([generators::key_sum(), generators::blinding()]);
    RistrettoPoint::vartime_multiscalar_mul(scalars, points)
}

#[cfg(test)]
mod tests {
    use lattice::RING_DEGREE;
    use proptest::{array::uniform32, prelude::*};

    use super::*;
    use crate::test_shares::share;

    fn signed(value: i16) -> Scalar {
        let magnitude = Scalar::from(value.unsigned_abs());
        if value < 0 { -magnitude } else { magnitude }
    }

    /// Computes Σ_k s_k G_k + ρ H term by term.
    fn commit_by_definition(share: &KeyShare) -> RistrettoPoint {
        let terms =
            generators::key().iter().zip(share.coefficients().coefficients()).map(|(g, &s)| signed(s) * g);
        terms.sum::<RistrettoPoint>() + share.blinding() * generators::blinding()
    }

    #[test]
    fn commitments_to_extreme_shares_are_their_definition() {
        for value in [-KEY_SHARE_BOUND, -1, 0, 1, KEY_SHARE_BOUND] {
            let share = KeyShare::from_parts(&[value; RING_DEGREE], -Scalar::ONE);
            assert_eq!(share.commit().point(), commit_by_definition(&share));
        }
    }

    #[test]
    fn encodings_are_decoded_to_the_same_commitment() {
        let commitment = share(5).commit();
        assert_eq!(Commitment::decode(&commitment.encoded()), Ok(commitment));
    }

    /// From RFC 9496 appendix A.2: every kind of invalid encoding.
    #[test]
    fn invalid_encodings_are_refused() {
        let invalid = [
            (
                "a field element above 2²⁵⁵",
                "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            ),
            (
                "a field element of 2²⁵⁵ − 1",
                "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            ),
            ("the field's modulus for 0", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            ("a negative field element", "0100000000000000000000000000000000000000000000000000000000000000"),
            ("a negative field element", "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20"),
            ("a non-square", "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
            ("a non-square", "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f"),
            ("a negative xy", "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e"),
            ("s = −1, so y = 0", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ];
        for (fault, encoding) in invalid {
            let refused = Commitment::decode(&encoding.parse().unwrap());
            assert_eq!(refused, Err(SharingError::CommitmentEncoding), "{fault}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_commitment_is_its_definition(
            coefficients in prop::collection::vec(-KEY_SHARE_BOUND..=KEY_SHARE_BOUND, RING_DEGREE),
            blinding in uniform32(any::<u8>()),
        ) {
            let share = KeyShare::from_parts(&coefficients, Scalar::from_bytes_mod_order(blinding));
            prop_assert_eq!(share.commit().point(), commit_by_definition(&share));
        }
    }
}
