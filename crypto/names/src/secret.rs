//! The macro that defines all secret keys and seeds, and the one secret that several crates use.

/// Defines secrets of `N` bytes: `secret! { /// Doc. pub ShareSeed: 32; }`.
///
/// `Debug` prints none of the bytes. Dropping a secret overwrites it.
#[macro_export]
macro_rules! secret {
    ($($(#[$doc:meta])* $visibility:vis $name:ident: $length:literal;)*) => {$(
        $(#[$doc])*
        $visibility struct $name([u8; $length]);

        #[allow(dead_code, reason = "a secret may use only some of these")]
        impl $name {
            /// Draws a fresh secret. `rng` must be the operating system's generator or equally
            /// strong.
            pub fn generate(rng: &mut (impl $crate::rand::CryptoRng + $crate::rand::RngCore)) -> Self {
                let mut secret = Self([0; $length]);
                rng.fill_bytes(&mut secret.0);
                secret
            }

            /// The secret with these bytes. The caller must overwrite its own copy of them.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The secret bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl ::core::convert::From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(::core::concat!(::core::stringify!($name), "(redacted)"))
            }
        }

        impl $crate::zeroize::Zeroize for $name {
            fn zeroize(&mut self) {
                $crate::zeroize::Zeroize::zeroize(&mut self.0);
            }
        }

        impl $crate::zeroize::ZeroizeOnDrop for $name {}

        impl ::core::ops::Drop for $name {
            fn drop(&mut self) {
                $crate::zeroize::Zeroize::zeroize(self);
            }
        }
    )*};
}

secret! {
    /// A party's Ed25519 secret, as RFC 8032 defines it. It signs messages and the notes of a log.
    pub SecretKey: 32;
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use zeroize::Zeroize;

    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        let secret = SecretKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "SecretKey(redacted)");
    }

    #[test]
    fn fresh_secrets_differ_and_zeroize_overwrites_one() {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut one, other) = (SecretKey::generate(&mut rng), SecretKey::generate(&mut rng));
        assert_ne!(one.as_bytes(), other.as_bytes());
        one.zeroize();
        assert_eq!(one.as_bytes(), &[0; 32]);
    }
}
