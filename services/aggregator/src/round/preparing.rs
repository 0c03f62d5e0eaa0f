//! State `preparing`: the document is stored, and every combiner is asked to countersign it.

use api::{
    ProblemKind,
    rounds::{FailureCode, RoundState},
};
use futures::future::try_join_all;
use kit::{Error, Result, time::Timestamp, tx::run_tx};
use names::RoundId;
use protocol::{Signature, SignedDocument};
use sqlx::PgConnection;

use super::{
    ended,
    lifecycle::{self, LockedRound},
    open,
    step::{self, Next, Step},
};
use crate::{
    combiners::CombinerError,
    state::App,
    store::{
        jobs::{self, Kind},
        rounds::{self, Failure, NewRound, RoundRow},
    },
};

/// The milliseconds after which an interrupted creation is continued.
const RESUME_AFTER_MS: i64 = 60_000;

/// Stores a new round. Job `prepare` continues its creation if the request is interrupted.
pub(crate) async fn enter(tx: &mut PgConnection, new: &NewRound<'_>, now: Timestamp) -> Result<()> {
    let (round_id, resume_at) = (new.document.round_id, now.plus_ms(RESUME_AFTER_MS));
    rounds::insert(tx, new, now).await?;
    jobs::enqueue(tx, Kind::Prepare, &round_id, &[String::new()], resume_at, now).await?;
    Ok(())
}

/// Collects the countersignatures of a round that is being prepared, and opens the round. If a
/// combiner does not sign, the round has failed, and everybody can see it.
pub(crate) async fn open(app: &App, round_id: RoundId) -> Result<()> {
    let opened = step::run_without_job(app, round_id, &Countersign).await;
    if let Err(error) = &opened {
        let words = format!("the round was not countersigned: {}", error.chain());
        fail(app, round_id, &words).await?;
    }
    opened
}

struct Countersign;

impl Step for Countersign {
    const NAME: &'static str = "open";
    const STATES: &'static [RoundState] = &[RoundState::Preparing];

    /// The countersignatures, in the order of the combiners.
    type Done = Vec<Vec<u8>>;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<Vec<Vec<u8>>> {
        let answers =
            app.combiners.iter().map(|c| c.countersign(&round.document, round.aggregator_signature));
        let answers = try_join_all(answers).await.map_err(|error| refused("countersignature", error))?;
        let signed = SignedDocument {
            document: round.document.clone(),
            aggregator_signature: Signature(round.aggregator_signature),
            countersignatures: answers.iter().map(|&bytes| Signature(bytes)).collect(),
        };
        signed.verify(&app.pins).map_err(Error::fault)?;
        Ok(answers.into_iter().map(Vec::from).collect())
    }

    async fn record(&self, _: &App, round: &mut LockedRound<'_>, signatures: &Vec<Vec<u8>>) -> Result<Next> {
        open::enter(round, signatures).await?;
        Ok(Next::Finish)
    }
}

/// Ends a round that is still being prepared. A round that was opened meanwhile stays open.
async fn fail(app: &App, round_id: RoundId, words: &str) -> Result<()> {
    let failure = Failure { code: FailureCode::NotCountersigned, words };
    let ending = run_tx(&app.db, "fail preparing", async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, app.now()).await?;
        if round.state() == RoundState::Preparing {
            ended::fail(&mut round, failure).await?;
        }
        let ended = round.ended;
        Ok((tx, ended))
    });
    lifecycle::announce(ending.await?);
    app.work.notify_one();
    Ok(())
}

/// The error that the operator gets if a combiner does not do its part in creating a round.
pub(crate) fn refused(what: &str, error: CombinerError) -> Error {
    match error {
        CombinerError::Refused { holder, problem } => {
            let kind = match problem.kind() {
                Some(kind @ (ProblemKind::ModelInUse | ProblemKind::LayoutInUse)) => kind,
                _ => ProblemKind::RoundRefused,
            };
            let said = problem.detail.or(problem.rule).unwrap_or(problem.title);
            Error::abort(kind).detail(format!("combiner {holder}, asked for a {what}: {said}"))
        }
        error => error.into(),
    }
}
