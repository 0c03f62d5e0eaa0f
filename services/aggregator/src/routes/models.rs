//! Models.

use api::Hex;
use axum::{body::Body, extract::State, http::StatusCode, response::Response};
use kit::{Result, auth::Bearer, extract::Path};

use super::bytes;
use crate::{flow::models, state::App};

pub(super) async fn put(
    _: Bearer,
    State(app): State<App>,
    Path(Hex(digest)): Path<Hex<32>>,
    body: Body,
) -> Result<StatusCode> {
    models::put(&app, digest, body).await.map(|()| StatusCode::NO_CONTENT)
}

pub(super) async fn get(State(app): State<App>, Path(Hex(digest)): Path<Hex<32>>) -> Result<Response> {
    models::get(&app, digest).await.map(|(length, stream)| bytes(length, stream))
}
