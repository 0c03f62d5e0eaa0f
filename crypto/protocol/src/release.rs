//! The end of a round: the fixed set, and the sums of shares that open its sum.

use lattice::RING_DEGREE;
use ledger::InclusionProof;
use names::{
    HeaderHash, Name, RoundHash, SetRoot,
    labels::{self, Label},
};

use crate::{
    Refusal, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The largest set that a message may name. It is also the largest `max_contributions`.
pub(crate) const MAX_MEMBERS: u32 = 1 << 20;

/// The Merkle root of a set, over its members' header hashes in ascending order.
pub fn set_root(members: &[HeaderHash]) -> SetRoot {
    ledger::root(members).to_bytes().into()
}

/// Checks that a contribution is in the set with this root.
///
/// # Errors
/// [`Refusal::NotInSet`] unless `proof` leads from the contribution's header hash to the root.
pub fn check_member(root: &SetRoot, header: &HeaderHash, proof: &InclusionProof) -> Result<(), Refusal> {
    ledger::verify(&root.to_bytes().into(), header.as_bytes(), proof).map_err(|_| Refusal::NotInSet)
}

/// The request of the aggregator to each combiner to release the sum of its shares over exactly
/// this set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The Merkle root of the members.
    pub root: SetRoot,
    /// The header hashes of the members, strictly ascending.
    pub members: Vec<HeaderHash>,
    /// The aggregator's signature.
    pub signature: Signature,
}

impl ReleaseRequest {
    /// The unsigned request for a set. `members` may come in any order.
    pub fn over(round_hash: RoundHash, mut members: Vec<HeaderHash>) -> Self {
        members.sort_unstable();
        Self { round_hash, root: set_root(&members), members, signature: Signature::BLANK }
    }

    /// Checks that the members are strictly ascending, and that the root is theirs.
    ///
    /// # Errors
    /// [`Refusal::Order`], [`Refusal::Root`].
    pub fn check_root(&self) -> Result<(), Refusal> {
        if let Some(index) = self.members.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(Refusal::Order { index: index + 1 });
        }
        if set_root(&self.members) != self.root {
            return Err(Refusal::Root);
        }
        Ok(())
    }
}

impl Signed for ReleaseRequest {
    const LABEL: Label = labels::RELEASE_REQUEST;
    const NAME: &'static str = "release request";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for ReleaseRequest {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRQ");
        writer.name(&self.round_hash);
        writer.name(&self.root);
        writer.u32(u32::try_from(self.members.len()).expect("a round has at most 2^20 contributions"));
        self.members.iter().for_each(|member| writer.name(member));
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRQ")?;
        let round_hash = reader.name("round_hash")?;
        let root = reader.name("root")?;
        let count = reader.u32("count")?;
        if count > MAX_MEMBERS {
            return Err(DecodeError::Range { field: "count" });
        }
        // Takes all bytes of the members first, so that a false count cannot allocate more than is
        // there.
        let mut members = Reader::new(reader.slice(HeaderHash::LENGTH * count as usize, "members")?);
        let members = (0..count).map(|_| members.name("members")).collect::<Result<_, _>>()?;
        Ok(Self { round_hash, root, members, signature: Signature::read(reader)? })
    }
}

/// The answer of a holder: the sum of its shares over the set, and the sum of their blindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAnswer {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The set root.
    pub root: SetRoot,
    /// The number of members.
    pub count: u32,
    /// The holder's index. 0 is the aggregator, whose answer is published with the others.
    pub holder: u8,
    /// Σ s^h: N coefficients with |·| ≤ 32·count.
    pub key_sum: Vec<i32>,
    /// Σ ρ^h: a canonical scalar.
    pub blinding_sum: [u8; 32],
    /// The holder's signature.
    pub signature: Signature,
}

impl Signed for ReleaseAnswer {
    const LABEL: Label = labels::RELEASE_ANSWER;
    const NAME: &'static str = "release answer";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for ReleaseAnswer {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRA");
        writer.name(&self.round_hash);
        writer.name(&self.root);
        writer.u32(self.count);
        writer.u8(self.holder);
        self.key_sum.iter().for_each(|&coefficient| writer.i32(coefficient));
        writer.raw(&self.blinding_sum);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRA")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            root: reader.name("root")?,
            count: reader.u32("count")?,
            holder: reader.u8("holder")?,
            key_sum: (0..RING_DEGREE).map(|_| reader.i32("key_sum")).collect::<Result<_, _>>()?,
            blinding_sum: reader.array("blinding_sum")?,
            signature: Signature::read(reader)?,
        })
    }
}
