//! Bytes as hexadecimal text.

use std::fmt;

/// The text is not the hexadecimal form of the expected number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHex {
    /// How many bytes were expected, or `None` if any number is accepted.
    pub bytes: Option<usize>,
}

impl fmt::Display for NotHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            Some(bytes) => write!(f, "expected {} hexadecimal digits", 2 * bytes),
            None => f.write_str("expected an even number of hexadecimal digits"),
        }
    }
}

impl std::error::Error for NotHex {}

/// Reads exactly `N` bytes from `2·N` hexadecimal digits. Upper and lower case are accepted.
///
/// # Errors
/// [`NotHex`] when the text has another length or a character that is not a digit.
pub fn decode_hex<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex { bytes: Some(N) })?;
    Ok(bytes)
}
