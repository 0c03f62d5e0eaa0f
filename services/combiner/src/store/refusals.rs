//! Counts of refused contributions.

use std::collections::HashMap;

use kit::column::Column;
use kit::time::Timestamp;
use names::RoundHash;
use sqlx::PgConnection;

/// Adds to the counts of refused contributions, by reason.
pub(crate) async fn count(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    reasons: &HashMap<&'static str, i64>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let (reasons, counts): (Vec<&str>, Vec<i64>) =
        reasons.iter().map(|(&reason, &count)| (reason, count)).unzip();
    sqlx::query(
        "INSERT INTO refusals (round_hash, reason, count, last_at)
         SELECT $1, *, $4 FROM UNNEST($2::TEXT [], $3::BIGINT [])
         ON CONFLICT (round_hash, reason)
         DO UPDATE SET count = refusals.count + EXCLUDED.count, last_at = EXCLUDED.last_at",
    )
    .bind(Column(*round_hash))
    .bind(reasons)
    .bind(counts)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
