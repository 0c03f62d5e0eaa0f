//! The routes for liveness, readiness and metrics.

use std::{sync::Arc, time::Duration};

use api::paths;
use axum::{Router, routing::get};
use futures::future::{BoxFuture, try_join_all};

use crate::{Error, Result, telemetry};

/// The time limit of all checks together.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A check of something that the service needs in order to be ready.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Checks that the database answers.
pub fn database(pool: sqlx::PgPool) -> Check {
    Arc::new(move || {
        let pool = pool.clone();
        Box::pin(async move { Ok(sqlx::query("SELECT 1").execute(&pool).await.map(|_| ())?) })
    })
}

/// Serves `GET /healthz` and `GET /readyz`. The first answers as soon as the process serves. The
/// second answers 503 unless all checks pass in time.
pub fn router<S: Clone + Send + Sync + 'static>(checks: Vec<Check>) -> Router<S> {
    Router::new()
        .route(paths::HEALTH, get(async || "ok\n"))
        .route(paths::READY, get(async move || ready(&checks).await))
}

/// Serves `GET /metrics` in the text format of Prometheus.
pub fn metrics_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(paths::METRICS, get(async || telemetry::render_metrics()))
}

async fn ready(checks: &[Check]) -> Result<&'static str> {
    let all = try_join_all(checks.iter().map(|check| check()));
    let all = tokio::time::timeout(CHECK_TIMEOUT, all).await.map_err(Error::unavailable)?;
    // Each failure is temporary for the caller, even a fault, since a later check may pass.
    all.map_err(Error::unavailable)?;
    Ok("ready\n")
}
