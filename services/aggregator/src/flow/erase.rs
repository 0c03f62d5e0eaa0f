//! Retention: after the audit window the bodies, sealed seeds and proofs of a round are erased. Headers, digests, verdicts,
//! receipts and the sum stay.

use api::ProblemKind;
use futures::StreamExt;
use kit::{Error, Result, tx::run_tx};
use names::RoundId;

use super::upload::bodies;
use crate::{
    state::App,
    store::retention::{self, Expired},
};

/// Rounds erased at a time.
const ROUNDS: i64 = 100;

/// Erases every round whose audit window is over. Killed in between, it begins anew with the round; a round that cannot be
/// erased does not keep its neighbours.
pub(crate) async fn erase_expired(app: &App) -> Result<()> {
    let Some(window_ms) = app.record.audit_window_ms else { return Ok(()) };
    let before = app.now().minus_ms(i64::try_from(window_ms).unwrap_or(i64::MAX));
    loop {
        let expired = retention::expired(&app.db, before, ROUNDS).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let mut outcome = Ok(());
        for round in expired {
            outcome = erase(app, &round).await.and(outcome);
        }
        outcome?;
    }
}

/// The bodies first: as long as one may be left, the round is not recorded as erased.
async fn erase(app: &App, round: &Expired) -> Result<()> {
    let mut objects = std::pin::pin!(app.blobs.list(&bodies(&round.round_hash.0)));
    while let Some(location) = objects.next().await {
        app.blobs.delete(&location?).await?;
    }
    let erasing = run_tx(&app.db, "erase", async |mut tx| {
        retention::erase(&mut tx, &round.round_id.0, app.now()).await?;
        Ok((tx, ()))
    });
    erasing.await?;
    tracing::info!(round_id = %round.round_id.0, "ciphertexts erased");
    Ok(())
}

/// Refuses what needs ciphertexts, if they are erased.
pub(crate) async fn check_kept(app: &App, round_id: &RoundId) -> Result<()> {
    if retention::is_erased(&app.db, round_id).await? {
        return Err(Error::abort(ProblemKind::Erased));
    }
    Ok(())
}
