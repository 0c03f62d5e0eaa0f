//! The combiners that rounds wait for.

use api::ProblemKind;
use kit::{column::Column, time::Timestamp};
use names::RoundId;
use sqlx::PgPool;

/// Records that a round waits for a combiner. The same wait again writes nothing.
pub(crate) async fn record(
    db: &PgPool,
    round_id: &RoundId,
    holder: u8,
    reason: ProblemKind,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO release_waits AS w (round_id, holder, reason, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (round_id) DO UPDATE
         SET holder = EXCLUDED.holder, reason = EXCLUDED.reason, since = EXCLUDED.since
         WHERE (w.holder, w.reason) <> (EXCLUDED.holder, EXCLUDED.reason)",
    )
    .bind(Column(*round_id))
    .bind(i16::from(holder))
    .bind(reason.code())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
