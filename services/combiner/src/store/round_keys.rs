//! The public halves of the rounds' keys.

use kit::{column::Column, time::Timestamp, vault::round_key::PublicHalf};
use names::{RoundId, RoundKeyId, RoundPublicKey};
use sqlx::{PgConnection, PgPool};

/// Finds the public half of the key that was made for this round.
pub(crate) async fn find(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Option<PublicHalf>> {
    let recorded: Option<(Column<RoundKeyId>, Column<RoundPublicKey>)> =
        sqlx::query_as("SELECT hpke_key_id, hpke_public_key FROM round_keys WHERE round_id = $1")
            .bind(Column(*round_id))
            .fetch_optional(db)
            .await?;
    Ok(recorded.map(|(id, key)| PublicHalf { id: id.0, key: key.0 }))
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

/// Keeps others from locking the key of a round until the transaction ends. Any number of
/// transactions may do so at once.
pub(crate) async fn share(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<()> {
    sqlx::query("SELECT FROM round_keys WHERE round_id = $1 FOR SHARE")
        .bind(Column(*round_id))
        .execute(tx)
        .await?;
    Ok(())
}

/// Records a key, unless another request has recorded it.
pub(crate) async fn insert(
    db: &PgPool,
    round_id: &RoundId,
    key: &PublicHalf,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO round_keys (round_id, hpke_key_id, hpke_public_key, created_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(Column(*round_id))
    .bind(Column(key.id))
    .bind(Column(key.key))
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
