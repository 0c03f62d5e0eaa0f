//! Why a request fails. An abort is the caller's fault, and its answer names the broken rule. A
//! fault is the service's own failure, and its answer tells the caller nothing about the cause.

use std::{error::Error as StdError, io};

use api::{Problem, ProblemKind, problem::MEDIA_TYPE};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::Refusal;
use thiserror::Error;

use crate::request_id;

/// The result of the work for a request or for a job.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed request. The answer to the caller is a problem document (RFC 9457).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's fault. The caller gets this problem.
    #[error("{}", describe(.0))]
    Abort(Box<Problem>),
    /// The service's failure. The causes are logged once, and the caller gets a constant problem.
    #[error("the service failed")]
    Fault(#[source] Fault),
}

/// The cause of a fault.
#[derive(Debug, Error)]
#[error("{}", if *.unavailable { "something needed cannot be reached" } else { "something unexpected happened" })]
pub struct Fault {
    source: Box<dyn StdError + Send + Sync>,
    unavailable: bool,
}

impl Error {
    /// An abort of this kind without particulars.
    pub fn abort(kind: ProblemKind) -> Self {
        Self::Abort(Box::new(Problem::new(kind)))
    }

    /// A fault that nobody expected.
    pub fn fault(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Fault(Fault { source: source.into(), unavailable: false })
    }

    /// A fault because something that the service needs cannot be reached now: a database, a store,
    /// a peer.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Fault(Fault { source: source.into(), unavailable: true })
    }

    /// Adds words on the error in this request. A fault stays as it is.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        if let Self::Abort(problem) = &mut self {
            problem.detail = Some(detail.into());
        }
        self
    }

    /// Adds the field or parameter and the rule that it broke. A fault stays as it is.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        if let Self::Abort(problem) = &mut self {
            problem.field = Some(field.into());
            problem.rule = Some(rule.into());
        }
        self
    }

    /// The kind of problem that the caller sees.
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::Abort(problem) => problem.kind().unwrap_or(ProblemKind::Internal),
            Self::Fault(Fault { unavailable: true, .. }) => ProblemKind::Unavailable,
            Self::Fault(_) => ProblemKind::Internal,
        }
    }

    /// The database's error, if a fault has one as its cause.
    pub fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Fault(fault) => fault.source.downcast_ref(),
            Self::Abort(_) => None,
        }
    }

    /// The error and its causes in one line, for a log.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error and all its causes, separated by colons.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Abort(Box::new(problem))
    }
}

impl From<Refusal> for Error {
    /// Makes an abort that names the rule of the protocol that the message broke.
    fn from(refusal: Refusal) -> Self {
        Problem::from(&refusal).into()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if unreachable(&error) { Self::unavailable(error) } else { Self::fault(error) }
    }
}

/// Turns these error types into faults. Error types of this crate become faults in their own files.
macro_rules! faults {
    ($($error:ty),*) => {$(
        impl From<$error> for $crate::Error {
            fn from(error: $error) -> Self {
                Self::fault(error)
            }
        }
    )*};
}

pub(crate) use faults;

faults!(io::Error, sqlx::migrate::MigrateError, tokio::task::JoinError);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let mut problem = match self {
            Self::Abort(problem) => *problem,
            Self::Fault(_) => {
                tracing::error!(error = self.chain(), "request failed");
                Problem::new(kind)
            }
        };
        problem.request_id = request_id::current();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

fn describe(problem: &Problem) -> String {
    let particulars = [&problem.detail, &problem.field, &problem.rule];
    let particulars = particulars.into_iter().flatten().map(String::as_str);
    std::iter::once(problem.title.as_str()).chain(particulars).collect::<Vec<_>>().join(" ")
}

/// Returns whether the database could not be reached. An error in its answer does not count.
fn unreachable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            true
        }
        // The classes of connection exceptions, insufficient resources and operator intervention.
        // See PostgreSQL's manual, appendix A.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57"].iter().any(|class| code.starts_with(class)) && code != "57014"
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_says_nothing_outside() {
        let response = Error::fault(io::Error::other("the secret path")).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.kind(), Some(ProblemKind::Internal));
        assert_eq!((problem.detail, problem.field, problem.rule), (None, None, None));
    }

    #[tokio::test]
    async fn an_abort_names_field_rule_and_request() {
        let error =
            Error::abort(ProblemKind::InvalidParameter).field("limit", "at most 1000").detail("got 1001");
        let respond = async { error.into_response() };
        let response = request_id::scope("id-1".into(), respond).await;
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.status, 422);
        assert_eq!(problem.field.as_deref(), Some("limit"));
        assert_eq!(problem.rule.as_deref(), Some("at most 1000"));
        assert_eq!(problem.request_id.as_deref(), Some("id-1"));
    }

    #[test]
    fn an_unreachable_database_is_unavailable() {
        assert_eq!(Error::from(sqlx::Error::PoolTimedOut).kind(), ProblemKind::Unavailable);
        assert_eq!(Error::from(sqlx::Error::RowNotFound).kind(), ProblemKind::Internal);
    }

    #[test]
    fn a_refusal_is_an_abort_with_its_rule() {
        let Error::Abort(problem) = Error::from(Refusal::Document { rule: "2 to 8 share holders" }) else {
            panic!("a refusal is the sender's fault");
        };
        assert_eq!(problem.kind(), Some(ProblemKind::RoundRefused));
        assert_eq!(problem.rule.as_deref(), Some("2 to 8 share holders"));
    }

    #[test]
    fn the_log_has_the_whole_chain() {
        let chain = Error::fault(io::Error::other("disk full")).chain();
        assert_eq!(chain, "the service failed: something unexpected happened: disk full");
    }
}
