//! The HPKE key of a round. It is made before the round document that names it.

use api::{ProblemKind, combiner::RoundKeyView};
use kit::{
    Error, Result,
    vault::round_key::{self, PublicHalf},
};
use names::RoundId;
use sharing::RoundKeyPair;

use crate::{state::App, store::round_keys};

/// Returns the public half of the round's key. The first call makes the key. Later calls return the
/// same key.
///
/// # Errors
/// An abort of kind `round-key-destroyed`. A fault if the service itself fails.
pub(crate) async fn provide(app: &App, round_id: RoundId) -> Result<RoundKeyView> {
    let public = if let Some(recorded) = round_keys::find(&app.db, &round_id).await? {
        round_key::find(&app.vault, round_id, &recorded).await?.ok_or_else(destroyed)?;
        recorded
    } else {
        let made = round_key::obtain(&app.vault, round_id).await?.ok_or_else(destroyed)?;
        let made = PublicHalf::of(&made);
        round_keys::insert(&app.db, &round_id, &made, app.now()).await?;
        made
    };
    Ok(RoundKeyView { hpke_key_id: public.id, hpke_public_key: public.key })
}

/// Loads the private key of a round from the vault. `None` if it was destroyed or never made.
///
/// # Errors
/// A fault if the service itself fails, or if the key is not the one that was recorded.
pub(super) async fn find(app: &App, round_id: RoundId) -> Result<Option<RoundKeyPair>> {
    match round_keys::find(&app.db, &round_id).await? {
        Some(recorded) => round_key::find(&app.vault, round_id, &recorded).await,
        None => Ok(None),
    }
}

/// Loads the private key of a round from the vault.
///
/// # Errors
/// An abort of kind `round-key-destroyed`. A fault as in [`find`].
pub(super) async fn load(app: &App, round_id: RoundId) -> Result<RoundKeyPair> {
    find(app, round_id).await?.ok_or_else(destroyed)
}

pub(super) fn destroyed() -> Error {
    Error::abort(ProblemKind::RoundKeyDestroyed)
}
