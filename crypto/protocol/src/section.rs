//! Sections of a round document that have a version of their own.

use crate::codec::{DecodeError, Reader, Writer};

/// A section of a round document: scoring, noise or evaluations.
///
/// A document of this version can carry any section, so that a later version of a section needs no
/// new version of the document. [`RoundDocument::check`](crate::RoundDocument::check) refuses every
/// section, because this version of the product knows none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    version: u8,
    bytes: Vec<u8>,
}

impl Section {
    /// The most bytes of a section.
    pub const MAX_BYTES: usize = 1 << 16;

    /// Makes a section. `None` if the version is 0 or if there are more than 2¹⁶ bytes.
    pub fn new(version: u8, bytes: Vec<u8>) -> Option<Self> {
        (version != ABSENT && bytes.len() <= Self::MAX_BYTES).then_some(Self { version, bytes })
    }

    /// The version of the section, 1 to 255.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The encoding that the version defines.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn write(section: Option<&Self>, writer: &mut Writer) {
        let Some(Self { version, bytes }) = section else { return writer.u8(ABSENT) };
        writer.u8(*version);
        writer.u32(u32::try_from(bytes.len()).expect("a section has at most 2^16 bytes"));
        writer.raw(bytes);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<Option<Self>, DecodeError> {
        let version = reader.u8(field)?;
        if version == ABSENT {
            return Ok(None);
        }
        let length = reader.u32(field)? as usize;
        if length > Self::MAX_BYTES {
            return Err(DecodeError::Range { field });
        }
        let bytes = reader.slice(length, field)?.to_vec();
        Ok(Some(Self { version, bytes }))
    }
}

/// The version that stands for no section.
const ABSENT: u8 = 0;
