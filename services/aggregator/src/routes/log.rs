//! The log.

use api::log::{CheckpointView, ConsistencyView, Entries, LogInclusionView};
use axum::extract::State;
use kit::{
    Error, Result,
    extract::{Path, Query},
};
use names::{ContributionId, RoundId};
use serde::Deserialize;

use crate::{state::App, views::log};

/// Which entries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    #[serde(default)]
    from: u64,
    limit: Option<u16>,
}

/// Between which sizes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SizesQuery {
    from: u64,
    to: u64,
}

pub(super) async fn checkpoint(State(app): State<App>) -> Result<axum::Json<CheckpointView>> {
    log::latest(&app).await.map(axum::Json)
}

pub(super) async fn entries(
    State(app): State<App>,
    Query(query): Query<EntriesQuery>,
) -> Result<axum::Json<Entries>> {
    let limit = match query.limit.unwrap_or(100) {
        limit @ 1..=1000 => limit,
        _ => return Err(Error::abort(api::ProblemKind::InvalidParameter).field("limit", "1 to 1000")),
    };
    let entries = log::entries(&app, query.from, limit).await?;
    Ok(axum::Json(Entries { entries }))
}

pub(super) async fn entry(
    State(app): State<App>,
    Path(index): Path<u64>,
) -> Result<axum::Json<LogInclusionView>> {
    log::inclusion(&app, index).await.map(axum::Json)
}

pub(super) async fn contribution(
    State(app): State<App>,
    Path((round, contribution)): Path<(RoundId, ContributionId)>,
) -> Result<axum::Json<LogInclusionView>> {
    log::contribution(&app, round, contribution).await.map(axum::Json)
}

pub(super) async fn consistency(
    State(app): State<App>,
    Query(query): Query<SizesQuery>,
) -> Result<axum::Json<ConsistencyView>> {
    log::consistency(&app, query.from, query.to).await.map(axum::Json)
}
