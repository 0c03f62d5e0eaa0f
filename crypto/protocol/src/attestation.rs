//! Attestations. At intake a combiner signs that its share of a contribution's mask key is good.

use names::{
    EncodedCommitment, HeaderHash, PublicKey, RoundHash,
    labels::{self, Label},
};

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The statement that the share sealed to holder `holder` in this contribution opens to
/// `commitment`. After signing it, the combiner cannot claim that the contribution is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The hash of the contribution's header.
    pub header_hash: HeaderHash,
    /// The key in the participant's credential.
    pub client_key: PublicKey,
    /// The combiner's index among the holders.
    pub holder: u8,
    /// The commitment that the share opens, as it is encoded in the header.
    pub commitment: EncodedCommitment,
    /// The combiner's signature.
    pub signature: Signature,
}

impl Signed for Attestation {
    const LABEL: Label = labels::ATTESTATION;
    const NAME: &'static str = "attestation";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for Attestation {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSAT");
        writer.name(&self.round_hash);
        writer.name(&self.header_hash);
        writer.name(&self.client_key);
        writer.u8(self.holder);
        writer.name(&self.commitment);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSAT")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            header_hash: reader.name("header_hash")?,
            client_key: reader.name("client_key")?,
            holder: reader.u8("holder")?,
            commitment: reader.name("commitment")?,
            signature: Signature::read(reader)?,
        })
    }
}
