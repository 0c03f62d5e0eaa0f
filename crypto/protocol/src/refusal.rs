//! Why a message is refused.

use thiserror::Error;

use crate::codec::DecodeError;

/// The rule that a message broke. The sender is at fault.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are not a canonical encoding.
    #[error("not a canonical {what}")]
    Malformed {
        /// The name of the structure.
        what: &'static str,
        /// What is wrong with the bytes.
        #[source]
        source: DecodeError,
    },
    /// A signature does not verify.
    #[error("the signature of the {of} does not verify")]
    Signature {
        /// The name of the signed structure.
        of: &'static str,
    },
    /// The epoch of the credential is not the one that the round accepts.
    #[error("the credential is for epoch {found}, the round accepts {expected}")]
    Epoch {
        /// The epoch that the round accepts.
        expected: u32,
        /// The epoch of the credential.
        found: u32,
    },
    /// The message was made for another round.
    #[error("the message was made for another round")]
    WrongRound,
    /// The weight is outside the round's range.
    #[error("the weight {weight} is outside [{min}, {max}]")]
    Weight {
        /// The weight in the header.
        weight: u32,
        /// The smallest weight of the round.
        min: u32,
        /// The largest weight of the round.
        max: u32,
    },
    /// The weight is larger than the one that the registrar attested.
    #[error("the weight {weight} is larger than {max_weight}, which the credential allows")]
    AttestedWeight {
        /// The weight in the header.
        weight: u32,
        /// The largest weight in the credential.
        max_weight: u32,
    },
    /// The header has a field for which the round did not ask.
    #[error("the round does not ask for `{field}`")]
    NotAskedFor {
        /// The name of the field.
        field: &'static str,
    },
    /// The proof in the contribution is not of the kind that the round demands.
    #[error("the proof is not of the kind that the round demands")]
    ProofKind,
    /// The norm proof does not verify.
    #[error("the norm proof does not verify: {check}")]
    NormProof {
        /// The name of the check that failed.
        check: &'static str,
    },
    /// The commitments, sealed seeds or answers are not one for each holder.
    #[error("the {found} shares are not one for each of {expected} holders")]
    Holders {
        /// The number of holders in the document.
        expected: usize,
        /// The number of shares in the message.
        found: usize,
    },
    /// A sealed seed has an X25519 part of small order. Anyone who has its bytes can see that.
    #[error("the seed sealed to holder {holder} has an X25519 part of small order")]
    SealSmallOrder {
        /// The holder's index.
        holder: u8,
    },
    /// The bytes do not have the digest that the header states.
    #[error("the {of} does not have the stated digest")]
    Digest {
        /// The name of the bytes.
        of: &'static str,
    },
    /// The body holds a word w with w·2^τ ≥ q.
    #[error("the body holds a word outside the ring in chunk {chunk}")]
    BodyNotCanonical {
        /// The index of the chunk.
        chunk: u64,
    },
    /// The body does not have the length that the round demands.
    #[error("the body has {found} bytes, not {expected}")]
    BodyLength {
        /// The length that the round demands, in bytes.
        expected: u64,
        /// The length that was found, in bytes.
        found: u64,
    },
    /// The document breaks a rule, or its constants are not those that its parameters give.
    #[error("the round document breaks the rule: {rule}")]
    Document {
        /// The rule that was broken.
        rule: &'static str,
    },
    /// The sealed seed does not open under the holder's key, or the share does not open its
    /// commitment. Only the holder can tell: a wrong ciphertext of ML-KEM is no error, but opens to
    /// another secret.
    #[error("the key share of holder {holder} does not open to its commitment")]
    Share {
        /// The holder's index.
        holder: u8,
    },
    /// A holder's signed refusal does not concern the contribution. The holder, or the party that
    /// forwarded the contribution to it, is at fault.
    #[error("the refusal of holder {holder} does not concern the contribution")]
    Unfounded {
        /// The holder's index.
        holder: u8,
    },
    /// A member of the set was not attested by this combiner in this round.
    #[error("member {index} was not attested in this round")]
    NotAttested {
        /// The member's position in the set.
        index: usize,
    },
    /// The members are not in strictly ascending order.
    #[error("the members are not in ascending order at position {index}")]
    Order {
        /// The first position out of order.
        index: usize,
    },
    /// One participant appears twice, with the same key or with two keys.
    #[error("member {index} is a participant who is in the set already")]
    DuplicateSubject {
        /// The position of its second member.
        index: usize,
    },
    /// The set is smaller than `min_cohort` or larger than `max_contributions`.
    #[error("the set has {count} members, outside [{min}, {max}]")]
    Cohort {
        /// The size of the set.
        count: usize,
        /// The smallest allowed size.
        min: u32,
        /// The largest allowed size.
        max: u32,
    },
    /// The total weight of the set is larger than the round allows.
    #[error("the total weight of the set is {total}, more than {max}")]
    TotalWeight {
        /// The sum of the weights.
        total: u64,
        /// The largest allowed sum.
        max: u64,
    },
    /// A few large weights outweigh the rest of the set.
    #[error(
        "the weights of the set have the sum {total} and squares of sum {squares}: \
             their effective size, {total}^2/{squares}, is below {min}"
    )]
    EffectiveSize {
        /// The sum of the weights.
        total: u64,
        /// The sum of the squares of the weights.
        squares: u128,
        /// The smallest allowed effective size.
        min: u32,
    },
    /// The set root is not the root of the members.
    #[error("the root is not the root of the members")]
    Root,
    /// A proof does not show that a contribution is in the set.
    #[error("the proof does not show that the contribution is in the set")]
    NotInSet,
    /// The sum of the shares does not open the sum of the commitments.
    #[error("the answer of holder {holder} does not open the sum of the commitments")]
    Opening {
        /// The holder's index.
        holder: u8,
    },
}

impl Refusal {
    /// Turns an error in decoding `what` into a refusal, for `map_err`.
    pub fn malformed(what: &'static str) -> impl Fn(DecodeError) -> Self {
        move |source| Self::Malformed { what, source }
    }
}
