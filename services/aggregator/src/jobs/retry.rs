//! A job after a failed attempt: it is tried again later, or given up.

use api::{ProblemKind, rounds::FailureCode};
use kit::{Error, Result, column::Named, time::Timestamp, tx::run_tx};

use crate::{
    round::{
        ended,
        lifecycle::{self, LockedRound},
    },
    state::App,
    store::{
        jobs::{Kind, LONGEST_WAIT_MS},
        leases::{Held, Job, Return},
        rounds::Failure,
    },
};

/// The longest pause between two attempts.
const LONGEST_PAUSE_MS: i64 = 60_000;

/// Gives the jobs back after an attempt that failed with `error`. An attempt that waited for
/// something that cannot be reached does not count. After the last attempt the job is given up. Its
/// round is given up too, unless it can go on without the job.
pub(super) async fn after(app: &App, held: &Held, error: &Error) {
    let (kind, round_id, chain) = (held.kind().name(), held.round_id(), error.chain());
    tracing::warn!(kind, %round_id, error = chain, "job did not finish");
    let waits = error.kind() == ProblemKind::Unavailable;
    let attempts = held.attempts();
    // The round's debts stay, so its payout is never given up. The record needs its checkpoint,
    // even if it comes late.
    let endless = matches!(held.kind(), Kind::Payout | Kind::Checkpoint);
    if !waits && !endless && i64::from(attempts) >= i64::from(app.jobs.attempts) {
        return give_up(app, held, &chain).await;
    }
    let retry_ms = i64::try_from(app.jobs.retry_ms).unwrap_or(LONGEST_PAUSE_MS).min(LONGEST_PAUSE_MS);
    let now = app.now();
    let pause_ms = if waits { wait_ms(held.first(), retry_ms, now) } else { back_off_ms(attempts, retry_ms) };
    let run_at = now.plus_ms(pause_ms);
    give_back(app, held, Return { run_at, counts: !waits, error: Some(&chain) }).await;
}

/// The pause after a failed attempt. Each pause is twice as long as the one before.
fn back_off_ms(attempts: i32, retry_ms: i64) -> i64 {
    (retry_ms << (attempts - 1).clamp(0, 16)).min(LONGEST_PAUSE_MS)
}

/// The pause of a job that waits. After a round's end nobody waits for the job, so the pause is as
/// long as the job has waited already.
fn wait_ms(job: &Job, retry_ms: i64, now: Timestamp) -> i64 {
    match job.kind.0 {
        Kind::Retire => now.ms_since(job.created_at).clamp(retry_ms, LONGEST_WAIT_MS),
        _ => retry_ms,
    }
}

/// Gives jobs back. If that fails too, their lease runs out.
pub(super) async fn give_back(app: &App, held: &Held, back: Return<'_>) {
    if let Err(error) = held.give_back(&app.db, back).await {
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
    let giving_up = run_tx(&app.db, "give up", async |mut tx| {
        let mut ended = None;
        if !matches!(kind, Kind::Verify | Kind::Retire | Kind::Payout | Kind::Checkpoint) {
            let words = format!("{} failed: {reason}", kind.name());
            let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
            ended::fail(&mut round, Failure { code: code(kind), words: &words }).await?;
            ended = round.ended;
        }
        held.give_up(&mut tx, reason, now).await?;
        Ok((tx, ended))
    });
    lifecycle::announce(giving_up.await?);
    Ok(())
}

/// The public reason when a job of this kind is given up.
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
