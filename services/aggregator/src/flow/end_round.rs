//! The operator ends the uploads of a round, or the round.

use api::{
    ProblemKind,
    rounds::{RoundState, RoundView},
};
use kit::{Error, Result, tx::run_tx};
use names::RoundId;

use crate::{
    round::{
        ended,
        lifecycle::{self, LockedRound},
        settling,
    },
    state::App,
    store::jobs,
    views::rounds::show,
};

/// Closes a round before its time.
pub(crate) async fn close(app: &App, round_id: RoundId) -> Result<RoundView> {
    let now = app.now();
    let closing = run_tx(&app.db, "close", async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
        let earliest_close_ms = round.document()?.earliest_close_ms;
        match round.state() {
            RoundState::Open if now.ms() < earliest_close_ms => {
                let detail = format!("it cannot be closed before {earliest_close_ms}");
                return Err(Error::abort(ProblemKind::RoundState).detail(detail));
            }
            RoundState::Open => {
                settling::enter(&mut round).await?;
                jobs::hasten_close(round.tx, &round_id, now).await?;
            }
            RoundState::Preparing | RoundState::Failed | RoundState::Cancelled => {
                return Err(Error::abort(ProblemKind::RoundState).detail("it is not open"));
            }
            // Closed already.
            RoundState::Settling
            | RoundState::Folding
            | RoundState::Releasing
            | RoundState::Unmasking
            | RoundState::Published => {}
        }
        Ok((tx, ()))
    });
    closing.await?;
    app.work.notify_one();
    show(app, round_id).await
}

/// Ends a round without a sum. A published round cannot be ended.
pub(crate) async fn cancel(app: &App, round_id: RoundId) -> Result<RoundView> {
    let now = app.now();
    let ending = run_tx(&app.db, "cancel", async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
        match round.state() {
            RoundState::Published => {
                return Err(Error::abort(ProblemKind::RoundState).detail("it is published"));
            }
            // Ended without a sum already.
            RoundState::Cancelled | RoundState::Failed => {}
            _ => ended::end_by_operator(&mut round).await?,
        }
        let ended = round.ended;
        Ok((tx, ended))
    });
    lifecycle::announce(ending.await?);
    app.work.notify_one();
    show(app, round_id).await
}
