//! The public halves of the rounds' keys.

use kit::column::Column;
use kit::time::Timestamp;
use names::{RoundId, RoundKeyId, RoundPublicKey};
use sqlx::{PgConnection, PgPool};

/// Returns whether a key was made for this round.
pub(crate) async fn exists(db: &PgPool, round_id: &RoundId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM round_keys WHERE round_id = $1)")
        .bind(Column(*round_id))
        .fetch_one(db)
        .await
}

/// Returns when the key of this round was made.
pub(crate) async fn made_at(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Option<Timestamp>> {
    sqlx::query_scalar("SELECT created_at FROM round_keys WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_optional(db)
        .await
}

/// Locks the key of a round until the transaction ends. So only one document at a time can be
/// countersigned under one round id.
pub(crate) async fn lock(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<()> {
    sqlx::query("SELECT FROM round_keys WHERE round_id = $1 FOR UPDATE")
        .bind(Column(*round_id))
        .execute(tx)
        .await?;
    Ok(())
}

/// Records a key, unless another request has recorded it.
pub(crate) async fn insert(
    db: &PgPool,
    round_id: &RoundId,
    hpke_key_id: &RoundKeyId,
    hpke_public_key: &RoundPublicKey,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO round_keys (round_id, hpke_key_id, hpke_public_key, created_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(Column(*round_id))
    .bind(Column(*hpke_key_id))
    .bind(Column(*hpke_public_key))
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
