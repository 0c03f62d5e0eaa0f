//! The canonical encoding: little-endian, unpadded, total on hostile bytes.

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
        /// How many.
        bytes: usize,
    },
    /// The structure's name is not the expected one.
    #[error("expected a structure named {}", expected.escape_ascii())]
    Tag {
        /// The expected name.
        expected: &'static [u8; 4],
    },
    /// The structure's version is not known.
    #[error("version {version} is not known")]
    Version {
        /// The version found.
        version: u16,
    },
    /// A value outside its range.
    #[error("`{field}` is outside its range")]
    Range {
        /// The field.
        field: &'static str,
    },
}

/// A structure with one encoding.
pub trait Canonical: Sized {
    /// Appends the fields.
    fn write(&self, writer: &mut Writer);

    /// Reads the fields.
    ///
    /// # Errors
    /// See [`DecodeError`]. Never panics and never allocates more than the input's length times a small constant.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The encoding.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.0
    }

    /// Decodes exactly these bytes.
    ///
    /// # Errors
    /// As [`Canonical::read`], and when bytes are left over.
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
    /// The name and version of a top-level structure.
    pub fn tag(&mut self, tag: &'static [u8; 4]) {
        self.raw(tag);
        self.u16(VERSION);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// An identifier, a digest or a public key.
    pub fn name(&mut self, name: &impl Name) {
        self.raw(name.as_ref());
    }

    /// A byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, value: u128) {
        self.raw(&value.to_le_bytes());
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    /// IEEE 754 binary64.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// A length and UTF-8. Only for text already known to be shorter than 2¹⁶ bytes.
    pub fn text(&mut self, text: &str) {
        self.u16(u16::try_from(text.len()).expect("texts are bounded where they enter a structure"));
        self.raw(text.as_bytes());
    }
}

/// The version of every structure.
const VERSION: u16 = 1;

/// The bytes not read yet.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Checks the name and version of a top-level structure.
    pub fn tag(&mut self, expected: &'static [u8; 4]) -> Result<(), DecodeError> {
        if self.array::<4>("tag")? != *expected {
            return Err(DecodeError::Tag { expected });
        }
        match self.u16("version")? {
            VERSION => Ok(()),
            version => Err(DecodeError::Version { version }),
        }
    }

    /// Whether every byte has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `length` bytes.
    pub fn slice(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated { field })?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `M` bytes.
    pub fn array<const M: usize>(&mut self, field: &'static str) -> Result<[u8; M], DecodeError> {
        let (head, tail) = self.0.split_first_chunk::<M>().ok_or(DecodeError::Truncated { field })?;
        self.0 = tail;
        Ok(*head)
    }

    /// An identifier, a digest or a public key.
    pub fn name<N: Name>(&mut self, field: &'static str) -> Result<N, DecodeError> {
        let bytes = self.slice(N::LENGTH, field)?;
        Ok(N::from_slice(bytes).expect("the slice has the name's length"))
    }

    /// A byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array(field).map(u128::from_le_bytes)
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array(field).map(i64::from_le_bytes)
    }

    /// IEEE 754 binary64.
    pub fn f64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        self.u64(field).map(f64::from_bits)
    }

    /// A length of at most `limit` and UTF-8.
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
        assert_eq!(Reader::new(b"BSRD\x01\x00").tag(b"BSRD"), Ok(()));
        assert_eq!(Reader::new(b"BSRD\x02\x00").tag(b"BSRD"), Err(DecodeError::Version { version: 2 }));
        assert_eq!(Reader::new(b"BSRX\x01\x00").tag(b"BSRD"), Err(DecodeError::Tag { expected: b"BSRD" }));
    }
}
