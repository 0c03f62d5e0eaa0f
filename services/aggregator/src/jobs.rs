//! Everything after an upload: leased work, done at least once and recorded exactly once.
//!
//! A step reads, computes, writes idempotent objects and ends with one transaction that records its result, finishes
//! its job and asks for what follows. Whoever dies in between loses nothing but time: the lease runs out and another
//! worker, in this process or in another, starts the step again.

mod close;
mod fold;
mod log;
mod payout;
mod publish;
mod release;
mod retire;
mod unmask;
mod verify;

use std::{panic::AssertUnwindSafe, time::Duration};

use api::{ProblemKind, combiner::ATTEST_BATCH, rounds::FailureCode};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use kit::{Error, Result, column::Named, periodic, shutdown::CancellationToken, time::Timestamp, tx::run_tx};
use names::RoundId;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    flow::{end_round, open_round, sweep},
    metrics,
    state::App,
    store::{
        jobs::{self, Job, Kind, Lease, Return},
        rounds::Failure,
    },
};

/// The longest pause between two attempts.
const LONGEST_PAUSE_MS: i64 = 60_000;

/// The longest pause in waiting for a combiner that has to be told of a round's end, and may be gone for ever.
const LONGEST_WAIT_MS: i64 = 600_000;

/// How often what was left behind is swept away.
const SWEEP_PERIOD: Duration = Duration::from_secs(3_600);

/// Works until `shutdown`; then what is in progress is given back.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let workers = (0..app.jobs.workers).map(|_| tokio::spawn(worker(app.clone(), shutdown.clone())));
    let sweep = || {
        let app = app.clone();
        async move { sweep::sweep(&app).await }
    };
    let sweeping = periodic::every(SWEEP_PERIOD, "sweeping", shutdown.clone(), sweep);
    tokio::join!(join_all(workers), sweeping, log::keep(&app, &shutdown));
}

async fn worker(app: App, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match acquire(&app).await {
            Ok(Some(held)) => work(&app, &held, &shutdown).await,
            Ok(None) => pause(&app, &shutdown).await,
            Err(error) => {
                tracing::error!(error = error.chain(), "no job can be leased");
                pause(&app, &shutdown).await;
            }
        }
    }
}

async fn pause(app: &App, shutdown: &CancellationToken) {
    tokio::select! {
        () = sleep(Duration::from_millis(app.jobs.poll_ms)) => {}
        () = app.work.notified() => {}
        () = shutdown.cancelled() => {}
    }
}

/// Jobs of one kind and round, held under one lease.
struct Held {
    token: Uuid,
    jobs: Vec<Job>,
}

impl Held {
    fn first(&self) -> &Job {
        &self.jobs[0]
    }

    fn round_id(&self) -> RoundId {
        self.first().round_id.0
    }

    fn kind(&self) -> Kind {
        self.first().kind.0
    }

    fn ids(&self) -> Vec<i64> {
        self.jobs.iter().map(|job| job.job_id).collect()
    }

    /// The chunk that the job is about.
    fn chunk(&self) -> Result<u64> {
        self.first().key.parse().map_err(Error::fault)
    }

    /// Records in `tx` that the jobs are done.
    ///
    /// # Errors
    /// When the lease was lost; then the transaction must not be committed.
    async fn finish(&self, tx: &mut PgConnection, now: Timestamp) -> Result<()> {
        if jobs::finish(tx, &self.ids(), self.token, now).await? {
            Ok(())
        } else {
            Err(Error::fault("the lease was lost"))
        }
    }

    /// Records that the jobs are done, in a transaction of this name that records nothing else.
    ///
    /// # Errors
    /// A fault, also when the lease was lost.
    async fn finish_alone(&self, app: &App, name: &'static str) -> Result<()> {
        run_tx(&app.db, name, async |mut tx| {
            self.finish(&mut tx, app.now()).await?;
            Ok((tx, ()))
        })
        .await
    }
}

fn lease(app: &App, token: Uuid) -> Lease {
    let lease_ms = i64::try_from(app.jobs.lease_ms).unwrap_or(i64::MAX / 4);
    Lease { token, expires_at: app.now().plus_ms(lease_ms) }
}

async fn acquire(app: &App) -> Result<Option<Held>> {
    let lease = lease(app, Uuid::new_v4());
    let Some(job) = jobs::acquire(&app.db, lease, app.now()).await? else { return Ok(None) };
    let mut held = Held { token: lease.token, jobs: vec![job] };
    // A job that was tried before may be the reason why its batch failed: it is tried alone.
    if held.kind() == Kind::Verify && held.first().attempts == 1 {
        held.jobs.extend(
            jobs::acquire_more(&app.db, lease, held.first(), ATTEST_BATCH as i64 - 1, app.now()).await?,
        );
    }
    Ok(Some(held))
}

async fn work(app: &App, held: &Held, shutdown: &CancellationToken) {
    let (kind, started) = (held.kind().name(), Instant::now());
    let attempt = AssertUnwindSafe(attempt(app, held)).catch_unwind();
    let outcome = tokio::select! {
        outcome = attempt => outcome.unwrap_or_else(|_| Err(Error::fault("a job panicked"))),
        () = lease_lost(app, held) => Err(Error::fault("the lease was lost")),
        () = shutdown.cancelled() => {
            settle(app, held, &Return { run_at: app.now(), counts: false, error: None }).await;
            return;
        }
    };
    let name = match &outcome {
        Ok(()) => "done",
        Err(error) if error.kind() == ProblemKind::Unavailable => "waits",
        Err(_) => "failed",
    };
    metrics::job_attempted(kind, name, started.elapsed());
    match outcome {
        // What was done may be what other workers wait for.
        Ok(()) => app.work.notify_one(),
        Err(error) => failed(app, held, &error).await,
    }
}

fn attempt<'a>(app: &'a App, held: &'a Held) -> BoxFuture<'a, Result<()>> {
    match held.kind() {
        Kind::Prepare => prepare(app, held).boxed(),
        Kind::Verify => verify::run(app, held).boxed(),
        Kind::Close => close::run(app, held).boxed(),
        Kind::Fold => fold::run(app, held).boxed(),
        Kind::Release => release::run(app, held).boxed(),
        Kind::Unmask => unmask::run(app, held).boxed(),
        Kind::Publish => publish::run(app, held).boxed(),
        Kind::Retire => retire::run(app, held).boxed(),
        Kind::Payout => payout::run(app, held).boxed(),
        Kind::Checkpoint => log::run(app, held).boxed(),
    }
}

async fn prepare(app: &App, held: &Held) -> Result<()> {
    open_round::open(app, held.round_id()).await?;
    held.finish_alone(app, "prepare").await
}

/// Extends the lease as long as it can; returns when it is lost.
async fn lease_lost(app: &App, held: &Held) {
    let ids = held.ids();
    loop {
        sleep(Duration::from_millis(app.jobs.lease_ms / 3)).await;
        match jobs::renew(&app.db, &ids, lease(app, held.token)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "a lease could not be extended"),
        }
    }
}

/// Waiting for something that cannot be reached costs no attempt. After the last attempt the job is given up, and with
/// it, unless it is one of many, the round.
async fn failed(app: &App, held: &Held, error: &Error) {
    let (kind, round_id, chain) = (held.kind().name(), held.round_id(), error.chain());
    tracing::warn!(kind, %round_id, error = chain, "job did not finish");
    let waits = error.kind() == ProblemKind::Unavailable;
    let attempts = held.jobs.iter().map(|job| job.attempts).max().unwrap_or(1);
    // What a round owes stays owed, and its record is sealed whenever that is possible.
    let endless = matches!(held.kind(), Kind::Payout | Kind::Checkpoint);
    if !waits && !endless && i64::from(attempts) >= i64::from(app.jobs.attempts) {
        return give_up(app, held, &chain).await;
    }
    let retry_ms = i64::try_from(app.jobs.retry_ms).unwrap_or(LONGEST_PAUSE_MS).min(LONGEST_PAUSE_MS);
    let now = app.now();
    let pause_ms = if waits { wait_ms(held.first(), retry_ms, now) } else { back_off_ms(attempts, retry_ms) };
    let run_at = now.plus_ms(pause_ms);
    settle(app, held, &Return { run_at, counts: !waits, error: Some(&chain) }).await;
}

/// The pause after a failed attempt: twice as long each time.
fn back_off_ms(attempts: i32, retry_ms: i64) -> i64 {
    (retry_ms << (attempts - 1).clamp(0, 16)).min(LONGEST_PAUSE_MS)
}

/// The pause in waiting. After a round's end nobody waits with the job: the pause is as long as it has waited already.
fn wait_ms(job: &Job, retry_ms: i64, now: Timestamp) -> i64 {
    match job.kind.0 {
        Kind::Retire => now.ms_since(job.created_at).clamp(retry_ms, LONGEST_WAIT_MS),
        _ => retry_ms,
    }
}

async fn settle(app: &App, held: &Held, back: &Return<'_>) {
    if let Err(error) = jobs::give_back(&app.db, &held.ids(), held.token, *back).await {
        tracing::warn!(%error, "a job stays leased until its lease expires");
    }
}

async fn give_up(app: &App, held: &Held, reason: &str) {
    let (kind, round_id) = (held.kind().name(), held.round_id());
    tracing::error!(kind, %round_id, reason, "job given up");
    if let Err(error) = record_failure(app, held, reason).await {
        tracing::warn!(error = error.chain(), "a job stays leased until its lease expires");
    }
    app.work.notify_one();
}

async fn record_failure(app: &App, held: &Held, reason: &str) -> Result<()> {
    let (now, round_id, kind) = (app.now(), held.round_id(), held.kind());
    run_tx(&app.db, "give up", async |mut tx| {
        if !matches!(kind, Kind::Verify | Kind::Retire | Kind::Payout | Kind::Checkpoint) {
            let words = format!("{} failed: {reason}", kind.name());
            let failure = Failure { code: code(kind), words: &words };
            end_round::fail_in(&mut tx, &round_id, failure, now).await?;
        }
        if !jobs::give_up(&mut tx, &held.ids(), held.token, reason, now).await? {
            return Err(Error::fault("the lease was lost"));
        }
        Ok((tx, ()))
    })
    .await
}

/// What everybody is told when a job of this kind is given up.
fn code(kind: Kind) -> FailureCode {
    match kind {
        Kind::Prepare => FailureCode::NotCountersigned,
        Kind::Release => FailureCode::NotReleased,
        _ => FailureCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use kit::column::Column;

    use super::*;

    #[test]
    fn failed_attempts_are_ever_further_apart_up_to_a_bound() {
        assert_eq!(
            [1, 2, 3, 7, i32::MAX].map(|attempts| back_off_ms(attempts, 1_000)),
            [1_000, 2_000, 4_000, 60_000, 60_000]
        );
    }

    #[test]
    fn a_combiner_that_stays_away_is_told_of_the_end_ever_less_often_and_asked_for_the_rest_as_before() {
        let pauses = |kind| {
            let job = Job {
                job_id: 1,
                kind: Column(kind),
                round_id: Column([0; 16].into()),
                key: String::new(),
                attempts: 1,
                created_at: Timestamp::from_ms(5),
            };
            [5, 2_005, 30_005, 600_005, 1 << 40].map(|now| wait_ms(&job, 1_000, Timestamp::from_ms(now)))
        };
        assert_eq!(pauses(Kind::Retire), [1_000, 2_000, 30_000, 600_000, 600_000]);
        assert_eq!(pauses(Kind::Release), [1_000; 5]);
    }
}
