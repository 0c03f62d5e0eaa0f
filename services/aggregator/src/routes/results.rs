//! Results and audit bundles.

use api::rounds::ResultView;
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use kit::{Result, extract::Path};
use names::RoundId;

use super::answer::bytes;
use crate::{
    state::App,
    views::{bundle, results},
};

pub(super) async fn show(
    State(app): State<App>,
    Path(round): Path<RoundId>,
) -> Result<axum::Json<ResultView>> {
    results::show(&app, round).await.map(axum::Json)
}

pub(super) async fn sum(State(app): State<App>, Path(round): Path<RoundId>) -> Result<Response> {
    results::sum(&app, round).await.map(|(length, stream)| bytes(length, stream))
}

pub(super) async fn mean(State(app): State<App>, Path(round): Path<RoundId>) -> Result<Response> {
    results::mean(&app, round).await.map(|(length, stream)| bytes(length, stream))
}

pub(super) async fn bundle(State(app): State<App>, Path(round): Path<RoundId>) -> Result<Response> {
    let text = bundle::stream(&app, round).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(text)).into_response())
}
