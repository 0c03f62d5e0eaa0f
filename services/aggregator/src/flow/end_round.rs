//! Ends of rounds other than publication, and the operator's early close.

use api::{
    ProblemKind,
    contributions::ContributionState::{Received, Verified},
    rounds::{FailureCode, RoundState, RoundView},
};
use kit::{Error, Result, column::Named, time::Timestamp, tx::run_tx};
use names::RoundId;
use protocol::{Canonical, RoundDocument};
use sqlx::PgConnection;

use super::rounds::show;
use crate::{
    metrics,
    state::App,
    store::{
        contributions,
        jobs::{self, Kind},
        rounds::{self, Failure, RoundRow},
    },
};

/// The operator closes a round before its time.
pub(crate) async fn close(app: &App, round_id: RoundId) -> Result<RoundView> {
    let now = app.now();
    let closing = run_tx(&app.db, "close", async |mut tx| {
        let round = existing(&mut tx, &round_id).await?;
        let document = RoundDocument::from_bytes(&round.document).map_err(Error::fault)?;
        match round.state.0 {
            RoundState::Open if now.ms() < document.earliest_close_ms => {
                let detail = format!("it cannot be closed before {}", document.earliest_close_ms);
                return Err(Error::abort(ProblemKind::RoundState).detail(detail));
            }
            RoundState::Open => {
                rounds::settle(&mut tx, &round_id, now).await?;
                jobs::hasten_close(&mut tx, &round_id, now).await?;
            }
            RoundState::Preparing | RoundState::Failed | RoundState::Cancelled => {
                return Err(Error::abort(ProblemKind::RoundState).detail("it is not open"));
            }
            // Closed already.
            _ => {}
        }
        Ok((tx, ()))
    });
    closing.await?;
    app.work.notify_one();
    show(app, round_id).await
}

/// The operator ends a round without a sum. Until its set is fixed it is cancelled. After that it has failed: a combiner
/// may have released its key shares over the set, which therefore remains the only one that the round ever had.
pub(crate) async fn cancel(app: &App, round_id: RoundId) -> Result<RoundView> {
    let now = app.now();
    let ending = run_tx(&app.db, "cancel", async |mut tx| {
        match existing(&mut tx, &round_id).await?.state.0 {
            RoundState::Preparing | RoundState::Open | RoundState::Settling => {
                end(&mut tx, &round_id, RoundState::Cancelled, None, now).await?;
            }
            RoundState::Folding | RoundState::Releasing | RoundState::Unmasking => {
                let words = "the operator ended the round after its set was fixed";
                let failure = Failure { code: FailureCode::EndedByOperator, words };
                end(&mut tx, &round_id, RoundState::Failed, Some(failure), now).await?;
            }
            // Ended without a sum already.
            RoundState::Cancelled | RoundState::Failed => {}
            RoundState::Published => {
                return Err(Error::abort(ProblemKind::RoundState).detail("it is published"));
            }
        }
        Ok((tx, ()))
    });
    ending.await?;
    app.work.notify_one();
    show(app, round_id).await
}

/// Ends a round that is still being prepared, without a result; one that was opened meanwhile stays open.
pub(crate) async fn fail_preparing(app: &App, round_id: RoundId, failure: &str) -> Result<()> {
    let failure = Failure { code: FailureCode::NotCountersigned, words: failure };
    let ending = run_tx(&app.db, "fail preparing", async |mut tx| {
        if existing(&mut tx, &round_id).await?.state.0 == RoundState::Preparing {
            end(&mut tx, &round_id, RoundState::Failed, Some(failure), app.now()).await?;
        }
        Ok((tx, ()))
    });
    ending.await?;
    app.work.notify_one();
    Ok(())
}

/// Ends a round, whatever state it is in, without a result.
pub(crate) async fn fail_in(
    tx: &mut PgConnection,
    round_id: &RoundId,
    failure: Failure<'_>,
    now: Timestamp,
) -> Result<()> {
    match existing(tx, round_id).await?.state.0 {
        RoundState::Published | RoundState::Failed | RoundState::Cancelled => Ok(()),
        _ => end(tx, round_id, RoundState::Failed, Some(failure), now).await,
    }
}

async fn existing(tx: &mut PgConnection, round_id: &RoundId) -> Result<RoundRow> {
    rounds::lock(tx, round_id).await?.ok_or_else(|| Error::abort(ProblemKind::NotFound))
}

/// No contribution is lost silently: each that is not rejected becomes excluded, with the reason.
async fn end(
    tx: &mut PgConnection,
    round_id: &RoundId,
    state: RoundState,
    failure: Option<Failure<'_>>,
    now: Timestamp,
) -> Result<()> {
    const EVERY_OTHER: &[Kind] =
        &[Kind::Prepare, Kind::Verify, Kind::Close, Kind::Fold, Kind::Release, Kind::Unmask, Kind::Publish];
    contributions::exclude(tx, round_id, &[Received, Verified], ProblemKind::RoundEnded.code(), now).await?;
    rounds::end(tx, round_id, state, failure, now).await?;
    jobs::drop_unneeded(tx, round_id, EVERY_OTHER, now).await?;
    jobs::enqueue(tx, Kind::Retire, round_id, &[String::new()], now, now).await?;
    jobs::enqueue(tx, Kind::Checkpoint, round_id, &["ended".to_owned()], now, now).await?;
    metrics::round_ended(state.name());
    let words = failure.map(|failure| failure.words);
    tracing::warn!(%round_id, ?state, failure = words, "round ended without a result");
    Ok(())
}
