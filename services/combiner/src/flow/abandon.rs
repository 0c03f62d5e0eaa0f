//! Abandoning: a round that ends without a release leaves no key behind.

use api::ProblemKind;
use kit::{
    Error, Result,
    postgres::{Tx, run_tx},
};

use super::destroy;
use crate::{
    state::App,
    store::rounds::{self, Outcome, RoundRow},
};

/// Ends an open round and destroys its key. Repeating it changes nothing.
///
/// # Errors
/// An abort of kind `not-found`, or `round-state` when the round was released; a fault.
pub(crate) async fn abandon(app: &App, round_hash: [u8; 32]) -> Result<()> {
    let end = |tx| end_in(tx, app, &round_hash);
    let round = run_tx(&app.db, "abandon", end).await?;
    destroy::destroy(app, &round).await
}

async fn end_in(mut tx: Tx, app: &App, round_hash: &[u8; 32]) -> Result<(Tx, RoundRow)> {
    let round = rounds::lock(&mut tx, round_hash).await?;
    match round.outcome()? {
        Some(Outcome::Released) => {
            return Err(Error::abort(ProblemKind::RoundState).detail("the round was released"));
        }
        Some(Outcome::Abandoned) => {}
        None => rounds::end(&mut tx, round_hash, Outcome::Abandoned, app.now()).await?,
    }
    Ok((tx, round))
}
