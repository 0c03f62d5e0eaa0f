//! Statements of the registrar about epochs.

use names::labels::{self, Label};

use crate::{
    IdentityKey, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The registrar's statement that credentials of epochs before `lowest_epoch` count no more. A
/// combiner that has it countersigns no round of an earlier epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochStatement {
    /// The lowest epoch that counts.
    pub lowest_epoch: u32,
    /// The registrar's signature.
    pub signature: Signature,
}

impl EpochStatement {
    /// Makes and signs a statement as the registrar.
    pub fn issue(registrar: &IdentityKey, lowest_epoch: u32) -> Self {
        Self { lowest_epoch, signature: Signature::BLANK }.sign(registrar)
    }
}

impl Signed for EpochStatement {
    const LABEL: Label = labels::EPOCH;
    const NAME: &'static str = "epoch statement";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for EpochStatement {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSES");
        writer.u32(self.lowest_epoch);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSES")?;
        Ok(Self { lowest_epoch: reader.u32("lowest_epoch")?, signature: Signature::read(reader)? })
    }
}
