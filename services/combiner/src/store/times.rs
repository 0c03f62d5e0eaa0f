//! The observed time, and the epochs that are over.

use kit::column::Column;
use names::PublicKey;
use sqlx::{PgConnection, PgExecutor};

/// Adds to the observed time.
pub(crate) async fn observe(db: impl PgExecutor<'_>, ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE observed_time SET observed_ms = observed_ms + $1").bind(ms).execute(db).await?;
    Ok(())
}

/// The observed time in milliseconds.
pub(crate) async fn observed(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT observed_ms FROM observed_time").fetch_one(db).await
}

/// The lowest epoch of a registrar that still counts.
pub(crate) async fn lowest_epoch(db: impl PgExecutor<'_>, registrar: &PublicKey) -> sqlx::Result<i64> {
    let epoch = sqlx::query_scalar("SELECT lowest_epoch FROM registrars WHERE registrar_key = $1");
    Ok(epoch.bind(Column(*registrar)).fetch_optional(db).await?.unwrap_or(0))
}

/// Raises the lowest epoch of a registrar, unless it is this high already.
pub(crate) async fn raise_epoch(
    db: impl PgExecutor<'_>,
    registrar: &PublicKey,
    epoch: u32,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO registrars AS r (registrar_key, lowest_epoch) VALUES ($1, $2)
         ON CONFLICT (registrar_key) DO UPDATE SET lowest_epoch = EXCLUDED.lowest_epoch
         WHERE r.lowest_epoch < EXCLUDED.lowest_epoch",
    )
    .bind(Column(*registrar))
    .bind(i64::from(epoch))
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a registrar until the transaction ends. So only one of its rounds at a time is
/// countersigned.
pub(crate) async fn lock_registrar(tx: &mut PgConnection, registrar: &PublicKey) -> sqlx::Result<()> {
    raise_epoch(&mut *tx, registrar, 0).await?;
    sqlx::query("SELECT FROM registrars WHERE registrar_key = $1 FOR UPDATE")
        .bind(Column(*registrar))
        .execute(tx)
        .await?;
    Ok(())
}
