//! Receipts. The aggregator promises that it has stored a contribution and will enter it in the
//! log.

use names::{
    ContributionId, HeaderHash, RoundHash,
    labels::{self, Label},
};

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The promise, given once the bytes and the row are durable. A repeated upload gets the same
/// receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The name that the client gave to the contribution.
    pub contribution_id: ContributionId,
    /// The hash of its header, which binds every byte of the contribution.
    pub header_hash: HeaderHash,
    /// The time at which it was stored, in milliseconds since the Unix epoch.
    pub received_at_ms: i64,
    /// The time by which the contribution has an entry in the log, in milliseconds since the Unix
    /// epoch. If a checkpoint after that time has no such entry, the receipt proves that the
    /// aggregator broke its promise.
    pub included_by_ms: i64,
    /// The aggregator's signature.
    pub signature: Signature,
}

impl Signed for Receipt {
    const LABEL: Label = labels::RECEIPT;
    const NAME: &'static str = "receipt";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for Receipt {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRC");
        writer.name(&self.round_hash);
        writer.name(&self.contribution_id);
        writer.name(&self.header_hash);
        writer.i64(self.received_at_ms);
        writer.i64(self.included_by_ms);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRC")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            contribution_id: reader.name("contribution_id")?,
            header_hash: reader.name("header_hash")?,
            received_at_ms: reader.i64("received_at")?,
            included_by_ms: reader.i64("included_by")?,
            signature: Signature::read(reader)?,
        })
    }
}
