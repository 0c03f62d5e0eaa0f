//! Erases sealed seeds and proofs after the audit window. Digests and verdicts stay.

use kit::{column::Column, time::Timestamp};
use names::{RoundHash, RoundId};
use sqlx::{PgConnection, PgPool};

/// A round whose audit window is over.
#[derive(sqlx::FromRow)]
pub(crate) struct Expired {
    pub(crate) round_id: Column<RoundId>,
    pub(crate) round_hash: Column<RoundHash>,
}

/// Lists rounds that ended before `before` and still have sealed seeds or proofs, if no job needs
/// them. The oldest comes first. A retire job needs neither, and it may wait for a combiner for
/// ever.
pub(crate) async fn expired(db: &PgPool, before: Timestamp, limit: i64) -> sqlx::Result<Vec<Expired>> {
    sqlx::query_as(
        "SELECT round_id, round_hash FROM rounds AS r
         WHERE ended_at < $1
             AND NOT EXISTS (SELECT FROM erasures AS e WHERE e.round_id = r.round_id)
             AND NOT EXISTS (
                 SELECT FROM jobs AS j
                 WHERE j.round_id = r.round_id AND j.state IN ('ready', 'leased') AND j.kind <> 'retire'
             )
         ORDER BY ended_at LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Empties the columns with a round's sealed seeds and proofs, and records the erasure.
pub(crate) async fn erase(tx: &mut PgConnection, round_id: &RoundId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO erasures (round_id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(Column(*round_id))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE contributions SET sealed_seeds = '', proof = ''
         WHERE round_id = $1 AND (sealed_seeds <> '' OR proof <> '')",
    )
    .bind(Column(*round_id))
    .execute(tx)
    .await?;
    Ok(())
}

/// Returns whether a round's sealed seeds and proofs are erased.
pub(crate) async fn is_erased(db: &PgPool, round_id: &RoundId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM erasures WHERE round_id = $1)")
        .bind(Column(*round_id))
        .fetch_one(db)
        .await
}
