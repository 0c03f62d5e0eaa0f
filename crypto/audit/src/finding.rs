//! The faults that an audit finds, and where.

mod books_fault;
mod log_fault;
mod record_fault;
mod round_fault;

use std::fmt;

use ledger::{
    note::NoteError, payout::PayoutError, payout_tree::PayoutTreeError, reputation::ReputationError,
};
use names::{ContributionId, RoundId, Subject};
use norm_proof::NormProofError;
use protocol::Refusal;
use thiserror::Error;

use crate::book_ids::{BatchId, TransferId};

pub use self::{
    books_fault::BooksFault, log_fault::LogFault, record_fault::RecordFault, round_fault::RoundFault,
};

/// The first thing that is wrong.
///
/// The message says where. The source, a [`Fault`], says what.
#[derive(Debug, Error)]
#[error("{at} is wrong")]
pub struct Finding {
    /// Where.
    pub at: Place,
    /// What.
    #[source]
    pub fault: Fault,
}

impl Finding {
    pub(crate) fn new(at: Place, fault: impl Into<Fault>) -> Self {
        Self { at, fault: fault.into() }
    }
}

/// The published item in which a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "a field says by what the place is known; its name is enough")]
pub enum Place {
    /// The bundle's JSON.
    Bundle,
    /// The round document and its signatures.
    RoundDocument,
    /// The aggregator's key in the bundle, next to the document.
    AggregatorKey,
    /// A contribution: its header, attestations, proof or body, or its entries in the log.
    Contribution(ContributionId),
    /// A combiner's attestation of a contribution.
    Attestation { contribution: ContributionId, holder: u8 },
    /// The set as a whole.
    Members,
    /// The answers as a whole.
    Answers,
    /// A holder's answer.
    Answer { holder: u8 },
    /// The signed result.
    Result,
    /// The sum as a whole.
    Sum,
    /// A chunk of the sum.
    SumChunk { chunk: u64 },
    /// The log's entries as a whole.
    Log,
    /// A checkpoint, by the name that the caller gave it.
    Checkpoint { name: String },
    /// A witness, by the name of its key.
    Witness { name: String },
    /// An entry of the log.
    Entry { index: u64 },
    /// The round in the log.
    Round,
    /// A column of the round's row in the log.
    RoundColumn { column: &'static str },
    /// A member of the set in the log.
    Member { index: u64 },
    /// All payouts of the round together.
    Payouts,
    /// The payout of one participant for the round.
    Payout { subject: Subject },
    /// The reputation from which a payout follows.
    Reputation { subject: Subject },
    /// The payouts of a round in the books.
    PayoutsOf { round: RoundId },
    /// A transfer.
    Transfer { transfer: TransferId },
    /// The postings of a transfer.
    Postings { transfer: TransferId },
    /// A batch.
    Batch { batch: BatchId },
    /// The lines of a batch.
    Lines { batch: BatchId },
    /// A participant's line in a batch.
    Line { batch: BatchId, subject: Subject },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle => f.write_str("bundle"),
            Self::RoundDocument => f.write_str("round document"),
            Self::AggregatorKey => f.write_str("aggregator's key"),
            Self::Contribution(id) => write!(f, "contribution {id}"),
            Self::Attestation { contribution, holder } => {
                write!(f, "contribution {contribution}, attestation of holder {holder}")
            }
            Self::Members => f.write_str("members"),
            Self::Answers => f.write_str("answers"),
            Self::Answer { holder } => write!(f, "answer of holder {holder}"),
            Self::Result => f.write_str("result"),
            Self::Sum => f.write_str("sum"),
            Self::SumChunk { chunk } => write!(f, "sum, chunk {chunk}"),
            Self::Log => f.write_str("log"),
            Self::Checkpoint { name } => write!(f, "checkpoint {name}"),
            Self::Witness { name } => write!(f, "witness {name}"),
            Self::Entry { index } => write!(f, "log entry {index}"),
            Self::Round => f.write_str("round"),
            Self::RoundColumn { column } => write!(f, "round, {column}"),
            Self::Member { index } => write!(f, "member {index}"),
            Self::Payouts => f.write_str("payouts"),
            Self::Payout { subject } => write!(f, "payout of {subject}"),
            Self::Reputation { subject } => write!(f, "reputation of {subject}"),
            Self::PayoutsOf { round } => write!(f, "payouts of round {round}"),
            Self::Transfer { transfer } => write!(f, "transfer {transfer}"),
            Self::Postings { transfer } => write!(f, "postings of transfer {transfer}"),
            Self::Batch { batch } => write!(f, "batch {batch}"),
            Self::Lines { batch } => write!(f, "lines of batch {batch}"),
            Self::Line { batch, subject } => write!(f, "batch {batch}, line of {subject}"),
        }
    }
}

/// What is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A message breaks a rule of the protocol.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A norm proof could not be verified.
    #[error(transparent)]
    NormProof(#[from] NormProofError),
    /// The parts of a published round do not belong together.
    #[error(transparent)]
    Round(#[from] RoundFault),
    /// A checkpoint is not signed, or is no checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The log is not the one that was signed, or has impossible entries.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The log contradicts the bundle of the round.
    #[error(transparent)]
    Record(#[from] RecordFault),
    /// The round's pool cannot be split among these participants.
    #[error(transparent)]
    Split(#[from] PayoutError),
    /// The outcomes in the log give no reputation.
    #[error(transparent)]
    Reputation(#[from] ReputationError),
    /// The books do not add up.
    #[error(transparent)]
    Books(#[from] BooksFault),
    /// The lines of a batch make no payout tree.
    #[error(transparent)]
    PayoutTree(#[from] PayoutTreeError),
}
