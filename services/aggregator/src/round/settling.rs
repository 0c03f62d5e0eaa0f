//! State `settling`. Uploads have ended. Stored contributions are still verified for a while. Then
//! the set is fixed.

use api::{
    ProblemKind,
    contributions::ContributionState,
    rounds::{FailureCode, RoundState},
};
use kit::{Error, Result};
use protocol::set_root;

use super::{
    ended, folding,
    lifecycle::{Event, LockedRound},
    step::{Next, Step},
};
use crate::{
    state::App,
    store::{
        closing, contributions,
        jobs::{self, Kind},
        rounds::{Facts, Failure, RoundRow},
    },
    stored_round,
};

/// The pause between two looks at a settling round.
const SETTLING_PAUSE_MS: i64 = 250;

/// Ends the uploads of an open round.
pub(crate) async fn enter(round: &mut LockedRound<'_>) -> Result<()> {
    round.advance(Event::UploadsEnded, Facts::default()).await
}

/// Job `close`: ends the uploads, waits until all contributions are verified or `settle_ms` is
/// over, and fixes the set.
pub(crate) struct Settle;

impl Step for Settle {
    const NAME: &'static str = "settle";
    const STATES: &'static [RoundState] = &[RoundState::Open, RoundState::Settling];

    type Done = ();

    async fn work(&self, _: &App, _: &RoundRow) -> Result<()> {
        Ok(())
    }

    async fn record(&self, app: &App, round: &mut LockedRound<'_>, _: &()) -> Result<Next> {
        if round.state() == RoundState::Open {
            enter(round).await?;
        }
        let closed_at = round.row.closed_at;
        let closed_at = closed_at.ok_or_else(|| Error::fault("a settling round has no closing time"))?;
        let (round_id, now, deadline) = (round.id(), round.now, closed_at.plus_ms(app.settle_ms));
        if now < deadline && contributions::waiting(round.tx, &round_id).await? > 0 {
            return Ok(Next::LookAgain(deadline.min(now.plus_ms(SETTLING_PAUSE_MS))));
        }
        fix_set(app, round).await?;
        Ok(Next::Finish)
    }
}

/// Fixes the set to the verified contributions. If they are too few, the round has failed.
async fn fix_set(app: &App, round: &mut LockedRound<'_>) -> Result<()> {
    let (round_id, now) = (round.id(), round.now);
    let reason = ProblemKind::RoundClosedFirst.code();
    contributions::exclude(round.tx, &round_id, &[ContributionState::Received], reason, now).await?;
    jobs::drop_unneeded(round.tx, &round_id, &[Kind::Verify], now).await?;
    let weights = closing::verified_weights(round.tx, &round_id).await?;
    let count = weights.len();
    let weights = weights.into_iter().map(i32::cast_unsigned);
    if let Err(refusal) = stored_round::verified(&round.row)?.check_weights(weights) {
        let words = refusal.to_string();
        return ended::fail(round, Failure { code: FailureCode::CohortTooSmall, words: &words }).await;
    }
    let members = closing::fix_members(round.tx, &round_id).await?;
    let root = app.compute.run(move || set_root(&members)).await?;
    folding::enter(round, &root).await?;
    tracing::info!(%round_id, members = count, set_root = %root, "set fixed");
    Ok(())
}
