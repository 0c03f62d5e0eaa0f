//! The errors of shares, sealed seeds and openings.

/// The reason why received bytes or a share were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SharingError {
    /// The 32 bytes are not the canonical encoding of a group element (RFC 9496 §4.3.1).
    #[error("a commitment is not the canonical encoding of a group element")]
    CommitmentEncoding,
    /// The 32 bytes are not a scalar below the group's order.
    #[error("a blinding sum is not a canonical scalar")]
    ScalarEncoding,
    /// A key sum does not have N coefficients.
    #[error("a key sum has {actual} coefficients")]
    KeySumLength {
        /// The number of coefficients given.
        actual: usize,
    },
    /// The recipient's key fails the modulus check of ML-KEM, or has an X25519 half of small order.
    /// Nothing may be sealed to it.
    #[error("a seed cannot be sealed to this public key")]
    RecipientKey,
    /// The X25519 part of a sealed seed is of small order.
    #[error("the X25519 part of a sealed seed is of small order")]
    SealSmallOrder,
    /// The seed was sealed to another key or for another context, or its bytes were changed
    /// afterwards.
    #[error("a sealed seed does not open for this key and context")]
    SealedSeed,
    /// The share does not open its commitment.
    #[error("a key share is not the one committed to")]
    CommitmentMismatch,
    /// A coefficient is too large for a sum of that many shares.
    #[error("coefficient {index} of the key sum exceeds {bound} in magnitude")]
    KeySumRange {
        /// The coefficient's power of X.
        index: usize,
        /// 32 for each share in the sum.
        bound: u64,
    },
    /// The sums are in range but do not open the sum of the commitments.
    #[error("the key and blinding sums do not open the sum of the commitments")]
    OpeningMismatch,
}
