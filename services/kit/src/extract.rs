//! Extractors that reject a request with a problem that names the field and the rule.

use api::ProblemKind;
use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request, path::ErrorKind, rejection::PathRejection,
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// A JSON body. The route's `DefaultBodyLimit` bounds its length, which is 2 MiB unless the route
/// sets it.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if !is_json(request.headers()) {
            return Err(Error::abort(ProblemKind::UnsupportedMediaType).detail("expected application/json"));
        }
        let body =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Error::abort(ProblemKind::PayloadTooLarge),
                _ => Error::abort(ProblemKind::MalformedRequest).detail("the body ended early"),
            })?;
        from_json(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = value.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let rule = error.inner().to_string();
        malformed(field(&error.path().to_string(), &rule), rule)
    })?;
    deserializer.end().map_err(|error| malformed(".".into(), error.to_string()))?;
    Ok(value)
}

/// The path of the wrong field. For a missing or an unknown field, only serde's message has the
/// name.
fn field(path: &str, message: &str) -> String {
    let absent = message.starts_with("missing field") || message.starts_with("unknown field");
    let name = message.split('`').nth(1).filter(|_| absent);
    match (path, name) {
        (path, None) => path.to_owned(),
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if path.ends_with(name) => path.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
    }
}

fn malformed(field: String, rule: String) -> Error {
    Error::abort(ProblemKind::MalformedRequest).field(field, rule)
}

/// The parameters of the path: one value, or a tuple of several values.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                let names = RawPathParams::from_request_parts(parts, state).await;
                let mut names = names.iter().flatten().map(|(name, _)| name);
                Err(path_problem(&rejection, names.next().unwrap_or("path")))
            }
        }
    }
}

/// Names the parameter and its rule. If a path has only one parameter, the error lacks its name.
/// That name is `first`.
fn path_problem(rejection: &PathRejection, first: &str) -> Error {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Error::fault(rejection.body_text());
    };
    match failure.kind() {
        ErrorKind::DeserializeError { key, message, .. } => malformed(key.clone(), message.clone()),
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            malformed(key.clone(), format!("expected {expected_type}"))
        }
        ErrorKind::ParseError { expected_type, .. } => {
            malformed(first.to_owned(), format!("expected {expected_type}"))
        }
        ErrorKind::Message(message) => malformed(first.to_owned(), message.clone()),
        kind => malformed("path".into(), kind.to_string()),
    }
}

/// The parameters of the query.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| {
            let message = rejection.body_text();
            let rule = message.rsplit_once("string: ").map_or(message.as_str(), |(_, rule)| rule);
            let (path, rule) = rule.split_once(": ").unwrap_or((".", rule));
            malformed(field(path, rule), rule.to_owned())
        })
    }
}
