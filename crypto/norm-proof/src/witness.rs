//! The witness as one vector of integers, s ‖ w ‖ κ ‖ y.

use std::ops::Range;

use curve25519_dalek::Scalar;
use lattice::{RING_DEGREE, expand::ProjectionRows};
use zeroize::Zeroizing;

/// Rows of the smallness relation.
pub(crate) const SMALLNESS_ROWS: usize = 128;

/// The N coefficients of the mask key s.
pub(crate) const KEY: Range<usize> = 0..RING_DEGREE;
/// The projection w.
pub(crate) const PROJECTION: Range<usize> = KEY.end..KEY.end + ProjectionRows::COUNT;
/// The quotients κ of the two linear relations.
pub(crate) const QUOTIENTS: Range<usize> = PROJECTION.end..PROJECTION.end + 2;
/// The flooding y, with one entry for each smallness row.
pub(crate) const FLOODING: Range<usize> = QUOTIENTS.end..QUOTIENTS.end + SMALLNESS_ROWS;
/// The entries that the smallness rows combine: s ‖ w ‖ κ.
pub(crate) const SMALL: Range<usize> = 0..QUOTIENTS.end;
/// The number of entries of the witness.
pub(crate) const LENGTH: usize = FLOODING.end;

/// The entries that each vector commitment holds: P, P_w and P_κy, in this order.
pub(crate) const COMMITTED: [Range<usize>; 3] = [KEY, PROJECTION, QUOTIENTS.start..LENGTH];

/// Secret integers of magnitude below 2¹²⁷.
pub(crate) type Integers = Zeroizing<Vec<i128>>;

/// Secret scalars modulo ℓ.
pub(crate) type Scalars = Zeroizing<Vec<Scalar>>;

/// The scalar of a signed integer. Constant-time.
pub(crate) fn scalar(value: i128) -> Scalar {
    Scalar::from(value.wrapping_sub(i128::MIN) as u128) - Scalar::from(1_u128 << 127)
}

/// The scalars of signed integers. Constant-time.
pub(crate) fn scalars(values: &[i128]) -> Scalars {
    Zeroizing::new(values.iter().map(|&value| scalar(value)).collect())
}
