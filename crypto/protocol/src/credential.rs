//! Credentials. The registrar signs that a key belongs to a participant.

use names::{
    PublicKey, Subject,
    labels::{self, Label},
};

use crate::{
    IdentityKey, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

pub(crate) fn write_subject(writer: &mut Writer, subject: &Subject) {
    let text = subject.as_str().as_bytes();
    writer.u8(u8::try_from(text.len()).expect("a subject has at most 64 bytes"));
    writer.raw(text);
}

pub(crate) fn read_subject(reader: &mut Reader<'_>) -> Result<Subject, DecodeError> {
    let range = DecodeError::Range { field: "subject" };
    let length = usize::from(reader.u8("subject")?);
    let text = std::str::from_utf8(reader.slice(length, "subject")?).map_err(|_| range)?;
    Subject::new(text).map_err(|_| range)
}

/// A participant's key for an epoch, signed by the registrar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The participant's name.
    pub subject: Subject,
    /// The participant's identity key.
    pub client_key: PublicKey,
    /// The group of the participant, if the registrar named one. It tells that several subjects
    /// belong together.
    pub group: Option<Subject>,
    /// The epoch in which the credential counts. A round accepts credentials of one epoch.
    pub epoch: u32,
    /// The largest weight that the participant may give its contributions, 1 to 2²⁰. The registrar
    /// attests it.
    pub max_weight: u32,
    /// The registrar's signature.
    pub signature: Signature,
}

impl Credential {
    /// The largest `max_weight`.
    pub const MAX_WEIGHT: u32 = 1 << 20;

    /// Makes and signs a credential as the registrar. It has no group, and `max_weight` is the
    /// largest.
    pub fn issue(registrar: &IdentityKey, subject: Subject, client_key: PublicKey, epoch: u32) -> Self {
        Self::unsigned(subject, client_key, epoch).sign(registrar)
    }

    /// A credential without a signature, without a group and with the largest `max_weight`.
    pub fn unsigned(subject: Subject, client_key: PublicKey, epoch: u32) -> Self {
        let (group, max_weight) = (None, Self::MAX_WEIGHT);
        Self { subject, client_key, group, epoch, max_weight, signature: Signature::BLANK }
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
        write_subject(writer, &self.subject);
        writer.name(&self.client_key);
        writer.optional(self.group.as_ref(), write_subject);
        writer.u32(self.epoch);
        writer.u32(self.max_weight);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            subject: read_subject(reader)?,
            client_key: reader.name("client_key")?,
            group: reader.optional("group", read_subject)?,
            epoch: reader.u32("epoch")?,
            max_weight: match reader.u32("max_weight")? {
                weight @ 1..=Self::MAX_WEIGHT => weight,
                _ => return Err(DecodeError::Range { field: "max_weight" }),
            },
            signature: Signature::read(reader)?,
        })
    }
}
