//! Addresses of accounts and contracts on a chain, with the checksum of EIP-55.

use std::{fmt, str::FromStr};

use super::keccak256;

/// An address of 20 bytes. It is written with the checksum of EIP-55: a hexadecimal letter is upper
/// case if the same digit of the keccak256 of the lower-case digits is 8 or more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u8; 20]);

impl Address {
    /// The address of nobody. Token contracts do not pay to it.
    pub const ZERO: Self = Self([0; 20]);

    /// The address with these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 20] {
        self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex::encode(self.0);
        let hash = keccak256(&[digits.as_bytes()]).to_bytes();
        f.write_str("0x")?;
        for (position, digit) in digits.bytes().enumerate() {
            let nibble = if position % 2 == 0 { hash[position / 2] >> 4 } else { hash[position / 2] & 15 };
            let digit = if nibble >= 8 { digit.to_ascii_uppercase() } else { digit };
            fmt::Write::write_char(f, char::from(digit))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `0x` and 40 hexadecimal digits. If the letters are in both cases, they are a checksum
    /// and must match. Letters in one case carry no checksum. Machines write addresses that way.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").ok_or(AddressError::Form)?;
        let mut bytes = [0; 20];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| AddressError::Form)?;
        let address = Self(bytes);
        let has = |case: fn(&u8) -> bool| digits.as_bytes().iter().any(case);
        if has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && address.to_string() != text {
            return Err(AddressError::Checksum);
        }
        Ok(address)
    }
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is not `0x` and 40 hexadecimal digits.
    #[error("an address is 0x and 40 hexadecimal digits")]
    Form,
    /// The letters do not match the checksum of EIP-55.
    #[error("the address has a wrong checksum: a character is mistyped")]
    Checksum,
}
