//! Attestations: a combiner's word, at intake, that its share of a contribution's mask key is good.

use lattice::labels::{self, Label};

use crate::{
    PublicKey, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// "The share sealed to holder `holder` in this contribution opens to `commitment`." After it, that combiner cannot
/// blame the contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The round.
    pub round_hash: [u8; 32],
    /// Hash of the contribution's header.
    pub header_hash: [u8; 32],
    /// The contributor's key.
    pub client_key: PublicKey,
    /// The combiner's index among the holders.
    pub holder: u8,
    /// The commitment that the share opens, as encoded in the header.
    pub commitment: [u8; 32],
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
        writer.raw(&self.round_hash);
        writer.raw(&self.header_hash);
        writer.raw(&self.client_key.0);
        writer.u8(self.holder);
        writer.raw(&self.commitment);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSAT")?;
        Ok(Self {
            round_hash: reader.array("round_hash")?,
            header_hash: reader.array("header_hash")?,
            client_key: PublicKey::read(reader, "client_key")?,
            holder: reader.u8("holder")?,
            commitment: reader.array("commitment")?,
            signature: Signature::read(reader)?,
        })
    }
}
