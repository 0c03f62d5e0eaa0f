//! Ends rounds that nobody released in time, and observes the time.

use std::time::Duration;

use kit::{
    Result, heartbeat,
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

/// Adds the time since the last heartbeat to the observed time. Then ends the rounds whose time is
/// over by both clocks, and destroys their keys.
///
/// # Errors
/// A fault if the vault or the database fails.
pub(crate) async fn beat(app: &App, since_last: Duration) -> Result<()> {
    times::observe(&app.db, heartbeat::counted_ms(since_last)).await?;
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
