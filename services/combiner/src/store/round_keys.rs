//! Public halves of the rounds' keys.

use kit::time::Timestamp;
use sqlx::{PgConnection, PgPool};

/// Whether a key was made for this round.
pub(crate) async fn exists(db: &PgPool, round_id: &[u8; 16]) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM round_keys WHERE round_id = $1)")
        .bind(round_id)
        .fetch_one(db)
        .await
}

/// When the key of this round was made, if one was.
pub(crate) async fn made_at(db: &PgPool, round_id: &[u8; 16]) -> sqlx::Result<Option<Timestamp>> {
    sqlx::query_scalar("SELECT created_at FROM round_keys WHERE round_id = $1")
        .bind(round_id)
        .fetch_optional(db)
        .await
}

/// Locks a round's key until the transaction ends, so that only one document at a time is
/// countersigned under one round id.
pub(crate) async fn lock(tx: &mut PgConnection, round_id: &[u8; 16]) -> sqlx::Result<()> {
    sqlx::query("SELECT FROM round_keys WHERE round_id = $1 FOR UPDATE").bind(round_id).execute(tx).await?;
    Ok(())
}

/// Records a key, unless another request has.
pub(crate) async fn insert(
    db: &PgPool,
    round_id: &[u8; 16],
    hpke_key_id: &[u8; 16],
    hpke_public_key: &[u8; 32],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO round_keys (round_id, hpke_key_id, hpke_public_key, created_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(round_id)
    .bind(hpke_key_id)
    .bind(hpke_public_key)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
