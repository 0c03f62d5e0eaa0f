//! Every route. A handler extracts, calls one function of `flow` or `views`, and maps its answer.

mod contributions;
mod log;
mod models;
mod participants;
mod payouts;
mod results;
mod rounds;

use std::sync::Arc;

use api::{ProblemKind, identity::AggregatorIdentity, paths};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use kit::{
    Error, Result,
    health::{self, Check},
};
use names::Subject;
use serde::Deserialize;

use crate::{blobs::ByteStream, state::App};

/// The service's router.
pub(crate) fn router(app: App) -> Router {
    let database = health::database(app.db.clone());
    let blobs = app.blobs.clone();
    let store: Check = Arc::new(move || {
        let blobs = blobs.clone();
        Box::pin(async move { blobs.check().await })
    });
    let unbounded = Router::new()
        .route(paths::MODEL, put(models::put).get(models::get))
        .route(paths::CONTRIBUTION, put(contributions::put).get(contributions::show))
        .layer(DefaultBodyLimit::disable());
    let bounded = Router::new()
        .route(paths::IDENTITY, get(identity))
        .route(paths::PARTICIPANTS, post(participants::enrol).get(participants::list))
        .route(paths::PARTICIPANT, get(participants::show))
        .route(paths::ROUNDS, post(rounds::create).get(rounds::list))
        .route(paths::ROUND, get(rounds::show))
        .route(paths::ROUND_DOCUMENT, get(rounds::document))
        .route(paths::ROUND_CLOSE, post(rounds::close))
        .route(paths::ROUND_CANCEL, post(rounds::cancel))
        .route(paths::CONTRIBUTION_INCLUSION, get(contributions::inclusion))
        .route(paths::CONTRIBUTION_BODY, get(contributions::body))
        .route(paths::RESULT, get(results::show))
        .route(paths::RESULT_SUM, get(results::sum))
        .route(paths::RESULT_MEAN, get(results::mean))
        .route(paths::BUNDLE, get(results::bundle))
        .route(paths::LOG_CHECKPOINT, get(log::checkpoint))
        .route(paths::LOG_ENTRIES, get(log::entries))
        .route(paths::LOG_ENTRY, get(log::entry))
        .route(paths::LOG_CONSISTENCY, get(log::consistency))
        .route(paths::CONTRIBUTION_LOG, get(log::contribution))
        .route(paths::ROUND_PAYOUTS, get(payouts::of_round))
        .route(paths::STATEMENT, get(payouts::statement))
        .route(paths::CLAIM_ADDRESS, put(payouts::claim_address))
        .route(paths::BATCHES, get(payouts::batches).post(payouts::make_batch))
        .route(paths::BATCH, get(payouts::batch))
        .route(paths::BATCH_TREE, get(payouts::tree))
        .route(paths::BATCH_CSV, get(payouts::csv))
        .route(paths::BATCH_CLAIM, get(payouts::claim))
        .layer(DefaultBodyLimit::max(app.limits.max_request_bytes));
    unbounded
        .merge(bounded)
        .with_state(app)
        .merge(health::router(vec![database, store]))
        .merge(health::metrics_router())
}

async fn identity(State(app): State<App>) -> Json<AggregatorIdentity> {
    Json(AggregatorIdentity {
        identity_key: app.pins.aggregator,
        combiner_keys: app.pins.combiners.clone(),
        registrar_key: app.pins.registrar,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// A stream of `length` bytes.
fn bytes(length: u64, stream: ByteStream) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

/// Which page of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Items on the page.
    limit: Option<u16>,
    /// Only rounds in this state.
    state: Option<api::rounds::RoundState>,
}

/// Parses a participant's name in a path. A malformed name cannot exist, hence 404.
fn subject(text: &str) -> Result<Subject> {
    Subject::new(text).map_err(|_| Error::abort(ProblemKind::NotFound))
}

impl PageQuery {
    /// The participant before the page. `None` and the empty text ask for the first page.
    fn after_subject(&self) -> Result<Option<Subject>> {
        let after = self.after.as_deref().filter(|after| !after.is_empty());
        let refused =
            |_| Error::abort(ProblemKind::InvalidParameter).field("after", "the `next` of the page before");
        after.map(Subject::new).transpose().map_err(refused)
    }

    fn limit(&self) -> Result<u16> {
        match self.limit.unwrap_or(100) {
            limit @ 1..=1000 => Ok(limit),
            _ => Err(Error::abort(ProblemKind::InvalidParameter).field("limit", "1 to 1000")),
        }
    }
}
