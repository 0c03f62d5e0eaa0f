//! Ed25519 public keys, as every signature is checked with them.

use ed25519_dalek::VerifyingKey;
use names::PublicKey;
use thiserror::Error;

/// The rule that bytes break which are no usable public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the public key breaks the rule: {rule}")]
pub struct UnusableKey {
    /// The rule.
    pub rule: &'static str,
}

/// Decodes a public key as in RFC 8032 §5.1.3. Variable-time, because keys are public.
///
/// The decoder of the crate takes a y of p or more, and keys of small order. Neither is taken here.
/// So a key has one encoding, and a signature speaks of one message.
///
/// # Errors
/// [`UnusableKey`].
pub fn verifying_key(key: &PublicKey) -> Result<VerifyingKey, UnusableKey> {
    let wrong = |rule| UnusableKey { rule };
    let bytes = key.as_bytes();
    let decoded = VerifyingKey::from_bytes(bytes).map_err(|_| wrong("the key is a point of the curve"))?;
    if !is_reduced(bytes) {
        return Err(wrong("the encoding of the key is canonical"));
    }
    // The other encodings that are not canonical have x = 0, so they are of small order.
    if decoded.is_weak() {
        return Err(wrong("the key does not have small order"));
    }
    Ok(decoded)
}

/// Whether the y of an encoding is below p = 2²⁵⁵ − 19.
fn is_reduced(encoding: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = encoding;
    *first < 0xed || middle.iter().any(|&byte| byte != 0xff) || last & 0x7f != 0x7f
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    /// The encoding of y = p + `excess` with this sign of x.
    fn unreduced(excess: u8, sign: u8) -> [u8; 32] {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed + excess;
        bytes[31] = 0x7f | sign << 7;
        bytes
    }

    #[test]
    fn a_key_has_one_encoding() {
        let mut decoded = 0;
        for bytes in (0..19).flat_map(|excess| [unreduced(excess, 0), unreduced(excess, 1)]) {
            decoded += usize::from(VerifyingKey::from_bytes(&bytes).is_ok());
            verifying_key(&PublicKey::from_bytes(bytes)).unwrap_err();
        }
        assert!(decoded > 0, "the decoder of the crate takes some of them");
        let mut largest = unreduced(0, 0);
        largest[0] -= 1;
        assert!(is_reduced(&largest), "p − 1");
    }

    #[test]
    fn keys_of_small_order_and_bytes_that_are_no_point_are_refused() {
        let mut minus_one = unreduced(0, 0);
        minus_one[0] -= 1;
        let mut one = [0; 32];
        one[0] = 1;
        for small in [one, minus_one, [0; 32]] {
            for sign in [0, 0x80] {
                let mut bytes = small;
                bytes[31] |= sign;
                verifying_key(&PublicKey::from_bytes(bytes)).unwrap_err();
            }
        }
        let mut no_point = [0; 32];
        no_point[0] = 2;
        let rule = "the key is a point of the curve";
        assert_eq!(verifying_key(&PublicKey::from_bytes(no_point)), Err(UnusableKey { rule }));
    }

    #[test]
    fn keys_that_were_made_are_taken() {
        for seed in 0..32 {
            let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
            assert_eq!(verifying_key(&PublicKey::from_bytes(key.to_bytes())), Ok(key));
        }
    }
}
