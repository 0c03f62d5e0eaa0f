//! Rounds.

use api::{
    ProblemKind,
    participants::Page,
    rounds::{CreateRound, RoundView, SignedRound},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use kit::{
    Error, Result,
    auth::Bearer,
    extract::{Json, Path, Query},
};
use names::RoundId;

use super::page::PageQuery;
use crate::{
    flow::{
        create_round::{self, Created},
        end_round,
    },
    state::App,
    views::rounds,
};

pub(super) async fn create(
    _: Bearer,
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<CreateRound>,
) -> Result<(StatusCode, axum::Json<RoundView>)> {
    let created = create_round::create(&app, request, request_key(&headers)?).await?;
    let (status, round) = match created {
        Created::First(round) => (StatusCode::CREATED, round),
        Created::Earlier(round) => (StatusCode::OK, round),
    };
    Ok((status, axum::Json(round)))
}

fn request_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let rule = "1 to 255 visible ASCII characters";
    let refused = || Error::abort(ProblemKind::InvalidParameter).field("Idempotency-Key", rule);
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<RoundView>>> {
    let after = query.after.as_deref().map(str::parse).transpose();
    let refused =
        |_| Error::abort(ProblemKind::InvalidParameter).field("after", "the `next` of the page before");
    let after = after.map_err(refused)?;
    rounds::list(&app, after, query.state, query.limit()?).await.map(axum::Json)
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<RoundId>) -> Result<axum::Json<RoundView>> {
    rounds::show(&app, id).await.map(axum::Json)
}

pub(super) async fn document(
    State(app): State<App>,
    Path(id): Path<RoundId>,
) -> Result<axum::Json<SignedRound>> {
    rounds::document(&app, id).await.map(axum::Json)
}

pub(super) async fn close(
    _: Bearer,
    State(app): State<App>,
    Path(id): Path<RoundId>,
) -> Result<axum::Json<RoundView>> {
    end_round::close(&app, id).await.map(axum::Json)
}

pub(super) async fn cancel(
    _: Bearer,
    State(app): State<App>,
    Path(id): Path<RoundId>,
) -> Result<axum::Json<RoundView>> {
    end_round::cancel(&app, id).await.map(axum::Json)
}
