//! The observed time.

use sqlx::PgPool;

/// Adds to the observed time, if nobody has added since this process saw it as `seen`. Returns the
/// observed time in milliseconds.
pub(crate) async fn observe(db: &PgPool, seen: Option<i64>, ms: i64) -> sqlx::Result<i64> {
    let added = sqlx::query_scalar(
        "UPDATE observed_time SET observed_ms = observed_ms + $1 WHERE observed_ms = $2 RETURNING observed_ms",
    );
    match added.bind(ms).bind(seen).fetch_optional(db).await? {
        Some(observed_ms) => Ok(observed_ms),
        None => sqlx::query_scalar("SELECT observed_ms FROM observed_time").fetch_one(db).await,
    }
}
