//! The HPKE key of a round, made before the round document that names it.

use api::{Hex, combiner::RoundKeyView};
use kit::Result;

use crate::{round_key, state::App, store::round_keys};

/// The public half of the round's key; the key is made at the first call and the same afterwards.
///
/// # Errors
/// An abort of kind `round-key-destroyed`; a fault.
pub(crate) async fn provide(app: &App, round_id: [u8; 16]) -> Result<RoundKeyView> {
    let known = round_keys::exists(&app.db, &round_id).await?;
    let key =
        if known { round_key::load(app, round_id).await? } else { round_key::obtain(app, round_id).await? };
    if !known {
        round_keys::insert(&app.db, &round_id, key.id(), key.public(), app.now()).await?;
    }
    Ok(RoundKeyView { hpke_key_id: Hex(*key.id()), hpke_public_key: Hex(*key.public()) })
}
