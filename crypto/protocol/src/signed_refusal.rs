//! Signed refusals. A holder that does not attest a contribution signs why, so that nobody else can
//! invent a refusal and the holder cannot deny it.

use names::{
    HeaderHash, RoundHash, SealedDigest,
    labels::{self, Label},
};

use crate::{
    Refusal, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// Why a holder refuses a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefusedFor {
    /// The sealed share does not open to its commitment. Only the holder can see that.
    Share = 1,
    /// The participant has no attempt left. Only the holder knows how many it has attested.
    Attempts = 2,
    /// Another contribution of the round has the same commitment to this holder's share.
    Commitment = 3,
    /// The header or the sealed seeds break a rule that anybody can check.
    Rule = 4,
}

impl RefusedFor {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Share, Self::Attempts, Self::Commitment, Self::Rule];

    /// The reason for a refusal that the holder found by itself. Anybody can find the others.
    pub fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Share { .. } => Self::Share,
            _ => Self::Rule,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&reason| reason as u8 == byte)
    }
}

/// The statement that holder `holder` does not attest a contribution.
///
/// It concerns the participant only if `sealed_digest` is the digest in the header that the
/// participant signed. Otherwise the holder received other bytes, and the party that forwarded them
/// is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRefusal {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The hash of the contribution's header.
    pub header_hash: HeaderHash,
    /// The digest of the sealed seeds that the holder received.
    pub sealed_digest: SealedDigest,
    /// The holder's index. 0 is the aggregator.
    pub holder: u8,
    /// Why the holder refuses.
    pub reason: RefusedFor,
    /// The holder's signature.
    pub signature: Signature,
}

impl Signed for SignedRefusal {
    const LABEL: Label = labels::SIGNED_REFUSAL;
    const NAME: &'static str = "signed refusal";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for SignedRefusal {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRF");
        writer.name(&self.round_hash);
        writer.name(&self.header_hash);
        writer.name(&self.sealed_digest);
        writer.u8(self.holder);
        writer.u8(self.reason as u8);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRF")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            header_hash: reader.name("header_hash")?,
            sealed_digest: reader.name("sealed_digest")?,
            holder: reader.u8("holder")?,
            reason: RefusedFor::from_byte(reader.u8("reason")?)
                .ok_or(DecodeError::Range { field: "reason" })?,
            signature: Signature::read(reader)?,
        })
    }
}
