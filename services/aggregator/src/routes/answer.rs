//! Answers that are not JSON.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};

use crate::blobs::ByteStream;

/// A stream of `length` bytes.
pub(super) fn bytes(length: u64, stream: ByteStream) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    (headers, Body::from_stream(stream)).into_response()
}
