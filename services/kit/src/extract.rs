//! Extractors whose rejections are problem details that name the field and the rule.

use std::str::FromStr;

use api::{Hex, ProblemKind};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, path::ErrorKind, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// A JSON body, no longer than the route's `DefaultBodyLimit` (2 MiB unless a route sets another).
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

/// The path of the field, with the name that serde quotes when the field is missing or unknown.
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

/// The parameters of the path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| path_problem(&rejection))
    }
}

fn path_problem(rejection: &PathRejection) -> Error {
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        return Error::fault(rejection.body_text());
    };
    match failure.kind() {
        ErrorKind::DeserializeError { key, message, .. } => malformed(key.clone(), message.clone()),
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            malformed(key.clone(), format!("expected {expected_type}"))
        }
        kind => malformed("path".into(), kind.to_string()),
    }
}

/// The only parameter of the path, `2·N` hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct HexPath<const N: usize>(pub [u8; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for HexPath<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path([(name, text)]) = Path::<[(String, String); 1]>::from_request_parts(parts, state).await?;
        let Hex(bytes) = Hex::from_str(&text).map_err(|error| malformed(name, error.to_string()))?;
        Ok(Self(bytes))
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
