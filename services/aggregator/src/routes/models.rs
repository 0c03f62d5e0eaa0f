//! Models.

use axum::{body::Body, extract::State, http::StatusCode, response::Response};
use kit::{Result, auth::Bearer, extract::Path};
use names::ModelDigest;

use super::answer::bytes;
use crate::{flow, state::App, views};

pub(super) async fn put(
    _: Bearer,
    State(app): State<App>,
    Path(digest): Path<ModelDigest>,
    body: Body,
) -> Result<StatusCode> {
    flow::models::put(&app, digest, body).await.map(|()| StatusCode::NO_CONTENT)
}

pub(super) async fn get(State(app): State<App>, Path(digest): Path<ModelDigest>) -> Result<Response> {
    views::models::get(&app, digest).await.map(|(length, stream)| bytes(length, stream))
}
