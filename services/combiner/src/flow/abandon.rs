//! Abandons a round that ends without a release, so that it leaves no key behind.

use api::ProblemKind;
use kit::{
    Error, Result,
    tx::{Tx, run_tx},
};
use names::RoundHash;

use super::destroy;
use crate::{
    state::App,
    store::rounds::{self, RoundOutcome, RoundRow},
};

/// Ends an open round and destroys its key. A second call changes nothing.
///
/// # Errors
/// An abort of kind `not-found`, or of kind `round-state` if the round was released. A fault if the
/// service itself fails.
pub(crate) async fn abandon(app: &App, round_hash: RoundHash) -> Result<()> {
    let round = run_tx(&app.db, "abandon", |tx| end(tx, app, &round_hash)).await?;
    destroy::destroy(app, &round).await
}

async fn end(mut tx: Tx, app: &App, round_hash: &RoundHash) -> Result<(Tx, RoundRow)> {
    let round = rounds::lock(&mut tx, round_hash).await?;
    match round.outcome() {
        Some(RoundOutcome::Released) => {
            return Err(Error::abort(ProblemKind::RoundState).detail("the round was released"));
        }
        Some(RoundOutcome::Abandoned | RoundOutcome::Expired) => {}
        None => rounds::end(&mut tx, round_hash, RoundOutcome::Abandoned, app.now()).await?,
    }
    Ok((tx, round))
}
