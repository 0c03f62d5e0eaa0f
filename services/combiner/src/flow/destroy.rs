//! Destroying a round's key once the round has ended: what was sealed for the round never opens again.

use kit::Result;

use crate::{
    metrics, round_key,
    state::App,
    store::{destroyed_keys, rounds::RoundRow},
};

/// Destroys the key of an ended round and records it. Repeating it changes nothing.
///
/// # Errors
/// A fault.
pub(crate) async fn destroy(app: &App, round: &RoundRow) -> Result<()> {
    round_key::destroy(app, round.round_id).await?;
    if destroyed_keys::insert(&app.db, &round.round_hash, app.now()).await? {
        metrics::key_destroyed();
        tracing::info!(round = hex::encode(round.round_hash), "round key destroyed");
    }
    Ok(())
}

/// Destroys the keys of ended rounds that a crash left undestroyed.
///
/// # Errors
/// A fault.
pub(crate) async fn finish(app: &App) -> Result<()> {
    for round in destroyed_keys::missing(&app.db).await? {
        destroy(app, &round).await?;
    }
    Ok(())
}
