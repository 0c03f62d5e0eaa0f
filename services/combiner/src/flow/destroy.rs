//! Destroys the key of an ended round, so that nothing sealed to it opens again.

use kit::{Result, vault::round_key};

use crate::{
    metrics,
    state::App,
    store::{destroyed_keys, rounds::RoundRow},
};

/// Destroys the key of an ended round and records the destruction. A second call changes nothing.
///
/// # Errors
/// A fault if the vault or the database fails.
pub(crate) async fn destroy(app: &App, round: &RoundRow) -> Result<()> {
    round_key::destroy(&app.vault, round.round_id.0).await?;
    if destroyed_keys::insert(&app.db, &round.round_hash.0, app.now()).await? {
        metrics::key_destroyed();
        tracing::info!(round_hash = %round.round_hash.0, "round key destroyed");
    }
    Ok(())
}

/// Destroys the keys of ended rounds that a crash left undestroyed.
///
/// # Errors
/// A fault if the vault or the database fails.
pub(crate) async fn finish(app: &App) -> Result<()> {
    for round in destroyed_keys::missing(&app.db).await? {
        destroy(app, &round).await?;
    }
    Ok(())
}
