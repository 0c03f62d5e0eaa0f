//! Shows a round to callers.

use api::combiner::CombinerRoundView;
use kit::{Result, time::Timestamp};
use names::RoundHash;

use crate::{state::App, store::rounds};

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
        unreleased: None,
    })
}
