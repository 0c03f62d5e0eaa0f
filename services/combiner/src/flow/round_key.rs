//! The HPKE key of a round. It is made before the round document that names it.

use api::{ProblemKind, combiner::RoundKeyView};
use kit::{Error, Result, vault::round_key};
use names::RoundId;
use sharing::RoundKeyPair;

use crate::{state::App, store::round_keys};

/// Returns the public half of the round's key. The first call makes the key. Later calls return the
/// same key.
///
/// # Errors
/// An abort of kind `round-key-destroyed`. A fault if the service itself fails.
pub(crate) async fn provide(app: &App, round_id: RoundId) -> Result<RoundKeyView> {
    let known = round_keys::exists(&app.db, &round_id).await?;
    let key = if known {
        load(app, round_id).await?
    } else {
        round_key::obtain(&app.vault, round_id).await?.ok_or_else(destroyed)?
    };
    if !known {
        round_keys::insert(&app.db, &round_id, key.id(), key.public(), app.now()).await?;
    }
    Ok(RoundKeyView { hpke_key_id: *key.id(), hpke_public_key: *key.public() })
}

/// Loads the private key of a round from the vault.
///
/// # Errors
/// An abort of kind `round-key-destroyed`. A fault if the service itself fails.
pub(super) async fn load(app: &App, round_id: RoundId) -> Result<RoundKeyPair> {
    round_key::find(&app.vault, round_id).await?.ok_or_else(destroyed)
}

pub(super) fn destroyed() -> Error {
    Error::abort(ProblemKind::RoundKeyDestroyed)
}
