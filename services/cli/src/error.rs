//! The errors of commands, and the exit code of each.

use std::{io, path::PathBuf, process::ExitCode};

use api::ProblemKind;
use client::ClientError;
use protocol::Refusal;
use thiserror::Error;

pub(crate) type Result<T> = std::result::Result<T, CommandError>;

#[derive(Debug, Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Service(#[from] kit::Error),
    #[error(transparent)]
    Config(#[from] kit::config::ConfigError),
    #[error(transparent)]
    Local(#[from] local::LocalError),
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    #[error("cannot use {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} {rule}", path.display())]
    Input { path: PathBuf, rule: String },
    #[error("{argument} {rule}")]
    Argument { argument: &'static str, rule: &'static str },
    #[error("the {what} does not verify")]
    Refused {
        what: &'static str,
        #[source]
        source: Refusal,
    },
    #[error(transparent)]
    Audit(#[from] audit::Finding),
    #[error("the record contradicts itself: {first}{}", if *others > 0 { format!(" (and {others} more)") } else { String::new() })]
    Record { first: String, others: usize },
    #[error("the {what} is not the one that was asked for")]
    Unexpected { what: &'static str },
    #[error("the round ended as {state}{}", failure.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    RoundEnded { state: String, failure: Option<String> },
    #[error("{program} failed: {message}")]
    Program { program: &'static str, message: String },
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    #[error("the computation failed")]
    Masking(#[from] masking::MaskingError),
    #[error("the norm proof failed")]
    NormProof(#[from] norm_proof::NormProofError),
    #[error("{0}")]
    Demo(&'static str),
    #[error("interrupted")]
    Interrupted,
}

impl CommandError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn input(path: impl Into<PathBuf>, rule: impl Into<String>) -> Self {
        Self::Input { path: path.into(), rule: rule.into() }
    }

    pub(crate) fn refused(what: &'static str) -> impl Fn(Refusal) -> Self {
        move |source| Self::Refused { what, source }
    }

    /// The exit code, as `blindsum --help` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) => client_exit_code(error),
            Self::Refused { .. } | Self::Audit(_) | Self::Record { .. } | Self::Unexpected { .. } => 5,
            Self::Argument { .. } => 2,
            _ => 1,
        }
    }

    /// The reason that a server gave, if it gave one.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Client(error) => error.problem_kind().map(ProblemKind::code),
            _ => None,
        }
    }

    /// The message, followed by the messages of its causes.
    pub(crate) fn chain(&self) -> String {
        kit::error::chain(self)
    }
}

/// Why a round of files was not verified.
impl From<audit::AuditError<Self>> for CommandError {
    fn from(error: audit::AuditError<Self>) -> Self {
        match error {
            audit::AuditError::Finding(finding) => Self::Audit(finding),
            audit::AuditError::Source(error) => error,
            audit::AuditError::Computation(error) => Self::Masking(error),
        }
    }
}

impl From<&CommandError> for ExitCode {
    fn from(error: &CommandError) -> Self {
        Self::from(error.exit_code())
    }
}

fn client_exit_code(error: &ClientError) -> u8 {
    match error {
        ClientError::Problem { kind: ProblemKind::NotReady, .. } => 75,
        error if error.is_retryable() => 4,
        ClientError::Problem { .. } | ClientError::Status { .. } => 3,
        ClientError::Refused { .. }
        | ClientError::Mismatch { .. }
        | ClientError::Answer { .. }
        | ClientError::AnswerTooLong { .. } => 5,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use api::Problem;

    use super::*;

    #[test]
    fn exit_codes_are_those_documented() {
        let problem =
            |kind| ClientError::Problem { kind, problem: Box::new(Problem::new(kind)), retry_after: None };
        let cases = [
            (problem(ProblemKind::NotReady), 75),
            (problem(ProblemKind::RoundFull), 3),
            (problem(ProblemKind::TooManyRequests), 4),
            (problem(ProblemKind::Internal), 4),
            (ClientError::Status { status: 404, retry_after: None }, 3),
            (ClientError::Mismatch { what: "receipt", field: "round_hash" }, 5),
            (ClientError::Refused { what: "receipt", source: Refusal::WrongRound }, 5),
        ];
        for (error, code) in cases {
            assert_eq!(client_exit_code(&error), code, "{error}");
        }
    }

    #[test]
    fn a_message_tells_its_causes() {
        let error = CommandError::file("/x")(io::ErrorKind::NotFound.into());
        assert_eq!(error.chain(), "cannot use /x: entity not found");
    }
}
