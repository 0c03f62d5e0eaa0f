//! The errors of the SDK.

use std::{io, path::PathBuf, time::Duration};

use api::{Problem, ProblemKind};
use names::RoundHash;
use protocol::Refusal;
use thiserror::Error;

/// Why a call failed. [`is_retryable`](Self::is_retryable) says whether to try again later, and
/// [`problem_kind`](Self::problem_kind) gives the reason of the server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server refused the request and gave a documented reason.
    #[error("{}{}", problem.title, particulars(problem))]
    Problem {
        /// The reason, a stable name.
        kind: ProblemKind,
        /// The answer of the server: title, detail, field, rule and request identifier.
        problem: Box<Problem>,
        /// How long the server asks the client to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The server answered with an error status and without a documented reason.
    #[error("the server answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the server asks the client to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The server did not answer in time, or stopped in the middle of its answer.
    #[error("the server took longer than {after:?}")]
    TimedOut {
        /// The time limit that passed.
        after: Duration,
    },
    /// The server could not be reached, or the exchange broke off.
    #[error("the exchange with the server failed")]
    Unreachable {
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The answer of the server cannot be decoded.
    #[error("the server's answer is not {what}")]
    Answer {
        /// What the answer should have been.
        what: &'static str,
        /// The first fault in the JSON text.
        #[source]
        source: serde_json::Error,
    },
    /// The answer of the server is longer than any valid one.
    #[error("the server's answer is longer than {limit} bytes")]
    AnswerTooLong {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The answer breaks a rule of the protocol, or is not signed by the pinned key.
    #[error("the {what} is refused")]
    Refused {
        /// The kind of message that the server sent.
        what: &'static str,
        /// The rule that it breaks.
        #[source]
        source: Refusal,
    },
    /// The answer is well-formed, but does not match what was asked for.
    #[error("the {what} does not match in {field}")]
    Mismatch {
        /// The kind of message that the server sent.
        what: &'static str,
        /// The field that differs.
        field: &'static str,
    },
    /// The update does not have the round's dimension.
    #[error("the update has {found} coordinates, the round {expected}")]
    UpdateLength {
        /// Coordinates of an update in this round.
        expected: u64,
        /// Coordinates of the given update.
        found: u64,
    },
    /// The weight is outside the round's range.
    #[error("the weight {weight} is outside [{min}, {max}]")]
    Weight {
        /// The given weight.
        weight: u32,
        /// The smallest weight that the round allows.
        min: u32,
        /// The largest weight that the round allows.
        max: u32,
    },
    /// The round counts the credentials of another epoch than that of the given credential.
    #[error(
        "the round counts credentials of epoch {round}, and this credential is of epoch {credential}; \
         contribute with a credential of epoch {round}, signed by the registrar and enrolled \
         (`Client::enrol`)"
    )]
    Epoch {
        /// The epoch whose credentials the round counts.
        round: u32,
        /// The epoch of the given credential.
        credential: u32,
    },
    /// The round may sum fewer participants than this client accepts.
    #[error(
        "the round may sum {found} participants, and this client's floor is {floor} \
         (`ClientConfig::floors.min_cohort`)"
    )]
    CohortFloor {
        /// The smallest `min_cohort` that the client accepts.
        floor: u32,
        /// The `min_cohort` of the round.
        found: u32,
    },
    /// The cohort of the round may have a smaller effective size than this client accepts.
    #[error(
        "a cohort of the round may have an effective size of {found}, and this client's floor is {floor} \
         (`ClientConfig::floors.min_effective`)"
    )]
    EffectiveFloor {
        /// The smallest `min_effective` that the client accepts.
        floor: u32,
        /// The `min_effective` of the round.
        found: u32,
    },
    /// One participant of the round may have a larger share of the weight than this client accepts.
    #[error(
        "one participant of the round may have {found_ppm} millionths of the weight, and this client \
         accepts {floor_ppm} (`ClientConfig::floors.max_share_ppm`)"
    )]
    ShareFloor {
        /// The largest share that the client accepts, in millionths.
        floor_ppm: u32,
        /// The largest share that the round allows, in millionths.
        found_ppm: u32,
    },
    /// The round demands no proof of the norm, and this client does.
    #[error(
        "the round demands no proof of the norm, and this client's floor is a proof \
         (`ClientConfig::floors.norm_proof`)"
    )]
    ProofFloor,
    /// The norm proof could not be made.
    #[error("the norm of the update could not be proved")]
    Prove {
        /// The cause.
        #[source]
        source: protocol::roles::client::SigningError,
    },
    /// The contribution was made again from the start several times, and each time its projection
    /// was too long for a norm proof. For an honest client that is not chance: the update, or this
    /// machine's arithmetic, is wrong.
    #[error("{tries} tries gave no contribution whose norm can be proved")]
    TooLong {
        /// How often the contribution was made.
        tries: u32,
    },
    /// The same update was sent in another round. It is not sent again, because an update in two
    /// sums could be isolated by comparing them. Once that round has ended without a release and
    /// every combiner has said so, it may be.
    #[error(
        "this update was sent in round {round_hash} already, and not every combiner has signed that \
         nothing of that round was released"
    )]
    AlreadySent {
        /// Hash of that round's document.
        round_hash: RoundHash,
    },
    /// The update cannot be quantised, for example because a coordinate is not finite.
    #[error("the update cannot be quantised")]
    Quantise {
        /// The cause.
        #[source]
        source: masking::QuantiseError,
    },
    /// The backend failed while it masked the update.
    #[error("the update could not be masked")]
    Mask {
        /// The cause.
        #[source]
        source: masking::MaskingError,
    },
    /// A file in the state folder, or a file to download to, cannot be read or written.
    #[error("cannot use {}", path.display())]
    State {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The address of the aggregator is neither an `https` URL nor an `http` URL of this machine.
    #[error("the address must be https, or http on this machine")]
    Address,
    /// The model is where this client fetches nothing from. The aggregator chose the location.
    #[error("the model at {location} is not fetched: {rule}")]
    ModelLocation {
        /// The location in the round document.
        location: String,
        /// The rule that it breaks, with what to do.
        rule: &'static str,
    },
    /// The model is larger than this client allows.
    #[error(
        "the model has {bytes} bytes, more than the {max_bytes} that the client's settings allow \
         (`ClientConfig::models.max_bytes`); raise that limit if this machine has the memory"
    )]
    ModelTooLarge {
        /// The length in the round document.
        bytes: u64,
        /// The configured limit.
        max_bytes: u64,
    },
    /// The TLS or HTTP settings cannot be used, for example because the certificate authority is
    /// not PEM.
    #[error("the connection's settings cannot be used")]
    Settings {
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The operating system did not start the threads for masking.
    #[error("cannot start the threads for masking")]
    Threads {
        /// The cause.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

impl ClientError {
    /// Whether the same request may succeed later: the server was not reached, did not answer in
    /// time, or answered with status 408, 429 or 5xx.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Problem { problem, .. } => may_pass(problem.status),
            Self::Status { status, .. } => may_pass(*status),
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// The reason that the server gave, if it gave one.
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

    /// Makes an error from the refusal of a message that the server sent, for `map_err`.
    pub(crate) fn refused(what: &'static str) -> impl Fn(Refusal) -> Self {
        move |source| Self::Refused { what, source }
    }

    /// Makes an error from a failure to read or write `path`, for `map_err`.
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
