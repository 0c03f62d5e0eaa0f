//! Retention. After the audit window the bodies, sealed seeds and proofs of a round are erased.
//! Headers, digests, verdicts, receipts and the sum stay.

use futures::StreamExt;
use kit::{Result, tx::run_tx};

use crate::{
    blobs::object_names::bodies,
    state::App,
    store::retention::{self, Expired},
};

/// The most rounds that are erased at a time.
const ROUNDS: i64 = 100;

/// Erases every round whose audit window is over. If the process is killed during a round, the next
/// call erases this round again. A round that cannot be erased does not hold up the others.
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

/// Deletes the bodies first, because a round that is recorded as erased must have none left.
async fn erase(app: &App, round: &Expired) -> Result<()> {
    let mut objects = std::pin::pin!(app.blobs.list(&bodies(&round.round_hash.0)));
    while let Some(object_name) = objects.next().await {
        app.blobs.delete(&object_name?).await?;
    }
    let erasing = run_tx(&app.db, "erase", async |mut tx| {
        retention::erase(&mut tx, &round.round_id.0, app.now()).await?;
        Ok((tx, ()))
    });
    erasing.await?;
    tracing::info!(round_id = %round.round_id.0, "ciphertexts erased");
    Ok(())
}
