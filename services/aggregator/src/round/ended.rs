//! The end of a round: how it ends without a result, and what is removed after any end.

use std::collections::HashSet;

use api::{
    HexBytes, ProblemKind,
    contributions::ContributionState::{Received, Verified},
    rounds::{FailureCode, RoundState},
};
use futures::StreamExt;
use kit::{Result, vault::round_key};
use protocol::{Canonical, Unreleased};

use super::{
    lifecycle::{self, Ended, Event, LockedRound},
    step::{Next, Step},
};
use crate::{
    blobs::object_names::{SumNames, bodies},
    combiners::Combiner,
    state::App,
    store::{
        contributions,
        jobs::{self, Kind},
        rounds::{Facts, Failure, RoundRow},
        unreleased,
    },
    stored_round,
};

/// The pause before another look at whether the round's other jobs are done.
const IDLE_PAUSE_MS: i64 = 1_000;

/// The kinds of jobs that a round needs only until its end.
const UNTIL_THE_END: &[Kind] =
    &[Kind::Prepare, Kind::Verify, Kind::Close, Kind::Fold, Kind::Release, Kind::Unmask, Kind::Publish];

/// Ends a round that cannot go on, in whatever state it is. A round that has ended stays as it is.
pub(crate) async fn fail(round: &mut LockedRound<'_>, failure: Failure<'_>) -> Result<()> {
    match lifecycle::next(round.state(), Event::GivenUp) {
        Some(_) => end(round, Event::GivenUp, Some(failure)).await,
        None => Ok(()),
    }
}

/// Ends a round at the operator's request. If its set is not fixed yet, the round is cancelled.
/// Otherwise it has failed, because a combiner may have released its key shares already.
pub(crate) async fn end_by_operator(round: &mut LockedRound<'_>) -> Result<()> {
    let words = "the operator ended the round after its set was fixed";
    let failure = Failure { code: FailureCode::EndedByOperator, words };
    let after = lifecycle::next(round.state(), Event::EndedByOperator);
    let failure = (after == Some(RoundState::Failed)).then_some(failure);
    end(round, Event::EndedByOperator, failure).await
}

/// Ends a round without a result. No contribution is lost silently: each that is not rejected
/// becomes excluded, with the reason.
async fn end(round: &mut LockedRound<'_>, event: Event, failure: Option<Failure<'_>>) -> Result<()> {
    let (round_id, now, reason) = (round.id(), round.now, ProblemKind::RoundEnded.code());
    contributions::exclude(round.tx, &round_id, &[Received, Verified], reason, now).await?;
    round.advance(event, Facts { failure, ..Facts::default() }).await?;
    jobs::drop_unneeded(round.tx, &round_id, UNTIL_THE_END, now).await?;
    round.enqueue(Kind::Retire, "").await?;
    round.enqueue(Kind::Checkpoint, "ended").await?;
    let words = failure.map(|failure| failure.words.to_owned());
    round.ended = Some(Ended { round_id, state: round.state(), words });
    Ok(())
}

/// Job `retire`: destroys the round's key, tells the combiners, and removes objects that nobody
/// will request. Repeating any of these is harmless.
pub(crate) struct Retire;

impl Step for Retire {
    const NAME: &'static str = "retire";
    const STATES: &'static [RoundState] = lifecycle::ENDS;

    /// Whether the round's other jobs are done. Then this job is done too.
    type Done = bool;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<bool> {
        round_key::destroy(&app.vault, round.round_id.0).await?;
        let published = round.state.0 == RoundState::Published;
        // A combiner that cannot be told delays nothing but the end of this job.
        let told = if published { Ok(()) } else { abandon(app, round).await };
        let idle = jobs::unfinished(&app.db, &round.round_id, Kind::Retire).await? == 0;
        if idle {
            remove_objects(app, round).await?;
        }
        told.map(|()| idle)
    }

    async fn record(&self, _: &App, round: &mut LockedRound<'_>, idle: &bool) -> Result<Next> {
        Ok(if *idle { Next::Finish } else { Next::LookAgain(round.now.plus_ms(IDLE_PAUSE_MS)) })
    }
}

/// Removes the objects that nobody will request. A published round keeps the sum and the bodies in
/// it. Every round keeps the bodies whose proof was refused, so that anybody can verify that until
/// the audit window is over. Uploads have ended with the round and its other jobs are done, so no
/// object comes later.
async fn remove_objects(app: &App, round: &RoundRow) -> Result<()> {
    let kept = contributions::kept_bodies(&app.db, &round.round_id).await?;
    let kept: HashSet<String> = kept.into_iter().collect();
    let sum = round.root.map(|root| SumNames::new(&round.round_hash, &root));
    let sum = sum.map(|sum| match round.state.0 {
        RoundState::Published => sum.folded_folder(),
        _ => sum.folder(),
    });
    for folder in [Some(bodies(&round.round_hash)), sum].into_iter().flatten() {
        let mut objects = std::pin::pin!(app.blobs.list(&folder));
        while let Some(object_name) = objects.next().await {
            let object_name = object_name?;
            if !kept.contains(&object_name) {
                app.blobs.delete(&object_name).await?;
            }
        }
    }
    Ok(())
}

/// Tells every combiner that the round has ended. A combiner that never countersigned the round has
/// nothing to abandon, and one that released has destroyed its key. A failure counts only after all
/// were told, so that a combiner that is down does not keep the keys of the others alive.
async fn abandon(app: &App, round: &RoundRow) -> Result<()> {
    let mut told = Ok(());
    for combiner in &app.combiners {
        told = told.and(tell(app, round, combiner).await);
    }
    told
}

/// Tells one combiner, and stores its statement that it released nothing.
async fn tell(app: &App, round: &RoundRow, combiner: &Combiner) -> Result<()> {
    let view = match combiner.abandon(round.round_hash.0).await {
        Err(error) if matches!(error.refusal(), Some(ProblemKind::NotFound | ProblemKind::RoundState)) => {
            return Ok(());
        }
        view => view?,
    };
    let Some(HexBytes(bytes)) = view.unreleased else { return Ok(()) };
    let statement = Unreleased::from_bytes(&bytes).map_err(|_| combiner.unacceptable())?;
    let checked = statement.check(&stored_round::verified(round)?, combiner.holder);
    checked.map_err(|_| combiner.unacceptable())?;
    unreleased::insert(&app.db, &round.round_id.0, combiner.holder, &bytes, app.now()).await?;
    Ok(())
}
