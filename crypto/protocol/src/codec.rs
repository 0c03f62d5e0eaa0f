//! The canonical encoding: little-endian, without padding. Decoding hostile bytes never panics.

use names::Name;
use thiserror::Error;

/// Why bytes are not a canonical encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("the bytes end inside `{field}`")]
    Truncated {
        /// The field being read.
        field: &'static str,
    },
    /// Bytes follow the last field.
    #[error("{bytes} bytes follow the last field")]
    Trailing {
        /// The number of bytes that are left over.
        bytes: usize,
    },
    /// The structure's name is not the expected one.
    #[error("expected a structure named {}", expected.escape_ascii())]
    Tag {
        /// The name that was expected.
        expected: &'static [u8; 4],
    },
    /// The structure's version is not known.
    #[error("version {version} is not known; this program reads version {VERSION}")]
    Version {
        /// The version that was found.
        version: u16,
    },
    /// A value is outside its range.
    #[error("`{field}` is outside its range")]
    Range {
        /// The name of the field.
        field: &'static str,
    },
}

/// A structure with exactly one encoding.
pub trait Canonical: Sized {
    /// Appends the fields to an encoding.
    fn write(&self, writer: &mut Writer);

    /// Reads the fields from an encoding.
    ///
    /// # Errors
    /// See [`DecodeError`]. It never panics, and never allocates more than a small constant times
    /// the length of the input.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The whole encoding, in a buffer of its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.0
    }

    /// Decodes exactly these bytes.
    ///
    /// # Errors
    /// Those of [`Canonical::read`], and [`DecodeError::Trailing`] when bytes are left over.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let value = Self::read(&mut reader)?;
        match reader.0.len() {
            0 => Ok(value),
            bytes => Err(DecodeError::Trailing { bytes }),
        }
    }
}

/// Builds an encoding.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// The encoding so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Writes the name and the version of a top-level structure.
    pub fn tag(&mut self, tag: &'static [u8; 4]) {
        self.raw(tag);
        self.u16(VERSION);
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Writes an identifier, a digest or a public key, without its length.
    pub fn name(&mut self, name: &impl Name) {
        self.raw(name.as_ref());
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Writes two bytes, little-endian.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes four bytes, little-endian.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes four bytes, little-endian, two's complement.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes eight bytes, little-endian.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes sixteen bytes, little-endian.
    pub fn u128(&mut self, value: u128) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes eight bytes, little-endian, two's complement.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes eight bytes, IEEE 754 binary64, little-endian.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// Writes a byte that says whether there is a value, and then the value.
    pub fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Writes the length as `u16`, then UTF-8. The caller must know that the text is shorter than
    /// 2¹⁶ bytes.
    pub fn text(&mut self, text: &str) {
        self.u16(u16::try_from(text.len()).expect("texts are bounded where they enter a structure"));
        self.raw(text.as_bytes());
    }
}

/// The version of every structure.
const VERSION: u16 = 2;

/// The bytes that are not read yet.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts to read `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads and checks the name and the version of a top-level structure.
    pub fn tag(&mut self, expected: &'static [u8; 4]) -> Result<(), DecodeError> {
        if self.array::<4>("tag")? != *expected {
            return Err(DecodeError::Tag { expected });
        }
        match self.u16("version")? {
            VERSION => Ok(()),
            version => Err(DecodeError::Version { version }),
        }
    }

    /// Reads a byte that says whether a value follows, and then the value.
    pub fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.u8(field)? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(DecodeError::Range { field }),
        }
    }

    /// Whether every byte has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next `length` bytes.
    pub fn slice(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated { field })?;
        self.0 = tail;
        Ok(head)
    }

    /// Reads the next `M` bytes.
    pub fn array<const M: usize>(&mut self, field: &'static str) -> Result<[u8; M], DecodeError> {
        let (head, tail) = self.0.split_first_chunk::<M>().ok_or(DecodeError::Truncated { field })?;
        self.0 = tail;
        Ok(*head)
    }

    /// Reads an identifier, a digest or a public key.
    pub fn name<N: Name>(&mut self, field: &'static str) -> Result<N, DecodeError> {
        let bytes = self.slice(N::LENGTH, field)?;
        Ok(N::from_slice(bytes).expect("the slice has the name's length"))
    }

    /// Reads one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// Reads two bytes, little-endian.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Reads four bytes, little-endian.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Reads four bytes, little-endian, two's complement.
    pub fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_le_bytes)
    }

    /// Reads eight bytes, little-endian.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// Reads sixteen bytes, little-endian.
    pub fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array(field).map(u128::from_le_bytes)
    }

    /// Reads eight bytes, little-endian, two's complement.
    pub fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array(field).map(i64::from_le_bytes)
    }

    /// Reads eight bytes, IEEE 754 binary64, little-endian.
    pub fn f64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        self.u64(field).map(f64::from_bits)
    }

    /// Reads a length of at most `limit` as `u16`, then UTF-8.
    pub fn text(&mut self, limit: usize, field: &'static str) -> Result<String, DecodeError> {
        let length = usize::from(self.u16(field)?);
        if length > limit {
            return Err(DecodeError::Range { field });
        }
        let text = std::str::from_utf8(self.slice(length, field)?);
        text.map(str::to_owned).map_err(|_| DecodeError::Range { field })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_past_the_end_names_the_field() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("first"), Ok(0x0201));
        assert_eq!(reader.u16("second"), Err(DecodeError::Truncated { field: "second" }));
    }

    #[test]
    fn text_is_bounded_utf8() {
        let mut writer = Writer::default();
        writer.text("héllo");
        assert_eq!(Reader::new(&writer.0).text(6, "name").as_deref(), Ok("héllo"));
        assert_eq!(Reader::new(&writer.0).text(5, "name"), Err(DecodeError::Range { field: "name" }));
        assert_eq!(Reader::new(&[1, 0, 0xff]).text(9, "name"), Err(DecodeError::Range { field: "name" }));
    }

    #[test]
    fn names_and_versions_are_checked() {
        assert_eq!(Reader::new(b"BSRD\x02\x00").tag(b"BSRD"), Ok(()));
        assert_eq!(Reader::new(b"BSRD\x01\x00").tag(b"BSRD"), Err(DecodeError::Version { version: 1 }));
        let message = DecodeError::Version { version: 1 }.to_string();
        assert_eq!(message, "version 1 is not known; this program reads version 2");
        assert_eq!(Reader::new(b"BSRX\x02\x00").tag(b"BSRD"), Err(DecodeError::Tag { expected: b"BSRD" }));
    }
}
