//! The trait that all identifiers and digests implement, and the macro that defines them.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
    str::FromStr,
};

use crate::NotHex;

/// An identifier, a digest or a public key of fixed length. Its text is lower-case hexadecimal.
///
/// The macro [`name!`](crate::name!) defines types that implement it.
pub trait Name:
    Copy
    + Debug
    + Display
    + Eq
    + Ord
    + Hash
    + FromStr<Err = NotHex>
    + AsRef<[u8]>
    + From<Self::Bytes>
    + Send
    + Sync
    + 'static
{
    /// The byte array `[u8; N]`.
    type Bytes: Copy + Send + Sync + 'static;

    /// The length in bytes.
    const LENGTH: usize;

    /// The bytes.
    fn to_bytes(self) -> Self::Bytes;

    /// The name with these bytes, or `None` if the number of bytes is not [`LENGTH`](Self::LENGTH).
    fn from_slice(bytes: &[u8]) -> Option<Self>;
}

/// Defines types of `N` bytes that implement [`Name`](crate::Name):
/// `name! { /// Doc. pub RoundId: 16; }`.
#[macro_export]
macro_rules! name {
    ($($(#[$doc:meta])* $visibility:vis $name:ident: $length:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name([u8; $length]);

        #[allow(dead_code, unreachable_pub, reason = "a private name may use only some of these")]
        impl $name {
            /// The name with these bytes.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }

            /// The bytes, borrowed.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl $crate::Name for $name {
            type Bytes = [u8; $length];
            const LENGTH: usize = $length;

            fn to_bytes(self) -> [u8; $length] {
                self.0
            }

            fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl ::core::convert::AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl ::core::convert::From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::NotHex;

            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::NotHex> {
                $crate::decode_hex(text).map(Self)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(&$crate::hex::encode(self.0))
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(f, "{}({})", ::core::stringify!($name), $crate::hex::encode(self.0))
            }
        }

        $crate::name_in_json!($name);
    )*};
}

/// Implements the JSON form of a name: a string with its text.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! name_in_json {
    ($name:ident) => {
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let text =
                    <::std::borrow::Cow<'de, str> as $crate::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::serde::de::Error::custom)
            }
        }
    };
}

#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! name_in_json {
    ($name:ident) => {};
}

#[cfg(test)]
mod tests {
    use super::*;

    name! {
        /// A name of two bytes.
        Short: 2;
    }

    #[test]
    fn text_is_lower_case_and_of_exact_length() {
        let name = Short::from_bytes([0xab, 0x01]);
        assert_eq!(name.to_string(), "ab01");
        assert_eq!(format!("{name:?}"), "Short(ab01)");
        assert_eq!("AB01".parse(), Ok(name));
        for text in ["ab0", "ab0102", "zz01", ""] {
            assert_eq!(text.parse::<Short>(), Err(NotHex { bytes: Some(2) }), "{text}");
        }
    }

    #[test]
    fn a_slice_of_another_length_is_no_name() {
        assert_eq!(Short::from_slice(&[1, 2]), Some(Short::from_bytes([1, 2])));
        assert_eq!(Short::from_slice(&[1]), None);
        assert_eq!(Short::from_slice(&[1, 2, 3]), None);
        assert_eq!((Short::LENGTH, Name::to_bytes(Short::from([1, 2]))), (2, [1, 2]));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_is_the_text() {
        let name = Short::from_bytes([0, 255]);
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"00ff\"");
        assert_eq!(serde_json::from_str::<Short>("\"00fF\"").unwrap(), name);
        let error = serde_json::from_str::<Short>("\"00\"").unwrap_err().to_string();
        assert!(error.contains("expected 4 hexadecimal digits"), "{error}");
    }
}
