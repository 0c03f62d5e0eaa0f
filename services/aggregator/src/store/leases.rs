//! Leases of jobs. A worker leases jobs with `SKIP LOCKED` and can finish them only under the token
//! of its lease, in the transaction that records their result.

use kit::{Error, Result, column::Column, time::Timestamp};
use names::RoundId;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::jobs::Kind;

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

/// Jobs of one kind and round, held under one lease. There is at least one.
#[derive(Debug)]
pub(crate) struct Held {
    token: Uuid,
    jobs: Vec<Job>,
}

/// The terms on which an unfinished job is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return<'a> {
    pub(crate) run_at: Timestamp,
    /// Whether the attempt counts towards the limit of attempts.
    pub(crate) counts: bool,
    pub(crate) error: Option<&'a str>,
}

impl Held {
    /// Leases the job that has been due longest, until `expires_at`.
    pub(crate) async fn acquire(
        db: &PgPool,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> sqlx::Result<Option<Self>> {
        let token = Uuid::new_v4();
        let job = sqlx::query_as(
            "UPDATE jobs
             SET state = 'leased', lease_token = $1, lease_expires_at = $2, attempts = attempts + 1
             WHERE job_id = (
                 SELECT job_id FROM jobs
                 WHERE state IN ('ready', 'leased') AND COALESCE(lease_expires_at, run_at) <= $3
                 ORDER BY COALESCE(lease_expires_at, run_at), job_id
                 LIMIT 1 FOR UPDATE SKIP LOCKED
             )
             RETURNING job_id, kind, round_id, key, attempts, created_at",
        );
        let job = job.bind(token).bind(expires_at).bind(now).fetch_optional(db).await?;
        Ok(job.map(|job| Self { token, jobs: vec![job] }))
    }

    /// Leases up to `limit` further due jobs of this kind and round. Leaves out jobs that were
    /// tried before. One of them may have made its batch fail, so each is tried alone.
    pub(crate) async fn acquire_more(
        &mut self,
        db: &PgPool,
        expires_at: Timestamp,
        limit: i64,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let more: Vec<Job> = sqlx::query_as(
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
        .bind(self.token)
        .bind(expires_at)
        .bind(now)
        .bind(self.first().round_id)
        .bind(self.first().kind)
        .bind(limit)
        .fetch_all(db)
        .await?;
        self.jobs.extend(more);
        Ok(())
    }

    pub(crate) fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Returns the job that was due first.
    pub(crate) fn first(&self) -> &Job {
        &self.jobs[0]
    }

    pub(crate) fn round_id(&self) -> RoundId {
        self.first().round_id.0
    }

    pub(crate) fn kind(&self) -> Kind {
        self.first().kind.0
    }

    /// Returns the chunk that is the job's key.
    pub(crate) fn chunk(&self) -> Result<u64> {
        self.first().key.parse().map_err(Error::fault)
    }

    /// Returns the attempts at the job that was tried most often. The present attempt counts.
    pub(crate) fn attempts(&self) -> i32 {
        self.jobs.iter().map(|job| job.attempts).max().unwrap_or(1)
    }

    fn job_ids(&self) -> Vec<i64> {
        self.jobs.iter().map(|job| job.job_id).collect()
    }

    /// Extends the lease of the jobs that are not done. Returns whether it still holds any.
    pub(crate) async fn renew(&self, db: &PgPool, expires_at: Timestamp) -> sqlx::Result<bool> {
        let renewed =
            sqlx::query("UPDATE jobs SET lease_expires_at = $3 WHERE job_id = ANY($1) AND lease_token = $2")
                .bind(self.job_ids())
                .bind(self.token)
                .bind(expires_at)
                .execute(db)
                .await?;
        Ok(renewed.rows_affected() > 0)
    }

    /// Records in `tx` that all jobs are done.
    ///
    /// # Errors
    /// When the lease was lost. Then the transaction must not be committed.
    pub(crate) async fn finish(&self, tx: &mut PgConnection, now: Timestamp) -> Result<()> {
        self.finish_some(tx, &self.job_ids(), now).await
    }

    /// Records in `tx` that these of the jobs are done. The others stay held.
    ///
    /// # Errors
    /// When the lease of one was lost. Then the transaction must not be committed.
    pub(crate) async fn finish_some(
        &self,
        tx: &mut PgConnection,
        job_ids: &[i64],
        now: Timestamp,
    ) -> Result<()> {
        let finished = sqlx::query(
            "UPDATE jobs
             SET state = 'done', lease_token = NULL, lease_expires_at = NULL, finished_at = $3, last_error = NULL
             WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
        );
        let finished = finished.bind(job_ids).bind(self.token).bind(now).execute(tx).await?;
        if finished.rows_affected() == job_ids.len() as u64 { Ok(()) } else { Err(lost()) }
    }

    /// Gives the jobs back, to be run again. Leaves out jobs that the lease no longer holds.
    pub(crate) async fn give_back(
        &self,
        db: impl sqlx::PgExecutor<'_>,
        back: Return<'_>,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE jobs
             SET state = 'ready', lease_token = NULL, lease_expires_at = NULL, run_at = $3, last_error = $4,
                 attempts = attempts - CASE WHEN $5 THEN 0 ELSE 1 END
             WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
        )
        .bind(self.job_ids())
        .bind(self.token)
        .bind(back.run_at)
        .bind(back.error)
        .bind(back.counts)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Gives up for good the jobs that are not done.
    ///
    /// # Errors
    /// When the lease of all was lost. Then the transaction must not be committed.
    pub(crate) async fn give_up(&self, tx: &mut PgConnection, reason: &str, now: Timestamp) -> Result<()> {
        let given_up = sqlx::query(
            "UPDATE jobs
             SET state = 'failed', lease_token = NULL, lease_expires_at = NULL, finished_at = $4, last_error = $3
             WHERE job_id = ANY($1) AND lease_token = $2 AND state = 'leased'",
        )
        .bind(self.job_ids())
        .bind(self.token)
        .bind(reason)
        .bind(now)
        .execute(tx)
        .await?;
        if given_up.rows_affected() > 0 { Ok(()) } else { Err(lost()) }
    }
}

/// The error of a worker whose jobs another worker may have leased meanwhile.
pub(crate) fn lost() -> Error {
    Error::fault("the lease was lost")
}
