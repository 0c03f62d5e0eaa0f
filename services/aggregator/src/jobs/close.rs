//! Closing: uploads end, what is stored gets its time to be verified, the set is fixed.

use api::{
    ProblemKind,
    contributions::ContributionState,
    rounds::{FailureCode, RoundState},
};
use kit::{Result, time::Timestamp, tx::run_tx};
use names::RoundId;
use protocol::set_root;
use sqlx::PgConnection;

use super::Held;
use crate::{
    flow::{end_round, rounds},
    state::App,
    store::{
        closing, contributions,
        jobs::{self, Kind, Return},
        rounds::{self as stored, Failure, RoundRow},
    },
};

/// How often a settling round looks whether all contributions are verified.
const SETTLING_PAUSE_MS: i64 = 250;

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let (round_id, now) = (held.round_id(), app.now());
    run_tx(&app.db, "settle", async |mut tx| {
        match step(app, &mut tx, round_id, now).await? {
            Some(run_at) => {
                let back = Return { run_at, counts: false, error: None };
                jobs::give_back(&mut *tx, &held.ids(), held.token, back).await?;
            }
            None => held.finish(&mut tx, now).await?,
        }
        Ok((tx, ()))
    })
    .await
}

/// One look at the round; says when to look again, if that is needed.
async fn step(
    app: &App,
    tx: &mut PgConnection,
    round_id: RoundId,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let Some(round) = stored::lock(tx, &round_id).await? else { return Ok(None) };
    let closed_at = match (round.state.0, round.closed_at) {
        (RoundState::Open, _) => {
            stored::settle(tx, &round_id, now).await?;
            now
        }
        (RoundState::Settling, Some(closed_at)) => closed_at,
        _ => return Ok(None),
    };
    let deadline = closed_at.plus_ms(app.settle_ms);
    if now < deadline && contributions::waiting(tx, &round_id).await? > 0 {
        return Ok(Some(deadline.min(now.plus_ms(SETTLING_PAUSE_MS))));
    }
    fix(app, tx, &round, now).await?;
    Ok(None)
}

/// Fixes the set to the verified contributions; if they are too few, the round has failed.
async fn fix(app: &App, tx: &mut PgConnection, round: &RoundRow, now: Timestamp) -> Result<()> {
    let round_id = &round.round_id;
    let reason = ProblemKind::RoundClosedFirst.code();
    contributions::exclude(tx, round_id, &[ContributionState::Received], reason, now).await?;
    jobs::drop_unneeded(tx, round_id, &[Kind::Verify], now).await?;
    let verified = rounds::verified(round)?;
    let min_cohort = verified.document().min_cohort;
    let count = closing::verified(tx, round_id).await?;
    if count < i64::from(min_cohort) {
        let words = format!("{count} verified contributions are fewer than min_cohort, {min_cohort}");
        let failure = Failure { code: FailureCode::CohortTooSmall, words: &words };
        return end_round::fail_in(tx, round_id, failure, now).await;
    }
    let members = closing::fix_members(tx, round_id).await?;
    let root = app.compute.run(move || set_root(&members)).await?;
    stored::fix(tx, round_id, &root, now).await?;
    let chunks: Vec<String> = (0..verified.constants().chunks()).map(|chunk| chunk.to_string()).collect();
    jobs::enqueue(tx, Kind::Fold, round_id, &chunks, now, now).await?;
    tracing::info!(%round_id, members = count, set_root = %root, "set fixed");
    Ok(())
}
