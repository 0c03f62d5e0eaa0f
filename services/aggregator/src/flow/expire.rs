//! Ends rounds that nobody released in time, and observes the time.

use std::time::Duration;

use api::rounds::FailureCode;
use kit::{Result, heartbeat, tx::run_tx};
use names::RoundId;

use crate::{
    metrics,
    round::{
        ended,
        lifecycle::{self, LockedRound},
    },
    state::App,
    store::{
        jobs::{self, LONGEST_WAIT_MS},
        rounds::{self, Failure},
        times,
    },
};

/// Adds the time since the last heartbeat to the observed time. Brings jobs forward that wait
/// because the wall clock was ahead. Then ends the rounds whose time is over by both clocks. Their
/// jobs destroy the keys.
///
/// Of several processes, one adds: the one that finds the observed time as it left it. So no minute
/// counts twice. The others only look, until that one is gone.
///
/// # Errors
/// A fault if the database fails.
pub(crate) async fn beat(app: &App, since_last: Duration) -> Result<()> {
    let mut seen = app.observed.lock().await;
    *seen = Some(times::observe(&app.db, *seen, heartbeat::counted_ms(since_last)).await?);
    drop(seen);
    bring_forward(app).await?;
    for round_id in rounds::overdue(&app.db, lifecycle::AWAIT_RELEASE, app.now()).await? {
        end(app, round_id.0).await?;
    }
    Ok(())
}

/// Lets jobs run that were put off by a clock that was ahead. A lease that would last so long ends
/// too. Its worker may still work, and then cannot record anything.
async fn bring_forward(app: &App) -> Result<()> {
    let lease_ms = i64::try_from(app.jobs.lease_ms).unwrap_or(i64::MAX / 4);
    let count = jobs::bring_forward(&app.db, lease_ms.max(LONGEST_WAIT_MS), app.now()).await?;
    if count > 0 {
        tracing::warn!(jobs = count, "jobs waited because the clock was ahead, and run now");
        app.work.notify_one();
    }
    Ok(())
}

/// Ends the round, unless it has what it needs for its result, or has ended meanwhile.
async fn end(app: &App, round_id: RoundId) -> Result<()> {
    let now = app.now();
    let ending = run_tx(&app.db, "expire", async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
        if lifecycle::AWAIT_RELEASE.contains(&round.state()) {
            let words = "the round was not released before release_by";
            ended::fail(&mut round, Failure { code: FailureCode::NotReleased, words }).await?;
        }
        let ended = round.ended;
        Ok((tx, ended))
    });
    if let Some(ended) = ending.await? {
        metrics::expired();
        lifecycle::announce(Some(ended));
        app.work.notify_one();
    }
    Ok(())
}
