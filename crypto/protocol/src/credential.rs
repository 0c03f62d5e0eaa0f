//! Credentials: the registrar's word that a key belongs to a participant.

use lattice::labels::{self, Label};

use crate::{
    IdentityKey, PublicKey, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The registrar's name for a participant: 1 to 64 characters of `[A-Za-z0-9._-]`, not `.` nor `..`. Two keys of one participant have the
/// same subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// Checks the form.
    ///
    /// # Errors
    /// [`DecodeError::Range`] when it is empty, too long, has other characters, or would mean a folder in a path.
    pub fn new(text: &str) -> Result<Self, DecodeError> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let relative = matches!(text, "." | "..");
        if text.is_empty() || text.len() > 64 || relative || !text.bytes().all(allowed) {
            return Err(DecodeError::Range { field: "subject" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u8(u8::try_from(self.0.len()).expect("a subject has at most 64 bytes"));
        writer.raw(self.0.as_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = usize::from(reader.u8("subject")?);
        let subject = std::str::from_utf8(reader.slice(length, "subject")?);
        Self::new(subject.map_err(|_| DecodeError::Range { field: "subject" })?)
    }
}

/// A participant's key for an epoch, signed by the registrar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Who.
    pub subject: Subject,
    /// The key.
    pub client_key: PublicKey,
    /// The epoch in which it counts; a round names the one it accepts.
    pub epoch: u32,
    /// The registrar's signature.
    pub signature: Signature,
}

impl Credential {
    /// Signs a credential.
    pub fn issue(registrar: &IdentityKey, subject: Subject, client_key: PublicKey, epoch: u32) -> Self {
        Self { subject, client_key, epoch, signature: Signature::BLANK }.sign(registrar)
    }
}

impl Signed for Credential {
    const LABEL: Label = labels::CREDENTIAL;
    const NAME: &'static str = "credential";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for Credential {
    fn write(&self, writer: &mut Writer) {
        self.subject.write(writer);
        writer.raw(&self.client_key.0);
        writer.u32(self.epoch);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            subject: Subject::read(reader)?,
            client_key: PublicKey::read(reader, "client_key")?,
            epoch: reader.u32("epoch")?,
            signature: Signature::read(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_names_that_a_path_can_hold() {
        let longest = "a".repeat(64);
        for name in ["a", "hospital-7", "...", ".a", "_", &longest] {
            assert_eq!(Subject::new(name).as_ref().map(Subject::as_str), Ok(name));
        }
        for name in ["", ".", "..", "a b", "a/b", "é", &format!("{longest}a")] {
            assert_eq!(Subject::new(name), Err(DecodeError::Range { field: "subject" }), "{name}");
        }
    }
}
