//! Payouts.

use api::{
    ProblemKind,
    participants::Page,
    payouts::{Batch, ClaimAddressRequest, ClaimProof, MakeBatch, Payout, Statement},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kit::{
    Error, Result,
    auth::Bearer,
    extract::{Json, Path, Query},
};
use ledger::payout_tree::StandardDump;
use names::RoundId;

use super::{page::PageQuery, subject::named};
use crate::{
    flow::{claim_address, make_batch::make_batch as make},
    state::App,
    views::{batches, payouts, statement},
};

pub(super) async fn of_round(
    State(app): State<App>,
    Path(round): Path<RoundId>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Payout>>> {
    payouts::of_round(&app, round, query.after_subject()?.as_ref(), query.limit()?).await.map(axum::Json)
}

pub(super) async fn statement(
    State(app): State<App>,
    Path(subject): Path<String>,
) -> Result<axum::Json<Statement>> {
    statement::statement(&app, &named(&subject)?).await.map(axum::Json)
}

pub(super) async fn claim_address(
    State(app): State<App>,
    Path(subject): Path<String>,
    Json(request): Json<ClaimAddressRequest>,
) -> Result<axum::Json<Statement>> {
    claim_address::put(&app, &named(&subject)?, &request).await.map(axum::Json)
}

pub(super) async fn batches(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Batch>>> {
    let after = query.after.as_deref().unwrap_or("0").parse();
    let after = after
        .map_err(|_| Error::abort(ProblemKind::InvalidParameter).field("after", "the number of a batch"))?;
    batches::list(&app, after, query.limit()?).await.map(axum::Json)
}

pub(super) async fn make_batch(
    _: Bearer,
    State(app): State<App>,
    Json(request): Json<MakeBatch>,
) -> Result<(StatusCode, axum::Json<Batch>)> {
    let batch = make(&app, &request).await?;
    Ok((StatusCode::CREATED, axum::Json(batch)))
}

pub(super) async fn batch(State(app): State<App>, Path(batch): Path<u64>) -> Result<axum::Json<Batch>> {
    batches::batch(&app, batch).await.map(axum::Json)
}

pub(super) async fn tree(State(app): State<App>, Path(batch): Path<u64>) -> Result<axum::Json<StandardDump>> {
    batches::dump(&app, batch).await.map(axum::Json)
}

pub(super) async fn csv(State(app): State<App>, Path(batch): Path<u64>) -> Result<Response> {
    let text = batches::csv(&app, batch).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

pub(super) async fn claim(
    State(app): State<App>,
    Path((batch, subject)): Path<(u64, String)>,
) -> Result<axum::Json<ClaimProof>> {
    batches::proof(&app, batch, &named(&subject)?).await.map(axum::Json)
}
