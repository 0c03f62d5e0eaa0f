//! All routes. A handler decodes its request, makes one call and encodes the answer.

use api::{
    Hex, HexBytes,
    combiner::{
        AttestRequest, AttestResponse, CombinerRoundView, CountersignRequest, Countersignature, ReceiptCall,
        ReleaseCall, ReleaseView, RoundKeyRequest, RoundKeyView,
    },
    identity::CombinerIdentity,
    paths,
};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use kit::{
    Error, Result,
    extract::{Json, Path},
    health,
};
use names::RoundHash;

use crate::{flow, state::App};

/// The longest request with a receipt. It holds a header and a receipt, in hexadecimal.
const RECEIPT_BYTES: usize = 16 << 10;
/// The longest signed refusal in a request to release, in hexadecimal.
const REFUSAL_BYTES: usize = 400;

/// Builds the routes for the aggregator, which need the service token, and the public routes.
pub(crate) fn router(app: App) -> Router {
    let services = Router::new()
        .route(paths::COMBINER_ROUND_KEYS, post(round_key))
        .route(paths::COMBINER_ROUNDS, post(countersign))
        .route(paths::COMBINER_ROUND, get(round))
        .route(paths::COMBINER_ATTESTATIONS, post(attest))
        .route(paths::COMBINER_REFUSED_PROOFS, post(refused_proof))
        .route(paths::COMBINER_RELEASE, post(release).layer(release_limit(&app)))
        .route(paths::COMBINER_ABANDON, post(abandon))
        .merge(health::metrics_router());
    app.service_token
        .clone()
        .protect(services)
        .route(paths::IDENTITY, get(identity))
        .layer(DefaultBodyLimit::max(app.limits.max_request_bytes))
        .merge(participants(&app))
        .merge(health::router(vec![health::database(app.db.clone()), vault(app.clone())]))
        .with_state(app)
}

/// The routes for participants, who have no token.
fn participants(app: &App) -> Router<App> {
    Router::new()
        .route(paths::COMBINER_RECEIPTS, post(receipt))
        .layer(DefaultBodyLimit::max(RECEIPT_BYTES))
        .route_layer(middleware::from_fn_with_state(app.clone(), admit))
}

/// The longest request to release: 64 hexadecimal digits for each member of the largest set, as
/// many signed refusals, and room for the other fields.
fn release_limit(app: &App) -> DefaultBodyLimit {
    DefaultBodyLimit::max((64 + REFUSAL_BYTES) * app.policy.max_contributions_cap as usize + 4096)
}

fn vault(app: App) -> health::Check {
    std::sync::Arc::new(move || {
        let vault = app.vault.clone();
        Box::pin(async move {
            tokio::task::spawn_blocking(move || vault.list()).await?.map(drop).map_err(Error::from)
        })
    })
}

async fn identity(State(app): State<App>) -> axum::Json<CombinerIdentity> {
    axum::Json(CombinerIdentity {
        identity_key: app.identity.public(),
        registrar_key: app.policy.registrar,
        min_cohort_floor: app.policy.min_cohort_floor,
        max_contributions_cap: app.policy.max_contributions_cap,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

async fn round_key(
    State(app): State<App>,
    Json(request): Json<RoundKeyRequest>,
) -> Result<axum::Json<RoundKeyView>> {
    flow::round_key::provide(&app, request.round_id).await.map(axum::Json)
}

async fn countersign(
    State(app): State<App>,
    Json(request): Json<CountersignRequest>,
) -> Result<axum::Json<Countersignature>> {
    let signature =
        flow::countersign::countersign(&app, request.document.0, request.aggregator_signature.0).await?;
    Ok(axum::Json(Countersignature { countersignature: Hex(signature) }))
}

async fn round(State(app): State<App>, Path(hash): Path<RoundHash>) -> Result<axum::Json<CombinerRoundView>> {
    flow::view::view(&app, hash).await.map(axum::Json)
}

async fn attest(
    State(app): State<App>,
    Path(hash): Path<RoundHash>,
    Json(request): Json<AttestRequest>,
) -> Result<axum::Json<AttestResponse>> {
    let verdicts = flow::attest::attest(&app, hash, request.contributions).await?;
    Ok(axum::Json(AttestResponse { verdicts }))
}

async fn release(
    State(app): State<App>,
    Path(hash): Path<RoundHash>,
    Json(call): Json<ReleaseCall>,
) -> Result<axum::Json<ReleaseView>> {
    let answer = flow::release::release(&app, hash, call).await?;
    Ok(axum::Json(ReleaseView { answer: HexBytes(answer) }))
}

async fn refused_proof(
    State(app): State<App>,
    Path(hash): Path<RoundHash>,
    body: Body,
) -> Result<StatusCode> {
    flow::refused_proofs::take(&app, hash, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn admit(State(app): State<App>, request: Request, next: Next) -> Result<Response> {
    app.receipts.answer(request, next).await
}

async fn receipt(
    State(app): State<App>,
    Path(hash): Path<RoundHash>,
    Json(call): Json<ReceiptCall>,
) -> Result<StatusCode> {
    flow::receipts::take(&app, hash, &call).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn abandon(
    State(app): State<App>,
    Path(hash): Path<RoundHash>,
) -> Result<axum::Json<CombinerRoundView>> {
    flow::abandon::abandon(&app, hash).await?;
    flow::view::view(&app, hash).await.map(axum::Json)
}
