//! Destroys keys that no round document names. Nobody has sealed anything to such a key.

use kit::{
    Result,
    tx::{Tx, run_tx},
    vault::round_key::{self, PublicHalf},
};
use names::RoundId;

use crate::{
    metrics,
    state::App,
    store::{round_keys, rounds},
};

/// The age at which an unused key is destroyed. A document normally follows its key within seconds.
const UNUSED_KEY_MS: i64 = 24 * 3_600_000;

/// Destroys the keys of rounds that were not countersigned in time. Such a round can no longer be
/// countersigned.
///
/// # Errors
/// A fault if the vault or the database fails.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    for round_id in round_key::list(&app.vault).await? {
        if let Some(made_at) = round_keys::made_at(&app.db, &round_id).await? {
            if app.now().ms_since(made_at) > UNUSED_KEY_MS {
                run_tx(&app.db, "sweep", |tx| destroy_unused(tx, app, &round_id)).await?;
            }
        } else if let Some(key) = round_key::find_unrecorded(&app.vault, round_id).await? {
            // A crash or a restored database has lost the row of this key. Its time starts again
            // now.
            round_keys::insert(&app.db, &round_id, &PublicHalf::of(&key), app.now()).await?;
        }
    }
    Ok(())
}

/// Destroys a key under the lock that countersigning takes, so that no document with a destroyed
/// key is countersigned.
async fn destroy_unused(mut tx: Tx, app: &App, round_id: &RoundId) -> Result<(Tx, ())> {
    round_keys::lock(&mut tx, round_id).await?;
    if !rounds::is_countersigned(&mut tx, round_id).await? {
        round_key::destroy(&app.vault, *round_id).await?;
        metrics::key_destroyed();
        tracing::info!(%round_id, "unused round key destroyed");
    }
    Ok((tx, ()))
}
