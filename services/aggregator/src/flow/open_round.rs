//! Opening of a round whose document is stored: every combiner countersigns it.

use api::{ProblemKind, rounds::RoundState};
use futures::future::try_join_all;
use kit::{Error, Result, time::Timestamp, tx::run_tx};
use names::RoundId;
use protocol::{Canonical, RoundDocument, Signature, SignedDocument};

use super::end_round;
use crate::{
    combiners::CombinerError,
    state::App,
    store::{
        jobs::{self, Kind},
        rounds::{self, RoundRow},
    },
};

/// Collects the countersignatures of a round that is being prepared and opens it. If that does not succeed the round
/// has failed, visibly.
pub(crate) async fn open(app: &App, round_id: RoundId) -> Result<()> {
    let round = rounds::find(&app.db, &round_id).await?;
    let round = round.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
    if round.state.0 != RoundState::Preparing {
        return Ok(());
    }
    let opened = match countersign(app, &round).await {
        Ok(countersignatures) => record(app, &round, &countersignatures).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &opened {
        let failure = format!("the round was not countersigned: {}", error.chain());
        end_round::fail_preparing(app, round_id, &failure).await?;
    }
    opened
}

async fn countersign(app: &App, round: &RoundRow) -> Result<Vec<Vec<u8>>> {
    let answers = app.combiners.iter().map(|c| c.countersign(&round.document, round.aggregator_signature));
    let answers = try_join_all(answers).await.map_err(|error| failure("countersignature", error))?;
    let signed = SignedDocument {
        document: round.document.clone(),
        aggregator_signature: Signature(round.aggregator_signature),
        countersignatures: answers.iter().map(|&bytes| Signature(bytes)).collect(),
    };
    signed.verify(&app.pins).map_err(Error::fault)?;
    Ok(answers.into_iter().map(Vec::from).collect())
}

async fn record(app: &App, round: &RoundRow, countersignatures: &[Vec<u8>]) -> Result<()> {
    let document = RoundDocument::from_bytes(&round.document).map_err(Error::fault)?;
    let closes_at = Timestamp::from_ms(document.closes_at_ms);
    let now = app.now();
    run_tx(&app.db, "open", async |mut tx| {
        if rounds::open(&mut tx, &round.round_id.0, countersignatures, now).await? {
            jobs::enqueue(&mut tx, Kind::Close, &round.round_id.0, &[String::new()], closes_at, now).await?;
            jobs::drop_unneeded(&mut tx, &round.round_id.0, &[Kind::Prepare], now).await?;
        }
        Ok((tx, ()))
    })
    .await
}

/// What the operator is told when a combiner does not do its part in creating a round.
pub(crate) fn failure(what: &str, error: CombinerError) -> Error {
    match error {
        CombinerError::Refused { holder, problem } => {
            let kind = match problem.kind() {
                Some(kind @ ProblemKind::ModelInUse) => kind,
                _ => ProblemKind::RoundRefused,
            };
            let said = problem.detail.or(problem.rule).unwrap_or(problem.title);
            Error::abort(kind).detail(format!("combiner {holder}, asked for a {what}: {said}"))
        }
        error => error.into(),
    }
}
