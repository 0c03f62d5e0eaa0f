//! Participants.

use api::participants::{EnrolRequest, Page, Participant};
use axum::extract::State;
use kit::{
    Result,
    extract::{Json, Path, Query},
};

use super::{page::PageQuery, subject::named};
use crate::{flow::enrol, state::App, views::participants};

pub(super) async fn enrol(
    State(app): State<App>,
    Json(request): Json<EnrolRequest>,
) -> Result<axum::Json<Participant>> {
    enrol::enrol(&app, request).await.map(axum::Json)
}

pub(super) async fn show(
    State(app): State<App>,
    Path(subject): Path<String>,
) -> Result<axum::Json<Participant>> {
    participants::show(&app, &named(&subject)?).await.map(axum::Json)
}

pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Participant>>> {
    participants::list(&app, query.after_subject()?.as_ref(), query.limit()?).await.map(axum::Json)
}
