//! Faults of the log's entries about a round.

use names::Subject;
use thiserror::Error;

/// The log contradicts the bundle of the round.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of a fault says what its fields are")]
pub enum RecordFault {
    #[error("is not in the log")]
    Missing,
    #[error("is not what the log says")]
    OtherColumn,
    #[error("is {state}, says the log: if the round has only just ended, fetch it again")]
    State { state: String },
    #[error("has no number in the log")]
    NoSequence,
    #[error("its round is not in the log")]
    NoRound,
    #[error("the log has {logged} and the bundle {published}")]
    Members { logged: usize, published: usize },
    #[error("is not the one in the log")]
    Other,
    #[error("is in the log with another header")]
    OtherHeader,
    #[error("is not included, says the log")]
    NotIncluded,
    #[error("is included, says the log, but in no set")]
    InNoSet,
    #[error("there are more in the log")]
    MoreAnswers,
    #[error("the round pays nothing")]
    PaysNothing,
    #[error("there are {payouts} for {members} members: if it has only just paid, fetch it again")]
    Payouts { payouts: usize, members: usize },
    #[error("is missing")]
    NoPayout,
    #[error("goes to {subject}")]
    OtherPayee { subject: Subject },
    #[error("was computed with a {input} of {stated} instead of {expected}")]
    Input { input: &'static str, stated: u32, expected: u32 },
    #[error("is {stated} where the terms give {expected}")]
    Amount { stated: u128, expected: u128 },
}
