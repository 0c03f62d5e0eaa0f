//! The rounds whose private key is destroyed.

use kit::column::Column;
use kit::time::Timestamp;
use names::RoundHash;
use sqlx::PgPool;

use super::rounds::RoundRow;

/// Records that the key of an ended round is destroyed. Returns `false` if that was recorded
/// before.
pub(crate) async fn insert(db: &PgPool, round_hash: &RoundHash, now: Timestamp) -> sqlx::Result<bool> {
    let outcome = sqlx::query(
        "INSERT INTO destroyed_keys (round_hash, hpke_key_id, destroyed_at)
         SELECT r.round_hash, k.hpke_key_id, $2
         FROM rounds AS r
         INNER JOIN round_keys AS k ON r.round_id = k.round_id
         WHERE r.round_hash = $1 AND r.outcome IS NOT NULL
         ON CONFLICT (round_hash) DO NOTHING",
    )
    .bind(Column(*round_hash))
    .bind(now)
    .execute(db)
    .await?;
    Ok(outcome.rows_affected() == 1)
}

/// Finds ended rounds whose key is not recorded as destroyed.
pub(crate) async fn missing(db: &PgPool) -> sqlx::Result<Vec<RoundRow>> {
    sqlx::query_as(
        "SELECT r.round_hash, r.round_id, r.document, r.countersignature, r.holder, r.outcome, r.named_at
         FROM rounds AS r
         LEFT JOIN destroyed_keys AS d ON r.round_hash = d.round_hash
         WHERE r.outcome IS NOT NULL AND d.round_hash IS NULL",
    )
    .fetch_all(db)
    .await
}
