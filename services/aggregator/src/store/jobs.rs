//! Jobs: the work that a round needs, and its time. [`super::leases`] says how a worker leases
//! jobs.

use kit::{
    column::{Column, Named},
    time::Timestamp,
};
use names::RoundId;
use sqlx::{PgConnection, PgPool};

/// The kind of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Collects the countersignatures of a round whose creation was interrupted.
    Prepare,
    /// Checks a contribution's shares with every holder. The key is the contribution.
    Verify,
    /// Ends the uploads of a round and fixes its set.
    Close,
    /// Adds one chunk of every member's body. The key is the chunk.
    Fold,
    /// Collects the sums of key shares.
    Release,
    /// Unmasks one chunk of the sum. The key is the chunk.
    Unmask,
    /// Signs and publishes the result.
    Publish,
    /// Destroys the round's key and the stored bytes that are no longer needed.
    Retire,
    /// Pays for the contributions in the published sum.
    Payout,
    /// Signs a checkpoint that covers the round's record. The key is the occasion.
    Checkpoint,
}

kit::text_column!(Kind);

impl Named for Kind {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Prepare, "prepare"),
        (Self::Verify, "verify"),
        (Self::Close, "close"),
        (Self::Fold, "fold"),
        (Self::Release, "release"),
        (Self::Unmask, "unmask"),
        (Self::Publish, "publish"),
        (Self::Retire, "retire"),
        (Self::Payout, "payout"),
        (Self::Checkpoint, "checkpoint"),
    ];
}

/// The longest pause between two attempts at a job: that of a job that must tell a combiner of a
/// round's end. The combiner may never come back.
pub(crate) const LONGEST_WAIT_MS: i64 = 600_000;

/// Adds jobs of one kind, one for each key. Existing jobs stay as they are.
pub(crate) async fn enqueue(
    tx: &mut PgConnection,
    kind: Kind,
    round_id: &RoundId,
    keys: &[String],
    run_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO jobs (kind, round_id, key, run_at, created_at)
         SELECT $1, $2, key, $4, $5 FROM UNNEST($3::TEXT []) AS keys (key)
         ON CONFLICT (kind, round_id, key) DO NOTHING",
    )
    .bind(Column(kind))
    .bind(Column(*round_id))
    .bind(keys)
    .bind(run_at)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Brings a round's close job forward to `run_at`.
pub(crate) async fn hasten_close(
    tx: &mut PgConnection,
    round_id: &RoundId,
    run_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE jobs SET run_at = LEAST(run_at, $2)
         WHERE kind = 'close' AND round_id = $1 AND key = '' AND state IN ('ready', 'leased')",
    )
    .bind(Column(*round_id))
    .bind(run_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Brings jobs forward that wait for more than `longest_ms`, because the clock was ahead when their
/// time was set. Returns how many.
///
/// The end of uploads stays at its time, which is in the round document.
pub(crate) async fn bring_forward(db: &PgPool, longest_ms: i64, now: Timestamp) -> sqlx::Result<u64> {
    let brought = sqlx::query(
        "UPDATE jobs AS j
         SET run_at = LEAST(j.run_at, $1), lease_expires_at = CASE WHEN j.state = 'leased' THEN $1 END
         FROM rounds AS r
         WHERE j.round_id = r.round_id AND j.state IN ('ready', 'leased')
             AND COALESCE(j.lease_expires_at, j.run_at) > $2
             AND NOT (j.kind = 'close' AND j.state = 'ready' AND r.state IN ('preparing', 'open'))",
    );
    Ok(brought.bind(now).bind(now.plus_ms(longest_ms)).execute(db).await?.rows_affected())
}

/// Ends the waiting jobs of a round that are no longer needed, because its set is fixed or it has
/// ended.
pub(crate) async fn drop_unneeded(
    tx: &mut PgConnection,
    round_id: &RoundId,
    kinds: &[Kind],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE jobs
         SET state = 'done', lease_token = NULL, lease_expires_at = NULL, finished_at = $3
         WHERE round_id = $1 AND kind = ANY($2) AND state = 'ready'",
    )
    .bind(Column(*round_id))
    .bind(Column::array(kinds))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts the jobs of a round that wait or are being worked on. Jobs of kind `but` do not count.
pub(crate) async fn unfinished(db: &PgPool, round_id: &RoundId, but: Kind) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM jobs WHERE round_id = $1 AND state IN ('ready', 'leased') AND kind <> $2",
    )
    .bind(Column(*round_id))
    .bind(Column(but))
    .fetch_one(db)
    .await
}
