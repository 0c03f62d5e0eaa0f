//! The skeleton that all steps of a round share. A step loads the round, checks its state and
//! works. Then one transaction locks the round, checks its state again, records the work, asks for
//! the jobs that follow, and finishes the job.

use api::rounds::RoundState;
use kit::{Result, time::Timestamp, tx::run_tx};
use names::RoundId;

use super::lifecycle::{self, LockedRound};
use crate::{
    state::App,
    store::{
        leases::{Held, Return},
        rounds::RoundRow,
    },
    stored_round,
};

/// One step of a round.
pub(crate) trait Step: Sync {
    /// The name of its transaction.
    const NAME: &'static str;

    /// The states of a round in which there is something to do.
    const STATES: &'static [RoundState];

    /// The outcome of the work.
    type Done: Send + Sync;

    /// Does the work, outside any transaction. It may be done again after a failure, so its effects
    /// are objects and messages that may be repeated.
    fn work(&self, app: &App, round: &RoundRow) -> impl Future<Output = Result<Self::Done>> + Send;

    /// Records the work of a round that is still in one of the states, and asks for what follows.
    fn record(
        &self,
        app: &App,
        round: &mut LockedRound<'_>,
        done: &Self::Done,
    ) -> impl Future<Output = Result<Next>> + Send;

    /// Tells logs and metrics that the work is recorded.
    fn announce(&self, _round_id: RoundId, _done: &Self::Done) {}
}

/// The outcome for a step's job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// The job is done.
    Finish,
    /// The step looks at the round again later. The attempt does not count.
    LookAgain(Timestamp),
}

/// Takes a step for a job. In a state where there is nothing to do, the job is done.
pub(crate) async fn run<S: Step>(app: &App, held: &Held, step: &S) -> Result<()> {
    take(app, held.round_id(), step, Some(held)).await
}

/// Takes a step at a caller's request, without a job.
pub(crate) async fn run_without_job<S: Step>(app: &App, round_id: RoundId, step: &S) -> Result<()> {
    take(app, round_id, step, None).await
}

async fn take<S: Step>(app: &App, round_id: RoundId, step: &S, held: Option<&Held>) -> Result<()> {
    let round = stored_round::find(app, round_id).await?;
    let done = match S::STATES.contains(&round.state.0) {
        true => Some(step.work(app, &round).await?),
        false => None,
    };
    if done.is_none() && held.is_none() {
        return Ok(());
    }
    let now = app.now();
    let recording = run_tx(&app.db, S::NAME, async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
        let due = done.as_ref().filter(|_| S::STATES.contains(&round.state()));
        let next = match due {
            Some(done) => step.record(app, &mut round, done).await?,
            None => Next::Finish,
        };
        let ended = round.ended;
        match (held, next) {
            (Some(held), Next::Finish) => held.finish(&mut tx, now).await?,
            (Some(held), Next::LookAgain(run_at)) => {
                let back = Return { run_at, counts: false, error: None };
                held.give_back(&mut *tx, back).await?;
            }
            (None, _) => {}
        }
        Ok((tx, (due.is_some(), ended)))
    });
    let (recorded, ended) = recording.await?;
    lifecycle::announce(ended);
    if let Some(done) = done.filter(|_| recorded) {
        step.announce(round_id, &done);
    }
    Ok(())
}
