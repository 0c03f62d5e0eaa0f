//! Sweeping: keys that were made for rounds and that no document ever named. Nothing was ever sealed to them.

use kit::{
    Result,
    postgres::{Tx, run_tx},
};
use time::Duration;

use crate::{
    metrics, round_key,
    state::App,
    store::{round_keys, rounds},
};

/// A document follows its key within seconds; after this long there will be none.
const UNUSED_KEY: Duration = Duration::DAY;

/// Destroys the keys of rounds that were not countersigned in time; from then on they are not countersigned at all.
///
/// # Errors
/// A fault.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    for round_id in round_key::list(app).await? {
        if let Some(made_at) = round_keys::made_at(&app.db, &round_id).await? {
            if app.now() - made_at > UNUSED_KEY {
                run_tx(&app.db, "sweep", |tx| destroy_unused(tx, app, &round_id)).await?;
            }
        } else if let Some(key) = round_key::find(app, round_id).await? {
            // Made just before a crash, or before the database was restored: its time starts now.
            round_keys::insert(&app.db, &round_id, key.id(), key.public(), app.now()).await?;
        }
    }
    Ok(())
}

/// Under the lock that countersigning takes, so that no document is countersigned whose key is destroyed.
async fn destroy_unused(mut tx: Tx, app: &App, round_id: &[u8; 16]) -> Result<(Tx, ())> {
    round_keys::lock(&mut tx, round_id).await?;
    if !rounds::is_countersigned(&mut tx, round_id).await? {
        round_key::destroy(app, *round_id).await?;
        metrics::key_destroyed();
        tracing::info!(round_id = hex::encode(round_id), "unused round key destroyed");
    }
    Ok((tx, ()))
}
