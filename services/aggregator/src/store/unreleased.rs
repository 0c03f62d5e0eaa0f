//! The combiners' statements that they released nothing of a round.

use kit::{column::Column, time::Timestamp};
use names::RoundId;
use sqlx::PgPool;

/// Stores the statement of a combiner. A second one changes nothing.
pub(crate) async fn insert(
    db: &PgPool,
    round_id: &RoundId,
    holder: u8,
    statement: &[u8],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO unreleased (round_id, holder, statement, stored_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (round_id, holder) DO NOTHING",
    )
    .bind(Column(*round_id))
    .bind(i16::from(holder))
    .bind(statement)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Lists the statements about a round, in the order of the combiners.
pub(crate) async fn of_round(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar("SELECT statement FROM unreleased WHERE round_id = $1 ORDER BY holder")
        .bind(Column(*round_id))
        .fetch_all(db)
        .await
}
