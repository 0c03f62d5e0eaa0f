//! Ends rounds that nobody released in time, and observes the time.
//!
//! A key must not be lost because a clock is wrong. So a round expires only when two clocks say so:
//! the wall clock, and the time during which this service has been running.

use std::time::Duration;

use kit::{
    Result,
    tx::{Tx, run_tx},
};
use names::RoundHash;

use super::destroy;
use crate::{
    metrics,
    state::App,
    store::{
        rounds::{self, RoundOutcome, RoundRow},
        times,
    },
};

/// The time between two heartbeats, and the most that one of them adds to the observed time.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(60);

/// Adds the time since the last heartbeat to the observed time. Then ends the rounds whose time is
/// over by both clocks, and destroys their keys.
///
/// # Errors
/// A fault if the vault or the database fails.
pub(crate) async fn beat(app: &App, since_last: Duration) -> Result<()> {
    let ms = i64::try_from(since_last.min(HEARTBEAT).as_millis()).unwrap_or(i64::MAX);
    times::observe(&app.db, ms).await?;
    for round_hash in rounds::overdue(&app.db, app.now()).await? {
        let (round, expired) = run_tx(&app.db, "expire", |tx| end(tx, app, round_hash.0)).await?;
        destroy::destroy(app, &round).await?;
        if expired {
            metrics::expired();
            tracing::warn!(round_hash = %round_hash.0, "nobody released the round in time");
        }
    }
    Ok(())
}

async fn end(mut tx: Tx, app: &App, round_hash: RoundHash) -> Result<(Tx, (RoundRow, bool))> {
    let round = rounds::lock(&mut tx, &round_hash).await?;
    let expired = !round.is_ended();
    if expired {
        rounds::end(&mut tx, &round_hash, RoundOutcome::Expired, app.now()).await?;
    }
    Ok((tx, (round, expired)))
}

/// Compares how far two clocks went since the last heartbeat: the wall clock, by `wall_ms`, and the
/// clock that nobody sets, by `steady`. A difference of a heartbeat or more means that somebody set
/// the wall clock.
pub(crate) fn compare_clocks(wall_ms: i64, steady: Duration) {
    let steady_ms = i64::try_from(steady.as_millis()).unwrap_or(i64::MAX);
    let step_ms = wall_ms.saturating_sub(steady_ms);
    if step_ms.unsigned_abs() >= HEARTBEAT.as_millis() as u64 {
        metrics::clock_stepped();
        tracing::error!(
            step_ms,
            "the wall clock was set: no key is destroyed before the observed time agrees"
        );
    }
}
