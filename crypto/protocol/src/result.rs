//! The published result of a round.

use names::{
    RoundHash, SetRoot, SumDigest,
    labels::{self, Label},
};

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The aggregator's signed statement of the sum. Anyone can recompute it from the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundResult {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The set root.
    pub root: SetRoot,
    /// The number of members.
    pub count: u32,
    /// The sum of the members' weights.
    pub total_weight: u64,
    /// The Merkle root over the BLAKE3 digests of the sum's chunks.
    pub sum_digest: SumDigest,
    /// max |y − Δ·sum|. It is a diagnostic: no rule depends on it.
    pub residual_max: u64,
    /// The aggregator's signature.
    pub signature: Signature,
}

impl Signed for RoundResult {
    const LABEL: Label = labels::RESULT;
    const NAME: &'static str = "result";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for RoundResult {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRS");
        writer.name(&self.round_hash);
        writer.name(&self.root);
        writer.u32(self.count);
        writer.u64(self.total_weight);
        writer.name(&self.sum_digest);
        writer.u64(self.residual_max);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRS")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            root: reader.name("root")?,
            count: reader.u32("count")?,
            total_weight: reader.u64("total_weight")?,
            sum_digest: reader.name("sum_digest")?,
            residual_max: reader.u64("residual_max")?,
            signature: Signature::read(reader)?,
        })
    }
}
