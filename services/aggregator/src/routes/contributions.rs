//! Contributions.

use api::{
    ProblemKind,
    contributions::{ContributionView, InclusionView},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use kit::{Error, Result, extract::Path};
use names::{ContributionId, RoundId};

use super::answer::bytes;
use crate::{
    flow::upload::{self, UploadOutcome},
    state::App,
    views::contributions,
};

/// Round and contribution.
type Ids = (RoundId, ContributionId);

pub(super) async fn put(
    State(app): State<App>,
    Path((round, contribution)): Path<Ids>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, axum::Json<ContributionView>)> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|value| value != "application/octet-stream") {
        return Err(
            Error::abort(ProblemKind::UnsupportedMediaType).detail("expected application/octet-stream")
        );
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match upload::put(&app, round, contribution, length, body).await? {
        UploadOutcome::Created(view) => Ok((StatusCode::CREATED, axum::Json(view))),
        UploadOutcome::Repeated(view) => Ok((StatusCode::OK, axum::Json(view))),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Path((round, contribution)): Path<Ids>,
) -> Result<axum::Json<ContributionView>> {
    contributions::show(&app, round, contribution).await.map(axum::Json)
}

pub(super) async fn inclusion(
    State(app): State<App>,
    Path((round, contribution)): Path<Ids>,
) -> Result<axum::Json<InclusionView>> {
    contributions::inclusion(&app, round, contribution).await.map(axum::Json)
}

pub(super) async fn body(State(app): State<App>, Path((round, contribution)): Path<Ids>) -> Result<Response> {
    contributions::body(&app, round, contribution).await.map(|(length, stream)| bytes(length, stream))
}
