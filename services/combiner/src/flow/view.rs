//! Shows a round to callers.

use api::{
    HexBytes,
    combiner::{CombinerRoundState, CombinerRoundView},
};
use kit::{Result, time::Timestamp, vault::round_key};
use names::RoundHash;
use protocol::{Canonical, Unreleased};

use crate::{
    state::App,
    store::rounds::{self, RoundSummary},
};

/// Returns the round with this hash.
///
/// # Errors
/// An abort of kind `not-found`. A fault if the service itself fails.
pub(crate) async fn view(app: &App, round_hash: RoundHash) -> Result<CombinerRoundView> {
    let summary = rounds::summary(&app.db, &round_hash).await?;
    let count = |value: i64| value.unsigned_abs();
    Ok(CombinerRoundView {
        round_hash,
        state: summary.state.0,
        attested: count(summary.attested),
        refused: count(summary.refused),
        root: summary.root.map(|root| root.0),
        key_destroyed_at_ms: summary.key_destroyed_at.map(Timestamp::ms),
        waiting_for: rounds::waiting_for(&app.db, &round_hash).await?,
        unreleased: unreleased(app, round_hash, &summary).await?,
    })
}

/// The signed statement that nothing was released and that the key is destroyed. `None` unless that
/// is so.
///
/// The vault is asked too. A database that was restored from a backup may not know of a release,
/// but the vault remembers that the key was bound to a set before. A vault that was restored may
/// have the key again.
async fn unreleased(app: &App, round_hash: RoundHash, summary: &RoundSummary) -> Result<Option<HexBytes>> {
    let ended = matches!(summary.state.0, CombinerRoundState::Abandoned | CombinerRoundState::Expired);
    if !ended || summary.key_destroyed_at.is_none() {
        return Ok(None);
    }
    let round = rounds::find(&app.db, &round_hash).await?;
    let round_id = round.round_id.0;
    if round_key::is_bound(&app.vault, round_id).await? || round_key::exists(&app.vault, round_id).await? {
        return Ok(None);
    }
    let statement = Unreleased::state(round_hash, round.holder()?, &app.identity);
    Ok(Some(HexBytes(statement.to_bytes())))
}
