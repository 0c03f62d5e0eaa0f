//! One wrong bit in an identifier, a digest or a key.

use names::Name;

/// Flips one bit: bit `bit % 8` of byte `bit / 8`.
///
/// # Panics
/// When the name is too short to have such a bit.
pub fn flip<N: Name>(name: &mut N, bit: usize) {
    let mut bytes = name.as_ref().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    *name = N::from_slice(&bytes).expect("as many bytes as before");
}
