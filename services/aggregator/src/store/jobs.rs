//! Leased jobs. A worker takes them with `SKIP LOCKED` and can finish them only under the token of its
//! lease, in the transaction that records their result.

use kit::{
    column::{Column, Named},
    time::Timestamp,
};
use names::RoundId;
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Collects the countersignatures of a round whose creation was interrupted.
    Prepare,
    /// Checks a contribution's shares with every holder. Key: the contribution.
    Verify,
    /// Ends the uploads of a round and fixes its set.
    Close,
    /// Adds the ciphertexts of a chunk. Key: the chunk.
    Fold,
    /// Collects the sums of key shares.
    Release,
    /// Unmasks a chunk. Key: the chunk.
    Unmask,
    /// Signs and publishes the result.
    Publish,
    /// Destroys the round's key and the stored bytes that are no longer needed.
    Retire,
    /// Pays for the contributions in the published sum.
    Payout,
    /// Signs a checkpoint that covers the round's record. Key: the occasion.
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

/// A leased job.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Job {
    pub(crate) job_id: i64,
    pub(crate) kind: Column<Kind>,
    pub(crate) round_id: Column<RoundId>,
    pub(crate) key: String,
    pub(crate) attempts: i32,
    pub(crate) created_at: Timestamp,
}

/// A worker's hold on jobs, until it expires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) token: Uuid,
    pub(crate) expires_at: Timestamp,
}

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

/// Leases the job that has been due longest.
pub(crate) async fn acquire(db: &PgPool, lease: Lease, now: Timestamp) -> sqlx::Result<Option<Job>> {
    sqlx::query_as(
        "UPDATE jobs
         SET state = 'leased', lease_token = $1, lease_expires_at = $2, attempts = attempts + 1
         WHERE job_id = (
             SELECT job_id FROM jobs
             WHERE state IN ('ready', 'leased') AND COALESCE(lease_expires_at, run_at) <= $3
             ORDER BY COALESCE(lease_expires_at, run_at), job_id
             LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         RETURNING job_id, kind, round_id, key, attempts, created_at",
    )
    .bind(lease.token)
    .bind(lease.expires_at)
    .bind(now)
    .fetch_optional(db)
    .await
}

/// Leases up to `limit` further due jobs of the kind and round of `like`. Leaves out jobs that were tried
/// before: one of them may have made its batch fail, so each is tried alone.
pub(crate) async fn acquire_more(
    db: &PgPool,
    lease: Lease,
    like: &Job,
    limit: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Job>> {
    sqlx::query_as(
        "UPDATE jobs
         SET state = 'leased', lease_token = $1, lease_expires_at = $2, attempts = attempts + 1
         WHERE job_id IN (
             SELECT job_id FROM jobs
             WHERE state IN ('ready', 'leased') AND COALESCE(lease_expires_at, run_at) <= $3
                 AND round_id = $4 AND kind = $5 AND attempts = 0
             ORDER BY job_id
             LIMIT $6 FOR UPDATE SKIP LOCKED
         )
         RETURNING job_id, kind, round_id, key, attempts, created_at",
    )
    .bind(lease.token)
    .bind(lease.expires_at)
    .bind(now)
    .bind(like.round_id)
    .bind(like.kind)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Extends a lease on the jobs that are not done. Returns whether it still holds any.
pub(crate) async fn renew(db: &PgPool, jobs: &[i64], lease: Lease) -> sqlx::Result<bool> {
    let renewed =
        sqlx::query("UPDATE jobs SET lease_expires_at = $3 WHERE job_id = ANY($1) AND lease_token = $2")
            .bind(jobs)
            .bind(lease.token)
            .bind(lease.expires_at)
            .execute(db)
            .await?;
    Ok(renewed.rows_affected() > 0)
}

/// Marks jobs as done. Returns whether the lease held all of them.
pub(crate) async fn finish(
    tx: &mut PgConnection,
    jobs: &[i64],
    token: Uuid,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let finished = sqlx::query(
        "UPDATE jobs
         SET state = 'done', lease_token = NULL, lease_expires_at = NULL, finished_at = $3, last_error = NULL
         WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
    )
    .bind(jobs)
    .bind(token)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(finished.rows_affected() == jobs.len() as u64)
}

/// How an unfinished job is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return<'a> {
    pub(crate) run_at: Timestamp,
    /// Whether the attempt counts.
    pub(crate) counts: bool,
    pub(crate) error: Option<&'a str>,
}

/// Gives jobs back, to be run again. Leaves out jobs that the lease no longer holds.
pub(crate) async fn give_back(
    db: impl PgExecutor<'_>,
    jobs: &[i64],
    token: Uuid,
    back: Return<'_>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE jobs
         SET state = 'ready', lease_token = NULL, lease_expires_at = NULL, run_at = $3, last_error = $4,
             attempts = attempts - CASE WHEN $5 THEN 0 ELSE 1 END
         WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
    )
    .bind(jobs)
    .bind(token)
    .bind(back.run_at)
    .bind(back.error)
    .bind(back.counts)
    .execute(db)
    .await?;
    Ok(())
}

/// Gives up for good the jobs that are not done. Returns whether the lease held any.
pub(crate) async fn give_up(
    tx: &mut PgConnection,
    jobs: &[i64],
    token: Uuid,
    error: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let given_up = sqlx::query(
        "UPDATE jobs
         SET state = 'failed', lease_token = NULL, lease_expires_at = NULL, finished_at = $4, last_error = $3
         WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
    )
    .bind(jobs)
    .bind(token)
    .bind(error)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(given_up.rows_affected() > 0)
}

/// Ends the waiting jobs of a round that are no longer needed, because its set is fixed or it has ended.
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

/// How many jobs of a round wait or are being worked on, not counting those of kind `but`.
pub(crate) async fn unfinished(db: &PgPool, round_id: &RoundId, but: Kind) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM jobs WHERE round_id = $1 AND state IN ('ready', 'leased') AND kind <> $2",
    )
    .bind(Column(*round_id))
    .bind(Column(but))
    .fetch_one(db)
    .await
}
