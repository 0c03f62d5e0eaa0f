//! Every route. A handler extracts, calls one function of `flow` or `views`, and maps its answer.

mod answer;
mod contributions;
mod log;
mod models;
mod page;
mod participants;
mod payouts;
mod results;
mod rounds;
mod subject;

use std::sync::Arc;

use api::{identity::AggregatorIdentity, paths};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post, put},
};
use kit::health::{self, Check};

use crate::state::App;

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
