//! Results and audit bundles.

use api::{Hex, rounds::ResultView};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use kit::{Result, extract::Path};

use super::bytes;
use crate::{
    flow::{bundle, results},
    state::App,
};

pub(super) async fn show(
    State(app): State<App>,
    Path(Hex(round)): Path<Hex<16>>,
) -> Result<axum::Json<ResultView>> {
    results::show(&app, round).await.map(axum::Json)
}

pub(super) async fn sum(State(app): State<App>, Path(Hex(round)): Path<Hex<16>>) -> Result<Response> {
    results::sum(&app, round).await.map(|(length, stream)| bytes(length, stream))
}

pub(super) async fn mean(State(app): State<App>, Path(Hex(round)): Path<Hex<16>>) -> Result<Response> {
    results::mean(&app, round).await.map(|(length, stream)| bytes(length, stream))
}

pub(super) async fn bundle(State(app): State<App>, Path(Hex(round)): Path<Hex<16>>) -> Result<Response> {
    let text = bundle::stream(&app, round).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(text)).into_response())
}
