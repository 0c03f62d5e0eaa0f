//! Why a message is refused.

use thiserror::Error;

use crate::codec::DecodeError;

/// The rule that a message broke. The fault is the sender's.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are not a canonical encoding.
    #[error("not a canonical {what}")]
    Malformed {
        /// The structure.
        what: &'static str,
        /// What is wrong with the bytes.
        #[source]
        source: DecodeError,
    },
    /// A signature does not verify.
    #[error("the signature of the {of} does not verify")]
    Signature {
        /// What was signed.
        of: &'static str,
    },
    /// The credential is for another epoch than the round's.
    #[error("the credential is for epoch {found}, the round accepts {expected}")]
    Epoch {
        /// The round's.
        expected: u32,
        /// The credential's.
        found: u32,
    },
    /// The message was made for another round.
    #[error("the message was made for another round")]
    WrongRound,
    /// The weight is outside the round's range.
    #[error("the weight {weight} is outside [{min}, {max}]")]
    Weight {
        /// The weight.
        weight: u32,
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// The contribution does not carry the proof that the round demands, or carries one that it does not.
    #[error("the round demands another proof")]
    ProofKind,
    /// The norm proof does not verify.
    #[error("the norm proof does not verify: {check}")]
    NormProof {
        /// The check that failed.
        check: &'static str,
    },
    /// The number of commitments or sealed seeds is not that of the share holders.
    #[error("{found} shares for {expected} holders")]
    Holders {
        /// Holders in the document.
        expected: usize,
        /// Shares in the message.
        found: usize,
    },
    /// Bytes do not have the digest stated in the header.
    #[error("the {of} does not have the stated digest")]
    Digest {
        /// Which bytes.
        of: &'static str,
    },
    /// The body holds a word w with w·2^τ ≥ q.
    #[error("the body holds a word outside the ring in chunk {chunk}")]
    BodyNotCanonical {
        /// Index of the chunk.
        chunk: u64,
    },
    /// The body is not as long as the round says.
    #[error("the body has {found} bytes, not {expected}")]
    BodyLength {
        /// What the round says.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The document's constants are not those that its parameters give, or its parameters are impossible.
    #[error("the round document breaks the rule: {rule}")]
    Document {
        /// The rule.
        rule: &'static str,
    },
    /// The sealed seed does not open under the holder's key, or not to the committed share.
    #[error("the key share of holder {holder} does not open to its commitment")]
    Share {
        /// The holder.
        holder: u8,
    },
    /// A member of the set was not attested by this combiner in this round.
    #[error("member {index} was not attested in this round")]
    NotAttested {
        /// Its position.
        index: usize,
    },
    /// Members are not in strictly ascending order.
    #[error("the members are not in ascending order at position {index}")]
    Order {
        /// The first position out of order.
        index: usize,
    },
    /// One participant appears twice, under one key or two.
    #[error("member {index} is a participant who is in the set already")]
    DuplicateSubject {
        /// The second position.
        index: usize,
    },
    /// The set is smaller than `min_cohort` or larger than `max_contributions`.
    #[error("{count} members, outside [{min}, {max}]")]
    Cohort {
        /// Its size.
        count: usize,
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// The root is not the root of the members.
    #[error("the root is not the root of the members")]
    Root,
    /// A proof does not show that a contribution is in the set.
    #[error("the proof does not show that the contribution is in the set")]
    NotInSet,
    /// The shares' sum does not open the sum of the commitments.
    #[error("the answer of holder {holder} does not open the sum of the commitments")]
    Opening {
        /// The holder.
        holder: u8,
    },
}

impl Refusal {
    /// For `map_err` on decoding `what`.
    pub fn malformed(what: &'static str) -> impl Fn(DecodeError) -> Self {
        move |source| Self::Malformed { what, source }
    }
}
