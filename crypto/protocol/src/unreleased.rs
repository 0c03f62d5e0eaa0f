//! The statement of a combiner that a round ended and that nothing of it was opened.

use names::{
    RoundHash,
    labels::{self, Label},
};

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// A combiner states that it neither released its key shares of this round nor answered a score
/// request, and that it has destroyed its key. So it never will.
///
/// If every combiner of a round states this, no honest party opened anything in the round. One
/// honest combiner among them is enough. A participant may then send the same update again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreleased {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The combiner's index among the holders.
    pub holder: u8,
    /// The combiner's signature.
    pub signature: Signature,
}

impl Signed for Unreleased {
    const LABEL: Label = labels::UNRELEASED;
    const NAME: &'static str = "statement that nothing was released";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for Unreleased {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSUR");
        writer.name(&self.round_hash);
        writer.u8(self.holder);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSUR")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            holder: reader.u8("holder")?,
            signature: Signature::read(reader)?,
        })
    }
}
