//! Faults of a published round.

use thiserror::Error;

/// The parts of a published round do not belong together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RoundFault {
    /// The text is not the JSON of a bundle.
    #[error("is not a bundle")]
    NotABundle(#[source] serde_json::Error),
    /// The document names no aggregator.
    #[error("it names no aggregator")]
    NoAggregator,
    /// The aggregator's key in the bundle is not the pinned one.
    #[error("is not the document's")]
    OtherKey,
    /// The header is that of another contribution.
    #[error("its header names another contribution")]
    OtherContribution,
    /// One participant has two contributions in the set.
    #[error("its participant is in the set already")]
    RepeatedSubject,
    /// The contribution does not have exactly one attestation of every combiner.
    #[error("it is not attested by every combiner")]
    Attestations,
    /// The members are not in the order of the set root.
    #[error("are not in ascending order")]
    Order,
    /// The result is about another round or set.
    #[error("is not about these members")]
    OtherMembers,
    /// The bundle does not have exactly one answer of every holder.
    #[error("there is not one of every holder")]
    Answers,
    /// The answer in this position is another holder's.
    #[error("it is another holder's")]
    OtherHolder,
    /// The published sum is not that of the bodies.
    #[error("it is not the sum of the bodies")]
    OtherSum,
    /// The published sum goes on after its last coordinate.
    #[error("it is longer than the round's dimension")]
    LongSum,
    /// The result states another digest or residual than that of the sum.
    #[error("its digest or residual is not that of the sum")]
    OtherDigest,
}
