//! What can go wrong for a participant.

use std::{io, path::PathBuf, time::Duration};

use api::{Problem, ProblemKind};
use names::RoundHash;
use protocol::Refusal;
use thiserror::Error;

/// Why a call failed, and through it what to do next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server refused, and said why.
    #[error("{}{}", problem.title, particulars(problem))]
    Problem {
        /// The stable name of the cause.
        kind: ProblemKind,
        /// The particulars.
        problem: Box<Problem>,
        /// How long the server asks to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The server answered with a status that it did not explain in the documented form.
    #[error("the server answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The server did not answer, or not go on, in time.
    #[error("the server took longer than {after:?}")]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The server could not be reached, or the exchange broke off.
    #[error("the exchange with the server failed")]
    Unreachable {
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The server's answer is not of the documented form.
    #[error("the server's answer is not {what}")]
    Answer {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The server's answer is longer than it can be.
    #[error("the server's answer is longer than {limit} bytes")]
    AnswerTooLong {
        /// The most that was expected.
        limit: u64,
    },
    /// What the server says breaks a rule of the protocol or is not signed by the pinned key.
    #[error("the {what} is refused")]
    Refused {
        /// What the server sent.
        what: &'static str,
        /// The rule.
        #[source]
        source: Refusal,
    },
    /// What the server says does not belong to what it was asked for.
    #[error("the {what} does not match in {field}")]
    Mismatch {
        /// What the server sent.
        what: &'static str,
        /// The field that differs.
        field: &'static str,
    },
    /// The update does not have the round's dimension.
    #[error("the update has {found} coordinates, the round {expected}")]
    UpdateLength {
        /// The round's.
        expected: u64,
        /// The update's.
        found: u64,
    },
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
    /// The norm could not be proved.
    #[error("the norm of the update could not be proved")]
    Prove {
        /// The cause.
        #[source]
        source: protocol::roles::client::SigningError,
    },
    /// The same update was sent in another round. Sent twice, it could be told apart by comparing the sums.
    #[error("this update was sent in round {round_hash} already")]
    AlreadySent {
        /// Hash of that round's document.
        round_hash: RoundHash,
    },
    /// The update cannot be quantised: a coordinate is not finite, for example.
    #[error("the update cannot be quantised")]
    Quantise {
        /// The cause.
        #[source]
        source: masking::QuantiseError,
    },
    /// Masking failed.
    #[error("the update could not be masked")]
    Mask {
        /// The cause.
        #[source]
        source: masking::MaskingError,
    },
    /// The state folder cannot be read or written.
    #[error("cannot use {}", path.display())]
    State {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The address is not an `https` URL, nor an `http` URL of this machine.
    #[error("the address must be https, or http on this machine")]
    Address,
    /// The TLS or HTTP settings cannot be used.
    #[error("the connection's settings cannot be used")]
    Settings {
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The threads for masking could not be started.
    #[error("cannot start the threads for masking")]
    Threads {
        /// The cause.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

impl ClientError {
    /// Whether the same request may succeed later: the server was not reached, did not answer in time, or is
    /// at its limit (408, 429, 5xx).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Problem { problem, .. } => may_pass(problem.status),
            Self::Status { status, .. } => may_pass(*status),
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// The stable name of the cause, where the server gave one.
    pub fn problem_kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Problem { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// For `map_err` on checking what the server sent.
    pub(crate) fn refused(what: &'static str) -> impl Fn(Refusal) -> Self {
        move |source| Self::Refused { what, source }
    }

    /// For `map_err` on reading and writing `path`.
    pub(crate) fn state(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::State { path, source }
    }
}

fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

fn particulars(problem: &Problem) -> String {
    let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}{value}"));
    let parts = [
        named("", &problem.detail),
        named("field: ", &problem.field),
        named("rule: ", &problem.rule),
        named("request: ", &problem.request_id),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}
