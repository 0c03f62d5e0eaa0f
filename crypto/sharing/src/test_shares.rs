//! The shares that the tests use, and a function that forges them.

use curve25519_dalek::Scalar;

use crate::share::KeyShare;

/// ℓ − 1, little-endian.
pub(crate) const LARGEST_SCALAR: [u8; 32] = [
    0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A share of one holder for client number `client`.
pub(crate) fn share(client: u8) -> KeyShare {
    KeyShare::derive(&[client; 32].into(), &[1; 32].into(), &[client; 32].into(), 1)
}

/// Returns `share` with `coefficient` added to the coefficient at `index`, and `blinding` added to
/// the blinding.
pub(crate) fn forge(share: &KeyShare, index: usize, coefficient: i16, blinding: i8) -> KeyShare {
    let mut coefficients = share.coefficients().coefficients().to_vec();
    coefficients[index] += coefficient;
    let magnitude = Scalar::from(blinding.unsigned_abs());
    let moved = if blinding < 0 { share.blinding() - magnitude } else { share.blinding() + magnitude };
    KeyShare::from_parts(&coefficients, moved)
}
