//! The statement of a combiner that a round ended and that nothing of it was opened.

use names::{
    RoundHash,
    labels::{self, Label},
};

use crate::{
    IdentityKey, Refusal, Signature, Signed, VerifiedRound,
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

impl Unreleased {
    /// Makes and signs the statement as combiner `holder`. Signing is deterministic.
    pub fn state(round_hash: RoundHash, holder: u8, combiner: &IdentityKey) -> Self {
        Self { round_hash, holder, signature: Signature::BLANK }.sign(combiner)
    }

    /// Checks that combiner `holder` of this round made the statement about this round.
    ///
    /// # Errors
    /// [`Refusal::WrongRound`], [`Refusal::Holders`] when it is of another holder or of none,
    /// [`Refusal::Signature`].
    pub fn check(&self, round: &VerifiedRound, holder: u8) -> Result<(), Refusal> {
        if self.round_hash != *round.hash() {
            return Err(Refusal::WrongRound);
        }
        match round.holder(holder) {
            Some(combiner) if holder != 0 && self.holder == holder => self.verify(&combiner.identity_key),
            _ => Err(Refusal::Holders { expected: round.holders().into(), found: self.holder.into() }),
        }
    }
}

/// Checks that every combiner of the round has stated that it released nothing. The statements come
/// in the order of the combiners. Then no honest party opened anything of the round.
///
/// # Errors
/// [`Refusal::Holders`] when there is not one of each combiner, and those of [`Unreleased::check`].
pub fn check_unreleased(round: &VerifiedRound, statements: &[Unreleased]) -> Result<(), Refusal> {
    let combiners = usize::from(round.holders()) - 1;
    if statements.len() != combiners {
        return Err(Refusal::Holders { expected: combiners, found: statements.len() });
    }
    (1..round.holders()).zip(statements).try_for_each(|(holder, statement)| statement.check(round, holder))
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
